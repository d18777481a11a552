//! The number types in a file.

use safetensors::tensor::Dtype;

/// A number type of arrays.
pub(crate) trait Element: Copy + PartialEq {
    /// The type in the file.
    const DTYPE: Dtype;

    /// Appends the bytes in little-endian order.
    fn put(self, out: &mut Vec<u8>);

    /// Converts bytes to a number.
    fn get(bytes: &[u8]) -> Self;

    /// Returns bits that distinguish the number from all others.
    fn bits(self) -> u64;
}

macro_rules! element {
    ($($t:ident $dtype:ident $bits:expr;)*) => {$(
        impl Element for $t {
            const DTYPE: Dtype = Dtype::$dtype;

            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(Self::default(), Self::from_le_bytes)
            }

            fn bits(self) -> u64 {
                let bits: fn($t) -> u64 = $bits;
                bits(self)
            }
        }
    )*};
}
element! {
    u8 U8 u64::from;
    u32 U32 u64::from;
    u64 U64 |v| v;
    i64 I64 |v| v as u64;
    f32 F32 |v| v.to_bits().into();
    f64 F64 f64::to_bits;
}

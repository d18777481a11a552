//! The two floating-point types.

use crate::buffer::Plain;
use crate::execute::Execute;

/// A floating-point type that programs run in: f32 or f64.
pub trait Scalar: Plain + Send + Sync + PartialOrd + PartialEq + Execute {
    /// Its name as NumPy has it.
    const NAME: &'static str;

    /// The nearest value to `v`.
    fn from_f64(v: f64) -> Self;

    /// The value, exactly.
    fn to_f64(self) -> f64;

    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// The sum.
    #[must_use]
    fn plus(self, b: Self) -> Self;

    /// The product.
    #[must_use]
    fn times(self, b: Self) -> Self;
}

macro_rules! scalar {
    ($t:ident, $name:literal) => {
        impl Scalar for $t {
            const NAME: &'static str = $name;

            #[inline(always)]
            fn from_f64(v: f64) -> Self {
                v as $t
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }

            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                self + b
            }

            #[inline(always)]
            fn times(self, b: Self) -> Self {
                self * b
            }
        }
    };
}

scalar!(f32, "float32");
scalar!(f64, "float64");

/// Rows are padded to whole 64-byte lines, at every level: this many values.
pub const fn granule<T: Scalar>() -> usize {
    64 / size_of::<T>()
}

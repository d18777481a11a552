//! A pair of vectors used as one vector.
//!
//! Rows consist of 64-byte cache lines, which hold two AVX2 vectors. Processing both together loads the constants
//! of an exponential only once, and the arithmetic of one vector hides the latency of the other.

use super::Vector;

/// The lanes of the first vector followed by those of the second. Results are bit-identical to those of single
/// vectors.
#[derive(Clone, Copy)]
pub(crate) struct Pair<V>(V, V);

/// Defines methods that apply the same operation to both halves.
macro_rules! both {
    ($($name:ident($($b:ident),*))*) => {$(
        #[inline(always)]
        unsafe fn $name(self $(, $b: Self)*) -> Self {
            // SAFETY: the caller guarantees the processor features.
            unsafe { Self(self.0.$name($($b.0),*), self.1.$name($($b.1),*)) }
        }
    )*};
}

/// Defines comparisons of both halves.
macro_rules! compared {
    ($($name:ident)*) => {$(
        #[inline(always)]
        unsafe fn $name(self, b: Self) -> Self::Mask {
            // SAFETY: the caller guarantees the processor features.
            unsafe { (self.0.$name(b.0), self.1.$name(b.1)) }
        }
    )*};
}

impl<V: Vector> Vector for Pair<V> {
    type Scalar = V::Scalar;
    type Mask = (V::Mask, V::Mask);
    const LANES: usize = 2 * V::LANES;

    #[inline(always)]
    unsafe fn load(from: *const V::Scalar) -> Self {
        // SAFETY: the caller provides a pointer to the values of two vectors.
        unsafe { Self(V::load(from), V::load(from.add(V::LANES))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut V::Scalar) {
        // SAFETY: the caller provides a pointer to the values of two vectors.
        unsafe {
            self.0.store(to);
            self.1.store(to.add(V::LANES));
        }
    }
    #[inline(always)]
    unsafe fn splat(v: V::Scalar) -> Self {
        // SAFETY: the caller guarantees the processor features.
        let v = unsafe { V::splat(v) };
        Self(v, v)
    }
    both!(add(b) sub(b) mul(b) div(b) fma(b, c) fnma(b, c) min(b) max(b) abs() neg() sqrt() exp2_rounded());
    compared!(gt ge ne);
    #[inline(always)]
    unsafe fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        // SAFETY: the caller guarantees the processor features.
        unsafe { Self(V::select(mask.0, yes.0, no.0), V::select(mask.1, yes.1, no.1)) }
    }
    #[inline(always)]
    unsafe fn bits(mask: Self::Mask) -> u64 {
        // SAFETY: the caller guarantees the processor features.
        unsafe { V::bits(mask.0) | V::bits(mask.1) << V::LANES }
    }
    #[inline(always)]
    unsafe fn map(self, f: fn(V::Scalar) -> V::Scalar) -> Self {
        // SAFETY: the caller guarantees the processor features.
        unsafe { Self(self.0.map(f), self.1.map(f)) }
    }
    #[inline(always)]
    unsafe fn map2(self, b: Self, f: fn(V::Scalar, V::Scalar) -> V::Scalar) -> Self {
        // SAFETY: the caller guarantees the processor features.
        unsafe { Self(self.0.map2(b.0, f), self.1.map2(b.1, f)) }
    }
}

//! Vectors as plain arrays, which the compiler translates to the vector instructions of the target. They implement
//! the baseline (with two roundings in a b + c) and, with fused multiply-add, the AArch64 level.

use super::{Real, Vector};

/// `N` scalars. `FUSED` determines whether a b + c is rounded only once.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T, const N: usize, const FUSED: bool>([T; N]);

/// Functions of scalars that arrays need in addition to the operators.
pub(crate) trait Element: Real {
    fn fused(a: Self, b: Self, c: Self) -> Self;
    fn magnitude(self) -> Self;
    fn root(self) -> Self;
    fn power(self) -> Self;
}

macro_rules! element {
    ($t:ident, $bits:literal) => {
        impl Element for $t {
            #[inline(always)]
            fn fused(a: Self, b: Self, c: Self) -> Self {
                a.mul_add(b, c)
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn power(self) -> Self {
                $t::from_bits(self.to_bits() << $bits)
            }
        }
    };
}

element!(f32, 23);
element!(f64, 52);

macro_rules! lanewise {
    ($n:ident, |$i:ident| $value:expr) => {{
        let mut $i = 0;
        let mut out = [Default::default(); $n];
        while $i < $n {
            out[$i] = $value;
            $i += 1;
        }
        out
    }};
}

impl<T, const N: usize, const FUSED: bool> Vector for Portable<T, N, FUSED>
where
    T: Element
        + std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + std::ops::Neg<Output = T>,
{
    type Scalar = T;
    type Mask = [bool; N];
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller provides a pointer to N values.
        Self(unsafe { from.cast::<[T; N]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller provides a pointer to N values.
        unsafe { to.cast::<[T; N]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(v: T) -> Self {
        Self([v; N])
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(lanewise!(N, |i| self.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(lanewise!(N, |i| self.0[i] - b.0[i]))
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(lanewise!(N, |i| self.0[i] * b.0[i]))
    }
    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(lanewise!(N, |i| self.0[i] / b.0[i]))
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        if FUSED {
            Self(lanewise!(N, |i| T::fused(self.0[i], b.0[i], c.0[i])))
        } else {
            Self(lanewise!(N, |i| self.0[i] * b.0[i] + c.0[i]))
        }
    }
    #[inline(always)]
    unsafe fn fnma(self, b: Self, c: Self) -> Self {
        if FUSED {
            Self(lanewise!(N, |i| T::fused(-self.0[i], b.0[i], c.0[i])))
        } else {
            Self(lanewise!(N, |i| c.0[i] - self.0[i] * b.0[i]))
        }
    }
    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        Self(lanewise!(N, |i| if self.0[i] < b.0[i] { self.0[i] } else { b.0[i] }))
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(lanewise!(N, |i| if self.0[i] > b.0[i] { self.0[i] } else { b.0[i] }))
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        Self(lanewise!(N, |i| self.0[i].magnitude()))
    }
    #[inline(always)]
    unsafe fn neg(self) -> Self {
        Self(lanewise!(N, |i| -self.0[i]))
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        Self(lanewise!(N, |i| self.0[i].root()))
    }
    #[inline(always)]
    unsafe fn gt(self, b: Self) -> Self::Mask {
        lanewise!(N, |i| self.0[i] > b.0[i])
    }
    #[inline(always)]
    unsafe fn ge(self, b: Self) -> Self::Mask {
        lanewise!(N, |i| self.0[i] >= b.0[i])
    }
    #[inline(always)]
    unsafe fn ne(self, b: Self) -> Self::Mask {
        lanewise!(N, |i| self.0[i] != b.0[i])
    }
    #[inline(always)]
    unsafe fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(lanewise!(N, |i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    unsafe fn bits(mask: Self::Mask) -> u64 {
        let mut bits = 0;
        let mut i = 0;
        while i < N {
            bits |= u64::from(mask[i]) << i;
            i += 1;
        }
        bits
    }
    #[inline(always)]
    unsafe fn exp2_rounded(self) -> Self {
        Self(lanewise!(N, |i| self.0[i].power()))
    }
    #[inline(always)]
    unsafe fn map(self, f: fn(T) -> T) -> Self {
        Self(lanewise!(N, |i| f(self.0[i])))
    }
    #[inline(always)]
    unsafe fn map2(self, b: Self, f: fn(T, T) -> T) -> Self {
        Self(lanewise!(N, |i| f(self.0[i], b.0[i])))
    }
}

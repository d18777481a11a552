//! The two floating-point types of programs.

use std::ops::{Add, Div, Mul, Sub};

use crate::buffer::Plain;
use crate::execute::Execute;

/// A floating-point type in which programs run: f32 or f64.
pub trait Scalar:
    Plain
    + Send
    + Sync
    + PartialOrd
    + PartialEq
    + Execute
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// Name of the type in NumPy.
    const NAME: &'static str;

    /// Returns the value nearest to `v`.
    fn from_f64(v: f64) -> Self;

    /// Converts the value to f64 exactly.
    fn to_f64(self) -> f64;

    /// Returns whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Returns `self + b`.
    #[must_use]
    fn plus(self, b: Self) -> Self;

    /// Returns `self * b`.
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

/// Returns the number of values in a 64-byte cache line. Rows are padded to a multiple of this number at
/// every level.
pub const fn granule<T: Scalar>() -> usize {
    64 / size_of::<T>()
}

//! Vectors, with one implementation per level. Kernels are written once for all levels.

mod pair;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;

pub(crate) use pair::Pair;
pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2F32, Avx2F64, Avx512F32, Avx512F64};

use crate::scalar::Scalar;

/// Constants of a scalar type that vector functions need.
pub(crate) trait Real: Scalar {
    /// log2(e)
    const LOG2_E: Self;
    /// The high part of ln 2, with enough trailing zeros that its product with every exponent n is exact.
    const LN2_HIGH: Self;
    /// ln 2 minus its high part.
    const LN2_LOW: Self;
    /// Adding this constant rounds to an integer n and leaves n - 1 + the exponent bias in the lowest bits.
    const ROUND: Self;
    /// Arguments are clamped to this range, outside of which e^x is 0 or infinite, so that n - 1 + bias is a valid
    /// exponent.
    const EXP_RANGE: (Self, Self);
    /// Coefficients of q in e^r = 1 + r + r² q(r) for |r| <= ln 2 / 2, lowest first. They result from
    /// Chebyshev interpolation of degree 9 for f64 (relative error of e^r: 1.6e-17) and of degree 4 for f32
    /// (1.0e-8).
    const EXP: &'static [Self];
    /// Arguments are clamped to this range, outside of which 2^x is 0 or infinite.
    const EXP2_RANGE: (Self, Self);
    /// Range in which n + bias is a valid exponent.
    const EXP2_WITHIN: (Self, Self);
    /// Adding this constant rounds to an integer n and leaves n + the exponent bias in the lowest bits.
    const ROUND_WHOLE: Self;
    /// Coefficients of p in 2^r = 1 + r p(r) for |r| <= 1/2, lowest first. They result from Chebyshev
    /// interpolation of degree 10 for f64 (relative error of 2^r: 2.0e-17) and of degree 5 for f32 (9.2e-9).
    const EXP2: &'static [Self];
    /// [`crate::FLUSH`].
    const FLUSH: Self;
}

impl Real for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN2_HIGH: f64 = 0.693_147_180_485_539_1;
    const LN2_LOW: f64 = 7.440_617_110_012_397e-11;
    const ROUND: f64 = 6_755_399_441_055_744.0 + 1022.0; // 1.5 2^52
    const EXP_RANGE: (f64, f64) = (-708.6, 709.9);
    const EXP: &'static [f64] = &[
        0.500_000_000_000_000_1,
        0.166_666_666_666_666_69,
        0.041_666_666_666_624_13,
        0.008_333_333_333_330_062,
        0.001_388_888_891_721_371_7,
        0.000_198_412_698_630_536_18,
        2.480_152_129_595_437_6e-5,
        2.755_726_845_999_706_4e-6,
        2.762_008_844_540_974_6e-7,
        2.510_038_549_551_032e-8,
    ];
    const EXP2_RANGE: (f64, f64) = (-1022.4, 1024.4);
    const EXP2_WITHIN: (f64, f64) = (-1022.4, 1023.4);
    const ROUND_WHOLE: f64 = 6_755_399_441_055_744.0 + 1023.0;
    const EXP2: &'static [f64] = &[
        std::f64::consts::LN_2,
        0.240_226_506_959_100_97,
        0.055_504_108_664_821_6,
        0.009_618_129_107_606_888,
        0.001_333_355_814_641_693_6,
        0.000_154_035_304_417_360_5,
        1.525_273_382_983_612e-5,
        1.321_544_258_792_169e-6,
        1.017_806_244_584_577_4e-7,
        7.072_585_949_269_223e-9,
        4.454_960_598_186_518_6e-10,
    ];
    const FLUSH: f64 = crate::FLUSH;
}

impl Real for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const ROUND: f32 = 12_582_912.0 + 126.0; // 1.5 2^23
    const EXP_RANGE: (f32, f32) = (-87.5, 88.9);
    const EXP: &'static [f32] = &[0.5, 0.166_665_77, 0.041_666_554, 0.008_363_179, 0.001_392_618_4];
    const EXP2_RANGE: (f32, f32) = (-126.4, 128.4);
    const EXP2_WITHIN: (f32, f32) = (-126.4, 127.4);
    const ROUND_WHOLE: f32 = 12_582_912.0 + 127.0;
    const EXP2: &'static [f32] = &[
        std::f32::consts::LN_2,
        0.240_226_5,
        0.055_503_57,
        0.009_618_083,
        0.001_339_086_3,
        0.000_154_531_63,
    ];
    const FLUSH: f32 = crate::FLUSH as f32;
}

/// A vector of scalars.
///
/// All methods are inlined into a function that is compiled for the instructions of the level.
///
/// # Safety
/// A vector may only be used if the processor supports its level. `load` and `store` need pointers to
/// [`Vector::LANES`] values.
pub(crate) trait Vector: Copy {
    type Scalar: Real;
    type Mask: Copy;
    const LANES: usize;

    unsafe fn load(from: *const Self::Scalar) -> Self;
    unsafe fn store(self, to: *mut Self::Scalar);
    unsafe fn splat(v: Self::Scalar) -> Self;
    /// Loads the value at an address into all lanes.
    #[inline(always)]
    unsafe fn broadcast(from: *const Self::Scalar) -> Self {
        // SAFETY: the caller guarantees the processor features and a valid pointer.
        unsafe { Self::splat(*from) }
    }
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn div(self, b: Self) -> Self;
    /// `self b + c`, with one rounding if the numeric class is fused.
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    /// `c - self b`, with one rounding if the numeric class is fused.
    unsafe fn fnma(self, b: Self, c: Self) -> Self;
    /// `if self < b { self } else { b }`
    unsafe fn min(self, b: Self) -> Self;
    /// `if self > b { self } else { b }`
    unsafe fn max(self, b: Self) -> Self;
    unsafe fn abs(self) -> Self;
    unsafe fn neg(self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// `self > b`
    unsafe fn gt(self, b: Self) -> Self::Mask;
    /// `self >= b`
    unsafe fn ge(self, b: Self) -> Self::Mask;
    /// `self != b`, or unordered.
    unsafe fn ne(self, b: Self) -> Self::Mask;
    /// `yes` in lanes where the mask is set, else `no`.
    unsafe fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The mask as one bit per lane.
    unsafe fn bits(mask: Self::Mask) -> u64;
    /// 2^(n-1) of a vector to which [`Real::ROUND`] was added, so that its lowest bits are n - 1 + bias.
    unsafe fn exp2_rounded(self) -> Self;
    /// Applies `f` to each lane.
    unsafe fn map(self, f: fn(Self::Scalar) -> Self::Scalar) -> Self;
    /// Applies `f` to each lane of two vectors.
    unsafe fn map2(self, b: Self, f: fn(Self::Scalar, Self::Scalar) -> Self::Scalar) -> Self;
}

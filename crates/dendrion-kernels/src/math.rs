//! Functions of vectors, with the same arithmetic at every level.

use crate::scalar::Scalar;
use crate::vector::{Real, Vector};

/// Computes e^x with an error of about one unit in the last place. The result is exactly 1 for 0 and NaN for
/// NaN. Results below 2^-1021.5 (f32: 2^-125.5) are replaced by 0, so that no result is subnormal.
///
/// ```text
/// n = round(x log2 e);  r = x - n ln 2 (in two parts)
/// e^x = 2 (2^(n-1) (1 + (r + r² q(r))))
/// ```
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn exp<V: Vector>(x: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        let (low, high) = V::Scalar::EXP_RANGE;
        // With this order of operands, NaN is preserved: comparisons with NaN are false, so `min` and `max`
        // return it.
        let x = V::splat(high).min(x);
        let x = V::splat(low).max(x);
        let rounded = x.fma(V::splat(V::Scalar::LOG2_E), V::splat(V::Scalar::ROUND));
        let n = rounded.sub(V::splat(V::Scalar::ROUND));
        let r = n.fnma(V::splat(V::Scalar::LN2_HIGH), x);
        let r = n.fnma(V::splat(V::Scalar::LN2_LOW), r);
        let r2 = r.mul(r);
        let p = polynomial(V::Scalar::EXP, r, r2).fma(r2, r);
        let scale = rounded.exp2_rounded();
        // Half of the result is computed and then doubled, because 2^n itself may be infinite although p < 0 makes
        // the result finite.
        let half = p.fma(scale, scale);
        half.add(half)
    }
}

/// Computes 2^x with the accuracy of [`exp`]. Results below 2^-1021.5 (f32: 2^-125.5) are replaced by 0, so
/// that no result is subnormal.
///
/// ```text
/// n = round(x);  r = x - n (which is exact)
/// 2^x = 2 (2^(n-1) + 2^(n-1) r p(r))
/// ```
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn exp2<V: Vector>(x: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        // As in `exp`, 2^n itself may be infinite although the result is finite.
        let half = power(x, V::Scalar::EXP2_RANGE, V::Scalar::ROUND);
        half.add(half)
    }
}

/// Computes 2^x, clamped to the range between the smallest and the largest power of two. This is sufficient for the
/// term that is added to 1 in a denominator.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn exp2_within<V: Vector>(x: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe { power(x, V::Scalar::EXP2_WITHIN, V::Scalar::ROUND_WHOLE) }
}

/// Computes 2^(x - k) after clamping x to a range. Adding `round` rounds to an integer n and leaves n - k + bias in
/// the lowest bits.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn power<V: Vector>(x: V, (low, high): (V::Scalar, V::Scalar), round: V::Scalar) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        // With this order of operands, NaN is preserved: comparisons with NaN are false, so `min` and `max`
        // return it.
        let x = V::splat(low).max(V::splat(high).min(x));
        let rounded = x.add(V::splat(round));
        let r = x.sub(rounded.sub(V::splat(round)));
        let scale = rounded.exp2_rounded();
        scale.mul(r).fma(polynomial(V::Scalar::EXP2, r, r.mul(r)), scale)
    }
}

/// Magnitude of x above which the derivative of the logistic function is flushed to 0.
const FLAT: f64 = 100.0;

/// Computes e / (1 + e)² with e = exp(-|x|), the derivative of the logistic function. The result is flushed
/// to 0 if it is negligible, and the computation is skipped far from 0.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn logistic_slope<V: Vector>(x: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        let (size, zero) = (x.abs(), V::splat(V::Scalar::default()));
        let flat = size.gt(V::splat(V::Scalar::from_f64(FLAT)));
        if V::bits(flat) == u64::MAX >> (64 - V::LANES) {
            return zero;
        }
        let e = exp(size.neg());
        let whole = e.add(V::splat(V::Scalar::from_f64(1.0)));
        V::select(flat, zero, flush(e.div(whole.mul(whole))))
    }
}

/// Computes c₀ + c₁ r + c₂ r² + ... as two independent chains in r², which the processor can execute in parallel.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn polynomial<V: Vector>(c: &[V::Scalar], r: V, r2: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        let n = c.len();
        let (mut first, mut second) = (V::splat(c[n - 1]), V::splat(c[n - 2]));
        let mut i = n - 2;
        while i >= 2 {
            first = first.fma(r2, V::splat(c[i - 1]));
            second = second.fma(r2, V::splat(c[i - 2]));
            i -= 2;
        }
        // For an even number of coefficients, `first` contains the odd powers; for an odd number, c₀ remains to be
        // added.
        if n % 2 == 0 { first.fma(r, second) } else { second.fma(r, first.fma(r2, V::splat(c[0]))) }
    }
}

/// Computes φ₁(x) = (e^x - 1)/x, using its series where the formula would suffer from cancellation.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn phi1<V: Vector>(x: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        let one = V::splat(V::Scalar::from_f64(1.0));
        let near = V::splat(V::Scalar::from_f64(0.5)).gt(x.abs());
        // Coefficients 1/(k+1)!, from k = 13 downwards.
        let mut series = V::splat(V::Scalar::from_f64(1.0 / 87_178_291_200.0));
        let mut factorial = 6_227_020_800.0;
        let mut k = 13.0;
        while k >= 1.0 {
            series = series.fma(x, V::splat(V::Scalar::from_f64(1.0 / factorial)));
            factorial /= k;
            k -= 1.0;
        }
        let away = exp(x).sub(one).div(x);
        V::select(near, series, away)
    }
}

/// Computes e^x - 1 without cancellation.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn expm1<V: Vector>(x: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        let one = V::splat(V::Scalar::from_f64(1.0));
        let near = V::splat(V::Scalar::from_f64(0.5)).gt(x.abs());
        V::select(near, x.mul(phi1(x)), exp(x).sub(one))
    }
}

/// Returns `v`, or 0 if it is negligible.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn flush<V: Vector>(v: V) -> V {
    // SAFETY: the caller guarantees the processor features.
    unsafe {
        let zero = V::splat(V::Scalar::default());
        V::select(V::splat(V::Scalar::FLUSH).gt(v.abs()), zero, v)
    }
}

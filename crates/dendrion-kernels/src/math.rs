//! Functions of vectors, the same arithmetic at every level.

use crate::scalar::Scalar;
use crate::vector::{Real, Vector};

/// e^x, to about one unit in the last place; exactly 1 at 0, NaN of NaN, 0 where the result would be below 2^-1021.5
/// (f32: 2^-125.5), so that none is denormal.
///
/// ```text
/// n = round(x log2 e);  r = x - n ln 2 (in two parts)
/// e^x = 2 (2^(n-1) (1 + (r + r² q(r))))
/// ```
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn exp<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        let (low, high) = V::Scalar::EXP_RANGE;
        // In this order a NaN passes: it compares with nothing, and `b` is returned.
        let x = V::splat(high).min(x);
        let x = V::splat(low).max(x);
        let rounded = x.fma(V::splat(V::Scalar::LOG2_E), V::splat(V::Scalar::ROUND));
        let n = rounded.sub(V::splat(V::Scalar::ROUND));
        let r = n.fnma(V::splat(V::Scalar::LN2_HIGH), x);
        let r = n.fnma(V::splat(V::Scalar::LN2_LOW), r);
        let r2 = r.mul(r);
        let p = polynomial(V::Scalar::EXP, r, r2).fma(r2, r);
        let scale = rounded.exp2_rounded();
        // Half of it, then twice that: 2^n itself is infinite where p < 0 still makes the result a number.
        let half = p.fma(scale, scale);
        half.add(half)
    }
}

/// 2^x, as exact as [`exp`]: 0 where the result would be below 2^-1021.5 (f32: 2^-125.5), so that none is denormal.
///
/// ```text
/// n = round(x);  r = x - n (which is exact)
/// 2^x = 2 (2^(n-1) + 2^(n-1) r p(r))
/// ```
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn exp2<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        // As for `exp`: 2^n itself may be infinite where the result is a number.
        let half = power(x, V::Scalar::EXP2_RANGE, V::Scalar::ROUND);
        half.add(half)
    }
}

/// 2^x between the smallest and the largest power of two; beyond, one of them: enough to be added to 1 below a fraction.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn exp2_within<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe { power(x, V::Scalar::EXP2_WITHIN, V::Scalar::ROUND_WHOLE) }
}

/// 2^(x - k) of x brought into a range, where `round` rounds and leaves n - k + bias.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
unsafe fn power<V: Vector>(x: V, (low, high): (V::Scalar, V::Scalar), round: V::Scalar) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        // In this order a NaN passes: it compares with nothing, and `b` is returned.
        let x = V::splat(low).max(V::splat(high).min(x));
        let rounded = x.add(V::splat(round));
        let r = x.sub(rounded.sub(V::splat(round)));
        let scale = rounded.exp2_rounded();
        scale.mul(r).fma(polynomial(V::Scalar::EXP2, r, r.mul(r)), scale)
    }
}

/// Beyond this |x| the slope of the logistic function is flushed, whatever is multiplied with it.
const FLAT: f64 = 100.0;

/// e / (1 + e)² with e = exp(-|x|), the derivative of the logistic function, flushed. Far from 0 nothing is computed.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn logistic_slope<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the processor.
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

/// c₀ + c₁ r + c₂ r² + ..., as two interleaved chains in r² that run side by side.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
unsafe fn polynomial<V: Vector>(c: &[V::Scalar], r: V, r2: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        let n = c.len();
        let (mut first, mut second) = (V::splat(c[n - 1]), V::splat(c[n - 2]));
        let mut i = n - 2;
        while i >= 2 {
            first = first.fma(r2, V::splat(c[i - 1]));
            second = second.fma(r2, V::splat(c[i - 2]));
            i -= 2;
        }
        // An even number of coefficients leaves `first` the odd powers; an odd one leaves c₀ to come.
        if n % 2 == 0 { first.fma(r, second) } else { second.fma(r, first.fma(r2, V::splat(c[0]))) }
    }
}

/// φ₁(x) = (e^x - 1)/x, by its series where that would cancel.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn phi1<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        let one = V::splat(V::Scalar::from_f64(1.0));
        let near = V::splat(V::Scalar::from_f64(0.5)).gt(x.abs());
        // 1/(k+1)! from k = 13 down.
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

/// e^x - 1 without cancellation.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn expm1<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        let one = V::splat(V::Scalar::from_f64(1.0));
        let near = V::splat(V::Scalar::from_f64(0.5)).gt(x.abs());
        V::select(near, x.mul(phi1(x)), exp(x).sub(one))
    }
}

/// `v`, or 0 where it is negligible.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
pub(crate) unsafe fn flush<V: Vector>(v: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe {
        let zero = V::splat(V::Scalar::default());
        V::select(V::splat(V::Scalar::FLUSH).gt(v.abs()), zero, v)
    }
}

//! Search for values that are infinite or NaN.

use crate::scalar::Scalar;

/// Number of values between two decisions. Within them there is no early exit, so that the loop is vectorized.
const CHUNK: usize = 64;

/// Returns whether all values are finite.
pub fn all_finite<T: Scalar>(values: &[T]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        return unsafe { with_avx2(values) };
    }
    all(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<T: Scalar>(values: &[T]) -> bool {
    all(values)
}

#[inline(always)]
fn all<T: Scalar>(values: &[T]) -> bool {
    let (chunks, rest) = values.as_chunks::<CHUNK>();
    let finite = |values: &[T]| values.iter().fold(true, |all, v| all & v.is_finite());
    chunks.iter().all(|chunk| finite(chunk)) && finite(rest)
}

#[cfg(test)]
mod tests {
    use super::all_finite;

    #[test]
    fn every_position_is_searched() {
        for n in [0, 1, 63, 64, 65, 200] {
            assert!(all_finite(&vec![f64::MAX; n]) && all_finite(&vec![f32::MIN_POSITIVE; n]));
            for at in 0..n {
                for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                    let mut values = vec![1.0; n];
                    values[at] = value;
                    assert!(!all_finite(&values), "{value} at {at} of {n}");
                }
            }
        }
    }
}

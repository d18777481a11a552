//! Binomial and hypergeometric counts from one uniform number, by inversion from the mode. Probabilities relative to
//! that of the mode are products of ratios of neighbors, so no factorial is needed and results are bit-identical on
//! all processors. The time grows with the standard deviation (see Devroye, "Non-Uniform Random Variate Generation",
//! 1986, X.4.3).

/// Probabilities below this fraction of the mode's probability, and all those farther from the mode, are too
/// small for the 53 bits of the uniform number.
const NEGLIGIBLE: f64 = 1e-20;

/// Returns the number of successes in `n` independent trials of probability `hits / (hits + misses)`. `u` is in (0,
/// 1]. `hits` and `misses` must not both be 0.
pub(crate) fn binomial(u: f64, n: u64, hits: u64, misses: u64) -> u64 {
    if hits == 0 || misses == 0 {
        return if hits == 0 { 0 } else { n };
    }
    let odds = hits as f64 / misses as f64;
    let mode = u128::from(n + 1) * u128::from(hits) / (u128::from(hits) + u128::from(misses));
    invert(u, 0..=n, mode as u64, |k| (n - k) as f64 / (k + 1) as f64 * odds)
}

/// Returns the number of `hits` among `n` items drawn without replacement from `hits + misses`. `u` is in (0, 1], and
/// `n` is at most `hits + misses`.
pub(crate) fn hypergeometric(u: f64, n: u64, hits: u64, misses: u64) -> u64 {
    let all = u128::from(hits) + u128::from(misses);
    let mode = (u128::from(n) + 1) * (u128::from(hits) + 1) / (all + 2);
    let ratio = |k: u64| {
        let up = (hits - k) as f64 * (n - k) as f64;
        up / ((k + 1) as f64 * (misses + k + 1 - n) as f64)
    };
    invert(u, n.saturating_sub(misses)..=n.min(hits), mode as u64, ratio)
}

/// Returns the value at which the sum of weights exceeds the fraction `u` of the total, summing from the mode to the
/// upper end and then from the mode downwards. `ratio(k)` is the weight of k + 1 divided by that of k.
fn invert(u: f64, range: std::ops::RangeInclusive<u64>, mode: u64, ratio: impl Fn(u64) -> f64) -> u64 {
    let (least, most) = range.into_inner();
    let mode = mode.clamp(least, most);
    let mut whole = 0.0;
    walk(least, most, mode, &ratio, |_, weight| {
        whole += weight;
        false
    });
    let (mut left, mut found) = (u * whole, mode);
    walk(least, most, mode, &ratio, |k, weight| {
        left -= weight;
        found = k;
        left <= 0.0
    });
    found
}

/// Visits values with their weights relative to the mode, first upwards from the mode and then downwards, until
/// `visit` returns `true`.
fn walk(
    least: u64,
    most: u64,
    mode: u64,
    ratio: &impl Fn(u64) -> f64,
    mut visit: impl FnMut(u64, f64) -> bool,
) {
    let mut weight = 1.0;
    for k in mode..=most {
        if weight < NEGLIGIBLE {
            break;
        }
        if visit(k, weight) {
            return;
        }
        if k < most {
            weight *= ratio(k);
        }
    }
    weight = 1.0;
    for k in (least..mode).rev() {
        weight /= ratio(k);
        if weight < NEGLIGIBLE || visit(k, weight) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{binomial, hypergeometric};
    use crate::random::{Purpose, Stream};

    /// Returns the mean and the variance of many counts.
    fn moments(count: impl Fn(f64) -> u64) -> (f64, f64) {
        let (stream, n) = (Stream::new(3, "counts", Purpose::Totals), 20_000);
        let all: Vec<f64> = (0..n).map(|d| count(stream.uniform(0, d)) as f64).collect();
        let mean = all.iter().sum::<f64>() / n as f64;
        (mean, all.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / n as f64)
    }

    fn close((mean, variance): (f64, f64), m: f64, v: f64) {
        assert!((mean - m).abs() < 4.0 * (v / 20_000.0).sqrt(), "mean {mean}, not {m}");
        assert!((variance / v - 1.0).abs() < 0.06, "variance {variance}, not {v}");
    }

    #[test]
    fn binomial_counts_have_their_moments() {
        for (n, hits, misses) in [(10, 1, 1), (1000, 1, 3), (50_000, 7, 1), (3, 1, 99)] {
            let p = hits as f64 / (hits + misses) as f64;
            close(moments(|u| binomial(u, n, hits, misses)), n as f64 * p, n as f64 * p * (1.0 - p));
        }
    }

    #[test]
    fn hypergeometric_counts_have_their_moments() {
        for (n, hits, misses) in [(10, 20, 20), (500, 1000, 3000), (35, 20, 20), (90_000, 50_000, 60_000)] {
            let (n_, k, all) = (n as f64, hits as f64, (hits + misses) as f64);
            let variance = n_ * (k / all) * (1.0 - k / all) * (all - n_) / (all - 1.0);
            close(moments(|u| hypergeometric(u, n, hits, misses)), n_ * k / all, variance);
        }
    }

    /// The frequency of each value equals its probability, which is computed by enumeration for 3 items drawn
    /// from 4 + 2.
    #[test]
    fn small_counts_are_exact() {
        let steps = 60_000;
        let mut seen = [0.0; 4];
        for i in 0..steps {
            let u = (f64::from(i) + 0.5) / f64::from(steps);
            seen[hypergeometric(u, 3, 4, 2) as usize] += 1.0 / f64::from(steps);
        }
        for (share, expected) in seen.iter().zip([0.0, 0.2, 0.6, 0.2]) {
            assert!((share - expected).abs() < 1e-4, "{seen:?}");
        }
    }

    #[test]
    fn ends_of_the_range_are_certain() {
        for u in [1e-300, 0.3, 1.0] {
            assert_eq!(binomial(u, 7, 0, 5), 0);
            assert_eq!(binomial(u, 7, 5, 0), 7);
            assert_eq!(binomial(u, 0, 5, 5), 0);
            assert_eq!(hypergeometric(u, 9, 4, 5), 4);
            assert_eq!(hypergeometric(u, 0, 4, 5), 0);
            assert_eq!(hypergeometric(u, 3, 0, 5), 0);
        }
    }
}

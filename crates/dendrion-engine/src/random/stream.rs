//! Streams: Philox with the key (seed, path of the module, purpose) and the counter (index in the module, batch,
//! draw). Any thread can compute any draw, so results do not depend on threads, processes or the order of
//! construction.

use super::philox::philox;

/// The purpose of random numbers. Each purpose of a module has its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Times of generated spikes.
    Spikes = 1,
    /// The connected pairs.
    Connections = 2,
    /// Noise in compartments.
    Noise = 3,
    /// Weights of connections.
    Weights = 4,
    /// Delays of connections.
    Delays = 5,
    /// Values of the members of a module.
    Members = 6,
    /// Times of the spikes of generators that share a stream.
    SharedSpikes = 7,
    /// The number of connections of each target.
    Totals = 8,
}

/// The random numbers of one module for one purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    key: [u32; 2],
    /// Index of the sample in a batch.
    batch: u32,
}

impl Stream {
    pub(crate) fn new(seed: u64, path: &str, purpose: Purpose) -> Self {
        let hash = path.bytes().fold(mix(seed) ^ mix(purpose as u64), |h, byte| mix(h ^ u64::from(byte)));
        Self { key: [hash as u32, (hash >> 32) as u32], batch: 0 }
    }

    /// Returns the stream of a sample of a batch. The stream of sample 0 is the stream without a batch.
    pub(crate) const fn of_sample(self, batch: u32) -> Self {
        Self { batch, ..self }
    }

    /// Returns 64 random bits: draw number `draw` of member `index`.
    pub(crate) fn bits(self, index: u32, draw: u64) -> u64 {
        let [a, b, _, _] = philox([index, self.batch, draw as u32, (draw >> 32) as u32], self.key);
        u64::from(a) | (u64::from(b) << 32)
    }

    /// Returns a uniform number in (0, 1].
    pub(crate) fn uniform(self, index: u32, draw: u64) -> f64 {
        unit(self.bits(index, draw))
    }

    /// Returns an exponentially distributed number with mean 1.
    pub(crate) fn exponential(self, index: u32, draw: u64) -> f64 {
        -libm::log(self.uniform(index, draw))
    }

    /// Returns two independent standard normal numbers (Box & Muller 1958).
    pub(crate) fn normals(self, index: u32, draw: u64) -> [f64; 2] {
        let [a, b, c, d] = philox([index, self.batch, draw as u32, (draw >> 32) as u32], self.key);
        let u = unit(u64::from(a) | (u64::from(b) << 32));
        let v = unit(u64::from(c) | (u64::from(d) << 32));
        let radius = libm::sqrt(-2.0 * libm::log(u));
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * v);
        [radius * cos, radius * sin]
    }

    /// Returns an integer below `n` (n < 2^32), with a bias of less than 2^-32.
    pub(crate) fn below(self, index: u32, draw: u64, n: u32) -> u32 {
        ((u128::from(self.bits(index, draw)) * u128::from(n)) >> 64) as u32
    }

    /// Returns the number of failures before the first success in trials of probability `p`.
    pub(crate) fn failures(self, index: u32, draw: u64, p: f64) -> f64 {
        if p <= 0.0 {
            return f64::INFINITY;
        }
        (-self.exponential(index, draw) / libm::log1p(-p)).floor()
    }
}

/// Converts random bits to a number in (0, 1].
const fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// The finalizer of `SplitMix64` (Steele, Lea & Flood 2014) with its increment: a bijection that mixes bits.
const fn mix(v: u64) -> u64 {
    let v = v.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let v = (v ^ (v >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let v = (v ^ (v >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    v ^ (v >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Purpose, Stream};

    #[test]
    fn streams_differ_by_seed_path_and_purpose() {
        let base = Stream::new(1, "noise", Purpose::Spikes);
        let others = [
            Stream::new(2, "noise", Purpose::Spikes),
            Stream::new(1, "noise_1", Purpose::Spikes),
            Stream::new(1, "noise", Purpose::Connections),
        ];
        assert!(others.iter().all(|s| s.bits(0, 0) != base.bits(0, 0)));
        assert_ne!(base.bits(0, 0), base.bits(1, 0));
        assert_ne!(base.bits(0, 0), base.bits(0, 1));
    }

    /// If the definition of streams changed, so would these values and the results of all users.
    #[test]
    fn values_are_stable() {
        let stream = Stream::new(1, "noise", Purpose::Spikes);
        let bits: Vec<u64> = (0..2).map(|d| stream.bits(3, d)).collect();
        assert_eq!(bits, STABLE);
    }

    const STABLE: [u64; 2] = [5_377_282_748_503_395_775, 4_309_880_896_829_290_829];

    #[test]
    fn moments_are_those_of_the_distributions() {
        let stream = Stream::new(7, "x", Purpose::Spikes);
        let n = 100_000;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|d| stream.uniform(0, d)) - 0.5).abs() < 0.004);
        assert!((mean(&|d| stream.exponential(1, d)) - 1.0).abs() < 0.013);
        assert!((mean(&|d| f64::from(stream.below(2, d, 10))) - 4.5).abs() < 0.04);
        assert!((mean(&|d| stream.failures(3, d, 0.25)) - 3.0).abs() < 0.05);
        assert!((0..1000).all(|d| stream.failures(4, d, 1.0) == 0.0));
        let normal = |f: fn([f64; 2]) -> f64| mean(&|d| f(stream.normals(5, d)));
        assert!(normal(|[a, _]| a).abs() < 0.012 && normal(|[_, b]| b).abs() < 0.012);
        assert!(
            (normal(|[a, _]| a * a) - 1.0).abs() < 0.018 && (normal(|[_, b]| b.powi(4)) - 3.0).abs() < 0.13
        );
        assert!(normal(|[a, b]| a * b).abs() < 0.012);
    }
}

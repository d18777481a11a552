//! Detection of cotangents that grow in the backward sweep, and the text of the warning or error about them.
//!
//! Each spike multiplies cotangents by the slope of the surrogate and by the change that the spike causes. If
//! such factors exceed 1, their product over many spikes grows exponentially. The most common cause is the
//! derivative through the reset of V, about (`V_reset` - `V_th`) times the surrogate. Whenever accumulators
//! are folded, the cotangents of potentials are compared with the largest given cotangent. Cotangents of
//! other states have other units, so they are only checked for infinity and NaN.

use std::fmt;

/// Number of steps after which accumulators are folded into double-precision sums, negligible cotangents are set to
/// 0, and cotangents are compared with their limits.
pub(super) const FOLD: u64 = 64;

/// Maximum ratio of a potential's cotangent to the largest given one. Larger cotangents cause a warning.
pub const GROWTH_LIMIT: f64 = 1e10;

/// A cotangent beyond its limit, with the state, neuron and step at which it was first found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Peak {
    pub(crate) step: u64,
    pub(crate) state: usize,
    /// Index of the neuron in its population.
    pub(crate) neuron: usize,
    pub(crate) value: f64,
}

impl Peak {
    /// Returns whether this cotangent was found before `other` of the same population. Cotangents found at
    /// the same step are ordered by state and then by neuron.
    fn precedes(&self, other: &Self) -> bool {
        (other.step, self.state, self.neuron) < (self.step, other.state, other.neuron)
    }
}

/// The first cotangents beyond their limits in a shard, population or sample.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peaks {
    /// The first finite cotangent beyond its limit, with its population.
    pub(crate) grown: Option<(usize, Peak)>,
    /// The first cotangent that is infinite or NaN, with its population.
    pub(crate) lost: Option<(usize, Peak)>,
}

impl Peaks {
    /// Records a cotangent beyond its limit.
    pub(crate) fn note(&mut self, population: usize, peak: Peak) {
        // A cotangent that is not finite is an error, and a large one only a warning, so both are kept.
        let place = if peak.value.is_finite() { &mut self.grown } else { &mut self.lost };
        *place = first(*place, Some((population, peak)));
    }

    /// Combines these peaks with those of another part of the network.
    pub(crate) fn add(&mut self, other: &Self) {
        self.grown = first(self.grown, other.grown);
        self.lost = first(self.lost, other.lost);
    }
}

/// Returns the cotangent that was found first. If both were found at the same step, returns that of the
/// population with the lower index.
fn first(a: Option<(usize, Peak)>, b: Option<(usize, Peak)>) -> Option<(usize, Peak)> {
    let (Some((p, x)), Some((q, y))) = (a, b) else { return a.or(b) };
    // The sweep goes from the last step to the first, so the cotangent found first has the highest step.
    let other = if p == q { y.precedes(&x) } else { (x.step, q) < (y.step, p) };
    Some(if other { (q, y) } else { (p, x) })
}

/// A cotangent that exceeds [`GROWTH_LIMIT`] times the largest given one, or that is not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// Full name of the state, such as `cell/soma.V`.
    pub state: String,
    /// Index of the neuron in its population.
    pub neuron: usize,
    /// Index of the sample, if the batch has several.
    pub sample: Option<usize>,
    /// Time of the state (ms).
    pub time: f64,
    /// Value of the cotangent.
    pub value: f64,
    /// The largest given cotangent, in magnitude.
    pub given: f64,
    /// A population whose reset is differentiated: the population of the state or, if it detaches its reset,
    /// another one.
    pub through_reset_of: Option<String>,
}

impl Growth {
    /// Describes the state, the neuron and the time.
    fn place(&self) -> String {
        let sample = self.sample.map_or_else(String::new, |b| format!(" in sample {b}"));
        format!("{} of neuron {}{sample} at t = {} ms", self.state, self.neuron, self.time)
    }

    /// Describes the likely cause and a remedy.
    fn remedy(&self) -> String {
        match &self.through_reset_of {
            Some(population) => format!(
                "{population} has detach_reset=False: the derivative through the reset of V, about (V_reset - V_th) times \
                 the surrogate, multiplies in every step near the threshold. Use detach_reset=True"
            ),
            None => "Every spike multiplies the cotangent by its surrogate and by the change that the spike causes. Use a wider \
                     surrogate, for example FastSigmoid(alpha, relative=True) with a smaller alpha, smaller weights, or a \
                     shorter run"
                .into(),
        }
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "backward: the cotangent of {} is {}, more than {GROWTH_LIMIT:e} times the largest one passed ({}), and dominates the \
             gradients with respect to parameters and earlier inputs. {}",
            self.place(),
            shown(self.value),
            shown(self.given),
            self.remedy()
        )
    }
}

/// Formats a number with few digits.
fn shown(value: f64) -> String {
    if (1e-3..1e5).contains(&value.abs()) {
        format!("{}", (value * 1e3).round() / 1e3)
    } else {
        format!("{value:.1e}")
    }
}

/// Explains why a gradient is not finite. `grown` is the first finite cotangent beyond its limit, `lost` the first
/// that is not finite, and `largest` the largest number of the network's type.
pub(super) fn cause(grown: Option<&Growth>, lost: Option<&Growth>, largest: f64) -> String {
    match (grown, lost) {
        (None, Some(lost)) if lost.given > largest / GROWTH_LIMIT => format!(
            "the largest cotangent passed is {}, so close to the largest number of the network's dtype ({}) that sums of \
             cotangents overflow; scale down the loss",
            shown(lost.given),
            shown(largest)
        ),
        (Some(grown), lost) => {
            let since = format!(
                "cotangents grew without bound: the cotangent of {} is {}, whereas the largest cotangent that was passed is {}",
                grown.place(),
                shown(grown.value),
                shown(grown.given)
            );
            let until = lost.map_or_else(String::new, |lost| {
                format!("; the cotangent of {} is {}", lost.place(), lost.value)
            });
            format!("{since}{until}. {}", grown.remedy())
        }
        (None, Some(lost)) => format!(
            "the cotangent of {} is {}: in the {FOLD} steps after that time, it exceeded the largest number of the dtype. {}",
            lost.place(),
            lost.value,
            lost.remedy()
        ),
        (None, None) => {
            "the cotangents of all states are finite, but their contributions to this gradient are not".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Peak, Peaks};

    #[test]
    fn the_first_peak_is_the_latest_step_then_the_first_place() {
        let peak = |step, state, neuron| Peak { step, state, neuron, value: 1.0 };
        let mut peaks = Peaks::default();
        peaks.note(1, peak(64, 2, 3));
        peaks.note(1, peak(64, 2, 1));
        peaks.note(1, peak(64, 0, 5));
        peaks.note(1, peak(0, 0, 0));
        assert_eq!(peaks.grown, Some((1, peak(64, 0, 5))));
        let mut other = Peaks::default();
        other.note(0, peak(64, 7, 7));
        other.add(&peaks);
        assert_eq!(other.grown, Some((0, peak(64, 7, 7))));
        other.note(3, peak(128, 1, 1));
        assert_eq!(other.grown, Some((3, peak(128, 1, 1))));
        assert_eq!(other.lost, None);
    }
}

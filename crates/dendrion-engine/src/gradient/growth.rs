//! Cotangents that grow on their way back: what a warning says of them, and what an error says once they are not finite.
//!
//! Each spike multiplies cotangents by its surrogate slope and by what the spike changes. Many spikes multiply many such factors,
//! and if they are above 1 the product grows exponentially: the derivative through the reset of V, about
//! (`V_reset` - `V_th`) times the surrogate, is the usual one. Cotangents of potentials are compared with the largest cotangent
//! that was given, in the steps in which accumulators are emptied; those of other states have other units and only have to be finite.

use std::fmt;

/// Steps after which accumulators are emptied into sums in double precision, negligible cotangents become 0, and cotangents are
/// compared with their limits.
pub(super) const FOLD: u64 = 64;

/// A cotangent of a potential that is larger than the largest one given by more than this factor has grown beyond reason.
pub const GROWTH_LIMIT: f64 = 1e10;

/// A cotangent beyond its limit, where and when it was first found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Peak {
    pub(crate) step: u64,
    pub(crate) state: usize,
    /// In its population.
    pub(crate) neuron: usize,
    pub(crate) value: f64,
}

impl Peak {
    /// Whether it was found before another, in the order of the reverse run; of the same step the first state and neuron.
    fn precedes(&self, other: &Self) -> bool {
        (other.step, self.state, self.neuron) < (self.step, other.state, other.neuron)
    }
}

/// What was found of one shard, population or sample.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peaks {
    /// The first beyond the limit, with its population.
    pub(crate) grown: Option<(usize, Peak)>,
    /// The first that is not finite.
    pub(crate) lost: Option<(usize, Peak)>,
}

impl Peaks {
    /// Notes a cotangent beyond its limit.
    pub(crate) fn note(&mut self, population: usize, peak: Peak) {
        let place = if peak.value.is_finite() { &mut self.grown } else { &mut self.lost };
        *place = first(*place, Some((population, peak)));
    }

    /// Takes over what was found elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.grown = first(self.grown, other.grown);
        self.lost = first(self.lost, other.lost);
    }
}

/// The one that was found first; of two in the same step that of the first population.
fn first(a: Option<(usize, Peak)>, b: Option<(usize, Peak)>) -> Option<(usize, Peak)> {
    let (Some((p, x)), Some((q, y))) = (a, b) else { return a.or(b) };
    // Found first means latest in time: the sweep goes from the last step to the first.
    let other = if p == q { y.precedes(&x) } else { (x.step, q) < (y.step, p) };
    Some(if other { (q, y) } else { (p, x) })
}

/// A cotangent that has grown beyond [`GROWTH_LIMIT`] times the largest one given, or that is not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// Full name of the state, such as `cell/soma.V`.
    pub state: String,
    /// Index of the neuron in its population.
    pub neuron: usize,
    /// Sample of the batch, where there are several.
    pub sample: Option<usize>,
    /// Time of the state (ms).
    pub time: f64,
    /// The cotangent.
    pub value: f64,
    /// The largest cotangent given, in magnitude.
    pub given: f64,
    /// The population through whose reset the derivative goes: that of the state or, if that one detaches it, another.
    pub through_reset_of: Option<String>,
}

impl Growth {
    /// Whose cotangent, and when.
    fn place(&self) -> String {
        let sample = self.sample.map_or_else(String::new, |b| format!(" in sample {b}"));
        format!("{} of neuron {}{sample} at t = {} ms", self.state, self.neuron, self.time)
    }

    /// The likely cause, and what to do.
    fn remedy(&self) -> String {
        match &self.through_reset_of {
            Some(population) => format!(
                "{population} has detach_reset=False: the derivative through the reset of V, about (V_reset - V_th) times \
                 the surrogate, multiplies in every step near the threshold. Use detach_reset=True"
            ),
            None => "Every spike multiplies the cotangent by its surrogate and by what the spike changes. Use a wider \
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
            "backward: the cotangent of {} is {}, more than {GROWTH_LIMIT:e} times the largest one given ({}); gradients with \
             respect to parameters and earlier inputs are dominated by it. {}",
            self.place(),
            shown(self.value),
            shown(self.given),
            self.remedy()
        )
    }
}

/// A number with few digits.
fn shown(value: f64) -> String {
    if (1e-3..1e5).contains(&value.abs()) {
        format!("{}", (value * 1e3).round() / 1e3)
    } else {
        format!("{value:.1e}")
    }
}

/// Why a gradient is not finite. `grown` is the first cotangent beyond the limit, `lost` the first that is not finite.
/// `largest` is the largest number of the network's type.
pub(super) fn cause(grown: Option<&Growth>, lost: Option<&Growth>, largest: f64) -> String {
    match (grown, lost) {
        (None, Some(lost)) if lost.given > largest / GROWTH_LIMIT => format!(
            "the largest cotangent given is {}, so close to the largest number of the network's dtype ({}) that sums of \
             cotangents overflow; scale the loss down",
            shown(lost.given),
            shown(largest)
        ),
        (Some(grown), lost) => {
            let since = format!(
                "cotangents grew without bound: that of {} is already {}, where the largest one given is {}",
                grown.place(),
                shown(grown.value),
                shown(grown.given)
            );
            let until = lost
                .map_or_else(String::new, |lost| format!(", and that of {} is {}", lost.place(), lost.value));
            format!("{since}{until}. {}", grown.remedy())
        }
        (None, Some(lost)) => format!(
            "the cotangent of {} is {}: in the {FOLD} steps after that time it grew beyond the largest number of its type. {}",
            lost.place(),
            lost.value,
            lost.remedy()
        ),
        (None, None) => "the cotangents of all states are finite, but not what they contribute to it".into(),
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

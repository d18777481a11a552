//! A neuron whose cotangents stopped being finite, with the data needed to explain it.
//!
//! Every `FOLD` steps the sweep checks for values that are not finite, and copies the states of those steps. The
//! search for the expression (`infinite.rs`) is slow, so it runs only if the gradient is invalid.

use std::ops::Range;

use dendrion_kernels::Scalar;

use super::growth::Peaks;
use super::history::History;

/// A neuron whose cotangents stopped being finite, and its states in the steps in which this happened.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(super) population: usize,
    /// Index of the neuron in its population.
    pub(super) neuron: usize,
    /// The states at the beginning of these steps, in ascending order.
    pub(super) steps: Vec<(u64, Vec<f64>)>,
}

impl Suspect {
    /// Copies the states of one lane of a block in `steps`.
    pub(crate) fn new<T: Scalar>(
        (population, neuron): (usize, usize),
        history: &History<T>,
        (again, epoch): (&[T], &Range<u64>),
        (block, lanes, lane): (usize, usize, usize),
        steps: Range<u64>,
    ) -> Self {
        // Recomputed states exist only for the current epoch.
        let end = steps.end.min(if history.is_whole() { history.end() } else { epoch.end });
        let states = |step: u64| {
            let rows = if history.is_whole() {
                history.state(step, block)
            } else {
                history.of(again, (step - epoch.start) as usize, 0)
            };
            (step, rows.chunks(lanes).map(|row| row[lane].to_f64()).collect())
        };
        Self { population, neuron, steps: (steps.start..end).map(states).collect() }
    }
}

/// The cotangents that are too large or not finite.
#[derive(Debug)]
pub(crate) struct Watched {
    /// The neuron whose cotangents first stopped being finite, if there was one.
    pub(crate) suspect: Option<Suspect>,
    /// For each state, the largest cotangent that causes no warning.
    pub(super) limits: Vec<f64>,
    pub(crate) peaks: Peaks,
}

impl Watched {
    pub(super) fn new(limits: Vec<f64>) -> Self {
        Self { suspect: None, limits, peaks: Peaks::default() }
    }
}

//! Folding of accumulators into double-precision sums, and the checks of cotangents that take place at the same time.

use std::ops::Range;

use dendrion_equations::Reverse;
use dendrion_kernels::{FLUSH, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::collected;

use super::backward::Backward;
use super::growth::{FOLD, Peak};
use super::history::History;
use super::reversal::Reversal;
use super::suspect::Suspect;
use crate::runtime::shard::{Shard, is_finite};

impl<T: Scalar> Reversal<T> {
    /// Folds the accumulators of a strip into the double-precision sums, sets negligible cotangents to 0, and records
    /// those that are too large or not finite. `step` is the first of the steps reversed since the last fold.
    pub(super) fn fold(
        &mut self,
        backward: &Backward<T>,
        (shard, history): (&Shard<T>, &History<T>),
        (block, strip): (usize, Range<usize>),
        step: u64,
    ) {
        // The states must be copied before the next epoch overwrites them.
        if self.watched.suspect.is_none() && shard.place.is_in_order() {
            self.watched.suspect =
                self.infinite(&backward.reverse, (shard, history), (block, strip.clone()), step);
        }
        let lanes = shard.place.lanes;
        let (reverse, size) = (&backward.reverse, self.rows * lanes);
        let frame = &mut self.frames[block * size..][..size];
        for k in 0..reverse.accumulators {
            let row = &mut frame[reverse.accumulator(k) * lanes..][..lanes][strip.clone()];
            let totals =
                &mut self.totals[(block * reverse.accumulators + k) * lanes..][..lanes][strip.clone()];
            for (total, v) in totals.iter_mut().zip(row) {
                *total += v.to_f64();
                *v = T::default();
            }
        }
        for (state, limit) in self.watched.limits.iter().enumerate() {
            let row = &mut frame[Reverse::cotangent(state) * lanes..][..lanes][strip.clone()];
            for (v, lane) in row.iter_mut().zip(strip.clone()) {
                let size = v.to_f64().abs();
                // Cotangents decay exponentially in the backward sweep. They would become subnormal numbers, which
                // are slow and contribute nothing.
                if size < FLUSH {
                    *v = T::default();
                } else if size > *limit || !size.is_finite() {
                    let neuron = shard.place.neurons.start + shard.place.neuron_of(block, lane);
                    self.watched
                        .peaks
                        .note(shard.place.population, Peak { step, state, neuron, value: v.to_f64() });
                }
            }
        }
    }

    /// Finds the first neuron of a strip whose cotangents or accumulators are not finite, and copies its states from
    /// `step` on.
    fn infinite(
        &self,
        reverse: &Reverse,
        (shard, history): (&Shard<T>, &History<T>),
        (block, strip): (usize, Range<usize>),
        step: u64,
    ) -> Option<Suspect> {
        let (lanes, size) = (shard.place.lanes, self.rows * shard.place.lanes);
        let frame = &self.frames[block * size..][..size];
        let rows = (0..reverse.states).map(Reverse::cotangent);
        let mut rows = rows.chain((0..reverse.accumulators).map(|k| reverse.accumulator(k)));
        let at = rows.find_map(|row| {
            let row = &frame[row * lanes..][..lanes][strip.clone()];
            if is_finite(row) { None } else { row.iter().position(|v| !v.is_finite()) }
        })?;
        let lane = strip.start + at;
        // Lanes beyond the last neuron repeat it.
        let neuron = shard.place.neurons.start + (block * lanes + lane).min(shard.place.neurons.len() - 1);
        let past = (&self.again.past[..], &self.epoch);
        let who = (shard.place.population, neuron);
        Some(Suspect::new(who, history, past, (block, lanes, lane), step..step + FOLD))
    }

    /// Returns the cotangents of coefficients, then those of the initial states, each with one value per
    /// neuron of the shard.
    pub(crate) fn finish(
        &mut self,
        shard: &Shard<T>,
        history: &History<T>,
        backward: &Backward<T>,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (lanes, reverse) = (shard.place.lanes, &backward.reverse);
        // The steps before the first multiple of `FOLD` have not been folded yet.
        (0..shard.place.blocks.len())
            .for_each(|block| self.fold(backward, (shard, history), (block, 0..lanes), self.begin));
        let place = |i: usize| {
            let at = shard.place.lane_of(i);
            (at / lanes, at % lanes)
        };
        let total = |k: usize, i: usize| {
            let (block, lane) = place(i);
            self.totals[(block * reverse.accumulators + k) * lanes + lane]
        };
        let state = |s: usize, i: usize| {
            let (block, lane) = place(i);
            self.frames[(block * self.rows + Reverse::cotangent(s)) * lanes + lane].to_f64()
        };
        let n = shard.place.neurons.len();
        let totals = (0..reverse.accumulators).map(|k| collected((0..n).map(|i| total(k, i))));
        totals.chain((0..reverse.states).map(|s| collected((0..n).map(|i| state(s, i))))).collect()
    }
}

//! The rows and sums that only the reverse of detailed cells needs.

use dendrion_kernels::{Buffer, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::filled;

use super::backward::Backward;
use crate::cable::{Stage, cover};
use crate::refused::refused;
use crate::runtime::place::Place;
use crate::runtime::shard::Shard;

/// The rows and sums of a part of the step of placed mechanisms other than the main part.
#[derive(Debug)]
pub(crate) struct AfterFrames<T: Scalar> {
    pub(super) frames: Buffer<T>,
    pub(super) rows: usize,
    /// Double-precision sums of the accumulators, block by block and row by row.
    totals: Vec<f64>,
}

impl<T: Scalar> AfterFrames<T> {
    pub(crate) fn new(shard: &Shard<T>, backward: &Backward<T>) -> Result<Self, Error> {
        let (all, rows) = (shard.place.lanes_of_all(), backward.reverse.rows());
        Ok(Self {
            frames: Buffer::zeroed(all * rows).map_err(refused)?,
            rows,
            totals: filled(all * backward.reverse.accumulators, 0.0)?,
        })
    }

    /// Adds the accumulators of a block to the sums.
    pub(super) fn fold(&mut self, backward: &Backward<T>, lanes: usize, block: usize) {
        let reverse = &backward.reverse;
        let frame = &mut self.frames[block * self.rows * lanes..][..self.rows * lanes];
        for k in 0..reverse.accumulators {
            let row = &mut frame[reverse.accumulator(k) * lanes..][..lanes];
            let totals = &mut self.totals[(block * reverse.accumulators + k) * lanes..][..lanes];
            // Sums in double precision do not lose the contributions of many steps in float32.
            for (total, v) in totals.iter_mut().zip(row) {
                *total += v.to_f64();
                *v = T::default();
            }
        }
    }

    /// Returns the cotangents of coefficients, then zeros for the initial states, each with one value per neuron.
    pub(crate) fn finish(&mut self, shard: &Shard<T>, backward: &Backward<T>) -> Vec<Vec<f64>> {
        let (place, reverse) = (&shard.place, &backward.reverse);
        // The steps since the last fold are still in the accumulators.
        (0..place.blocks.len()).for_each(|block| self.fold(backward, place.lanes, block));
        let total = |k: usize, i: usize| {
            let at = place.lane_of(i);
            let (block, lane) = (at / place.lanes, at % place.lanes);
            self.totals[(block * reverse.accumulators + k) * place.lanes + lane]
        };
        let n = place.neurons.len();
        let totals = (0..reverse.accumulators).map(|k| (0..n).map(|i| total(k, i)).collect());
        // The main part of the step returns the cotangents of initial states.
        totals.chain((0..reverse.states).map(|_| vec![0.0; n])).collect()
    }
}

/// The rows and sums of the membrane.
#[derive(Debug)]
pub(crate) struct TreeRows<T: Scalar> {
    pub(super) v: Buffer<T>,
    pub(super) current: Buffer<T>,
    pub(super) slope: Buffer<T>,
    /// Intermediate values of the reverse of the solution of the tree.
    pub(super) work: Buffer<T>,
    /// For mechanisms that read a change of V: V from which it is measured, the change, and the cotangents of V before the
    /// step and of the change in the solution of the tree.
    pub(super) before: Buffer<T>,
    pub(super) change: Buffer<T>,
    pub(super) before_bar: Buffer<T>,
    pub(super) change_bar: Buffer<T>,
    /// The change of V at the sites of mechanisms.
    pub(super) changed: Buffer<T>,
    /// V at the sites of mechanisms.
    pub(super) gathered: Buffer<T>,
    /// The cotangents of V, of currents or of spikes, in the order of lanes.
    pub(super) bars: Buffer<T>,
    /// The quantities that mechanisms on different CVs exchange, and their cotangents.
    pub(super) slots: Buffer<T>,
    pub(super) slot_bars: Buffer<T>,
    /// The inputs of mechanisms from these slots.
    pub(super) imported: Vec<Buffer<T>>,
    /// The states from which gates are advanced, if concentrations are advanced before them.
    pub(super) past: Buffer<T>,
    /// The potential that enters concentrations, and its cotangents.
    pub(super) middle: Buffer<T>,
    pub(super) middle_bar: Buffer<T>,
    pub(super) nodes: usize,
    /// Sums of the cotangents of the capacitance, leak, reversal potential and axial conductance of each node, block by
    /// block, if any of them is wanted.
    pub(super) sums: Option<[Vec<f64>; 4]>,
}

impl<T: Scalar> TreeRows<T> {
    /// Creates the rows of a membrane. `most` is the largest number of lanes of a member of its cluster, `imports` the largest
    /// number of imports, and `states` the largest number of values in a state.
    pub(super) fn new(
        stage: &Stage<T>,
        place: &Place,
        (most, imports, states): (usize, usize, usize),
        with_sums: bool,
    ) -> Result<Option<Self>, Error> {
        let Stage::Membrane { tree, plan, .. } = stage else { return Ok(None) };
        let slots = plan.as_ref().map_or(0, |plan| plan.exchange.slots * place.lanes);
        let (nodes, rows) =
            (tree.nodes() * place.width, |count: usize| Buffer::zeroed(count).map_err(refused));
        let sum = || filled(nodes * place.blocks.len(), 0.0);
        let sums = if with_sums { Some([sum()?, sum()?, sum()?, sum()?]) } else { None };
        // The slots that say whether a CV has a source do not change during a run.
        let mut slots_of = rows(slots)?;
        if let Some(plan) = plan {
            cover(&mut slots_of, plan, place);
        }
        Ok(Some(Self {
            slots: slots_of,
            slot_bars: rows(slots)?,
            imported: (0..imports).map(|_| rows(most)).collect::<Result<_, _>>()?,
            past: rows(if plan.is_some() { 2 * states } else { 0 })?,
            middle: rows(place.lanes)?,
            middle_bar: rows(place.lanes)?,
            v: rows(place.lanes)?,
            current: rows(nodes)?,
            slope: rows(nodes)?,
            work: rows(nodes)?,
            before: rows(place.lanes)?,
            change: rows(place.lanes)?,
            before_bar: rows(place.lanes)?,
            change_bar: rows(place.lanes)?,
            changed: rows(most)?,
            gathered: rows(most)?,
            bars: rows(most)?,
            nodes: tree.nodes(),
            sums,
        }))
    }

    /// Returns the sums by node, for the cell with index `cell` of the shard.
    pub(super) fn of_cell<'s>(
        &self,
        sums: &'s [Vec<f64>; 4],
        place: &Place,
        (cell, which): (usize, usize),
    ) -> impl Iterator<Item = f64> + use<'s, T> {
        let (block, lane, width) = (cell / place.width, cell % place.width, place.width);
        let sums = &sums[which][block * self.nodes * width..][..self.nodes * width];
        sums.iter().skip(lane).step_by(width).copied()
    }
}

//! The rows and sums that only the reverse of detailed cells needs.

use dendrion_kernels::{Buffer, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::filled;

use super::backward::Backward;
use crate::cable::Stage;
use crate::refused::refused;
use crate::runtime::place::Place;
use crate::runtime::shard::Shard;

/// The rows and sums of the second program of staggered mechanisms.
#[derive(Debug)]
pub(crate) struct AfterFrames<T: Scalar> {
    pub(super) frames: Buffer<T>,
    pub(super) rows: usize,
    /// Double-precision sums of the accumulators, block by block and row by row.
    totals: Vec<f64>,
}

impl<T: Scalar> AfterFrames<T> {
    pub(crate) fn new(shard: &Shard<T>, backward: &Backward<T>) -> Result<Option<Self>, Error> {
        let Some(after) = &backward.after else { return Ok(None) };
        let (all, rows) = (shard.place.lanes_of_all(), after.reverse.rows());
        Ok(Some(Self {
            frames: Buffer::zeroed(all * rows).map_err(refused)?,
            rows,
            totals: filled(all * after.reverse.accumulators, 0.0)?,
        }))
    }

    /// Adds the accumulators of a block to the sums.
    pub(super) fn fold(&mut self, backward: &Backward<T>, lanes: usize, block: usize) {
        let reverse = &backward.reverse;
        let frame = &mut self.frames[block * self.rows * lanes..][..self.rows * lanes];
        for k in 0..reverse.accumulators {
            let row = &mut frame[reverse.accumulator(k) * lanes..][..lanes];
            let totals = &mut self.totals[(block * reverse.accumulators + k) * lanes..][..lanes];
            for (total, v) in totals.iter_mut().zip(row) {
                *total += v.to_f64();
                *v = T::default();
            }
        }
    }

    /// Returns the cotangents of coefficients, then zeros for the initial states, each with one value per neuron.
    pub(crate) fn finish(&mut self, shard: &Shard<T>, backward: &Backward<T>) -> Vec<Vec<f64>> {
        let (place, reverse) = (&shard.place, &backward.reverse);
        (0..place.blocks.len()).for_each(|block| self.fold(backward, place.lanes, block));
        let total = |k: usize, i: usize| {
            let at = place.lane_of(i);
            let (block, lane) = (at / place.lanes, at % place.lanes);
            self.totals[(block * reverse.accumulators + k) * place.lanes + lane]
        };
        let n = place.neurons.len();
        let totals = (0..reverse.accumulators).map(|k| (0..n).map(|i| total(k, i)).collect());
        totals.chain((0..reverse.states).map(|_| vec![0.0; n])).collect()
    }
}

/// The rows and sums of the membrane.
#[derive(Debug)]
pub(crate) struct TreeRows<T: Scalar> {
    pub(super) v: Buffer<T>,
    pub(super) current: Buffer<T>,
    pub(super) slope: Buffer<T>,
    /// Intermediate values of the solution of the tree and of its reverse.
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
    pub(super) nodes: usize,
    /// Sums of the cotangents of the capacitance, leak, reversal potential and axial conductance of each node, block by
    /// block.
    pub(super) sums: [Vec<f64>; 4],
}

impl<T: Scalar> TreeRows<T> {
    /// Creates the rows of a membrane. `most` is the largest number of lanes of a member of its cluster.
    pub(super) fn new(stage: &Stage<T>, place: &Place, most: usize) -> Result<Option<Self>, Error> {
        let Stage::Membrane { tree, .. } = stage else { return Ok(None) };
        let (nodes, rows) =
            (tree.nodes() * place.width, |count: usize| Buffer::zeroed(count).map_err(refused));
        let sums = || filled(nodes * place.blocks.len(), 0.0);
        Ok(Some(Self {
            v: rows(place.lanes)?,
            current: rows(nodes)?,
            slope: rows(nodes)?,
            work: rows(tree.work())?,
            before: rows(place.lanes)?,
            change: rows(place.lanes)?,
            before_bar: rows(place.lanes)?,
            change_bar: rows(place.lanes)?,
            changed: rows(most)?,
            gathered: rows(most)?,
            bars: rows(most)?,
            nodes: tree.nodes(),
            sums: [sums()?, sums()?, sums()?, sums()?],
        }))
    }

    /// Returns the sums by node, for the cell with index `cell` of the shard.
    pub(super) fn of_cell(&self, place: &Place, cell: usize, which: usize) -> impl Iterator<Item = f64> + '_ {
        let (block, lane, width) = (cell / place.width, cell % place.width, place.width);
        let sums = &self.sums[which][block * self.nodes * width..][..self.nodes * width];
        sums.iter().skip(lane).step_by(width).copied()
    }
}

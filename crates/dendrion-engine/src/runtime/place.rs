//! The part of a population that a shard owns.

use std::ops::Range;

/// Consecutive blocks of one population.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) population: usize,
    pub(crate) neurons: Range<usize>,
    pub(crate) blocks: Range<usize>,
    /// Number of lanes in a block.
    pub(crate) lanes: usize,
}

impl Place {
    /// Returns the number of lanes of all blocks.
    pub(crate) fn lanes_of_all(&self) -> usize {
        self.blocks.len() * self.lanes
    }

    /// Returns the first neuron of a block and the number of neurons in the block. The other lanes of the
    /// block repeat the last neuron.
    pub(crate) fn neurons_of(&self, block: usize) -> (usize, usize) {
        let first = self.neurons.start + block * self.lanes;
        (first, self.lanes.min(self.neurons.end - first))
    }
}

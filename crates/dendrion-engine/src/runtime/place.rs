//! Which part of a population a shard has.

use std::ops::Range;

/// Consecutive blocks of one population.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) population: usize,
    pub(crate) neurons: Range<usize>,
    pub(crate) blocks: Range<usize>,
    /// Lanes of a block.
    pub(crate) lanes: usize,
}

impl Place {
    /// Lanes of all blocks.
    pub(crate) fn lanes_of_all(&self) -> usize {
        self.blocks.len() * self.lanes
    }

    /// The first neuron of a block, and how many the block has; its other lanes repeat the last neuron.
    pub(crate) fn neurons_of(&self, block: usize) -> (usize, usize) {
        let first = self.neurons.start + block * self.lanes;
        (first, self.lanes.min(self.neurons.end - first))
    }
}

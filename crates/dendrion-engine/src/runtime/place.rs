//! The part of a population that a shard owns.

use std::ops::Range;

use crate::build::layout::Layout;

/// Consecutive blocks of one population.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) population: usize,
    pub(crate) neurons: Range<usize>,
    pub(crate) blocks: Range<usize>,
    /// Number of lanes in a block.
    pub(crate) lanes: usize,
    /// Number of sites per cell, and number of cells in a block; see [`Layout`].
    pub(crate) sites: usize,
    pub(crate) width: usize,
    /// Shards with the same cluster are advanced together: the first population of their group, and the number of
    /// the shard in its population.
    pub(crate) cluster: (usize, usize),
}

impl Place {
    /// Returns the place of shard `number` of a population, whose group begins with population `head`.
    pub(crate) fn new(population: usize, head: usize, number: usize, layout: &Layout) -> Self {
        Self {
            population,
            neurons: layout.neurons_of(number),
            blocks: layout.blocks_of(number),
            lanes: layout.lanes,
            sites: layout.sites,
            width: layout.width,
            cluster: (head, number),
        }
    }

    /// Returns the number of lanes of all blocks.
    pub(crate) fn lanes_of_all(&self) -> usize {
        self.blocks.len() * self.lanes
    }

    /// Returns whether the lanes of the shard are its neurons, in order.
    pub(crate) const fn is_in_order(&self) -> bool {
        self.sites == 1 && self.width == self.lanes
    }

    /// Returns the number of values that a row of pending input has: one per lane if lanes are in the order of
    /// neurons, else one per neuron.
    pub(crate) fn input_lanes(&self) -> usize {
        if self.is_in_order() { self.lanes_of_all() } else { self.neurons.len() }
    }

    /// Returns the number of neurons of a block, except for the last one.
    pub(crate) const fn per_block(&self) -> usize {
        self.sites * self.width
    }

    /// Returns the first neuron of a block and the number of neurons in the block. The other lanes of the
    /// block repeat the last neuron.
    pub(crate) fn neurons_of(&self, block: usize) -> (usize, usize) {
        let first = self.neurons.start + block * self.per_block();
        (first, self.per_block().min(self.neurons.end - first))
    }

    /// Returns the first cell of a block and the number of cells in the block.
    pub(crate) fn cells_of(&self, block: usize) -> (usize, usize) {
        let (first, count) = self.neurons_of(block);
        (first / self.sites, count / self.sites)
    }

    /// Returns the lane of the shard (block * lanes + lane) that belongs to its neuron `i`, counted from its first one.
    pub(crate) const fn lane_of(&self, i: usize) -> usize {
        let (block, within) = (i / self.per_block(), i % self.per_block());
        block * self.lanes + within % self.sites * self.width + within / self.sites
    }

    /// Returns the neuron of a lane of a block, counted from the first neuron of the shard. Lanes without a neuron
    /// repeat one.
    pub(crate) fn neuron_of(&self, block: usize, lane: usize) -> usize {
        let (site, cell) = ((lane / self.width).min(self.sites - 1), lane % self.width);
        let last = self.neurons.len() / self.sites - 1;
        (block * self.width + cell).min(last) * self.sites + site
    }
}

#[cfg(test)]
mod tests {
    use super::Place;
    use crate::build::layout::{Group, Layout};

    #[test]
    fn lanes_and_neurons_belong_to_each_other() {
        for (cells, sites) in [(1, 5), (3, 2), (8, 3), (21, 7), (40, 1)] {
            for threads in [1, 2, 3] {
                let group = Group::new::<f64>(cells, sites, threads, true);
                let layout = Layout::of_group::<f64>(group, sites);
                let mut count = 0;
                for s in 0..layout.shards() {
                    let place = Place::new(0, 0, s, &layout);
                    count += place.neurons.len();
                    let mut seen = vec![false; place.lanes_of_all()];
                    for i in 0..place.neurons.len() {
                        let lane = place.lane_of(i);
                        assert!(!std::mem::replace(&mut seen[lane], true));
                        assert_eq!(place.neuron_of(lane / place.lanes, lane % place.lanes), i);
                    }
                    for (at, _) in seen.iter().enumerate().filter(|(_, seen)| !**seen) {
                        assert!(place.neuron_of(at / place.lanes, at % place.lanes) < place.neurons.len());
                    }
                }
                assert_eq!(count, cells * sites);
            }
        }
    }
}

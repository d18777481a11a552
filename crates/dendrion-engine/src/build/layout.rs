//! Layout: how a population is cut into blocks of lanes, and blocks into shards.
//!
//! A **block** is what a program runs over; a **shard** is a run of blocks that one thread owns, with its input rings
//! and the connections onto it. Blocks follow the network alone. There are about as many shards as threads: a spike visits
//! each shard it reaches, and finding its connections there takes longer than adding a few of them. How a population is cut changes no bits.

use dendrion_kernels::{Scalar, granule};

/// Bytes of a row of a block, at most: wide enough that an operation outlasts its dispatch, narrow enough that a neuron's
/// rows stay in L1.
const ROW_BYTES: usize = 1024;
/// Neurons from which on a population has at least two blocks.
const WORTH_TWO: usize = 64;
/// Bytes of a shard's row of what is due in a step, at most, beside which its connections stream through the caches.
const DUE_BYTES: usize = 1 << 18;
/// Lanes a connection's target can name.
const MOST_LANES: usize = 1 << 16;

/// The cut of one population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Neurons.
    pub(crate) size: usize,
    /// Lanes of a block.
    pub(crate) lanes: usize,
    /// Blocks.
    pub(crate) blocks: usize,
    /// Blocks of each shard but perhaps the last.
    pub(crate) per_shard: usize,
}

impl Layout {
    /// For a population of that many neurons in a network that has `threads` threads.
    pub(crate) fn new<T: Scalar>(size: usize, threads: usize) -> Self {
        let granule = granule::<T>();
        let widest = ROW_BYTES / size_of::<T>();
        // Of about equal width; two where one would leave a second thread without work.
        let least = if size >= WORTH_TWO { 2 } else { 1 };
        let blocks = size.div_ceil(widest).max(least);
        let lanes = size.div_ceil(blocks).div_ceil(granule) * granule;
        let blocks = size.div_ceil(lanes);
        let most = (DUE_BYTES / size_of::<T>()).min(MOST_LANES) / lanes;
        // As many for each thread.
        let threads = threads.max(1);
        let per_shard = blocks.div_ceil(blocks.div_ceil(most * threads) * threads);
        Self { size, lanes, blocks, per_shard }
    }

    pub(crate) const fn shards(&self) -> usize {
        self.blocks.div_ceil(self.per_shard)
    }

    /// Blocks of shard `s`.
    pub(crate) fn blocks_of(&self, s: usize) -> std::ops::Range<usize> {
        s * self.per_shard..((s + 1) * self.per_shard).min(self.blocks)
    }

    /// Neurons of shard `s`.
    pub(crate) fn neurons_of(&self, s: usize) -> std::ops::Range<usize> {
        let blocks = self.blocks_of(s);
        blocks.start * self.lanes..(blocks.end * self.lanes).min(self.size)
    }

    /// Shard of a neuron.
    pub(crate) const fn shard_of(&self, neuron: usize) -> usize {
        neuron / (self.lanes * self.per_shard)
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn every_neuron_is_in_one_shard() {
        for threads in [1, 2, 3, 64] {
            for size in [1, 7, 8, 9, 127, 128, 129, 1000, 10_000, 100_000, 5_000_000] {
                let layout = Layout::new::<f64>(size, threads);
                let mut next = 0;
                for s in 0..layout.shards() {
                    let neurons = layout.neurons_of(s);
                    assert_eq!(neurons.start, next, "size {size}");
                    assert_eq!(layout.shard_of(neurons.start), s);
                    assert_eq!(layout.shard_of(neurons.end - 1), s);
                    next = neurons.end;
                }
                assert_eq!(next, size);
            }
        }
    }

    #[test]
    fn small_populations_have_narrow_blocks() {
        assert_eq!(Layout::new::<f64>(1, 2).lanes, 8);
        assert_eq!(Layout::new::<f32>(1, 2).lanes, 16);
        assert_eq!(Layout::new::<f64>(1000, 16).shards(), 8);
    }

    #[test]
    fn threads_have_a_shard_each_and_large_populations_several() {
        assert_eq!(Layout::new::<f64>(10_000, 1).shards(), 1);
        assert_eq!(Layout::new::<f64>(10_000, 2).shards(), 2);
        assert_eq!(Layout::new::<f64>(100_000, 2).shards(), 4);
    }
}

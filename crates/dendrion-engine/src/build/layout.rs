//! The division of populations into blocks of lanes, and of blocks into shards.
//!
//! A **block** is the unit over which a program runs. A **shard** is a group of consecutive blocks that one
//! thread owns, with its input rings and the connections onto its neurons. Blocks depend only on the network.
//! There are about as many shards as threads: a spike visits each shard that it reaches, and finding its
//! connections there takes longer than adding the weights of a few of them. Results do not depend on the
//! division.

use dendrion_kernels::{Scalar, granule};

/// Maximum number of bytes in a row of a block: wide enough that an operation takes longer than its dispatch, and
/// narrow enough that the rows of a block stay in the L1 cache.
const ROW_BYTES: usize = 1024;
/// Minimum number of neurons in a population that is divided into at least two blocks.
const WORTH_TWO: usize = 64;
/// Maximum number of bytes that a shard receives per step in one ring. This row stays in the cache while connections
/// stream through it.
const DUE_BYTES: usize = 1 << 18;
/// Number of lanes that the target index of a connection can distinguish, and thus the maximum number in a shard.
pub(crate) const MOST_LANES: usize = 1 << 16;

/// The division of the cells of a group of populations into groups of lanes and shards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    cells: usize,
    width: usize,
    per_shard: usize,
}

impl Group {
    /// Divides detailed cells for a network that uses `threads` threads. `most` is the largest number of sites that
    /// receive spikes, and `has_mechanisms` is false if most CVs have a
    /// passive membrane only.
    ///
    /// Blocks contain at most as many cells as a cache line has values. The mechanisms of a block take a time that is
    /// proportional to its lanes, used or not, but the solution of the tree takes almost the same time for any number of
    /// cells. Among the possible widths, the one is chosen with which the blocks of a thread take the shortest time.
    pub(crate) fn new<T: Scalar>(cells: usize, most: usize, threads: usize, has_mechanisms: bool) -> Self {
        let threads = threads.max(1);
        let widest = granule::<T>();
        // The time of the tree, if mechanisms take 1 per lane; measured.
        let tree = if has_mechanisms { widest / 8 } else { 8 };
        let time = |width: &usize| cells.div_ceil(*width).div_ceil(threads) * (width + tree);
        let widths = std::iter::successors(Some(widest), |width| (*width > 1).then_some(width / 2));
        let fits = |width: &usize| *width == 1 || width * most <= MOST_LANES;
        // Of widths with equal times, the first and largest one is chosen.
        let width = widths.filter(fits).min_by_key(time).unwrap_or(1);
        let blocks = cells.div_ceil(width);
        let fits = (MOST_LANES / (most.max(1) * width)).max(1);
        let per_shard = blocks.div_ceil(blocks.div_ceil(fits * threads) * threads);
        Self { cells, width, per_shard }
    }
}

/// The division of one population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Number of neurons.
    pub(crate) size: usize,
    /// Number of lanes in a block.
    pub(crate) lanes: usize,
    /// Number of blocks.
    pub(crate) blocks: usize,
    /// Number of blocks in each shard, except for the last one, which may have fewer.
    pub(crate) per_shard: usize,
    /// Number of members that belong to one cell: 1, or the number of sites of detailed cells.
    pub(crate) sites: usize,
    /// Number of cells in a block. The lane of a member is its site times this number, plus its cell within the block.
    pub(crate) width: usize,
}

impl Layout {
    /// Divides a population of `size` neurons for a network that uses `threads` threads.
    pub(crate) fn new<T: Scalar>(size: usize, threads: usize) -> Self {
        let granule = granule::<T>();
        let widest = ROW_BYTES / size_of::<T>();
        // Blocks have about equal widths. There are at least two of them if one block would leave a second
        // thread without work.
        let least = if size >= WORTH_TWO { 2 } else { 1 };
        let blocks = size.div_ceil(widest).max(least);
        let lanes = size.div_ceil(blocks).div_ceil(granule) * granule;
        let blocks = size.div_ceil(lanes);
        let most = (DUE_BYTES / size_of::<T>()).min(MOST_LANES) / lanes;
        // Each thread gets about the same number of blocks.
        let threads = threads.max(1);
        let per_shard = blocks.div_ceil(blocks.div_ceil(most * threads) * threads);
        Self { size, lanes, blocks, per_shard, sites: 1, width: lanes }
    }

    /// Divides a population of detailed cells. Blocks and shards contain the same cells in all populations of a group.
    pub(crate) fn of_group<T: Scalar>(group: Group, sites: usize) -> Self {
        let Group { cells, width, per_shard } = group;
        let lanes = (sites * width).div_ceil(granule::<T>()) * granule::<T>();
        Self { size: cells * sites, lanes, blocks: cells.div_ceil(width), per_shard, sites, width }
    }

    /// Returns the number of members in a block, except for the last one, which may have fewer.
    pub(crate) const fn per_block(&self) -> usize {
        self.sites * self.width
    }

    pub(crate) const fn shards(&self) -> usize {
        self.blocks.div_ceil(self.per_shard)
    }

    /// Returns the blocks of shard `s`.
    pub(crate) fn blocks_of(&self, s: usize) -> std::ops::Range<usize> {
        s * self.per_shard..((s + 1) * self.per_shard).min(self.blocks)
    }

    /// Returns the neurons of shard `s`.
    pub(crate) fn neurons_of(&self, s: usize) -> std::ops::Range<usize> {
        let blocks = self.blocks_of(s);
        blocks.start * self.per_block()..(blocks.end * self.per_block()).min(self.size)
    }

    /// Returns the shard of a neuron.
    pub(crate) const fn shard_of(&self, neuron: usize) -> usize {
        neuron / (self.per_block() * self.per_shard)
    }
}

#[cfg(test)]
mod tests {
    use super::{Group, Layout};

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
    fn few_cells_leave_few_lanes_unused() {
        let width = |cells, threads, has_mechanisms| {
            Layout::of_group::<f64>(Group::new::<f64>(cells, 1, threads, has_mechanisms), 621).width
        };
        for (cells, expected) in [(1, 1), (2, 2), (3, 4), (8, 8), (10, 4), (16, 8), (100, 8)] {
            assert_eq!(width(cells, 1, true), expected, "{cells} cells");
        }
        // Wider blocks are faster if the tree takes most of the time.
        for (cells, expected) in [(1, 1), (10, 8), (100, 8)] {
            assert_eq!(width(cells, 1, false), expected, "{cells} passive cells");
        }
        // All threads have work.
        assert_eq!((width(8, 2, true), width(2, 2, true), width(100, 2, true)), (4, 1, 8));
        assert_eq!(Layout::of_group::<f32>(Group::new::<f32>(100, 1, 1, true), 621).width, 16);
        // The number of lanes with inputs is limited.
        assert_eq!(Group::new::<f64>(100, 1 << 15, 1, true).width, 2);
    }

    #[test]
    fn threads_have_a_shard_each_and_large_populations_several() {
        assert_eq!(Layout::new::<f64>(10_000, 1).shards(), 1);
        assert_eq!(Layout::new::<f64>(10_000, 2).shards(), 2);
        assert_eq!(Layout::new::<f64>(100_000, 2).shards(), 4);
    }
}

//! The spike exchange, through which threads pass the spikes of an epoch to each other.
//!
//! The exchange has two sides that alternate. The spikes of epoch k are read from one side while those of
//! epoch k + 1 are written to the other, so one barrier per epoch is sufficient. A write swaps buffers: the
//! writer gets back the spikes of two epochs earlier and reuses their memory. Locks are held for writing only
//! during such a swap.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::pace::Pace;
use crate::runtime::spikes::Spikes;

/// The routes by which spikes reach their targets from the shards and source blocks that send them.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// For each projection, the places of its spikes in the exchange.
    pub(crate) routes: Arc<Vec<Route>>,
    pub(crate) spikes: Arc<SpikeExchange>,
    /// Maximum number of steps in an epoch.
    pub(crate) epoch: u64,
    /// Lengths of the epochs in a run that can be stopped.
    pub(crate) pace: Arc<Pace>,
    /// Number of slots of each delivery ring, by population and port.
    pub(crate) slots: Vec<Vec<usize>>,
}

/// The places of a projection's spikes in the exchange.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Shards of a population.
    Shards(Range<usize>),
    /// Source blocks of the generator with this number.
    Sources(usize, Range<usize>),
}

/// The spikes of two epochs, by shard and by source block.
#[derive(Debug, Default)]
pub(crate) struct SpikeExchange {
    shards: [Vec<RwLock<Spikes>>; 2],
    source_blocks: [Vec<RwLock<Spikes>>; 2],
}

impl SpikeExchange {
    pub(crate) fn new(shards: usize, source_blocks: usize) -> Self {
        let side = |n: usize| (0..n).map(|_| RwLock::default()).collect();
        Self {
            shards: [side(shards), side(shards)],
            source_blocks: [side(source_blocks), side(source_blocks)],
        }
    }

    /// Returns the numbers of shards and source blocks.
    pub(crate) const fn places(&self) -> (usize, usize) {
        (self.shards[0].len(), self.source_blocks[0].len())
    }

    /// Stores a shard's spikes of epoch `epoch`. `spikes` receives the buffer that they replace.
    pub(crate) fn put_shard(&self, epoch: u64, shard: usize, spikes: &mut Spikes) {
        exchange(&self.shards[side(epoch)][shard], spikes);
    }

    /// Stores a source block's spikes of epoch `epoch`. `spikes` receives the buffer that they replace.
    pub(crate) fn put_source_block(&self, epoch: u64, source_block: usize, spikes: &mut Spikes) {
        exchange(&self.source_blocks[side(epoch)][source_block], spikes);
    }

    /// Returns the spikes of all shards in epoch `epoch`.
    pub(crate) fn shards(&self, epoch: u64) -> Vec<RwLockReadGuard<'_, Spikes>> {
        read(&self.shards[side(epoch)])
    }

    /// Returns the spikes of all source blocks in epoch `epoch`.
    pub(crate) fn source_blocks(&self, epoch: u64) -> Vec<RwLockReadGuard<'_, Spikes>> {
        read(&self.source_blocks[side(epoch)])
    }
}

// Epochs alternate between the two sides.
const fn side(epoch: u64) -> usize {
    (epoch % 2) as usize
}

fn exchange(place: &RwLock<Spikes>, spikes: &mut Spikes) {
    // A thread that panicked cannot leave a half-swapped buffer behind, so a poisoned lock is still usable.
    let mut place = place.write().unwrap_or_else(PoisonError::into_inner);
    std::mem::swap(&mut *place, spikes);
}

fn read(side: &[RwLock<Spikes>]) -> Vec<RwLockReadGuard<'_, Spikes>> {
    side.iter().map(|s| s.read().unwrap_or_else(PoisonError::into_inner)).collect()
}

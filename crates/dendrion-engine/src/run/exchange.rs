//! The spike exchange, where threads leave the spikes of an epoch for each other.
//!
//! It has two sides that alternate. While the spikes of epoch k are read from one side, those of epoch k + 1 are written to the other,
//! so one barrier per epoch suffices. Writing swaps buffers: the writer gets the spikes of two epochs ago back, whose memory it uses
//! again. The locks are never contended for longer than such a swap.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::pace::Pace;
use crate::runtime::spikes::Spikes;

/// How spikes get from the shards and source blocks that send them to those that they reach.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// For each projection, where its spikes are.
    pub(crate) routes: Arc<Vec<Route>>,
    pub(crate) spikes: Arc<SpikeExchange>,
    /// Steps of an epoch, at most.
    pub(crate) epoch: u64,
    /// Steps of the epochs of a run that may be stopped.
    pub(crate) pace: Arc<Pace>,
    /// By population and port, the slots of the ring in which spikes wait.
    pub(crate) slots: Vec<Vec<usize>>,
}

/// Where a projection's spikes are in the exchange.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Shards of a population.
    Shards(Range<usize>),
    /// Source blocks of the generator of that number.
    Sources(usize, Range<usize>),
}

/// Spikes by shard and by source block, of two epochs.
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

    /// How many shards and source blocks it is for.
    pub(crate) const fn places(&self) -> (usize, usize) {
        (self.shards[0].len(), self.source_blocks[0].len())
    }

    /// Leaves a shard's spikes of epoch `epoch`, taking what was there in exchange.
    pub(crate) fn put_shard(&self, epoch: u64, shard: usize, spikes: &mut Spikes) {
        exchange(&self.shards[side(epoch)][shard], spikes);
    }

    /// Leaves a source block's spikes of epoch `epoch`, taking what was there in exchange.
    pub(crate) fn put_source_block(&self, epoch: u64, source_block: usize, spikes: &mut Spikes) {
        exchange(&self.source_blocks[side(epoch)][source_block], spikes);
    }

    /// All shards' spikes of epoch `epoch`.
    pub(crate) fn shards(&self, epoch: u64) -> Vec<RwLockReadGuard<'_, Spikes>> {
        read(&self.shards[side(epoch)])
    }

    /// All source blocks' spikes of epoch `epoch`.
    pub(crate) fn source_blocks(&self, epoch: u64) -> Vec<RwLockReadGuard<'_, Spikes>> {
        read(&self.source_blocks[side(epoch)])
    }
}

const fn side(epoch: u64) -> usize {
    (epoch % 2) as usize
}

fn exchange(place: &RwLock<Spikes>, spikes: &mut Spikes) {
    let mut place = place.write().unwrap_or_else(PoisonError::into_inner);
    std::mem::swap(&mut *place, spikes);
}

fn read(side: &[RwLock<Spikes>]) -> Vec<RwLockReadGuard<'_, Spikes>> {
    side.iter().map(|s| s.read().unwrap_or_else(PoisonError::into_inner)).collect()
}

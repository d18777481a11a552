//! The board where threads leave the spikes of an epoch for each other. Two sides in turn: while one epoch's spikes
//! are read, the next one's are written.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::spikes::Spikes;

/// Spikes by shard and by generator chunk, of two epochs.
#[derive(Debug, Default)]
pub(crate) struct Board {
    shards: [Vec<RwLock<Spikes>>; 2],
    chunks: [Vec<RwLock<Spikes>>; 2],
}

impl Board {
    pub(crate) fn new(shards: usize, chunks: usize) -> Self {
        let side = |n: usize| (0..n).map(|_| RwLock::default()).collect();
        Self { shards: [side(shards), side(shards)], chunks: [side(chunks), side(chunks)] }
    }

    /// How many shards and chunks it is for.
    pub(crate) const fn places(&self) -> (usize, usize) {
        (self.shards[0].len(), self.chunks[0].len())
    }

    /// Leaves a shard's spikes of epoch `epoch`, taking what was there in exchange.
    pub(crate) fn put_shard(&self, epoch: u64, shard: usize, spikes: &mut Spikes) {
        exchange(&self.shards[side(epoch)][shard], spikes);
    }

    /// Leaves a chunk's spikes of epoch `epoch`, taking what was there in exchange.
    pub(crate) fn put_chunk(&self, epoch: u64, chunk: usize, spikes: &mut Spikes) {
        exchange(&self.chunks[side(epoch)][chunk], spikes);
    }

    /// All shards' spikes of epoch `epoch`.
    pub(crate) fn shards(&self, epoch: u64) -> Vec<RwLockReadGuard<'_, Spikes>> {
        read(&self.shards[side(epoch)])
    }

    /// All chunks' spikes of epoch `epoch`.
    pub(crate) fn chunks(&self, epoch: u64) -> Vec<RwLockReadGuard<'_, Spikes>> {
        read(&self.chunks[side(epoch)])
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

//! The states that a gradient needs: those of each step of a segment, and the snapshots from which segments start.
//!
//! ```text
//! states:  block 0: step 0 | step 1 | ... | end    block 1: step 0 | step 1 | ...
//! ```
//!
//! The states of a block are consecutive, so a step reads one state and writes the next one directly after it
//! ([`History::step`]). If only the states at the beginning of epochs are recorded, there is one entry per
//! epoch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dendrion_kernels::{Buffer, OutOfMemory, Ring, Scalar, prefetch_all};
use dendrion_model::Error;

use crate::refused::refused;
use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// Number of steps ahead of the current one for which memory is prefetched.
const AHEAD: usize = 3;

/// The recorded steps of a segment, in one shard.
#[derive(Debug)]
pub(crate) struct History<T: Scalar> {
    begin: u64,
    end: u64,
    /// Number of steps between two recorded states.
    every: u64,
    /// The states, block by block and step by step. If every step is recorded, this includes the state at the end of
    /// the last one.
    states: Buffer<T>,
    /// Number of values in a block's state.
    size: usize,
    spikes: Spikes,
}

impl<T: Scalar> History<T> {
    /// Creates a history of the steps from `begin` to `end`, with one state every `every` steps and `blocks` blocks
    /// of `size` values. `buffer` is reused if it is large enough.
    pub(super) fn new(
        (begin, end, every): (u64, u64, u64),
        (blocks, size): (usize, usize),
        buffer: Option<Buffer<T>>,
    ) -> Result<Self, OutOfMemory> {
        let mut history = Self { begin, end, every, states: Buffer::new(), size, spikes: Spikes::default() };
        let needed = blocks.saturating_mul(history.count()).saturating_mul(size);
        // New memory costs a page fault per 4 KiB, which takes as long as writing the data, so existing
        // memory is preferred.
        history.states = buffer.filter(|b| b.len() >= needed).map_or_else(|| Buffer::zeroed(needed), Ok)?;
        history.spikes.clear();
        Ok(history)
    }

    /// Returns the number of states recorded per block, including the one at the end of the last step.
    const fn count(&self) -> usize {
        ((self.end - self.begin).div_ceil(self.every) + 1) as usize
    }

    fn at(&self, step: u64, block: usize) -> usize {
        (block * self.count() + ((step - self.begin) / self.every) as usize) * self.size
    }

    /// Returns the step after the last one.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Returns whether the states of all steps are recorded, not only those at the beginning of epochs.
    pub(crate) const fn is_whole(&self) -> bool {
        self.every == 1
    }

    /// Records the state of a block at the beginning of a step.
    pub(crate) fn begin(&mut self, step: u64, block: usize, state: &[T]) {
        let at = self.at(step, block);
        self.states[at..][..state.len()].copy_from_slice(state);
    }

    /// Returns the state of a block at the beginning of a step, and the memory for the state at its end.
    pub(crate) fn step(&mut self, step: u64, block: usize) -> (&mut [T], &mut [T]) {
        let (at, size) = (self.at(step, block), self.size);
        self.states[at..][..2 * size].split_at_mut(size)
    }

    /// Returns the state of a block at the beginning of a step, or at the end of the last one.
    pub(crate) fn state(&self, step: u64, block: usize) -> &[T] {
        &self.states[self.at(step, block)..][..self.size]
    }

    /// Prefetches a part of the memory for a state some steps after `step`. The states of a run are written once and are
    /// far apart in memory. Without prefetching, each step would wait for memory.
    pub(crate) fn prefetch_after(&self, step: u64, block: usize, (part, parts): (usize, usize)) {
        let (at, size) = (self.at(step, block) + AHEAD * self.size, self.size);
        if let Some(soon) = self.states.get(at + part * size / parts..at + (part + 1) * size / parts) {
            prefetch_all(soon);
        }
    }

    /// Returns the state of a block one step before `step`, which is prefetched while `step` is reversed: recorded states are
    /// far apart in memory and are read backwards, a pattern that processors do not prefetch by themselves. It is empty if
    /// that step was not recorded.
    pub(crate) fn before(&self, step: u64, block: usize) -> &[T] {
        if step > self.begin { self.state(step - 1, block) } else { &[] }
    }

    /// Returns the states of a block at the beginning of `count` steps from `step` on, and at the end of the last of
    /// them.
    pub(crate) fn states(&self, step: u64, count: usize, block: usize) -> &[T] {
        &self.states[self.at(step, block)..][..(count + 1) * self.size]
    }

    /// Like [`History::states`], but from a slice with states of one block. `first` is the position of the
    /// first step in the slice.
    pub(crate) fn of<'a>(&self, states: &'a [T], first: usize, count: usize) -> &'a [T] {
        &states[first * self.size..][..(count + 1) * self.size]
    }

    /// Appends the spikes of the next steps.
    pub(super) fn append(&mut self, spikes: &Spikes) -> Result<(), Error> {
        self.spikes.append(spikes)
    }

    /// Returns the memory of the states, so that it can be reused.
    pub(super) fn into_buffer(self) -> Buffer<T> {
        self.states
    }

    /// Returns the neurons that spiked in a step.
    pub(crate) fn spikes_at(&self, step: u64) -> &[u32] {
        self.spikes.at((step - self.begin) as usize)
    }
}

/// Memory of finished histories. It is reused because page faults in new memory take as long as writing the
/// data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares<T: Scalar>(Arc<Mutex<Vec<Buffer<T>>>>);

impl<T: Scalar> Spares<T> {
    /// Distributes the buffers among `places` until none is left.
    pub(super) fn lend<'a>(&self, places: impl Iterator<Item = &'a mut Option<Buffer<T>>>) {
        let mut spares = self.lock();
        places.for_each(|place| *place = spares.pop());
    }

    /// Distributes buffers of at most `limit` bytes in total among `places`, and frees the others.
    pub(super) fn hand_out<'a>(&self, places: impl Iterator<Item = &'a mut Option<Buffer<T>>>, limit: u64) {
        let mut spares = self.lock();
        // The limit includes the memory of the new plan, so a buffer that does not fit is freed instead of kept in
        // addition.
        let mut left = limit;
        for place in places {
            let Some(spare) = spares.pop() else { break };
            let Some(rest) = left.checked_sub(size_of_val(&*spare) as u64) else { continue };
            (*place, left) = (Some(spare), rest);
        }
        spares.clear();
    }

    /// Returns a buffer to the collection.
    pub(super) fn give_back(&self, buffer: Buffer<T>) {
        self.lock().push(buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Buffer<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a shard between two steps: everything on which its future depends.
#[derive(Debug)]
pub(crate) struct Snapshot<T: Scalar> {
    state: Buffer<T>,
    rings: Vec<Ring<T>>,
}

impl<T: Scalar> Snapshot<T> {
    pub(super) fn of(shard: &Shard<T>) -> Result<Self, Error> {
        let rings = shard.delivery.rings.iter().map(Ring::copy).collect::<Result<_, _>>().map_err(refused)?;
        Ok(Self { state: Buffer::copied(&shard.states.values).map_err(refused)?, rings })
    }

    /// Restores the shard to this snapshot.
    pub(super) fn restore(self, shard: &mut Shard<T>) {
        (shard.states.values, shard.delivery.rings) = (self.state, self.rings);
    }
}

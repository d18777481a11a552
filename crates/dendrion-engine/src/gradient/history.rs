//! The states that a gradient needs: those of each step of a segment, and snapshots from which segments begin.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dendrion_kernels::{Buffer, Ring, Scalar, prefetch_all};

use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// Steps from a state that is kept to the state whose memory is fetched meanwhile.
const AHEAD: usize = 3;

/// The steps of a segment, in one shard.
#[derive(Debug)]
pub(crate) struct History<T: Scalar> {
    begin: u64,
    end: u64,
    /// Steps from one state that is kept to the next.
    every: u64,
    /// The states, block by block, step by step; where each is kept, at the end of the last step too.
    states: Buffer<T>,
    /// Values of a block.
    size: usize,
    spikes: Spikes,
}

impl<T: Scalar> History<T> {
    /// Of the steps from `begin` to `end`, a state each `every` steps, of `blocks` blocks of `size` values; `buffer` is used again where it is large enough.
    pub(super) fn new(
        (begin, end, every): (u64, u64, u64),
        (blocks, size): (usize, usize),
        buffer: Option<Buffer<T>>,
    ) -> Self {
        let mut history =
            Self { begin, end, every, states: Buffer::zeroed(0), size, spikes: Spikes::default() };
        let needed = blocks * history.count() * size;
        // New memory costs a page fault per 4 KiB, as much as what is written to it, so old memory is preferred.
        history.states = buffer.filter(|b| b.len() >= needed).unwrap_or_else(|| Buffer::zeroed(needed));
        history.spikes.clear();
        history
    }

    /// States kept of a block.
    const fn count(&self) -> usize {
        ((self.end - self.begin).div_ceil(self.every) + 1) as usize
    }

    fn at(&self, step: u64, block: usize) -> usize {
        (block * self.count() + ((step - self.begin) / self.every) as usize) * self.size
    }

    /// The step after the last one.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Whether the states of all steps are kept, not only those at the beginning of epochs.
    pub(crate) const fn is_whole(&self) -> bool {
        self.every == 1
    }

    /// Keeps the state of a block at the beginning of a step.
    pub(crate) fn begin(&mut self, step: u64, block: usize, state: &[T]) {
        let at = self.at(step, block);
        self.states[at..][..state.len()].copy_from_slice(state);
    }

    /// The state of a block at the beginning of a step, and where that at its end goes.
    pub(crate) fn step(&mut self, step: u64, block: usize) -> (&mut [T], &mut [T]) {
        let (at, size) = (self.at(step, block), self.size);
        // States of a run are written once and lie far apart; without the hint each step would wait for memory.
        if let Some(soon) = self.states.get(at + AHEAD * size..at + (AHEAD + 1) * size) {
            prefetch_all(soon);
        }
        self.states[at..][..2 * size].split_at_mut(size)
    }

    /// The state of a block at the beginning of a step, or at the end of the last one.
    pub(crate) fn state(&self, step: u64, block: usize) -> &[T] {
        &self.states[self.at(step, block)..][..self.size]
    }

    /// The state of a block at the beginning of `count` steps from `step` on, and that at the end of the last of them.
    pub(crate) fn states(&self, step: u64, count: usize, block: usize) -> &[T] {
        &self.states[self.at(step, block)..][..(count + 1) * self.size]
    }

    /// Likewise of states of one block that follow each other elsewhere, from the one of number `first` on.
    pub(crate) fn of<'a>(&self, states: &'a [T], first: usize, count: usize) -> &'a [T] {
        &states[first * self.size..][..(count + 1) * self.size]
    }

    /// Appends the spikes of the next steps.
    pub(super) fn append(&mut self, spikes: &Spikes) {
        self.spikes.append(spikes);
    }

    /// The memory of the states, to be used again.
    pub(super) fn into_buffer(self) -> Buffer<T> {
        self.states
    }

    /// The neurons that spiked in a step.
    pub(crate) fn spikes_at(&self, step: u64) -> &[u32] {
        self.spikes.at((step - self.begin) as usize)
    }
}

/// Memory of histories that are over. New memory costs as much as what is written to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares<T: Scalar>(Arc<Mutex<Vec<Buffer<T>>>>);

impl<T: Scalar> Spares<T> {
    /// Hands out what there is, until it is used up.
    pub(super) fn lend<'a>(&self, places: impl Iterator<Item = &'a mut Option<Buffer<T>>>) {
        let mut spares = self.lock();
        places.for_each(|place| *place = spares.pop());
    }

    /// Hands out at most `limit` bytes; what is left over is freed.
    pub(super) fn hand_out<'a>(&self, places: impl Iterator<Item = &'a mut Option<Buffer<T>>>, limit: u64) {
        let mut spares = self.lock();
        // What does not fit into the limit is freed with the rest, or it would count beside the new plan's own memory.
        let mut left = limit;
        for place in places {
            let Some(spare) = spares.pop() else { break };
            let Some(rest) = left.checked_sub(size_of_val(&*spare) as u64) else { continue };
            (*place, left) = (Some(spare), rest);
        }
        spares.clear();
    }

    /// Takes memory back.
    pub(super) fn give_back(&self, buffer: Buffer<T>) {
        self.lock().push(buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Buffer<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shard between two steps: everything its future depends on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot<T: Scalar> {
    state: Buffer<T>,
    rings: Vec<Ring<T>>,
}

impl<T: Scalar> Snapshot<T> {
    pub(super) fn of(shard: &Shard<T>) -> Self {
        Self { state: shard.states.values.clone(), rings: shard.delivery.rings.clone() }
    }

    /// Puts a shard back to where it was.
    pub(super) fn restore(self, shard: &mut Shard<T>) {
        (shard.states.values, shard.delivery.rings) = (self.state, self.rings);
    }
}

//! What a gradient needs of the past: the states of each step of a segment, and states to begin a segment from.

use std::sync::{Arc, Mutex, PoisonError};

use dendrion_kernels::{Buffer, Ring, Scalar, prefetch_all};

use crate::gradient::Bytes;
use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// Steps from a state that is kept to one whose memory is asked for.
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
    pub(crate) spikes: Spikes,
}

impl<T: Scalar> History<T> {
    /// Of the steps from `begin` to `end` of `blocks` blocks of `size` values; `buffer` is used again where it is large enough.
    fn new(
        (begin, end, every): (u64, u64, u64),
        (blocks, size): (usize, usize),
        buffer: Option<Buffer<T>>,
    ) -> Self {
        let mut history =
            Self { begin, end, every, states: Buffer::zeroed(0), size, spikes: Spikes::default() };
        let needed = blocks * history.count() * size;
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

    /// The neurons that spiked in a step.
    pub(crate) fn spikes_at(&self, step: u64) -> &[u32] {
        self.spikes.at((step - self.begin) as usize)
    }
}

/// Memory of histories that are over. New memory costs as much as what is written to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares<T: Scalar>(Arc<Mutex<Vec<Buffer<T>>>>);

impl<T: Scalar> Spares<T> {
    /// Lends some to shards.
    pub(crate) fn lend<'a>(&self, shards: impl Iterator<Item = &'a mut Shard<T>>) {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.for_each(|shard| shard.spare = spares.pop());
    }

    /// Hands them out to shards, in all at most `limit` bytes; what is left over is freed.
    pub(crate) fn hand_out<'a>(&self, shards: impl Iterator<Item = &'a mut Shard<T>>, limit: u64) {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = limit;
        for shard in shards {
            let Some(spare) = spares.pop() else { break };
            let Some(rest) = left.checked_sub(size_of_val(&*spare) as u64) else { continue };
            (shard.spare, left) = (Some(spare), rest);
        }
        spares.clear();
    }
}

/// A shard between two steps: everything its future depends on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot<T: Scalar> {
    state: Buffer<T>,
    rings: Vec<Ring<T>>,
}

impl<T: Scalar> Shard<T> {
    /// Begins to keep what a gradient needs of the steps from `begin` to `end`, which are run in epochs of `epoch` steps.
    pub(crate) fn track(&mut self, begin: u64, end: u64, epoch: u64) {
        let old = self.tracked.take().map(|h| h.states).or_else(|| self.spare.take());
        let size = self.state_rows * self.lanes;
        let every = if self.is_run_again { epoch } else { 1 };
        self.tracked = Some(History::new((begin, end, every), (self.blocks.len(), size), old));
    }

    /// Keeps nothing of the steps to come.
    pub(crate) fn untrack(&mut self) {
        self.spare = self.tracked.take().map(|h| h.states).or_else(|| self.spare.take());
    }

    /// Gives the memory of what was kept to be used again.
    pub(crate) fn recycle(&mut self, spares: &Spares<T>) {
        if let Some(history) = self.tracked.take() {
            spares.0.lock().unwrap_or_else(PoisonError::into_inner).push(history.states);
        }
    }

    /// Puts its present state on the pile.
    pub(crate) fn save(&mut self) {
        self.snapshots.push(Snapshot { state: self.state.clone(), rings: self.rings.clone() });
    }

    /// Goes back to the last state saved, which leaves the pile.
    pub(crate) fn restore(&mut self) {
        if let Some(Snapshot { state, rings }) = self.snapshots.pop() {
            (self.state, self.rings) = (state, rings);
        }
    }

    /// Bytes of one of its states, and of all there is to save.
    pub(crate) fn bytes(&self) -> Bytes {
        let rings: usize = self.rings.iter().map(|r| r.lanes() * r.slots() * size_of::<T>()).sum();
        let state = self.state.len() * size_of::<T>();
        let (each_step, each_epoch) = if self.is_run_again { (0, state) } else { (state, 0) };
        Bytes { each_step, each_epoch, saved: state + rings }
    }
}

//! The observer that records what a gradient needs.
//!
//! A shard whose steps are expensive keeps the state of every step: the program writes its result right behind the state it
//! started from, so nothing is copied. A shard whose steps are cheap and at which no spikes arrive keeps the state at the beginning of each epoch only;
//! the reverse run computes the others again, because that costs less than to fetch them from memory.

use dendrion_kernels::{Buffer, Scalar};

use super::history::{History, Snapshot, Spares};
use super::reversal::Reversal;
use super::schedule::Bytes;
use super::weight_accumulator::WeightAccumulator;
use crate::inputs::SourceBlock;
use crate::runtime::observer::{Observer, ShardObserver, SourceObserver};
use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// Records what a gradient needs.
#[derive(Debug)]
pub(crate) struct GradientObserver;

impl<T: Scalar> Observer<T> for GradientObserver {
    type Shard = ShardTrace<T>;
    type Sources = SourceTrace;
}

/// What is recorded of a shard, and its part of the reverse run.
#[derive(Debug)]
pub(crate) struct ShardTrace<T: Scalar> {
    /// Whether only the states at the beginning of epochs are kept.
    keeps_epochs: bool,
    /// The segment that is kept, if one is.
    pub(super) history: Option<History<T>>,
    /// Memory for the next one.
    pub(super) spare: Option<Buffer<T>>,
    /// States from which segments begin, the last one on top.
    snapshots: Vec<Snapshot<T>>,
    pub(super) reversal: Option<Box<Reversal<T>>>,
}

impl<T: Scalar> ShardTrace<T> {
    pub(super) const fn new(keeps_epochs: bool) -> Self {
        Self { keeps_epochs, history: None, spare: None, snapshots: Vec::new(), reversal: None }
    }

    /// Begins to keep the steps from `begin` to `end`, which are run in epochs of `epoch` steps.
    pub(super) fn keep(&mut self, shard: &Shard<T>, (begin, end): (u64, u64), epoch: u64) {
        // The memory of the last segment serves this one.
        self.keep_nothing();
        let size = shard.states.rows * shard.place.lanes;
        let every = if self.keeps_epochs { epoch } else { 1 };
        let spare = self.spare.take();
        self.history = Some(History::new((begin, end, every), (shard.place.blocks.len(), size), spare));
    }

    /// Keeps nothing of the steps to come.
    pub(super) fn keep_nothing(&mut self) {
        self.spare = self.history.take().map(History::into_buffer).or_else(|| self.spare.take());
    }

    /// Gives back the memory of what was kept.
    pub(super) fn recycle(&mut self, spares: &Spares<T>) {
        if let Some(history) = self.history.take() {
            spares.give_back(history.into_buffer());
        }
    }

    pub(super) fn save(&mut self, shard: &Shard<T>) {
        self.snapshots.push(Snapshot::of(shard));
    }

    /// Puts the shard back to the last state saved, which is removed.
    pub(super) fn restore(&mut self, shard: &mut Shard<T>) {
        if let Some(snapshot) = self.snapshots.pop() {
            snapshot.restore(shard);
        }
    }

    /// Takes out what was recorded, and leaves a trace that has recorded nothing.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.keeps_epochs))
    }

    /// Bytes of one state of the shard, and of a snapshot.
    pub(super) fn bytes(&self, shard: &Shard<T>) -> Bytes {
        let rings: usize = shard.delivery.rings.iter().map(|r| r.lanes() * r.slots() * size_of::<T>()).sum();
        let state = shard.states.values.len() * size_of::<T>();
        let (each_step, each_epoch) = if self.keeps_epochs { (0, state) } else { (state, 0) };
        Bytes { each_step, each_epoch, saved: state + rings }
    }
}

impl<T: Scalar> ShardObserver<T> for ShardTrace<T> {
    fn begin_block(&mut self, begin: u64, block: usize, state: &[T]) {
        if let Some(history) = &mut self.history {
            history.begin(begin, block, state);
        }
    }

    fn step(&mut self, step: u64, block: usize) -> Option<(&mut [T], &mut [T])> {
        let history = self.history.as_mut().filter(|history| history.is_whole())?;
        Some(history.step(step, block))
    }

    fn end_block(&self, end: u64, block: usize) -> Option<&[T]> {
        let history = self.history.as_ref().filter(|history| history.is_whole())?;
        Some(history.state(end, block))
    }

    fn spikes(&mut self, spikes: &Spikes) {
        if let Some(history) = &mut self.history {
            history.append(spikes);
        }
    }
}

/// What is recorded of a source block, and its part of the reverse run.
#[derive(Debug, Default)]
pub(crate) struct SourceTrace {
    /// The spikes (step, source) of the segment that is kept, ascending by step.
    kept: Option<Vec<(u64, u32)>>,
    /// States from which segments begin, the last one on top.
    snapshots: Vec<SourceBlock>,
    pub(super) accumulator: Option<Box<WeightAccumulator>>,
}

impl SourceTrace {
    /// Keeps the spikes to come, or does not.
    pub(super) fn keep(&mut self, keep: bool) {
        self.kept = keep.then(Vec::new);
    }

    pub(super) fn save(&mut self, source_block: &mut SourceBlock) {
        self.snapshots.push(source_block.clone_unrecorded());
    }

    /// Puts the source block back to the last state saved, which is removed.
    pub(super) fn restore(&mut self, source_block: &mut SourceBlock) {
        if let Some(snapshot) = self.snapshots.pop() {
            *source_block = snapshot;
        }
    }

    /// The spikes kept of some steps.
    pub(super) fn spikes(&self, steps: std::ops::Range<u64>) -> &[(u64, u32)] {
        let kept = self.kept.as_deref().unwrap_or_default();
        let at = |step: u64| kept.partition_point(|(s, _)| *s < step);
        &kept[at(steps.start)..at(steps.end)]
    }
}

impl SourceObserver for SourceTrace {
    fn spikes(&mut self, begin: u64, spikes: &Spikes) {
        if let Some(kept) = &mut self.kept {
            // By step, so that the spikes of an epoch can be found by bisection.
            for i in 0..spikes.steps() {
                kept.extend(spikes.at(i).iter().map(|source| (begin + i as u64, *source)));
            }
        }
    }
}

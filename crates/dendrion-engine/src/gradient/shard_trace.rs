//! The observer that records the data that a gradient needs.
//!
//! A shard whose steps are expensive records the state at every step: the program writes its result directly
//! after the state from which it started, so nothing is copied. A shard whose steps are cheap and which
//! receives no spikes records only the state at the beginning of each epoch. The backward sweep recomputes
//! the other states, because this takes less time than reading them from memory.

use dendrion_kernels::{Buffer, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::reserve;

use super::history::{History, Snapshot, Spares};
use super::reversal::Reversal;
use super::schedule::Bytes;
use super::weight_accumulator::WeightAccumulator;
use crate::inputs::SourceBlock;
use crate::refused::refused;
use crate::runtime::observer::{Observer, ShardObserver, SourceObserver};
use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// The observer of a run with a trace.
#[derive(Debug)]
pub(crate) struct GradientObserver;

impl<T: Scalar> Observer<T> for GradientObserver {
    type Shard = ShardTrace<T>;
    type Sources = SourceTrace;
}

/// The recorded states of a shard, and its part of the reverse run.
#[derive(Debug)]
pub(crate) struct ShardTrace<T: Scalar> {
    /// Whether only the states at the beginning of epochs are recorded.
    keeps_epochs: bool,
    /// The recorded segment, if any.
    pub(super) history: Option<History<T>>,
    /// Memory for the next segment.
    pub(super) spare: Option<Buffer<T>>,
    /// A stack of the states from which segments start.
    snapshots: Vec<Snapshot<T>>,
    pub(super) reversal: Option<Box<Reversal<T>>>,
}

impl<T: Scalar> ShardTrace<T> {
    pub(super) const fn new(keeps_epochs: bool) -> Self {
        Self { keeps_epochs, history: None, spare: None, snapshots: Vec::new(), reversal: None }
    }

    /// Starts recording the steps from `begin` to `end`, which run in epochs of `epoch` steps.
    pub(super) fn keep(
        &mut self,
        shard: &Shard<T>,
        (begin, end): (u64, u64),
        epoch: u64,
    ) -> Result<(), Error> {
        // The next segment reuses the memory of the last one.
        self.keep_nothing();
        let size = shard.states.rows * shard.place.lanes;
        let every = if self.keeps_epochs { epoch } else { 1 };
        let spare = self.spare.take();
        let history = History::new((begin, end, every), (shard.place.blocks.len(), size), spare);
        self.history = Some(history.map_err(refused)?);
        Ok(())
    }

    /// Stops recording, and keeps the memory for the next segment.
    pub(super) fn keep_nothing(&mut self) {
        self.spare = self.history.take().map(History::into_buffer).or_else(|| self.spare.take());
    }

    /// Returns the memory of recorded states for other histories.
    pub(super) fn recycle(&mut self, spares: &Spares<T>) {
        if let Some(history) = self.history.take() {
            spares.give_back(history.into_buffer());
        }
    }

    pub(super) fn save(&mut self, shard: &Shard<T>) -> Result<(), Error> {
        self.snapshots.push(Snapshot::of(shard)?);
        Ok(())
    }

    /// Restores the last saved state of the shard and removes it.
    pub(super) fn restore(&mut self, shard: &mut Shard<T>) {
        if let Some(snapshot) = self.snapshots.pop() {
            snapshot.restore(shard);
        }
    }

    /// Returns the recorded data and leaves an empty trace.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.keeps_epochs))
    }

    /// Returns the sizes, in bytes, of one state of the shard and of a snapshot.
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
        // `None` makes the shard advance its own copy in place.
        let history = self.history.as_mut().filter(|history| history.is_whole())?;
        Some(history.step(step, block))
    }

    fn prefetch(&self, step: u64, block: usize, part: (usize, usize)) {
        if let Some(history) = self.history.as_ref().filter(|history| history.is_whole()) {
            history.prefetch_after(step, block, part);
        }
    }

    fn end_block(&self, end: u64, block: usize) -> Option<&[T]> {
        let history = self.history.as_ref().filter(|history| history.is_whole())?;
        Some(history.state(end, block))
    }

    fn spikes(&mut self, spikes: &Spikes) -> Result<(), Error> {
        self.history.as_mut().map_or(Ok(()), |history| history.append(spikes))
    }
}

/// The recorded spikes of a source block, and its part of the reverse run.
#[derive(Debug, Default)]
pub(crate) struct SourceTrace {
    /// The spikes (step, source) of the recorded segment, in ascending order of steps.
    kept: Option<Vec<(u64, u32)>>,
    /// A stack of the states from which segments start.
    snapshots: Vec<SourceBlock>,
    pub(super) accumulator: Option<Box<WeightAccumulator>>,
}

impl SourceTrace {
    /// Starts or stops recording spikes.
    pub(super) fn keep(&mut self, keep: bool) {
        self.kept = keep.then(Vec::new);
    }

    pub(super) fn save(&mut self, source_block: &SourceBlock) -> Result<(), Error> {
        self.snapshots.push(source_block.copy_unrecorded()?);
        Ok(())
    }

    /// Restores the last saved state of the source block and removes it.
    pub(super) fn restore(&mut self, source_block: &mut SourceBlock) {
        if let Some(snapshot) = self.snapshots.pop() {
            *source_block = snapshot;
        }
    }

    /// Returns the recorded spikes of some steps.
    pub(super) fn spikes(&self, steps: std::ops::Range<u64>) -> &[(u64, u32)] {
        let kept = self.kept.as_deref().unwrap_or_default();
        let at = |step: u64| kept.partition_point(|(s, _)| *s < step);
        &kept[at(steps.start)..at(steps.end)]
    }
}

impl SourceObserver for SourceTrace {
    fn spikes(&mut self, begin: u64, spikes: &Spikes) -> Result<(), Error> {
        if let Some(kept) = &mut self.kept {
            // Spikes are stored by step, so that those of an epoch can be found by bisection.
            for i in 0..spikes.steps() {
                reserve(kept, spikes.at(i).len())?;
                kept.extend(spikes.at(i).iter().map(|source| (begin + i as u64, *source)));
            }
        }
        Ok(())
    }
}

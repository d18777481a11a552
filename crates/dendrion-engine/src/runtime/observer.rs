//! Observers give code outside a run access to the steps of the run, for example to record the data that a
//! gradient needs.
//!
//! All code that runs steps is generic over its [`Observer`]. The compiler generates separate code for each observer,
//! so a run without one ([`Unobserved`], whose hooks are empty) contains no hooks. Observers only read data and
//! redirect memory; they cannot change a result.

use std::fmt::Debug;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::spikes::Spikes;

/// Observes the steps of one shard.
pub(crate) trait ShardObserver<T: Scalar>: Debug + Send {
    /// Called before a block runs the steps from `begin` on, with its current state.
    fn begin_block(&mut self, begin: u64, block: usize, state: &[T]);

    /// Returns a block's state at the beginning of a step, and the memory in which the step stores the state at its
    /// end. If it returns `None`, the step advances the shard's own copy of the state in place.
    fn step(&mut self, step: u64, block: usize) -> Option<(&mut [T], &mut [T])>;

    /// Prefetches a part of the memory that a later step of a block will write: part `part.0` of `part.1` equal parts.
    /// Prefetching all of it at once would fill the queues of the processor, and the step would wait.
    fn prefetch(&self, step: u64, block: usize, part: (usize, usize));

    /// Returns a block's state after the last step, if it is not in the shard's own copy.
    fn end_block(&self, end: u64, block: usize) -> Option<&[T]>;

    /// Called with the shard's spikes of an epoch. An error ends the run.
    fn spikes(&mut self, spikes: &Spikes) -> Result<(), Error>;
}

/// Observes the spikes of one source block.
pub(crate) trait SourceObserver: Debug + Send {
    /// Called with the spikes of the steps from `begin` on. An error ends the run.
    fn spikes(&mut self, begin: u64, spikes: &Spikes) -> Result<(), Error>;
}

/// A type of observer for a run.
pub(crate) trait Observer<T: Scalar>: Debug {
    /// The observer of each shard.
    type Shard: ShardObserver<T>;
    /// The observer of each source block.
    type Sources: SourceObserver;
}

/// The observer of a run that is not observed.
#[derive(Debug)]
pub(crate) struct Unobserved;

impl<T: Scalar> Observer<T> for Unobserved {
    type Shard = ();
    type Sources = ();
}

impl<T: Scalar> ShardObserver<T> for () {
    fn begin_block(&mut self, _: u64, _: usize, _: &[T]) {}

    fn step(&mut self, _: u64, _: usize) -> Option<(&mut [T], &mut [T])> {
        None
    }

    fn prefetch(&self, _: u64, _: usize, _: (usize, usize)) {}

    fn end_block(&self, _: u64, _: usize) -> Option<&[T]> {
        None
    }

    fn spikes(&mut self, _: &Spikes) -> Result<(), Error> {
        Ok(())
    }
}

impl SourceObserver for () {
    fn spikes(&mut self, _: u64, _: &Spikes) -> Result<(), Error> {
        Ok(())
    }
}

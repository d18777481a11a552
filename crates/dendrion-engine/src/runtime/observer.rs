//! Observers: how code outside a run sees its steps, for example to record what a gradient needs.
//!
//! Everything that runs steps is generic over its [`Observer`]. The compiler makes a separate copy for each observer, so a run
//! without one ([`Unobserved`], whose hooks are empty) contains no trace of the hooks. Observers only read and redirect
//! memory; they cannot change a result.

use std::fmt::Debug;

use dendrion_kernels::Scalar;

use super::spikes::Spikes;

/// Sees the steps of one shard.
pub(crate) trait ShardObserver<T: Scalar>: Debug + Send {
    /// The steps of a block from `begin` on are about to run, from this state.
    fn begin_block(&mut self, begin: u64, block: usize, state: &[T]);

    /// A block's state at the beginning of a step, and the memory in which the step leaves the state at its end. `None`: the step
    /// advances the shard's own copy of the state in place.
    fn step(&mut self, step: u64, block: usize) -> Option<(&mut [T], &mut [T])>;

    /// A block's state after the last step, if it is not in the shard's own copy.
    fn end_block(&self, end: u64, block: usize) -> Option<&[T]>;

    /// The shard's spikes of an epoch.
    fn spikes(&mut self, spikes: &Spikes);
}

/// Sees the spikes of one source block.
pub(crate) trait SourceObserver: Debug + Send {
    /// The spikes of the steps from `begin` on.
    fn spikes(&mut self, begin: u64, spikes: &Spikes);
}

/// What observes a run.
pub(crate) trait Observer<T: Scalar>: Debug {
    /// For each shard.
    type Shard: ShardObserver<T>;
    /// For each source block.
    type Sources: SourceObserver;
}

/// Nothing observes the run.
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

    fn end_block(&self, _: u64, _: usize) -> Option<&[T]> {
        None
    }

    fn spikes(&mut self, _: &Spikes) {}
}

impl SourceObserver for () {
    fn spikes(&mut self, _: u64, _: &Spikes) {}
}

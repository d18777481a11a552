//! What the stages of a step share.

use std::sync::Arc;

use dendrion_kernels::Scalar;

use crate::inputs::{Current, Given};
use crate::run::Member;
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;

/// The data that the clusters of all threads read during a run.
pub(crate) struct Sources<'a, T: Scalar> {
    pub(crate) engines: &'a [Arc<Engine<T>>],
    pub(crate) currents: &'a [Option<Current>],
    pub(crate) given: &'a [Option<Given<T>>],
}

/// The members of a cluster: the shards of its cells, of its membrane and of its placed mechanisms.
pub(super) type Members<T, O> = [One<T, O>];
pub(super) type One<T, O> = Member<Shard<T>, O>;

/// The position in an epoch: a block, the first step of the epoch, and the step within the epoch.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) block: usize,
    pub(super) begin: u64,
    pub(super) i: usize,
}

impl At {
    pub(super) const fn step(self) -> u64 {
        self.begin + self.i as u64
    }
}

//! Connections as the reverse run goes along them: from targets to sources.

use std::sync::Arc;

use dendrion_kernels::{Fanout, Scalar};

/// Connections of one projection onto one shard, from which spike adjoints are pulled.
#[derive(Debug)]
pub(crate) struct ReverseEdge<T: Scalar> {
    pub(crate) projection: usize,
    /// Place of the shard.
    pub(crate) target: usize,
    pub(crate) port: usize,
    pub(crate) fanout: Arc<Fanout<T>>,
    /// Whether the cotangents of its weights are wanted.
    pub(crate) wanted: bool,
}

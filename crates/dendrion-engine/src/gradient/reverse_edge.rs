//! Connections as the backward sweep follows them: from targets to sources.

use std::sync::Arc;

use dendrion_kernels::{Fanout, Scalar};

/// The connections of one projection onto one shard, from which spike adjoints are pulled.
#[derive(Debug)]
pub(crate) struct ReverseEdge<T: Scalar> {
    pub(crate) projection: usize,
    /// Index of the target shard in the sample.
    pub(crate) target: usize,
    pub(crate) port: usize,
    pub(crate) fanout: Arc<Fanout<T>>,
    /// Whether the cotangents of the weights are wanted.
    pub(crate) wanted: bool,
}

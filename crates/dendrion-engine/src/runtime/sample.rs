//! Everything of a network that moves: of the network itself, or of one sample of a batch.

use dendrion_kernels::Scalar;

use super::shard::Shard;
use crate::inputs::SourceBlock;

/// The shards and source blocks of a network, in the order of their places in the spike exchange.
#[derive(Debug)]
pub(crate) struct Sample<T: Scalar> {
    pub(crate) shards: Vec<Shard<T>>,
    pub(crate) source_blocks: Vec<SourceBlock>,
}

//! The data that change during a run, of the network itself or of one sample of a batch.

use dendrion_kernels::Scalar;

use super::shard::Shard;
use crate::inputs::SourceBlock;

/// The shards and source blocks of a network, in the order of their places in the spike exchange.
#[derive(Debug)]
pub(crate) struct Sample<T: Scalar> {
    pub(crate) shards: Vec<Shard<T>>,
    pub(crate) source_blocks: Vec<SourceBlock>,
}

impl<T: Scalar> Sample<T> {
    /// Draws the random numbers of sample number `b` of a batch from now on.
    pub(crate) fn draw_as(&mut self, b: u32) {
        for shard in &mut self.shards {
            shard.inputs.noises.iter_mut().for_each(|n| n.become_sample(b));
        }
        self.source_blocks.iter_mut().for_each(|c| c.become_sample(b));
    }
}

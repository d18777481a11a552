//! The data that change during a run, of the network itself or of one sample of a batch.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::shard::Shard;
use crate::inputs::SourceBlock;
use crate::refused::Shortage;

/// The shards and source blocks of a network, in the order of their places in the spike exchange.
#[derive(Debug)]
pub(crate) struct Sample<T: Scalar> {
    pub(crate) shards: Vec<Shard<T>>,
    pub(crate) source_blocks: Vec<SourceBlock>,
}

impl<T: Scalar> Sample<T> {
    /// From now on, draws the random numbers of sample `b` of a batch.
    pub(crate) fn draw_as(&mut self, b: u32) {
        for shard in &mut self.shards {
            shard.inputs.noises.iter_mut().for_each(|n| n.become_sample(b));
        }
        self.source_blocks.iter_mut().for_each(|c| c.become_sample(b));
    }

    /// Stores an error that concerns the whole sample in its first shard or source block. A sample without shards and
    /// source blocks needs no memory.
    pub(crate) fn note(&mut self, step: u64, error: Error) {
        let shards = self.shards.iter_mut().map(|s| &mut s.shortage);
        let mut kept = shards.chain(self.source_blocks.iter_mut().map(|c| &mut c.shortage));
        if let Some(kept) = kept.next() {
            Shortage::note(kept, step, Err(error));
        }
    }

    /// Returns the first failed allocation of a run, and the population (`Ok`) or generator (`Err`) that needed the memory.
    pub(crate) fn shortage(&self) -> Option<(&Shortage, Result<usize, usize>)> {
        let shards = self.shards.iter().filter_map(|s| Some((s.shortage.as_ref()?, Ok(s.place.population))));
        let sources =
            self.source_blocks.iter().filter_map(|c| Some((c.shortage.as_ref()?, Err(c.generator))));
        shards.chain(sources).min_by_key(|(shortage, _)| shortage.step)
    }
}

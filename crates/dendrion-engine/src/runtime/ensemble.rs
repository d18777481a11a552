//! All data that change during a run: the network itself, or the samples of a batch.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::room;
use dendrion_model::{Error, check_interrupt};

use super::index::{of_generator_mut, of_population_mut};
use super::sample::Sample;
use super::shard::Shard;
use crate::inputs::SourceBlock;
use crate::recording::recorder::Recordings;

/// The network itself, and the samples of its batch, if it has one.
#[derive(Debug)]
pub(crate) struct Ensemble<T: Scalar> {
    /// The network itself. It remains in the state in which the batch began.
    pub(crate) own: Sample<T>,
    /// The samples of a batch. Empty without a batch.
    pub(crate) batch: Vec<Sample<T>>,
    /// By population and state, whether the state still has its initial value.
    pub(crate) fresh: Vec<Vec<bool>>,
    /// For each projection, its target population.
    pub(crate) onto: Vec<usize>,
}

impl<T: Scalar> Ensemble<T> {
    /// Returns the samples of a batch, or the network itself.
    pub(crate) fn present(&self) -> &[Sample<T>] {
        if self.batch.is_empty() { std::slice::from_ref(&self.own) } else { &self.batch }
    }

    /// Returns the shards of all samples of a batch, or the network's own.
    pub(crate) fn present_shards(&self) -> impl Iterator<Item = &Shard<T>> {
        self.present().iter().flat_map(|sample| &sample.shards)
    }

    /// Returns the shards of all samples of a batch, or those of the network itself, for modification.
    pub(crate) fn present_shards_mut(&mut self) -> impl Iterator<Item = &mut Shard<T>> {
        let present =
            if self.batch.is_empty() { std::slice::from_mut(&mut self.own) } else { &mut self.batch };
        present.iter_mut().flat_map(|sample| &mut sample.shards)
    }

    /// Returns the network's own shards and those of the samples of a batch.
    pub(crate) fn all_shards(&mut self) -> impl Iterator<Item = &mut Shard<T>> {
        self.own.shards.iter_mut().chain(self.batch.iter_mut().flat_map(|s| &mut s.shards))
    }

    /// Returns the network's own source blocks and those of the samples of a batch.
    pub(crate) fn all_source_blocks(&mut self) -> impl Iterator<Item = &mut SourceBlock> {
        self.own.source_blocks.iter_mut().chain(self.batch.iter_mut().flat_map(|s| &mut s.source_blocks))
    }

    /// Returns the shards of a population, including those of the samples of a batch.
    pub(crate) fn shards_of(&mut self, population: usize) -> impl Iterator<Item = &mut Shard<T>> {
        let samples = self.batch.iter_mut().flat_map(move |s| of_population_mut(&mut s.shards, population));
        of_population_mut(&mut self.own.shards, population).iter_mut().chain(samples)
    }

    /// Returns the source blocks of a generator, including those of the samples of a batch.
    pub(crate) fn source_blocks_of(&mut self, generator: usize) -> impl Iterator<Item = &mut SourceBlock> {
        let samples =
            self.batch.iter_mut().flat_map(move |s| of_generator_mut(&mut s.source_blocks, generator));
        of_generator_mut(&mut self.own.source_blocks, generator).iter_mut().chain(samples)
    }

    /// Creates the samples of a batch, each in the current state of the network itself.
    pub(crate) fn clone_samples(
        &self,
        batch: usize,
        recordings: Recordings,
    ) -> Result<Vec<Sample<T>>, Error> {
        let one = |b: usize| {
            check_interrupt()?;
            let shards = self.own.shards.iter().map(|s| s.clone_shard(recordings));
            let shards = shards.collect::<Result<_, Error>>()?;
            let source_blocks = self.own.source_blocks.iter().map(|block| block.copy(recordings));
            let mut sample = Sample { shards, source_blocks: source_blocks.collect::<Result<_, Error>>()? };
            sample.draw_as(b as u32);
            Ok(sample)
        };
        let all = || {
            let mut samples = room(batch)?;
            for b in 0..batch {
                samples.push(one(b)?);
            }
            Ok(samples)
        };
        all().map_err(|error: Error| error.needed_by("network", || format!("a batch of {batch} samples")))
    }

    /// Returns whether shards were lost with a thread: a network with populations has shards.
    pub(crate) fn is_lost(&self, populations: usize) -> bool {
        self.own.shards.is_empty() && populations > 0
    }
}

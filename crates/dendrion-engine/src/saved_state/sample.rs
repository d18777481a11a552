//! The data that change during a run: neurons, generators and short-term plasticity, of the network itself or of each
//! sample of a batch.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::container::{Element, Reader, Writer};
use super::neurons::Neurons;
use super::short_term::Lefts;
use super::{generators, neurons, short_term};
use crate::inputs::{GeneratorMemory, Schedule, SourceBlock};
use crate::runtime::core::Core;
use crate::runtime::delivery::Change;
use crate::runtime::index::{of_generator, of_generator_mut};
use crate::runtime::sample::Sample;
use crate::runtime::shard::Shard;

/// The data of one sample between two steps.
pub(super) struct Moving<T: Scalar> {
    neurons: Vec<Neurons<T>>,
    lefts: Vec<Lefts>,
    /// Spike generators with their indices.
    generators: Vec<(usize, GeneratorMemory)>,
    schedules: Vec<Option<Schedule>>,
}

/// Returns the prefix of array names for sample `b` of a batch of this size (0 without a batch).
pub(super) fn prefix(batch: usize, b: usize) -> String {
    if batch == 0 { String::new() } else { format!("sample {b}/") }
}

/// Adds the data of one sample to a file.
pub(super) fn save<T: Scalar + Element>(
    core: &Core<T>,
    (name, sample): (&str, &Sample<T>),
    out: &mut Writer,
) {
    (0..core.model.cells.len()).for_each(|i| neurons::save(core, i, (name, &sample.shards), out));
    (0..core.model.network.projections.len())
        .for_each(|i| short_term::save(core, i, (name, &sample.shards), out));
    let spiking = core.model.network.generators.iter().enumerate().filter(|(_, g)| g.is_spiking());
    spiking.for_each(|(i, _)| generators::save(core, i, (name, &sample.source_blocks), out));
}

impl<T: Scalar + Element + Into<f64>> Moving<T> {
    /// Reads the data of one sample of a network with this structure.
    pub(super) fn read(
        core: &Core<T>,
        (now, sample): (u64, &str),
        schedules: &[Option<Schedule>],
        file: &mut Reader<'_>,
    ) -> Result<Self, Error> {
        let neurons = (0..core.model.cells.len()).map(|i| Neurons::read(core, i, (now, sample), file));
        let neurons = neurons.collect::<Result<_, Error>>()?;
        let short =
            |i: &usize| core.ensemble.incoming(*i).any(|(_, i)| matches!(i.change, Change::ShortTerm(_)));
        let short = (0..core.model.network.projections.len()).filter(short);
        let lefts = short.map(|i| Lefts::read(core, i, (now, sample), file)).collect::<Result<_, Error>>()?;
        let mut generators = Vec::new();
        for (i, schedule) in schedules.iter().enumerate() {
            let Some(source_block) = of_generator(&core.ensemble.own.source_blocks, i).first() else {
                continue;
            };
            let memory = generators::read(core, source_block, schedule.as_ref(), (now, sample), file)?;
            generators.push((i, memory));
        }
        Ok(Self { neurons, lefts, generators, schedules: schedules.to_vec() })
    }

    /// Restores shards and source blocks at step `now`.
    fn restore(self, now: u64, sizes: &[usize], shards: &mut [Shard<T>], source_blocks: &mut [SourceBlock]) {
        for (neurons, size) in self.neurons.into_iter().zip(sizes) {
            neurons.restore(now, *size, shards);
        }
        self.lefts.iter().for_each(|lefts| lefts.restore(shards));
        for (generator, mut memory) in self.generators {
            for source_block in of_generator_mut(source_blocks, generator) {
                source_block.recall(&mut memory, self.schedules[generator].as_ref(), now);
            }
        }
    }
}

/// Restores the network itself, or the samples of its batch.
pub(super) fn move_to<T: Scalar + Element + Into<f64>>(core: &mut Core<T>, moving: Vec<Moving<T>>) {
    let (now, sizes) = (core.clock.now, core.model.cells.iter().map(|c| c.layout.size).collect::<Vec<_>>());
    if !core.ensemble.batch.is_empty() {
        for (Sample { shards, source_blocks }, moving) in core.ensemble.batch.iter_mut().zip(moving) {
            moving.restore(now, &sizes, shards, source_blocks);
        }
    } else if let Some(moving) = moving.into_iter().next() {
        moving.restore(now, &sizes, &mut core.ensemble.own.shards, &mut core.ensemble.own.source_blocks);
    }
}

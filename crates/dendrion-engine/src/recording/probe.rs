//! Probes: the quantities that are recorded, and the resulting tables.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{append, collected, copied, filled, push, room};
use dendrion_model::{Error, Generator, Projection};

use crate::inputs::SourceBlock;
use crate::recording::columns::columns_of_shards;
use crate::recording::recorder::{Reads, Recorder};
use crate::runtime::ensemble::Ensemble;
use crate::runtime::index::{of_generator, of_generator_mut, of_population, of_population_mut};
use crate::runtime::model::Model;
use crate::runtime::place::Place;
use crate::runtime::sample::Sample;
use crate::runtime::shard::Shard;

/// Number of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProbeId(pub usize);

/// Recorded values, sample by sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// Values of a network in single precision.
    F32(Vec<f32>),
    /// Values of a network in double precision.
    F64(Vec<f64>),
}

/// A probe: the quantity that it records, and the step at which it starts.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) population: usize,
    pub(crate) what: What,
    /// The first step that is recorded.
    pub(crate) begin: u64,
}

/// The recorded quantity.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Values {
        every: u64,
        columns: usize,
    },
    Spikes {
        indices: Option<Vec<u32>>,
    },
    /// Spikes of the generator with this number.
    Generated {
        generator: usize,
        indices: Option<Vec<u32>>,
    },
    /// The probe was removed. Its number is not used again.
    Removed,
}

/// All probes, by number.
#[derive(Debug, Default)]
pub(crate) struct Probes(pub(crate) Vec<Probe>);

/// Name of the variable that contains the weights of a projection with plastic weights.
const WEIGHTS: &str = "w";

/// Returns the population to which a path belongs and the name of the member in it, which is empty for the
/// population itself.
fn member<'a, T: Scalar>(model: &Model<T>, path: &'a str) -> Result<(usize, &'a str), Error> {
    model.index.member(path).ok_or_else(|| model.no_population(path))
}

/// Returns the variables of a module that can be recorded.
pub(crate) fn variables<T: Scalar>(model: &Model<T>, path: &str) -> Result<Vec<String>, Error> {
    if let Some(projection) = model.index.projection(path) {
        let learns = model.network.projections[projection].learns();
        return Ok(if learns { vec![WEIGHTS.into()] } else { Vec::new() });
    }
    if let Some(generator) = model.index.generator(path) {
        let is_spiking = model.network.generators[generator].is_spiking();
        return Ok(if is_spiking { vec!["spikes".into()] } else { Vec::new() });
    }
    let (population, member) = member(model, path)?;
    if member.is_empty() {
        let mut variables = vec!["spikes".into()];
        if let Some(membrane) = model.membrane(population) {
            variables.extend(model.cells[membrane].system.states.iter().map(|s| s.name.clone()));
        }
        return Ok(variables);
    }
    let system = &model.cells[population].system;
    let states = system.states.iter().filter(|s| !s.is_internal).map(|s| &s.name);
    let names = states.chain(system.observables.iter().map(|o| &o.name));
    let own = |name: &String| Some(name.strip_prefix(member)?.strip_prefix('.')?.to_string());
    let mut variables: Vec<String> = Vec::new();
    for name in names.filter_map(own) {
        if !variables.contains(&name) {
            variables.push(name);
        }
    }
    if variables.is_empty() && !model.network.populations[population].has_part(member) {
        let mut known: Vec<String> = system
            .states
            .iter()
            .filter_map(|s| s.name.rsplit_once('.'))
            .map(|(m, _)| m.to_string())
            .collect();
        known.dedup();
        return Err(Error::unknown(&model.cells[population].path, "module", member, known));
    }
    Ok(variables)
}

impl Probes {
    /// Starts recording `variable` of the module at `path` every `every` steps, for some or all neurons.
    pub(crate) fn add<T: Scalar>(
        &mut self,
        (model, ensemble): (&mut Model<T>, &mut Ensemble<T>),
        now: u64,
        (path, variable): (&str, &str),
        every: u64,
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        let known = variables(model, path)?;
        if !known.iter().any(|k| k == variable) {
            return Err(Error::unknown(path, "variable", variable, known));
        }
        if !ensemble.batch.is_empty() {
            let what = "probes cannot be added while the network has a batch; add the probe before the run, or after reset()";
            return Err(Error::run("network", what));
        }
        if every == 0 {
            return Err(Error::parameter(path, "every", 0, "at least one step"));
        }
        if let Some(projection) = model.index.projection(path) {
            return self.watch((model, ensemble), now, (projection, every), indices);
        }
        if let Some(generator) = model.index.generator(path) {
            return self.listen((model, ensemble), now, generator, indices);
        }
        let (mut population, member) = member(model, path)?;
        let is_spikes = member.is_empty() && variable == "spikes";
        if let (true, false, Some(membrane)) = (member.is_empty(), is_spikes, model.membrane(population)) {
            population = membrane;
        }
        check_indices(path, indices, (model.cells[population].layout.size, "neurons"))?;
        let what = if is_spikes {
            let indices = chosen(path, indices)?;
            for shard in of_population_mut(&mut ensemble.own.shards, population) {
                shard.output.log.get_or_insert_default();
            }
            What::Spikes { indices }
        } else {
            let name = if member.is_empty() { variable.to_string() } else { format!("{member}.{variable}") };
            let reads = reads(model, population, &name)?;
            let columns = self.record((model, ensemble), (population, reads), every, indices);
            let columns = columns.map_err(|error| error.needed_by(path, || "a probe".into()))?;
            What::Values { every, columns }
        };
        self.0.push(Probe { population, what, begin: now });
        Ok(ProbeId(self.0.len() - 1))
    }

    /// Records the weights of a projection's connections, sorted by source and then by target.
    fn watch<T: Scalar>(
        &mut self,
        (model, ensemble): (&Model<T>, &mut Ensemble<T>),
        now: u64,
        (projection, every): (usize, u64),
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        let Projection { path, population, .. } = &model.network.projections[projection];
        let needed = |error: Error| error.needed_by(path, || "a probe".into());
        let count = ensemble.incoming(projection).map(|(_, i)| i.fanout.targets().len()).sum();
        check_indices(path, indices, (count, "connections"))?;
        let probe = self.0.len();
        let columns = columns_of_shards(ensemble, projection, indices).map_err(needed)?;
        let mut recorders = columns.into_iter().map(|of| Recorder::new(probe, Reads::Weights, every, of));
        for shard in of_population_mut(&mut ensemble.own.shards, *population) {
            if shard.delivery.incoming_of(projection).is_some() {
                let watchers = &mut shard.delivery.plasticity.watchers;
                watchers.extend(recorders.next().map(|recorder| (projection, recorder)));
            }
        }
        let what = What::Values { every, columns: indices.map_or(count, <[usize]>::len) };
        self.0.push(Probe { population: *population, what, begin: now });
        Ok(ProbeId(probe))
    }

    /// Records a generator's spikes.
    fn listen<T: Scalar>(
        &mut self,
        (model, ensemble): (&Model<T>, &mut Ensemble<T>),
        now: u64,
        generator: usize,
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        let Generator { path, size, .. } = &model.network.generators[generator];
        check_indices(path, indices, (*size, "sources"))?;
        let indices = chosen(path, indices)?;
        listen(&mut ensemble.own.source_blocks, generator, now)
            .map_err(|error| error.needed_by(path, || "a probe".into()))?;
        let what = What::Generated { generator, indices };
        self.0.push(Probe { population: 0, what, begin: now });
        Ok(ProbeId(self.0.len() - 1))
    }

    /// Makes new source blocks of generators record spikes for the same probes as the old ones.
    pub(crate) fn listen_again(&self, source_blocks: &mut [SourceBlock]) -> Result<(), Error> {
        for probe in &self.0 {
            if let What::Generated { generator, .. } = probe.what {
                listen(source_blocks, generator, 0)?;
            }
        }
        Ok(())
    }

    /// Adds recorders to the shards, and returns the number of columns.
    fn record<T: Scalar>(
        &self,
        (model, ensemble): (&Model<T>, &mut Ensemble<T>),
        (population, reads): (usize, Reads),
        every: u64,
        indices: Option<&[usize]>,
    ) -> Result<usize, Error> {
        let probe = self.0.len();
        let layout = model.cells[population].layout;
        let count = indices.map_or(layout.size, <[usize]>::len);
        let mut columns = vec![Vec::new(); layout.shards()];
        for column in 0..count {
            let neuron = indices.map_or(column, |all| all[column]);
            let shard = layout.shard_of(neuron);
            let lane = Place::new(population, population, shard, &layout)
                .lane_of(neuron - layout.neurons_of(shard).start);
            push(&mut columns[shard], (lane as u32, column as u32))?;
        }
        for (columns, shard) in
            columns.into_iter().zip(of_population_mut(&mut ensemble.own.shards, population))
        {
            if !columns.is_empty() {
                shard.recorders.push(Recorder::new(probe, reads, every, columns));
            }
        }
        Ok(count)
    }

    /// Adds the path of a probe's module to an error.
    fn read<T: Scalar>(&self, model: &Model<T>, id: ProbeId, error: Error) -> Error {
        let path = match self.0.get(id.0).map(|p| (&p.what, p.population)) {
            Some((What::Generated { generator, .. }, _)) => &model.network.generators[*generator].path,
            Some((_, population)) => &model.cells[population].path,
            None => "network",
        };
        error.needed_by(path, || "a copy of a recording".into())
    }

    /// Returns the steps of a probe's samples.
    pub(crate) fn sample_steps<T: Scalar>(
        &self,
        (model, ensemble): (&Model<T>, &Ensemble<T>),
        id: ProbeId,
    ) -> Result<Vec<u64>, Error> {
        match self.0.get(id.0) {
            Some(Probe { what: What::Values { every, .. }, begin, .. }) => {
                let first = begin.div_ceil(*every) * every;
                let steps = collected((0..self.rows(ensemble, id) as u64).map(|i| first + i * every));
                steps.map_err(|error| self.read(model, id, error))
            }
            _ => Ok(Vec::new()),
        }
    }

    pub(crate) fn rows<T: Scalar>(&self, ensemble: &Ensemble<T>, id: ProbeId) -> usize {
        let of = (self.0.get(id.0).map_or(0, |p| p.population), id);
        let first = ensemble.present().first().map_or(&[][..], |s| s.shards.as_slice());
        recorders(first, of).map(Recorder::rows).max().unwrap_or(0)
    }

    /// Returns a probe's values and the number of columns. With a batch, the values are ordered by sample.
    pub(crate) fn values<T: Scalar>(
        &self,
        (model, ensemble): (&Model<T>, &Ensemble<T>),
        id: ProbeId,
    ) -> Result<(Vec<T>, usize), Error> {
        let Some(Probe { population, what: What::Values { columns, .. }, .. }) = self.0.get(id.0) else {
            return Ok((Vec::new(), 0));
        };
        let needed = |error: Error| self.read(model, id, error);
        let rows = self.rows(ensemble, id);
        let size = rows * columns;
        let samples = ensemble.present();
        let mut whole = room(size.saturating_mul(samples.len())).map_err(needed)?;
        let mut append = |shards: &[Shard<T>]| {
            let recorders: Vec<_> = recorders(shards, (*population, id)).collect();
            crate::recording::recorder::append(&recorders, (rows, *columns), &mut whole)
        };
        if samples.iter().all(|s| append(&s.shards)) {
            return Ok((whole, *columns));
        }
        drop(whole);
        let mut tables = filled(size * samples.len(), T::default()).map_err(needed)?;
        if size > 0 {
            for (table, sample) in tables.chunks_mut(size).zip(samples) {
                recorders(&sample.shards, (*population, id)).for_each(|r| r.copy(table, *columns));
            }
        }
        Ok((tables, *columns))
    }

    /// Returns a probe's spikes (step, neuron) in a sample of a batch, sorted by step and then by neuron. Without a
    /// batch, the network is sample 0.
    pub(crate) fn spikes<T: Scalar>(
        &self,
        (model, ensemble): (&Model<T>, &Ensemble<T>),
        now: u64,
        (id, sample): (ProbeId, usize),
    ) -> Result<Vec<(u64, u32)>, Error> {
        let Some(Probe { population, what, begin }) = self.0.get(id.0) else { return Ok(Vec::new()) };
        let samples = ensemble.present();
        let Some(Sample { shards, source_blocks }) = samples.get(sample) else { return Ok(Vec::new()) };
        let needed = |error: Error| self.read(model, id, error);
        let (logs, indices): (Vec<&Vec<_>>, _) = match what {
            What::Values { .. } | What::Removed => return Ok(Vec::new()),
            What::Spikes { indices } => {
                let mine = of_population(shards, *population).iter();
                (mine.filter_map(|s| s.output.log.as_ref()).collect(), indices)
            }
            What::Generated { generator, indices } => {
                let mine = of_generator(source_blocks, *generator).iter();
                (mine.filter_map(|c| c.log.as_ref()).collect(), indices)
            }
        };
        let mut chosen = indices.as_ref().map_or(Ok(Vec::new()), |all| copied(all)).map_err(needed)?;
        chosen.sort_unstable();
        // Generators are ahead of the neurons if a run was stopped.
        let recorded = |step: &u64| (*begin..now).contains(step);
        let mut spikes = Vec::new();
        let all = (logs.into_iter().flatten().copied())
            .filter(|(step, i)| recorded(step) && (indices.is_none() || chosen.binary_search(i).is_ok()));
        append(&mut spikes, all).map_err(needed)?;
        spikes.sort_unstable();
        Ok(spikes)
    }
}

/// Finds the source of a recorder that records a variable of a population.
fn reads<T: Scalar>(model: &mut Model<T>, population: usize, name: &str) -> Result<Reads, Error> {
    let cells = &mut model.cells[population];
    if let Some(row) = cells.system.state(name) {
        return Ok(Reads::State(row));
    }
    match cells.observer(name, &model.parameters.of_system(population)?)? {
        Some(observer) => Ok(Reads::Observer(observer)),
        None => Err(Error::unknown(&cells.path, "variable", name, Vec::new())),
    }
}

/// Returns the indices of the recorded members, or `None` if all are recorded.
fn chosen(path: &str, indices: Option<&[usize]>) -> Result<Option<Vec<u32>>, Error> {
    let chosen = indices.map(|all| collected(all.iter().map(|i| *i as u32))).transpose();
    chosen.map_err(|error| error.needed_by(path, || "a probe".into()))
}

/// Starts recording the spikes of a generator in all of its source blocks, or in none if memory is short.
fn listen(source_blocks: &mut [SourceBlock], generator: usize, now: u64) -> Result<(), Error> {
    let source_blocks = of_generator_mut(source_blocks, generator);
    let logs = source_blocks.iter().map(|block| block.new_log(now)).collect::<Result<Vec<_>, Error>>()?;
    source_blocks.iter_mut().zip(logs).for_each(|(block, log)| block.log = block.log.take().or(log));
    Ok(())
}

fn recorders<T: Scalar>(
    shards: &[Shard<T>],
    (population, id): (usize, ProbeId),
) -> impl Iterator<Item = &Recorder<T>> {
    of_population(shards, population).iter().filter_map(move |s| s.recorder_of(id.0))
}

fn check_indices(path: &str, indices: Option<&[usize]>, (size, what): (usize, &str)) -> Result<(), Error> {
    match indices.and_then(|all| all.iter().find(|i| **i >= size)) {
        None => Ok(()),
        Some(i) => {
            let accepted = format!("an integer below {size}, the number of {what}");
            Err(Error::parameter(path, "indices", i, accepted))
        }
    }
}

//! Probes: what is recorded, and the tables it becomes.

use dendrion_kernels::Scalar;
use dendrion_model::{Error, Generator};

use crate::gradient::ProbeSnapshot;
use crate::inputs::SourceBlock;
use crate::recording::recorder::{Reads, Recorder};
use crate::runtime::core::Core;
use crate::runtime::index::{of_generator, of_generator_mut, of_population, of_population_mut};
use crate::runtime::shard::Shard;

/// Number of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProbeId(pub usize);

/// Recorded values, sample by sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// Of a network in single precision.
    F32(Vec<f32>),
    /// Of a network in double precision.
    F64(Vec<f64>),
}

/// What a probe records.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) population: usize,
    pub(crate) what: What,
    /// The step from which on it records.
    pub(crate) begin: u64,
}

/// What it is of.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Values {
        every: u64,
        columns: usize,
    },
    Spikes {
        indices: Option<Vec<u32>>,
    },
    /// Spikes of the generator of that number.
    Generated {
        generator: usize,
        indices: Option<Vec<u32>>,
    },
    /// Nothing: the probe was removed. Its number is not used again.
    Removed,
}

/// The variable of a projection whose weights are learnt.
const WEIGHTS: &str = "w";

impl<T: Scalar> Core<T> {
    /// The population of a path and the name of the member in it, which is empty for the population itself.
    fn member<'a>(&self, path: &'a str) -> Result<(usize, &'a str), Error> {
        self.index.member(path).ok_or_else(|| self.no_population(path))
    }

    /// What can be recorded of a module.
    pub(crate) fn variables(&self, path: &str) -> Result<Vec<String>, Error> {
        if let Some(projection) = self.index.projection(path) {
            return Ok(if self.network.projections[projection].learns() {
                vec![WEIGHTS.into()]
            } else {
                Vec::new()
            });
        }
        if let Some(generator) = self.index.generator(path) {
            return Ok(if self.network.generators[generator].is_spiking() {
                vec!["spikes".into()]
            } else {
                Vec::new()
            });
        }
        let (population, member) = self.member(path)?;
        if member.is_empty() {
            return Ok(vec!["spikes".into()]);
        }
        let system = &self.cells[population].system;
        let names = system.states.iter().map(|s| &s.name).chain(system.observables.iter().map(|o| &o.name));
        let own = |name: &String| Some(name.strip_prefix(member)?.strip_prefix('.')?.to_string());
        let mut variables: Vec<String> = Vec::new();
        for name in names.filter_map(own) {
            if !variables.contains(&name) {
                variables.push(name);
            }
        }
        if variables.is_empty() && !self.network.populations[population].has_part(member) {
            let mut known: Vec<String> = system
                .states
                .iter()
                .filter_map(|s| s.name.rsplit_once('.'))
                .map(|(m, _)| m.to_string())
                .collect();
            known.dedup();
            return Err(Error::unknown(&self.cells[population].path, "module", member, known));
        }
        Ok(variables)
    }

    /// Records `variable` of the module at `path` from now on, every so many steps, for some or all neurons.
    pub(crate) fn add_probe(
        &mut self,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        let known = self.variables(path)?;
        if !known.iter().any(|k| k == variable) {
            return Err(Error::unknown(path, "variable", variable, known));
        }
        if !self.samples.is_empty() {
            let what =
                "runs with a batch, and a probe begins with all samples; make it before, or after reset()";
            return Err(Error::structure("network", what));
        }
        if every == 0 {
            return Err(Error::parameter(path, "every", 0, "at least one step"));
        }
        if let Some(projection) = self.index.projection(path) {
            return self.watch(projection, every, indices);
        }
        if let Some(generator) = self.index.generator(path) {
            return self.listen(generator, indices);
        }
        let (population, member) = self.member(path)?;
        check_indices(path, indices, self.cells[population].layout.size)?;
        let what = if member.is_empty() {
            for shard in of_population_mut(&mut self.shards, population) {
                shard.log.get_or_insert_default();
            }
            What::Spikes { indices: indices.map(|all| all.iter().map(|i| *i as u32).collect()) }
        } else {
            let reads = self.reads(population, &format!("{member}.{variable}"))?;
            let columns = self.record(population, reads, every, indices);
            What::Values { every, columns }
        };
        self.probes.push(Probe { population, what, begin: self.now });
        Ok(ProbeId(self.probes.len() - 1))
    }

    /// Records the weights of a projection's connections, numbered by source, then target.
    fn watch(&mut self, projection: usize, every: u64, indices: Option<&[usize]>) -> Result<ProbeId, Error> {
        let mut order = self.order(projection);
        let count = order.total();
        check_indices(&self.network.projections[projection].path, indices, count)?;
        let mut columns_of: Vec<Vec<u32>> = vec![Vec::new(); count];
        match indices {
            Some(chosen) => (0..).zip(chosen).for_each(|(column, i)| columns_of[*i].push(column)),
            None => (0..).zip(&mut columns_of).for_each(|(column, of)| of.push(column)),
        }
        let probe = self.probes.len();
        let population = self.network.projections[projection].population;
        for shard in of_population_mut(&mut self.shards, population) {
            let Some(incoming) = shard.incoming_of(projection) else { continue };
            let mut columns = Vec::new();
            order.shard(incoming.fanout.starts(), |place, whole, _| {
                columns.extend(columns_of[whole].iter().map(|column| (place as u32, *column)));
            });
            let recorder = Recorder::new(probe, Reads::Weights, every, columns);
            shard.plasticity.watchers.push((projection, recorder));
        }
        let what = What::Values { every, columns: indices.map_or(count, <[usize]>::len) };
        self.probes.push(Probe { population, what, begin: self.now });
        Ok(ProbeId(probe))
    }

    /// Records a generator's spikes.
    fn listen(&mut self, generator: usize, indices: Option<&[usize]>) -> Result<ProbeId, Error> {
        let Generator { path, size, .. } = &self.network.generators[generator];
        check_indices(path, indices, *size)?;
        for source_block in of_generator_mut(&mut self.source_blocks, generator) {
            source_block.listen(self.now);
        }
        let indices = indices.map(|all| all.iter().map(|i| *i as u32).collect());
        let what = What::Generated { generator, indices };
        self.probes.push(Probe { population: 0, what, begin: self.now });
        Ok(ProbeId(self.probes.len() - 1))
    }

    /// Lets new source blocks of generators record what the old ones did.
    pub(crate) fn listen_again(&mut self) {
        for probe in &self.probes {
            if let What::Generated { generator, .. } = probe.what {
                for source_block in of_generator_mut(&mut self.source_blocks, generator) {
                    source_block.listen(self.now);
                }
            }
        }
    }

    fn reads(&mut self, population: usize, name: &str) -> Result<Reads, Error> {
        let cells = &mut self.cells[population];
        if let Some(row) = cells.system.state(name) {
            return Ok(Reads::State(row));
        }
        match cells.observer(name)? {
            Some(observer) => Ok(Reads::Observer(observer)),
            None => Err(Error::unknown(&cells.path, "variable", name, Vec::new())),
        }
    }

    /// Gives the shards their recorders; returns the number of columns.
    fn record(&mut self, population: usize, reads: Reads, every: u64, indices: Option<&[usize]>) -> usize {
        let probe = self.probes.len();
        let layout = self.cells[population].layout;
        let all: Vec<usize> = indices.map_or_else(|| (0..layout.size).collect(), <[usize]>::to_vec);
        let mut columns = vec![Vec::new(); layout.shards()];
        for (column, neuron) in all.iter().enumerate() {
            let shard = layout.shard_of(*neuron);
            let lane = neuron - layout.neurons_of(shard).start;
            columns[shard].push((lane as u32, column as u32));
        }
        for (columns, shard) in columns.into_iter().zip(of_population_mut(&mut self.shards, population)) {
            if !columns.is_empty() {
                shard.recorders.push(Recorder::new(probe, reads, every, columns));
            }
        }
        all.len()
    }

    /// What a gradient needs to know of a probe.
    pub(crate) fn probe_snapshot(&self, probe: usize, shards: &[Shard<T>]) -> ProbeSnapshot {
        let Probe { population, what, begin } = &self.probes[probe];
        match what {
            What::Values { every, columns } => {
                let mut places = Vec::new();
                let mut steps = *every;
                let first = shards.partition_point(|s| s.population < *population);
                for (place, shard) in (first..).zip(of_population(shards, *population)) {
                    let recorder = shard.recorder_of(probe).filter(|r| r.reads != Reads::Weights);
                    if let Some(recorder) = recorder {
                        let (every, lanes) = recorder.places();
                        steps = every;
                        places.push((place, recorder.reads, lanes));
                    }
                }
                if places.is_empty() || *begin > self.now {
                    return ProbeSnapshot::Other;
                }
                ProbeSnapshot::Values { population: *population, every: steps, columns: *columns, places }
            }
            What::Spikes { .. } => ProbeSnapshot::Spikes { population: *population },
            What::Generated { .. } | What::Removed => ProbeSnapshot::Other,
        }
    }

    /// Steps of a probe's samples.
    pub(crate) fn sample_steps(&self, id: ProbeId) -> Vec<u64> {
        match self.probes.get(id.0) {
            Some(Probe { what: What::Values { every, .. }, begin, .. }) => {
                let first = begin.div_ceil(*every) * every;
                (0..self.rows(id) as u64).map(|i| first + i * every).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The shards and source blocks of each sample of a batch, or the network's own.
    pub(crate) fn samples(&self) -> Vec<(&[Shard<T>], &[SourceBlock])> {
        if self.samples.is_empty() {
            return vec![(&self.shards, &self.source_blocks)];
        }
        self.samples.iter().map(|s| (s.shards.as_slice(), s.source_blocks.as_slice())).collect()
    }

    fn recorders<'s>(&self, shards: &'s [Shard<T>], id: ProbeId) -> impl Iterator<Item = &'s Recorder<T>> {
        let population = self.probes.get(id.0).map_or(0, |p| p.population);
        of_population(shards, population).iter().filter_map(move |s| s.recorder_of(id.0))
    }

    fn rows(&self, id: ProbeId) -> usize {
        let first = self.samples().first().map_or(&[][..], |(shards, _)| shards);
        self.recorders(first, id).map(Recorder::rows).max().unwrap_or(0)
    }

    /// A probe's values, sample after sample of a batch, and how many columns they have.
    pub(crate) fn values(&self, id: ProbeId) -> (Vec<T>, usize) {
        let Some(Probe { what: What::Values { columns, .. }, .. }) = self.probes.get(id.0) else {
            return (Vec::new(), 0);
        };
        let rows = self.rows(id);
        let size = rows * columns;
        let samples = self.samples();
        let mut whole = Vec::with_capacity(size * samples.len());
        let mut append = |shards| {
            let recorders: Vec<_> = self.recorders(shards, id).collect();
            crate::recording::recorder::append(&recorders, (rows, *columns), &mut whole)
        };
        if samples.iter().all(|(shards, _)| append(*shards)) {
            return (whole, *columns);
        }
        drop(whole);
        let mut tables = vec![T::default(); size * samples.len()];
        if size > 0 {
            for (table, (shards, _)) in tables.chunks_mut(size).zip(samples) {
                self.recorders(shards, id).for_each(|r| r.copy(table, *columns));
            }
        }
        (tables, *columns)
    }

    /// A probe's spikes (step, neuron) in a sample of a batch, or in the network, which is sample 0; by step, then neuron.
    pub(crate) fn spikes(&self, id: ProbeId, sample: usize) -> Vec<(u64, u32)> {
        let Some(Probe { population, what, begin }) = self.probes.get(id.0) else { return Vec::new() };
        let samples = self.samples();
        let Some((shards, source_blocks)) = samples.get(sample) else { return Vec::new() };
        let (logs, indices): (Vec<&Vec<_>>, _) = match what {
            What::Values { .. } | What::Removed => return Vec::new(),
            What::Spikes { indices } => {
                let mine = of_population(shards, *population).iter();
                (mine.filter_map(|s| s.log.as_ref()).collect(), indices)
            }
            What::Generated { generator, indices } => {
                let mine = of_generator(source_blocks, *generator).iter();
                (mine.filter_map(|c| c.log.as_ref()).collect(), indices)
            }
        };
        let mut chosen = indices.clone().unwrap_or_default();
        chosen.sort_unstable();
        // Generators are ahead of the neurons where a run was stopped.
        let recorded = |step: &u64| (*begin..self.now).contains(step);
        let mut spikes: Vec<(u64, u32)> = (logs.into_iter().flatten().copied())
            .filter(|(step, i)| recorded(step) && (indices.is_none() || chosen.binary_search(i).is_ok()))
            .collect();
        spikes.sort_unstable();
        spikes
    }
}

fn check_indices(path: &str, indices: Option<&[usize]>, size: usize) -> Result<(), Error> {
    match indices.and_then(|all| all.iter().find(|i| **i >= size)) {
        None => Ok(()),
        Some(i) => Err(Error::parameter(path, "indices", i, format!("whole numbers below {size}, the size"))),
    }
}

//! A network ready to run, in one floating-point type.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use dendrion_equations::{Rate, rates};
use dendrion_kernels::{Level, Scalar};
use dendrion_model::{Error, Network, Rounding};

use crate::gradient::history::Spares;
use crate::inputs::{Current, SourceBlock};
use crate::recording::probe::Probe;
use crate::run::{
    Barrier, Route, RunPlan, Sample, SpikeExchange, Worker, gather, partition, run_worker, team,
};
use crate::runtime::index::Index;
use crate::runtime::parameters::Targets;
use crate::runtime::population::Cells;
use crate::runtime::run_with::RunOptions;
use crate::runtime::shard::{Fault, Shard};
use crate::saved_state::Description;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All steps were done.
    Finished,
    /// The watch stopped it between two epochs; a later run goes on from there.
    Stopped,
}

/// Operations on a vector, of an epoch, that are worth a thread of its own: some microseconds.
const WORK: u64 = 1500;
/// Operations on vectors, a millisecond's about, between meetings of threads that have nothing to tell each other.
const FREE: u64 = 1 << 20;

/// What a network amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Neurons of all populations.
    pub neurons: u64,
    /// Their compartments.
    pub compartments: u64,
    /// Connections of all projections; one that drives two receptors counts once.
    pub connections: u64,
    /// Bytes all connections take, indices included.
    pub connection_bytes: u64,
    /// Spikes of all neurons so far.
    pub spikes: u64,
    /// Steps done.
    pub steps: u64,
    /// Steps of an epoch.
    pub epoch: u64,
    /// Threads a run uses.
    pub threads: usize,
    /// Instructions used.
    pub level: Level,
}

/// A network ready to run.
#[derive(Debug)]
pub(crate) struct Core<T: Scalar> {
    /// The model, less the arrays of connections; parameters of cells as they were when it was made.
    pub(crate) network: Network,
    pub(crate) cells: Vec<Cells<T>>,
    /// All parameters, by their keys.
    pub(crate) targets: Arc<Targets>,
    /// Modules and states by name.
    pub(crate) index: Index,
    /// Path and size of each generator.
    pub(crate) generators: Arc<Vec<(String, usize)>>,
    /// Shards of all populations, in their order.
    pub(crate) shards: Vec<Shard<T>>,
    /// Ring lengths of each population's ports.
    pub(crate) slots: Vec<Vec<usize>>,
    pub(crate) source_blocks: Vec<SourceBlock>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    pub(crate) routes: Arc<Vec<Route>>,
    pub(crate) exchange: Arc<SpikeExchange>,
    pub(crate) probes: Vec<Probe>,
    /// Steps done.
    pub(crate) now: u64,
    /// Time requested so far (ms), of which `now` is the nearest step.
    pub(crate) requested: f64,
    pub(crate) epoch: u64,
    pub(crate) threads: usize,
    pub(crate) level: Level,
    /// The samples of a batch, if the network has run with one; the shards are where it began.
    pub(crate) samples: Vec<Sample<T>>,
    /// Memory of gradients that are over.
    pub(crate) spares: Spares<T>,
    /// For each population and state, whether it is still what parameters made it.
    pub(crate) fresh: Vec<Vec<bool>>,
    /// For each projection, whether its weights were set after it was made.
    pub(crate) reweighted: Vec<bool>,
    /// What the network is, in words, once that was asked for.
    pub(crate) described: OnceLock<Description>,
    /// Delays and times of spikes that were rounded when the network was built.
    pub(crate) rounded: Vec<Rounding>,
    /// Why the network cannot run on.
    pub(crate) broken: Option<Error>,
}

impl<T: Scalar> Core<T> {
    /// Runs `steps` steps.
    pub(crate) fn run(
        &mut self,
        steps: u64,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<RunEnd, Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if !self.samples.is_empty() {
            self.run_with(steps, &RunOptions::default(), watch)?;
        }
        if steps == 0 {
            return Ok(RunEnd::Finished);
        }
        self.fresh.iter_mut().for_each(|rows| rows.fill(false));
        let (begin, end) = (self.now, self.now + steps);
        let team = team(self.worthwhile_threads());
        let workers = self.workers(team.threads());
        let plan = self.run_plan(begin, end, workers.len());
        let done = team.run(
            workers,
            |worker| run_worker(worker, &plan, Some(&mut |now| watch(now - begin))),
            |worker| run_worker(worker, &plan, None),
        );
        let Some(done) = done else {
            let lost = Error::structure("network", "a worker thread was lost; make the network anew");
            self.broken = Some(lost.clone());
            return Err(lost);
        };
        self.reach(done.first().map_or(begin, |(_, reached)| *reached));
        (self.shards, self.source_blocks) = gather(done.into_iter().map(|(worker, _)| worker));
        match self.shards.iter().filter_map(|s| s.fault).min() {
            Some(fault) => Err(self.fail(fault, None)),
            None if self.now < end => Ok(RunEnd::Stopped),
            None => Ok(RunEnd::Finished),
        }
    }

    pub(crate) fn run_plan(&self, begin: u64, end: u64, threads: usize) -> RunPlan<T> {
        RunPlan {
            engines: self.cells.iter().map(|c| c.engine.clone()).collect(),
            currents: self.currents.clone(),
            routes: self.routes.clone(),
            given: Arc::default(),
            exchange: self.exchange.clone(),
            begin,
            end,
            epoch: self.epoch,
            meeting: self.meeting(),
            barrier: Arc::new(Barrier::new(threads)),
            last: AtomicU64::new(u64::MAX),
        }
    }

    /// Distributes shards and source blocks to threads.
    fn workers(&mut self, threads: usize) -> Vec<Worker<T>> {
        let (shards, source_blocks) =
            (std::mem::take(&mut self.shards), std::mem::take(&mut self.source_blocks));
        partition(shards, source_blocks, threads, |s| self.cells[s.population].cost(s.neurons.len()))
    }

    /// Operations on vectors that an epoch takes.
    fn work_of_epoch(&self) -> u64 {
        self.cells.iter().map(|c| c.run_worker(c.layout.size)).sum::<usize>() as u64 * self.epoch
    }

    /// Epochs from one meeting of threads to the next.
    pub(crate) fn meeting(&self) -> u64 {
        if self.routes.is_empty() { (FREE / self.work_of_epoch().max(1)).max(1) } else { 1 }
    }

    /// Threads that have enough to do in an epoch to be worth meeting for.
    pub(crate) fn worthwhile_threads(&self) -> usize {
        let most = usize::try_from(self.work_of_epoch() / WORK).unwrap_or(usize::MAX).max(1);
        self.threads.min(self.shards.len().max(1)).min(most)
    }

    /// Ends the run at a fault: what was recorded up to its step stays, what came after goes.
    pub(crate) fn fail(&mut self, fault: Fault, sample: Option<usize>) -> Error {
        self.reach(fault.step);
        self.cut_recordings(fault.step);
        let cells = &self.cells[fault.population];
        let error = Error::Divergence {
            population: cells.path.clone(),
            state: cells.system.states[fault.state].name.clone(),
            neuron: fault.neuron,
            time: fault.step as f64 * self.network.dt,
            dt: self.network.dt,
            sample,
        };
        self.broken = Some(error.clone());
        error
    }

    /// Back to the beginning of time: initial states, nothing on its way, nothing recorded, the same random numbers.
    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        if self.shards.is_empty() && !self.cells.is_empty() {
            // Shards were lost with a thread.
            return self.broken.clone().map_or(Ok(()), Err);
        }
        self.cells.iter().try_for_each(Cells::check_initial)?;
        self.reach(0);
        self.broken = None;
        self.samples.clear();
        self.fresh.iter_mut().for_each(|rows| rows.fill(true));
        for shard in &mut self.shards {
            shard.reset(&self.cells[shard.population], &self.slots[shard.population]);
        }
        self.source_blocks = crate::build::assemble::source_blocks(&self.network)?;
        self.listen_again();
        self.probes.iter_mut().for_each(|p| p.begin = 0);
        Ok(())
    }

    /// As [`Core::reset`], with the random numbers of another seed.
    pub(crate) fn reset_with_seed(&mut self, seed: u64) -> Result<(), Error> {
        self.reseed(seed);
        self.reset()
    }

    /// Draws noise and the spikes of generators from the streams of another seed from now on. Connections stay.
    pub(crate) fn reseed(&mut self, seed: u64) {
        let network = &mut self.network;
        network.noise_seed = (seed != network.seed).then_some(seed);
        for (cells, population) in self.cells.iter_mut().zip(&network.populations) {
            cells.reseed(population, seed);
        }
        for shard in &mut self.shards {
            let streams = &self.cells[shard.population].noises;
            shard.noises.iter_mut().zip(streams).for_each(|(noise, stream)| noise.reseed(*stream));
        }
        for source_block in &mut self.source_blocks {
            source_block.reseed(&network.generators[source_block.generator], seed);
        }
    }

    /// The shards of all samples of a batch, or the network's own.
    pub(crate) fn present_shards(&self) -> impl Iterator<Item = &Shard<T>> {
        let own = if self.samples.is_empty() { self.shards.as_slice() } else { &[] };
        own.iter().chain(self.samples.iter().flat_map(|s| &s.shards))
    }

    /// How fast each state of a population changes by itself.
    pub(crate) fn rates(&self, population: &str) -> Result<Vec<Rate>, Error> {
        Ok(rates(&self.cells[self.population(population)?].system))
    }

    pub(crate) fn summary(&self) -> Summary {
        let incoming = || self.shards.iter().flat_map(|s| &s.incoming);
        Summary {
            neurons: self.network.populations.iter().map(|p| p.size as u64).sum(),
            compartments: self
                .network
                .populations
                .iter()
                .map(|p| (p.size * p.compartments.len()) as u64)
                .sum(),
            connections: incoming().map(|i| i.fanout.targets().len() as u64).sum(),
            connection_bytes: incoming().map(|i| i.fanout.bytes() as u64).sum(),
            spikes: self.present_shards().map(|s| s.spike_count).sum(),
            steps: self.now,
            epoch: self.epoch,
            threads: self.worthwhile_threads(),
            level: self.level,
        }
    }
}

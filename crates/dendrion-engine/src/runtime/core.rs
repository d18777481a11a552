//! A network ready to run, in one floating-point type.
//!
//! [`Core`] only combines its components. Each component has its own file, and each task has a file with
//! functions that take only the components that they need (`parameters.rs`, `state.rs`, `connections.rs`,
//! ...). The functions of a run are in `run.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64};

use dendrion_kernels::{Level, Scalar};
use dendrion_model::{Domain, Error, Network, Role, Rounding, Values};

use super::clock::Clock;
use super::ensemble::Ensemble;
use super::model::Model;
use super::population::Cells;
use super::shard::{Fault, Shard};
use super::store::ParameterStore;
use super::{connections, export_model, parameters, pushed, roundings, state};
use crate::build::assemble::{assemble, source_blocks};
use crate::build::layout::Layout;
use crate::connect::Connections;
use crate::plasticity::control;
use crate::recording::probe::{ProbeId, Probes, variables};
use crate::refused::Shortage;
use crate::run::{Exchange, RunPlan, Shared};

/// The reason why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All steps are done.
    Finished,
    /// The watch stopped the run between two epochs. A later run continues from there.
    Stopped,
}

/// The size of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Number of neurons in all populations.
    pub neurons: u64,
    /// Number of compartments of all neurons.
    pub compartments: u64,
    /// Number of connections in all projections. A connection that drives two receptors counts once.
    pub connections: u64,
    /// Number of bytes of all connections, including indices.
    pub connection_bytes: u64,
    /// Number of spikes of all neurons so far.
    pub spikes: u64,
    /// Number of steps done.
    pub steps: u64,
    /// Number of steps in an epoch.
    pub epoch: u64,
    /// Number of threads that a run uses.
    pub threads: usize,
    /// Instruction set in use.
    pub level: Level,
}

/// Minimum work per thread and epoch, in vector operations. It takes a few microseconds, long enough to justify
/// synchronizing a thread.
const WORK: u64 = 1500;
/// Number of vector operations between two barriers of threads that do not communicate. They take about a
/// millisecond.
const FREE: u64 = 1 << 20;

/// Number of vector operations that take about a tenth of a second.
const SOON: f64 = 1e8;
/// Cost of drawing and delivering a spike of a generator, in vector operations.
const DRAW: f64 = 50.0;

/// Returns the length of the first epochs in steps. As their duration has not been measured yet, they are
/// short enough to end soon, and at most `epoch` steps long.
pub(crate) fn stride<T: Scalar>(
    network: &Network,
    parameters: &ParameterStore,
    cells: &[Cells<T>],
    epoch: u64,
) -> u64 {
    let operations = cells.iter().map(|c| c.work(c.layout.size) as f64).sum::<f64>();
    let spiking = (0..network.generators.len()).filter(|i| network.generators[*i].is_spiking());
    let spikes = spiking.map(|i| parameters.generator(network, i).expected_spikes(network.dt)).sum::<f64>();
    ((SOON / (operations + DRAW * spikes).max(1.0)) as u64).clamp(1, epoch)
}

/// A network that is ready to run.
#[derive(Debug)]
pub(crate) struct Core<T: Scalar> {
    pub(crate) model: Model<T>,
    pub(crate) ensemble: Ensemble<T>,
    pub(crate) exchange: Exchange,
    pub(crate) clock: Clock,
    pub(crate) probes: Probes,
    /// Maximum number of threads in a run.
    pub(crate) threads: usize,
    /// The reason why the network cannot continue, if any.
    pub(crate) broken: Option<Error>,
}

/// Building, running and resetting.
impl<T: Scalar> Core<T> {
    /// Validates and builds a network.
    pub(crate) fn new(network: Network, level: Level) -> Result<Self, Error> {
        Self::cut(network, level, Layout::new::<T>)
    }

    /// Like [`Core::new`], but with a function that returns the layout of a population from its size and the
    /// number of threads.
    pub(crate) fn cut(
        network: Network,
        level: Level,
        layout: impl Fn(usize, usize) -> Layout,
    ) -> Result<Self, Error> {
        let (model, ensemble, exchange, threads) = assemble(network, level, layout)?;
        let clock = Clock::new(model.network.dt);
        Ok(Self { model, ensemble, exchange, clock, probes: Probes::default(), threads, broken: None })
    }

    /// Creates the plan of a run of a sample from one step to another.
    pub(crate) fn run_plan(&self, (begin, end): (u64, u64), shared: &Shared<T>) -> RunPlan<T> {
        let (epoch, pace) = match &shared.fixed {
            Some((stride, pace)) => (*stride, pace.clone()),
            None => (self.exchange.epoch, self.exchange.pace.clone()),
        };
        RunPlan {
            engines: self.model.cells.iter().map(|c| c.engine.clone()).collect(),
            currents: self.model.currents.clone(),
            routes: self.exchange.routes.clone(),
            given: shared.given.clone(),
            exchange: shared.exchange.clone(),
            begin,
            end,
            epoch,
            pace,
            meeting: self.meeting(),
            barrier: shared.barrier.clone(),
            last: AtomicU64::new(u64::MAX),
            hurry: AtomicBool::new(false),
        }
    }

    /// Returns the length, in steps, of the first epochs, whose duration has not been measured yet.
    pub(crate) fn stride(&self) -> u64 {
        let Model { network, parameters, cells, .. } = &self.model;
        stride(network, parameters, cells, self.exchange.epoch)
    }

    /// Returns the number of vector operations in an epoch.
    fn work_of_epoch(&self) -> u64 {
        self.model.cells.iter().map(|c| c.work(c.layout.size)).sum::<usize>() as u64 * self.exchange.epoch
    }

    /// Returns the number of epochs between two barriers.
    pub(crate) fn meeting(&self) -> u64 {
        if self.exchange.routes.is_empty() { (FREE / self.work_of_epoch().max(1)).max(1) } else { 1 }
    }

    /// Returns the number of threads that have enough work in an epoch to justify their synchronization.
    pub(crate) fn worthwhile_threads(&self) -> usize {
        let most = usize::try_from(self.work_of_epoch() / WORK).unwrap_or(usize::MAX).max(1);
        self.threads.min(self.ensemble.own.shards.len().max(1)).min(most)
    }

    /// Ends the run at a fault: recordings up to its step are kept, and later ones are removed.
    pub(crate) fn fail(&mut self, fault: Fault, sample: Option<usize>) -> Error {
        self.clock.reach(fault.step);
        self.probes.cut(&mut self.ensemble, fault.step + 1, fault.step);
        let (cells, dt) = (&self.model.cells[fault.population], self.clock.dt);
        let error = Error::Divergence {
            population: cells.path.clone(),
            state: cells.state_at(fault.state, fault.neuron),
            neuron: fault.neuron / cells.layout.sites,
            time: fault.step as f64 * dt,
            dt,
            sample,
        };
        self.broken = Some(error.clone());
        error
    }

    /// Ends a run in which an allocation failed. Recordings before the step of the shortage are kept.
    pub(crate) fn run_short(&mut self, (shortage, needs): (&Shortage, Result<usize, usize>)) -> Error {
        self.clock.reach(shortage.step);
        self.probes.cut(&mut self.ensemble, shortage.step, shortage.step);
        let path = match needs {
            Ok(population) => &self.model.network.populations[population].path,
            Err(generator) => &self.model.network.generators[generator].path,
        };
        let time = shortage.step as f64 * self.clock.dt;
        let mut error = shortage.error.clone().needed_by(path, || "its spikes and inputs".into());
        if let Error::OutOfMemory { what, .. } = &mut error {
            *what = format!(
                "{what} after t = {time} ms (recordings up to this time are kept; reset the network to run it again)"
            );
        }
        self.broken = Some(error.clone());
        error
    }

    /// Resets the network: initial states, no pending spikes, no recordings, and the same random numbers as before.
    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        if self.ensemble.is_lost(self.model.cells.len()) {
            return self.broken.clone().map_or(Ok(()), Err);
        }
        self.model.cells.iter().try_for_each(Cells::check_initial)?;
        // Everything that can fail comes first.
        let mut source_blocks = source_blocks(&self.model.network, &self.model.parameters)?;
        self.probes.listen_again(&mut source_blocks)?;
        self.clock.reach(0);
        self.broken = None;
        self.ensemble.batch.clear();
        self.ensemble.fresh.iter_mut().for_each(|rows| rows.fill(true));
        for shard in &mut self.ensemble.own.shards {
            shard.reset(&self.model.cells[shard.place.population]);
        }
        self.ensemble.own.source_blocks = source_blocks;
        self.probes.0.iter_mut().for_each(|p| p.begin = 0);
        Ok(())
    }

    /// Like [`Core::reset`], but with random numbers from another seed.
    pub(crate) fn reset_with_seed(&mut self, seed: u64) -> Result<(), Error> {
        self.reseed(seed);
        self.reset()
    }

    /// From now on, uses the streams of another seed for noise and generated spikes. Connections do not
    /// change.
    pub(crate) fn reseed(&mut self, seed: u64) {
        let Model { network, cells, .. } = &mut self.model;
        network.noise_seed = (seed != network.seed).then_some(seed);
        for (cells, population) in cells.iter_mut().zip(&network.populations) {
            cells.reseed(population, seed);
        }
        for shard in self.ensemble.all_shards() {
            let streams = &cells[shard.place.population].noises;
            shard.inputs.noises.iter_mut().zip(streams).for_each(|(noise, stream)| noise.reseed(*stream));
        }
        for source_block in self.ensemble.all_source_blocks() {
            source_block.reseed(&network.generators[source_block.generator], seed);
        }
        self.ensemble.batch.iter_mut().enumerate().for_each(|(b, sample)| sample.draw_as(b as u32));
    }

    pub(crate) fn summary(&self) -> Summary {
        let network = &self.model.network;
        let incoming = || self.ensemble.own.shards.iter().flat_map(|s| &s.delivery.incoming);
        let compartments = |p: &dendrion_model::Population| match p.role {
            Role::Neurons | Role::Membrane { .. } => (p.size * p.compartments.len()) as u64,
            Role::Cells(_) | Role::Placed { .. } => 0,
        };
        let populations = network.populations.iter().filter(|p| p.role.cells().is_none());
        let spikes = self.ensemble.present_shards().map(|s: &Shard<T>| s.output.count);
        Summary {
            neurons: populations.map(|p| p.size as u64).sum(),
            compartments: network.populations.iter().map(compartments).sum(),
            connections: incoming().map(|i| i.fanout.targets().len() as u64).sum(),
            connection_bytes: incoming().map(|i| i.fanout.bytes() as u64).sum(),
            spikes: spikes.fold(0, u64::saturating_add),
            steps: self.clock.now,
            epoch: self.exchange.epoch,
            threads: self.worthwhile_threads(),
            level: self.model.level,
        }
    }
}

/// Access between runs. Each method calls a function in the file of its task with the components that the
/// function needs.
impl<T: Scalar> Core<T> {
    pub(crate) fn parameter_names(&self) -> Vec<String> {
        self.model.parameters.keys().collect()
    }

    pub(crate) fn parameter(&mut self, key: &str) -> Result<Values, Error> {
        parameters::parameter(&self.model, &mut self.ensemble, key)
    }

    pub(crate) fn parameter_sizes(&self) -> Vec<usize> {
        parameters::parameter_sizes(&self.model)
    }

    pub(crate) fn domain(&self, key: &str) -> Result<Domain, Error> {
        Ok(self.model.parameters[self.model.parameter(key)?].domain)
    }

    pub(crate) fn set_parameters(&mut self, values: Vec<(String, Values)>) -> Result<(), Error> {
        parameters::set_parameters(&mut self.model, &mut self.ensemble, self.clock.now, values)
    }

    pub(crate) fn state_names(&self) -> Vec<String> {
        state::state_names(&self.model)
    }

    pub(crate) fn state(&self, key: &str) -> Result<Vec<f64>, Error> {
        state::state(&self.model, &self.ensemble, key)
    }

    pub(crate) fn set_state(&mut self, key: &str, values: &Values) -> Result<(), Error> {
        state::set_state(&self.model, &mut self.ensemble, key, values)
    }

    pub(crate) fn connection_count(&self, path: &str) -> Result<usize, Error> {
        connections::connection_count(&self.model, &self.ensemble, path)
    }

    pub(crate) fn connections(&mut self, path: &str) -> Result<Connections, Error> {
        connections::connections(&self.model, &mut self.ensemble, path)
    }

    pub(crate) fn export_model(&mut self) -> Result<Network, Error> {
        export_model::export_model(&self.model, &mut self.ensemble)
    }

    pub(crate) fn roundings(&self) -> Vec<Rounding> {
        roundings::roundings(&self.model)
    }

    pub(crate) fn roundings_of(&self, keys: &[String]) -> Vec<Rounding> {
        roundings::roundings_of(&self.model, keys)
    }

    pub(crate) fn step_parameters(&self) -> Vec<String> {
        roundings::step_parameters(&self.model)
    }

    pub(crate) fn pushed_until(&self, path: &str) -> Result<u64, Error> {
        pushed::pushed_until(&self.model, &self.ensemble, path)
    }

    pub(crate) fn push_spikes(&mut self, path: &str, spikes: &[(u64, u32)], until: u64) -> Result<(), Error> {
        pushed::push_spikes(&self.model, &mut self.ensemble, self.clock.now, (path, spikes, until))
    }

    pub(crate) fn is_learning(&self, path: &str) -> Result<bool, Error> {
        control::is_learning(&self.model, &self.ensemble, path)
    }

    pub(crate) fn set_learning(&mut self, path: &str, on: bool) -> Result<(), Error> {
        control::set_learning(&self.model, &mut self.ensemble, path, on)
    }

    pub(crate) fn variables(&self, path: &str) -> Result<Vec<String>, Error> {
        variables(&self.model, path)
    }

    pub(crate) fn add_probe(
        &mut self,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        let parts = (&mut self.model, &mut self.ensemble);
        self.probes.add(parts, self.clock.now, (path, variable), every, indices)
    }

    pub(crate) fn forget_recording(&mut self, id: ProbeId, release: bool) -> Result<(), Error> {
        self.probes.forget(&mut self.ensemble, self.clock.now, (id, release))
    }

    pub(crate) fn remove_probe(&mut self, id: ProbeId) -> Result<(), Error> {
        self.probes.remove(&mut self.ensemble, id)
    }

    pub(crate) fn sample_steps(&self, id: ProbeId) -> Result<Vec<u64>, Error> {
        self.probes.sample_steps((&self.model, &self.ensemble), id)
    }

    pub(crate) fn values(&self, id: ProbeId) -> Result<(Vec<T>, usize), Error> {
        self.probes.values((&self.model, &self.ensemble), id)
    }

    pub(crate) fn spikes(&self, id: ProbeId, sample: usize) -> Result<Vec<(u64, u32)>, Error> {
        self.probes.spikes((&self.model, &self.ensemble), self.clock.now, (id, sample))
    }
}

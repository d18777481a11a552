//! The public interface of the engine, independent of the floating-point type.

use std::ops::ControlFlow;
use std::path::Path;

use dendrion_equations::Rate;
use dendrion_kernels::{Level, Scalar};
use dendrion_model::allocate::{collected, copied};
use dendrion_model::{Domain, Dtype, Error, Network, Rounding, Values};

use crate::connect::Connections;
use crate::gradient::{self, Gradients, Store, record, reverse_run, reverse_run_from};
use crate::recording::probe::{ProbeId, Samples};
use crate::run::Watch;
use crate::runtime::clock::Request;
use crate::runtime::core::{Core, RunEnd, Summary};
use crate::runtime::pending::{self, Transit};
use crate::runtime::run::RunOptions;
use crate::saved_state;

/// A network that is ready to run. It is built once and can be run any number of times. Parameters and states
/// can be read and set between runs.
///
/// Results depend only on the model and the seed. They are bit-identical for any number of threads and for any
/// division of a simulation into runs.
#[derive(Debug)]
pub struct Simulation(Kind);

/// The recorded trace of a run, which can be reversed once. It stores the parameters of the run, so later
/// changes to the network's parameters do not affect it.
#[derive(Debug)]
pub struct Trace(TraceKind);

#[derive(Debug)]
enum TraceKind {
    F32(Box<gradient::Trace<f32>>),
    F64(Box<gradient::Trace<f64>>),
}

impl Trace {
    /// Reverses the run with the discrete adjoint. `cotangents` contains the derivatives of a loss with
    /// respect to the values that probes recorded during the run, sample by sample and row by row (for
    /// spikes, one value per step and neuron). The result contains the derivatives with respect to the
    /// parameters (by key) and generators (by path) in `wanted`. Returns `None` if the watch stopped the
    /// computation. A run can be reversed only once, but a call with invalid arguments can be repeated.
    ///
    /// # Errors
    /// Returns an error for a probe that does not support gradients, for the wrong number of cotangents, for
    /// a value in the arguments or the result that is not finite, for an unknown key, and for a run that has
    /// already been reversed.
    pub fn backward(
        &mut self,
        cotangents: &[(ProbeId, &[f64])],
        wanted: &[String],
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Option<Gradients>, Error> {
        let cotangents: Vec<(usize, &[f64])> = cotangents.iter().map(|(p, v)| (p.0, *v)).collect();
        match &mut self.0 {
            TraceKind::F32(trace) => reverse_run(trace, &cotangents, wanted, watch),
            TraceKind::F64(trace) => reverse_run(trace, &cotangents, wanted, watch),
        }
    }

    /// Like [`Trace::backward`], but also takes the derivatives of the loss with respect to the state at the end of the
    /// run: to states, by key, and to input in transit, by the keys of [`Simulation::transits`]. The result includes the
    /// derivatives with respect to input in transit at the beginning of the run, after those with respect to states.
    ///
    /// # Errors
    /// Returns the same errors as [`Trace::backward`], and an error for an unknown key or a wrong number of values in
    /// `finals`.
    pub fn backward_from(
        &mut self,
        cotangents: &[(ProbeId, &[f64])],
        finals: &[(String, &[f64])],
        wanted: &[String],
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Option<Gradients>, Error> {
        let cotangents: Vec<(usize, &[f64])> = cotangents.iter().map(|(p, v)| (p.0, *v)).collect();
        let given = (&cotangents[..], Some(finals));
        match &mut self.0 {
            TraceKind::F32(trace) => reverse_run_from(trace, given, wanted, watch),
            TraceKind::F64(trace) => reverse_run_from(trace, given, wanted, watch),
        }
    }

    /// Returns the maximum number of bytes that the recorded states of all samples occupy at any time during
    /// the run and its reverse. It does not exceed [`RunOptions::trace`](crate::RunOptions::trace), unless
    /// every possible schedule needs more.
    pub const fn memory(&self) -> u64 {
        match &self.0 {
            TraceKind::F32(trace) => trace.memory(),
            TraceKind::F64(trace) => trace.memory(),
        }
    }

    /// Returns whether the run can still be reversed.
    pub const fn is_left(&self) -> bool {
        match &self.0 {
            TraceKind::F32(trace) => trace.is_left(),
            TraceKind::F64(trace) => trace.is_left(),
        }
    }
}

#[derive(Debug)]
enum Kind {
    F32(Box<Held<f32>>),
    F64(Box<Held<f64>>),
}

/// A network and the data that its gradients share.
#[derive(Debug)]
struct Held<T: Scalar> {
    core: Core<T>,
    gradients: Store<T>,
}

impl<T: Scalar> Held<T> {
    fn new(network: Network, level: Level) -> Result<Box<Self>, Error> {
        Ok(Box::new(Self { core: Core::new(network, level)?, gradients: Store::default() }))
    }

    fn run_with(
        &mut self,
        steps: u64,
        options: &RunOptions,
        watch: Watch<'_>,
    ) -> Result<(RunEnd, Option<gradient::Trace<T>>), Error> {
        match options.trace {
            Some(budget) => record(&mut self.core, &mut self.gradients, (steps, options, budget), watch),
            None => self.core.run_with(steps, options, watch).map(|end| (end, None)),
        }
    }
}

macro_rules! each {
    ($self:expr, $core:ident => $do:expr) => {
        match &$self.0 {
            Kind::F32(held) => {
                let $core = &held.core;
                $do
            }
            Kind::F64(held) => {
                let $core = &held.core;
                $do
            }
        }
    };
    (mut $self:expr, $core:ident => $do:expr) => {
        match &mut $self.0 {
            Kind::F32(held) => {
                let $core = &mut held.core;
                $do
            }
            Kind::F64(held) => {
                let $core = &mut held.core;
                $do
            }
        }
    };
}

impl Simulation {
    /// Validates and builds a network. Programs use the best instruction set of this processor, or the one
    /// that the environment variable `DENDRION_LEVEL` names.
    ///
    /// # Errors
    /// Returns an error if [`Network::validate`] does, if `DENDRION_LEVEL` is invalid, or if the network
    /// cannot be built, for example because it needs too much memory.
    pub fn new(network: Network) -> Result<Self, Error> {
        let level = Level::chosen().map_err(|what| Error::structure("network", what))?;
        Self::on(network, level)
    }

    /// Like [`Simulation::new`], but for the instruction set `level`.
    ///
    /// # Errors
    /// Returns an error if [`Network::validate`] does, or if the network cannot be built.
    pub fn on(network: Network, level: Level) -> Result<Self, Error> {
        Ok(Self(match network.dtype {
            Dtype::Float32 => Kind::F32(Held::new(network, level)?),
            Dtype::Float64 => Kind::F64(Held::new(network, level)?),
        }))
    }

    /// Runs `steps` steps. Between epochs, `watch` is called with the number of steps done. If it returns `Break`,
    /// the run stops cleanly and a later run continues from there.
    ///
    /// # Errors
    /// [`Error::Divergence`] if a state becomes infinite or NaN, and [`Error::OutOfMemory`] if the system
    /// cannot provide the memory that spikes need. Earlier recordings are kept, and the network cannot run again until
    /// [`Simulation::reset`]. If there is not enough memory for recorded values, the run does not begin.
    pub fn run(
        &mut self,
        steps: u64,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<RunEnd, Error> {
        each!(mut self, core => core.run(steps, watch))
    }

    /// Runs `steps` steps without interruption.
    ///
    /// # Errors
    /// Returns the same errors as [`Simulation::run`].
    pub fn advance(&mut self, steps: u64) -> Result<(), Error> {
        each!(mut self, core => core.advance(steps))
    }

    /// Checks whether the network can run `steps` steps: it must be able to continue, it must not have a
    /// batch, and its recordings must fit into the memory limit. [`Simulation::run`] checks this too. Callers
    /// that divide a run into several parts can check the whole run here before the first part.
    ///
    /// # Errors
    /// Returns the reason why the network cannot run, for example [`Error::Memory`].
    pub fn check_run(&self, steps: u64) -> Result<(), Error> {
        each!(self, core => core.check_run(steps, &RunOptions::default()))
    }

    /// Like [`Simulation::run`], but with options: a batch of samples, values that replace the output of
    /// generators, or a trace that can be reversed. The samples of a batch start in the current state, share
    /// parameters and connections, and draw independent random numbers. The network keeps the samples until
    /// [`Simulation::reset`].
    ///
    /// # Errors
    /// Returns the same errors as [`Simulation::run`]. Also returns an error for a batch size that differs
    /// from that of the previous run, for inputs with the wrong number of values, and for plastic connections
    /// that this kind of run does not support. If the watch stops such a run, the network cannot continue.
    pub fn run_with(
        &mut self,
        steps: u64,
        options: &RunOptions,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(RunEnd, Option<Trace>), Error> {
        Ok(match &mut self.0 {
            Kind::F32(held) => {
                let (end, trace) = held.run_with(steps, options, watch)?;
                (end, trace.map(|t| Trace(TraceKind::F32(Box::new(t)))))
            }
            Kind::F64(held) => {
                let (end, trace) = held.run_with(steps, options, watch)?;
                (end, trace.map(|t| Trace(TraceKind::F64(Box::new(t)))))
            }
        })
    }

    /// Returns the largest rate at which each state of a population approaches its steady state, over a
    /// plausible range of voltages. States without a steady state are left out.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no population with this path.
    pub fn rates(&self, population: &str) -> Result<Vec<Rate>, Error> {
        each!(self, core => core.model.rates(population))
    }

    /// Creates a batch of samples without running it. Each sample is in the current state of the network, and
    /// its states can be set individually before the first run. The network keeps the samples until
    /// [`Simulation::reset`].
    ///
    /// # Errors
    /// Returns an error if the network already has a batch of another size, or if a projection's weights are
    /// plastic.
    pub fn begin_batch(&mut self, batch: usize) -> Result<(), Error> {
        each!(mut self, core => core.begin_batch(batch))
    }

    /// Returns the ports at which input may be in transit between two runs.
    pub fn transits(&self) -> Vec<Transit> {
        each!(self, core => pending::transits(core))
    }

    /// Returns the input in transit at a port: the weights that arrive, one value per step and neuron, sample by sample.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if [`Simulation::transits`] does not contain the key.
    pub fn transit(&self, key: &str) -> Result<Vec<f64>, Error> {
        each!(self, core => pending::transit(core, key))
    }

    /// Sets the input in transit at a port.
    ///
    /// # Errors
    /// Returns an error for an unknown key, a wrong number of values, and a value that is not finite.
    pub fn set_transit(&mut self, key: &str, values: &[f64]) -> Result<(), Error> {
        each!(mut self, core => pending::set_transit(core, key, values))
    }

    /// Moves a network at its beginning to a later step, without changing states. The spikes of generators and the noise
    /// from this step on are those of a run from the beginning.
    ///
    /// # Errors
    /// Returns an error if the network is beyond this step, cannot run, or has plastic connections.
    pub fn skip_to(&mut self, step: u64) -> Result<(), Error> {
        each!(mut self, core => pending::skip_to(core, step))
    }

    /// Returns the number of samples in the batch, or 0 without a batch.
    pub fn batch(&self) -> usize {
        each!(self, core => core.ensemble.batch.len())
    }

    /// Returns the number of steps done.
    pub fn steps(&self) -> u64 {
        each!(self, core => core.clock.now)
    }

    /// Returns the time requested so far (ms), which is the sum of the durations passed to
    /// [`Simulation::run_for`]. The number of steps done is this time rounded to steps. After a run whose
    /// length was specified in steps, an interruption or a divergence, the time requested is that of the
    /// steps done.
    pub fn requested_time(&self) -> f64 {
        each!(self, core => core.clock.requested)
    }

    /// Sets the time requested so far, after a run of the number of steps that [`Simulation::request`] returned. A
    /// time that does not round to the number of steps done is ignored.
    pub fn set_requested_time(&mut self, time: f64) {
        each!(mut self, core => core.clock.set_requested(time));
    }

    pub(crate) fn request_of(&self, duration: f64) -> Result<Request, Error> {
        each!(self, core => core.clock.request(duration))
    }

    /// Returns the time step in ms.
    pub fn dt(&self) -> f64 {
        each!(self, core => core.model.network.dt)
    }

    /// Returns a summary of the network.
    pub fn summary(&self) -> Summary {
        each!(self, core => core.summary())
    }

    /// Returns the network from which the simulation was built, without the values of parameters that can be
    /// set and without the arrays of its connections. [`Simulation::export_model`] returns the complete
    /// network.
    pub fn network(&self) -> &Network {
        each!(self, core => &core.model.network)
    }

    /// Returns the complete network with its current parameters and weights. A simulation built from it starts in
    /// the state that this one has after [`Simulation::reset`], with the learned weights as initial weights.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the copy does not fit into memory, and [`Error::Interrupted`] after an
    /// interrupt.
    pub fn export_model(&mut self) -> Result<Network, Error> {
        each!(mut self, core => core.export_model())
    }

    /// Returns the program of a population's step as text. On detailed cells, the path of a mechanism stands for all
    /// mechanisms on the same CVs, and the path of the population for the threshold.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no population with this path, and no mechanism on detailed cells.
    pub fn program(&self, path: &str) -> Result<String, Error> {
        each!(self, core => Ok(core.model.cells[core.model.unit(path)?].listing()))
    }

    /// Resets the simulation to its beginning: states get their initial values, pending spikes and recordings
    /// are cleared, and random streams start from their beginning. Parameters keep their values.
    ///
    /// # Errors
    /// Returns an error if the network lost a thread and must be built again.
    pub fn reset(&mut self) -> Result<(), Error> {
        each!(mut self, core => core.reset())
    }

    /// Like [`Simulation::reset`], but from now on noise and generated spikes are drawn with `seed`. Connections,
    /// weights and delays drawn when the network was built do not change.
    ///
    /// # Errors
    /// Returns the same errors as [`Simulation::reset`].
    pub fn reset_with_seed(&mut self, seed: u64) -> Result<(), Error> {
        each!(mut self, core => core.reset_with_seed(seed))
    }

    /// Returns the seed of noise and of generated spikes: that of the last [`Simulation::reset_with_seed`] or
    /// loaded state, or else that of the network.
    pub fn noise_seed(&self) -> u64 {
        each!(self, core => core.model.network.run_seed())
    }

    /// Saves the complete state, including parameters, to a file from which [`Simulation::load_state`] resumes
    /// bit-for-bit. The file is written next to `path` and then replaces an existing file atomically.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written; an existing file at `path` is then unchanged, and the
    /// network can continue. [`Error::State`] if the network cannot continue.
    pub fn save_state(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let pieces = each!(mut self, core => saved_state::save_state(core))?;
        saved_state::write(path.as_ref(), &pieces)
    }

    /// Like [`Simulation::save_state`], but returns the content of the file.
    ///
    /// # Errors
    /// [`Error::State`] if the network cannot continue.
    pub fn state_bytes(&mut self) -> Result<Vec<u8>, Error> {
        Ok(each!(mut self, core => saved_state::save_state(core))?.concat())
    }

    /// Restores a state saved by a network with the same structure, in this or another process and with any
    /// number of threads. Parameters get their saved values. Recordings are cleared, and probes continue to
    /// record from the restored step.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read; [`Error::State`] if it is damaged or does not fit this network.
    /// In both cases nothing changes.
    pub fn load_state(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.load_state_bytes(&saved_state::read(path)?).map_err(|error| match error {
            Error::State { module, what } => Error::state(format!("{module}: {}", path.display()), what),
            other => other,
        })
    }

    /// Like [`Simulation::load_state`], but from the content of a file.
    ///
    /// # Errors
    /// [`Error::State`] if the content is damaged or does not fit this network. In this case nothing changes.
    pub fn load_state_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        each!(mut self, core => saved_state::load_state(core, bytes))
    }

    /// Starts recording `variable` of the module at `path`, for example `spikes` of a population or `V` of a
    /// compartment. [`Simulation::variables`] returns all variables of a module. Samples are taken at steps
    /// that are multiples of `every`, for all neurons or for those in `indices`, in the order of `indices`.
    ///
    /// # Errors
    /// Returns an error for an unknown path or variable, for an index out of range, and if `every` is 0.
    pub fn add_probe(
        &mut self,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        each!(mut self, core => core.add_probe(path, variable, every, indices))
    }

    /// Returns the variables of the module at `path` that can be recorded.
    ///
    /// # Errors
    /// Returns an error for an unknown path.
    pub fn variables(&self, path: &str) -> Result<Vec<String>, Error> {
        each!(self, core => core.variables(path))
    }

    /// Returns a probe's samples, row by row, in the floating-point type of the network, and the length of a
    /// row. With a batch, returns all rows of the first sample of the batch, then those of the second, and so
    /// on. The result is empty for a probe of spikes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the result does not fit into memory.
    pub fn samples(&self, probe: ProbeId) -> Result<(Samples, usize), Error> {
        Ok(match &self.0 {
            Kind::F32(held) => {
                let (values, columns) = held.core.values(probe)?;
                (Samples::F32(values), columns)
            }
            Kind::F64(held) => {
                let (values, columns) = held.core.values(probe)?;
                (Samples::F64(values), columns)
            }
        })
    }

    /// Returns a probe's samples as f64, row by row. [`Simulation::samples`] needs less memory.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the result does not fit into memory.
    pub fn values(&self, probe: ProbeId) -> Result<Vec<Vec<f64>>, Error> {
        let (samples, columns) = self.samples(probe)?;
        let values = match samples {
            Samples::F32(v) => collected(v.into_iter().map(f64::from))?,
            Samples::F64(v) => v,
        };
        values.chunks(columns.max(1)).map(copied).collect()
    }

    /// Discards the recording of a probe, for example after the caller has stored it elsewhere. The probe
    /// continues to record from the current step and reuses the memory.
    ///
    /// # Errors
    /// Returns an error if the probe has been removed.
    pub fn forget_recording(&mut self, probe: ProbeId) -> Result<(), Error> {
        each!(mut self, core => core.forget_recording(probe, false))
    }

    /// Clears the recording of a probe in all samples of a batch and frees its memory. The probe continues to
    /// record from the current step.
    ///
    /// # Errors
    /// Returns an error if the probe has been removed.
    pub fn clear_recording(&mut self, probe: ProbeId) -> Result<(), Error> {
        each!(mut self, core => core.forget_recording(probe, true))
    }

    /// Removes a probe and frees the memory of its recording. Other probes keep their ids.
    ///
    /// # Errors
    /// Returns an error if the probe has already been removed.
    pub fn remove_probe(&mut self, probe: ProbeId) -> Result<(), Error> {
        each!(mut self, core => core.remove_probe(probe))
    }

    /// Returns the first step that a probe recorded.
    pub fn recording_begin(&self, probe: ProbeId) -> u64 {
        each!(self, core => core.probes.0.get(probe.0).map_or(0, |p| p.begin))
    }

    /// Returns the steps of a probe's samples.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the result does not fit into memory.
    pub fn sample_steps(&self, probe: ProbeId) -> Result<Vec<u64>, Error> {
        each!(self, core => core.sample_steps(probe))
    }

    /// Returns a probe's spikes (step, neuron), sorted by step and then by neuron. The result is empty for a probe
    /// of values. With a batch, the spikes are those of sample 0.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the result does not fit into memory.
    pub fn spikes(&self, probe: ProbeId) -> Result<Vec<(u64, u32)>, Error> {
        self.spikes_of(probe, 0)
    }

    /// Like [`Simulation::spikes`], but for sample number `sample` of a batch.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the result does not fit into memory.
    pub fn spikes_of(&self, probe: ProbeId, sample: usize) -> Result<Vec<(u64, u32)>, Error> {
        each!(self, core => core.spikes(probe, sample))
    }

    /// Returns the times that are rounded because they are not multiples of the time step: delays and spike
    /// times of the model, and times that equations count in steps (refractory times and durations of the
    /// effects of events) at the current parameter values.
    pub fn roundings(&self) -> Vec<Rounding> {
        each!(self, core => core.roundings())
    }

    /// Adds a time that was rounded elsewhere to [`Simulation::roundings`].
    pub fn note_rounding(&mut self, rounding: Rounding) {
        each!(mut self, core => core.model.rounded.push(rounding));
    }

    /// Like [`Simulation::roundings`], but only for the parameters with these keys.
    pub fn roundings_of(&self, keys: &[String]) -> Vec<Rounding> {
        each!(self, core => core.roundings_of(keys))
    }

    /// Returns the keys of the parameters that equations count in steps.
    pub fn step_parameters(&self) -> Vec<String> {
        each!(self, core => core.step_parameters())
    }

    /// Returns the keys of all parameters, such as `pyramidal/dend.gL`, `noise.rate` or `synapse.w`.
    pub fn parameter_names(&self) -> Vec<String> {
        each!(self, core => core.parameter_names())
    }

    /// Returns the number of values of each parameter, in the order of [`Simulation::parameter_names`]: 1, one per
    /// member, or one per connection.
    pub fn parameter_sizes(&mut self) -> Vec<usize> {
        each!(mut self, core => core.parameter_sizes())
    }

    /// Returns the values of a parameter. Weights have one value per connection, sorted by source and then by
    /// target. Plastic weights include the effects of all spikes whose order at the synapse is known.
    ///
    /// # Errors
    /// Returns an error for an unknown key.
    pub fn parameter(&mut self, key: &str) -> Result<Values, Error> {
        each!(mut self, core => core.parameter(key))
    }

    /// Returns the values that a parameter accepts.
    ///
    /// # Errors
    /// Returns an error for an unknown key.
    pub fn domain(&self, key: &str) -> Result<Domain, Error> {
        each!(self, core => core.domain(key))
    }

    /// Sets a parameter for the following steps. The network is not built again.
    ///
    /// # Errors
    /// Returns an error for an unknown key, an array of the wrong length or a value outside the parameter's domain.
    /// In this case nothing is set.
    pub fn set_parameter(&mut self, key: &str, values: impl Into<Values>) -> Result<(), Error> {
        self.set_parameters(vec![(key.to_string(), values.into())])
    }

    /// Sets several parameters, or none of them if one is invalid.
    ///
    /// # Errors
    /// Returns the same errors as [`Simulation::set_parameter`].
    pub fn set_parameters(&mut self, values: Vec<(String, Values)>) -> Result<(), Error> {
        each!(mut self, core => core.set_parameters(values))
    }

    /// Passes spikes (step, source) to the generator at `path`, whose signal must be
    /// [`Signal::Pushed`](dendrion_model::Signal::Pushed). They must include all spikes before step `until`
    /// that have not been passed yet, in ascending order of steps, and none may lie in the past. Spikes after
    /// the end of the next run are kept for later runs.
    ///
    /// # Errors
    /// Returns an error if there is no such generator at `path`, if a source does not exist, and if steps are
    /// in the past, not in ascending order or not before `until`.
    pub fn push_spikes(&mut self, path: &str, spikes: &[(u64, u32)], until: u64) -> Result<(), Error> {
        each!(mut self, core => core.push_spikes(path, spikes, until))
    }

    /// Returns the step before which all spikes of the generator at `path` have been passed.
    ///
    /// # Errors
    /// Returns an error if there is no generator at this path to which spikes can be passed.
    pub fn pushed_until(&self, path: &str) -> Result<u64, Error> {
        each!(self, core => core.pushed_until(path))
    }

    /// Returns the times (ms) at which the values of the generator at `path` change, or an empty slice if they are
    /// constant.
    pub fn generator_times(&self, path: &str) -> &[f64] {
        each!(self, core => {
            let found = core.model.index.generator(path);
            found.map_or(&[], |i| &core.model.network.generators[i].breaks)
        })
    }

    /// Switches the plasticity of the projection at `path` on or off. It is initially on. While it is off,
    /// weights are constant, and the changes missed in the meantime are not applied later.
    ///
    /// # Errors
    /// Returns an error if there is no projection with plastic weights at this path.
    pub fn set_learning(&mut self, path: &str, on: bool) -> Result<(), Error> {
        each!(mut self, core => core.set_learning(path, on))
    }

    /// Returns whether the plasticity of the projection at `path` is switched on.
    ///
    /// # Errors
    /// Returns an error if there is no projection with plastic weights at this path.
    pub fn is_learning(&self, path: &str) -> Result<bool, Error> {
        each!(self, core => core.is_learning(path))
    }

    /// Returns the keys of all states, such as `pyramidal/dend.V`.
    pub fn state_names(&self) -> Vec<String> {
        each!(self, core => core.state_names())
    }

    /// Returns the values of a state, one per neuron. With a batch, returns the values of all neurons in the
    /// first sample, then those in the second, and so on.
    ///
    /// # Errors
    /// Returns an error for an unknown key.
    pub fn state(&self, key: &str) -> Result<Vec<f64>, Error> {
        each!(self, core => core.state(key))
    }

    /// Sets a state.
    ///
    /// # Errors
    /// Returns an error for an unknown key, an array of the wrong length or a value that is not finite.
    pub fn set_state(&mut self, key: &str, values: impl Into<Values>) -> Result<(), Error> {
        let values = values.into();
        each!(mut self, core => core.set_state(key, &values))
    }

    /// Returns the number of connections of the projection at `path`.
    ///
    /// # Errors
    /// Returns an error for an unknown path.
    pub fn connection_count(&self, path: &str) -> Result<usize, Error> {
        each!(self, core => core.connection_count(path))
    }

    /// Returns the connections of the projection at `path`.
    ///
    /// # Errors
    /// Returns an error for an unknown path.
    pub fn connections(&mut self, path: &str) -> Result<Connections, Error> {
        each!(mut self, core => core.connections(path))
    }
}

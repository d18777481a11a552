//! The simulation as the outside sees it, whatever its floating-point type.

use std::ops::ControlFlow;
use std::path::Path;

use dendrion_equations::Rate;
use dendrion_kernels::{Level, Scalar};
use dendrion_model::{Domain, Dtype, Error, Network, Rounding, Values};

use crate::connect::Connections;
use crate::gradient::{self, Gradients, Store, record, reverse_run};
use crate::recording::probe::{ProbeId, Samples};
use crate::run::Watch;
use crate::runtime::clock::Request;
use crate::runtime::core::{Core, RunEnd, Summary};
use crate::runtime::run::RunOptions;
use crate::saved_state;

/// A network ready to run: built once, run in as many pieces as wanted, its parameters and states read and set between
/// them.
///
/// Results depend on the model and the seed alone: any number of threads, and any division of a time into runs, give
/// the same bits.
#[derive(Debug)]
pub struct Simulation(Kind);

/// What a run left behind so that it can be reversed, once. It keeps the parameters of the run, whatever becomes of the
/// network's.
#[derive(Debug)]
pub struct Trace(TraceKind);

#[derive(Debug)]
enum TraceKind {
    F32(Box<gradient::Trace<f32>>),
    F64(Box<gradient::Trace<f64>>),
}

impl Trace {
    /// Reverses the run (the discrete adjoint): from the cotangents of what probes recorded in it, sample after sample, row
    /// by row (of spikes: a value per step and neuron), to those of the parameters and generators `wanted` by key and by
    /// path. `None` where the watch stopped it. It can be done once; what is refused at the door does not count.
    ///
    /// # Errors
    /// A probe that has no cotangents, or another number of them; a value that is not finite, on the way in or out; an
    /// unknown key; a run that was reversed before.
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

    /// Bytes of the states that the run and its reverse keep at the same time, at most, in all samples. It is at most
    /// [`RunOptions::trace`](crate::RunOptions::trace), unless no plan needs so few.
    pub const fn memory(&self) -> u64 {
        match &self.0 {
            TraceKind::F32(trace) => trace.memory(),
            TraceKind::F64(trace) => trace.memory(),
        }
    }

    /// Whether it can still be reversed.
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

/// A network, and what its gradients share.
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
    /// Validates a network and builds it, on the best instructions this processor has.
    ///
    /// # Errors
    /// Whatever [`Network::validate`] finds, or an invalid `DENDRION_LEVEL`.
    pub fn new(network: Network) -> Result<Self, Error> {
        let level = Level::chosen().map_err(|what| Error::structure("network", what))?;
        Self::on(network, level)
    }

    /// As [`Simulation::new`], on given instructions.
    ///
    /// # Errors
    /// Whatever [`Network::validate`] finds.
    pub fn on(network: Network, level: Level) -> Result<Self, Error> {
        Ok(Self(match network.dtype {
            Dtype::Float32 => Kind::F32(Held::new(network, level)?),
            Dtype::Float64 => Kind::F64(Held::new(network, level)?),
        }))
    }

    /// Runs `steps` steps. Between epochs `watch` is told the steps done; where it breaks, the run stops cleanly and a
    /// later one goes on from there.
    ///
    /// # Errors
    /// [`Error::Divergence`] where a state stops being finite; what was recorded before stays, and the network does not
    /// run again until [`Simulation::reset`].
    pub fn run(
        &mut self,
        steps: u64,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<RunEnd, Error> {
        each!(mut self, core => core.run(steps, watch))
    }

    /// Runs `steps` steps to the end.
    ///
    /// # Errors
    /// As [`Simulation::run`].
    pub fn advance(&mut self, steps: u64) -> Result<(), Error> {
        self.run(steps, &mut |_| ControlFlow::Continue(())).map(drop)
    }

    /// As [`Simulation::run`], with a batch of samples, something that stands in for generators, or a trace to be reversed.
    /// Samples of a batch begin at the present state, share parameters and connections, and draw random numbers of their
    /// own; the network has them until [`Simulation::reset`].
    ///
    /// # Errors
    /// As [`Simulation::run`]; a batch other than that of the run before; inputs of the wrong number of values; plastic
    /// connections where they would not be seen. Where the watch stops such a run the network does not run on.
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

    /// How fast each state of a population changes by itself, over plausible voltages.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a path that is not a population's.
    pub fn rates(&self, population: &str) -> Result<Vec<Rate>, Error> {
        each!(self, core => core.model.rates(population))
    }

    /// Makes a batch of samples before they run, each at the present state, so that they can be given states of their own.
    /// The network has them until [`Simulation::reset`].
    ///
    /// # Errors
    /// A batch other than the one it has; connections that learn.
    pub fn begin_batch(&mut self, batch: usize) -> Result<(), Error> {
        each!(mut self, core => core.begin_batch(batch))
    }

    /// Samples of the batch the network has run with; 0 without a batch.
    pub fn batch(&self) -> usize {
        each!(self, core => core.ensemble.batch.len())
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        each!(self, core => core.clock.now)
    }

    /// The time requested so far (ms): the sum of the durations of [`Simulation::run_for`]. The steps done are those to the
    /// nearest step. After runs in steps, an interruption or a divergence it is the time of the steps done.
    pub fn requested_time(&self) -> f64 {
        each!(self, core => core.clock.requested)
    }

    /// Sets the time requested so far, after a run of as many steps as [`Simulation::request`] said. A time that is not nearest
    /// to the steps done is ignored.
    pub fn set_requested_time(&mut self, time: f64) {
        each!(mut self, core => core.clock.set_requested(time));
    }

    pub(crate) fn request_of(&self, duration: f64) -> Result<Request, Error> {
        each!(self, core => core.clock.request(duration))
    }

    /// The time step in ms.
    pub fn dt(&self) -> f64 {
        each!(self, core => core.model.network.dt)
    }

    /// What the network amounts to.
    pub fn summary(&self) -> Summary {
        each!(self, core => core.summary())
    }

    /// The network it was built from, less the arrays of its connections.
    pub fn network(&self) -> &Network {
        each!(self, core => &core.model.network)
    }

    /// The network as it is now, whole: with the values that parameters and weights have. A simulation made of it begins
    /// where this one would after [`Simulation::reset`], with weights learnt so far as the first ones.
    pub fn export_model(&mut self) -> Network {
        each!(mut self, core => core.export_model())
    }

    /// The program of a population's step, as text.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a path that is no population.
    pub fn program(&self, path: &str) -> Result<String, Error> {
        each!(self, core => Ok(core.model.cells[core.model.population(path)?].listing()))
    }

    /// Back to the beginning of time: initial states, nothing on its way, recordings empty, the same random numbers.
    /// Parameters keep their values.
    ///
    /// # Errors
    /// Where the network lost a thread and must be made anew.
    pub fn reset(&mut self) -> Result<(), Error> {
        each!(mut self, core => core.reset())
    }

    /// As [`Simulation::reset`], with other random numbers: noise and the spikes of generators are drawn from `seed` from now
    /// on. Connections, weights and delays that were drawn when the network was built stay.
    ///
    /// # Errors
    /// As [`Simulation::reset`].
    pub fn reset_with_seed(&mut self, seed: u64) -> Result<(), Error> {
        each!(mut self, core => core.reset_with_seed(seed))
    }

    /// The seed of noise and of the spikes of generators: that of the last [`Simulation::reset_with_seed`] or loaded state,
    /// otherwise that of the network.
    pub fn noise_seed(&self) -> u64 {
        each!(self, core => core.model.network.run_seed())
    }

    /// Saves everything the future depends on, parameters included, in a file from which [`Simulation::load_state`] goes on bit
    /// for bit. The file is written beside `path` and takes its place whole, so that an older one is there until then.
    ///
    /// # Errors
    /// [`Error::File`] where the system does not write it; what was at `path` is still there, and the network can run on.
    /// [`Error::State`] for a network that cannot run on.
    pub fn save_state(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let pieces = each!(mut self, core => saved_state::save_state(core))?;
        saved_state::write(path.as_ref(), &pieces)
    }

    /// As [`Simulation::save_state`], in memory.
    ///
    /// # Errors
    /// [`Error::State`] for a network that cannot run on.
    pub fn state_bytes(&mut self) -> Result<Vec<u8>, Error> {
        Ok(each!(mut self, core => saved_state::save_state(core))?.concat())
    }

    /// Goes on from a state that a network of the same structure saved, in this process or another, on any number of threads.
    /// Parameters get the values they had. What probes recorded is gone, and they record from there on.
    ///
    /// # Errors
    /// [`Error::File`] where the system does not read it; [`Error::State`] for a file that is damaged, or no state of this
    /// network. Then nothing has changed.
    pub fn load_state(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.load_state_bytes(&saved_state::read(path)?).map_err(|error| match error {
            Error::State { module, what } => Error::state(format!("{module}: {}", path.display()), what),
            other => other,
        })
    }

    /// As [`Simulation::load_state`], from memory.
    ///
    /// # Errors
    /// [`Error::State`] for what is damaged, or no state of this network. Then nothing has changed.
    pub fn load_state_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        each!(mut self, core => saved_state::load_state(core, bytes))
    }

    /// Records `variable` of the module at `path` from now on: of a population its `spikes`, of a compartment or
    /// receptor any of [`Simulation::variables`]. Samples are taken at the steps that are multiples of `every`, of all
    /// neurons or those of `indices`, in that order.
    ///
    /// # Errors
    /// An unknown path or variable, an index out of range, `every` of 0.
    pub fn add_probe(
        &mut self,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<&[usize]>,
    ) -> Result<ProbeId, Error> {
        each!(mut self, core => core.add_probe(path, variable, every, indices))
    }

    /// What can be recorded of the module at `path`.
    ///
    /// # Errors
    /// An unknown path.
    pub fn variables(&self, path: &str) -> Result<Vec<String>, Error> {
        each!(self, core => core.variables(path))
    }

    /// A probe's samples, row by row, in the network's type, and the length of a row; with a batch those of each sample in
    /// turn. Empty for a probe of spikes.
    pub fn samples(&self, probe: ProbeId) -> (Samples, usize) {
        match &self.0 {
            Kind::F32(held) => {
                let (values, columns) = held.core.values(probe);
                (Samples::F32(values), columns)
            }
            Kind::F64(held) => {
                let (values, columns) = held.core.values(probe);
                (Samples::F64(values), columns)
            }
        }
    }

    /// A probe's samples as f64, row by row.
    pub fn values(&self, probe: ProbeId) -> Vec<Vec<f64>> {
        let (samples, columns) = self.samples(probe);
        let values = match samples {
            Samples::F32(v) => v.into_iter().map(f64::from).collect(),
            Samples::F64(v) => v,
        };
        values.chunks(columns.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// Lets a probe begin anew at the present step: what it recorded so far is forgotten, for whoever keeps it elsewhere. The
    /// memory is kept for what comes.
    ///
    /// # Errors
    /// A probe that was removed.
    pub fn forget_recording(&mut self, probe: ProbeId) -> Result<(), Error> {
        each!(mut self, core => core.forget_recording(probe, false))
    }

    /// Clears what a probe recorded so far and frees its memory, in all samples of a batch. The probe records from the present
    /// step on; the time goes on.
    ///
    /// # Errors
    /// A probe that was removed.
    pub fn clear_recording(&mut self, probe: ProbeId) -> Result<(), Error> {
        each!(mut self, core => core.forget_recording(probe, true))
    }

    /// Removes a probe: nothing is recorded for it any more, and the memory of what it recorded is freed. Other probes keep
    /// their numbers.
    ///
    /// # Errors
    /// A probe that was removed before.
    pub fn remove_probe(&mut self, probe: ProbeId) -> Result<(), Error> {
        each!(mut self, core => core.remove_probe(probe))
    }

    /// The step from which on a probe records.
    pub fn recording_begin(&self, probe: ProbeId) -> u64 {
        each!(self, core => core.probes.0.get(probe.0).map_or(0, |p| p.begin))
    }

    /// The steps of a probe's samples.
    pub fn sample_steps(&self, probe: ProbeId) -> Vec<u64> {
        each!(self, core => core.sample_steps(probe))
    }

    /// A probe's spikes (step, neuron), by step, then neuron. Empty for a probe of values. With a batch those of sample 0.
    pub fn spikes(&self, probe: ProbeId) -> Vec<(u64, u32)> {
        self.spikes_of(probe, 0)
    }

    /// As [`Simulation::spikes`], of a sample of a batch.
    pub fn spikes_of(&self, probe: ProbeId, sample: usize) -> Vec<(u64, u32)> {
        each!(self, core => core.spikes(probe, sample))
    }

    /// Times that are not multiples of the time step and therefore are rounded: delays and times of spikes as they were given, and
    /// times that equations count in steps (refractory times, how long events last) by the present values of parameters.
    pub fn roundings(&self) -> Vec<Rounding> {
        each!(self, core => core.roundings())
    }

    /// Adds a time that was rounded elsewhere to [`Simulation::roundings`].
    pub fn note_rounding(&mut self, rounding: Rounding) {
        each!(mut self, core => core.model.rounded.push(rounding));
    }

    /// The same for the parameters of these keys.
    pub fn roundings_of(&self, keys: &[String]) -> Vec<Rounding> {
        each!(self, core => core.roundings_of(keys))
    }

    /// The keys of the parameters that equations count in steps.
    pub fn step_parameters(&self) -> Vec<String> {
        each!(self, core => core.step_parameters())
    }

    /// The keys of all parameters, such as `pyramidal/dend.gL`, `noise.rate`, `synapse.w`.
    pub fn parameter_names(&self) -> Vec<String> {
        each!(self, core => core.parameter_names())
    }

    /// How many numbers each parameter has, in the order of [`Simulation::parameter_names`]: 1, one per member, or one per
    /// connection.
    pub fn parameter_sizes(&mut self) -> Vec<usize> {
        each!(mut self, core => core.parameter_sizes())
    }

    /// The values of a parameter; weights come one per connection, by source, then target, learnt ones up to date with all
    /// spikes whose order at the synapse is known.
    ///
    /// # Errors
    /// An unknown key.
    pub fn parameter(&mut self, key: &str) -> Result<Values, Error> {
        each!(mut self, core => core.parameter(key))
    }

    /// What a parameter accepts.
    ///
    /// # Errors
    /// An unknown key.
    pub fn domain(&self, key: &str) -> Result<Domain, Error> {
        each!(self, core => core.domain(key))
    }

    /// Sets a parameter from now on. Nothing is compiled.
    ///
    /// # Errors
    /// An unknown key, an array of the wrong length, a value outside the parameter's domain; then nothing is set.
    pub fn set_parameter(&mut self, key: &str, values: impl Into<Values>) -> Result<(), Error> {
        self.set_parameters(vec![(key.to_string(), values.into())])
    }

    /// Sets several parameters, or none where one is refused.
    ///
    /// # Errors
    /// As [`Simulation::set_parameter`].
    pub fn set_parameters(&mut self, values: Vec<(String, Values)>) -> Result<(), Error> {
        each!(mut self, core => core.set_parameters(values))
    }

    /// Hands spikes (step, source) to the generator at `path`, whose signal is
    /// [`Signal::Pushed`](dendrion_model::Signal::Pushed): all that it has before step `until`. Ascending, and not before the
    /// steps done; those after the next run wait.
    ///
    /// # Errors
    /// Another path, a source that is not there, steps that are over, do not ascend, or lie beyond `until`.
    pub fn push_spikes(&mut self, path: &str, spikes: &[(u64, u32)], until: u64) -> Result<(), Error> {
        each!(mut self, core => core.push_spikes(path, spikes, until))
    }

    /// The step before which all spikes of the generator at `path` were handed over.
    ///
    /// # Errors
    /// A path that is no generator to which spikes are handed.
    pub fn pushed_until(&self, path: &str) -> Result<u64, Error> {
        each!(self, core => core.pushed_until(path))
    }

    /// The times (ms) from which the values of the generator at `path` hold, one after the other; none if they always hold.
    pub fn generator_times(&self, path: &str) -> &[f64] {
        each!(self, core => {
            let found = core.model.index.generator(path);
            found.map_or(&[], |i| &core.model.network.generators[i].breaks)
        })
    }

    /// Whether the connections of the projection at `path`, whose plasticity learns, do so; they do from the beginning.
    /// Where they do not, weights stay, and what they would learn meanwhile is not made up for.
    ///
    /// # Errors
    /// A path that is no projection that learns.
    pub fn set_learning(&mut self, path: &str, on: bool) -> Result<(), Error> {
        each!(mut self, core => core.set_learning(path, on))
    }

    /// Whether the connections of the projection at `path`, whose plasticity learns, do so.
    ///
    /// # Errors
    /// A path that is no projection that learns.
    pub fn is_learning(&self, path: &str) -> Result<bool, Error> {
        each!(self, core => core.is_learning(path))
    }

    /// The keys of all states, such as `pyramidal/dend.V`.
    pub fn state_names(&self) -> Vec<String> {
        each!(self, core => core.state_names())
    }

    /// The values of a state, one per neuron; with a batch those of each sample in turn.
    ///
    /// # Errors
    /// An unknown key.
    pub fn state(&self, key: &str) -> Result<Vec<f64>, Error> {
        each!(self, core => core.state(key))
    }

    /// Sets a state.
    ///
    /// # Errors
    /// An unknown key, an array of the wrong length, a value that is not finite.
    pub fn set_state(&mut self, key: &str, values: impl Into<Values>) -> Result<(), Error> {
        let values = values.into();
        each!(mut self, core => core.set_state(key, &values))
    }

    /// How many connections the projection at `path` has.
    ///
    /// # Errors
    /// An unknown path.
    pub fn connection_count(&self, path: &str) -> Result<usize, Error> {
        each!(self, core => core.connection_count(path))
    }

    /// The connections of the projection at `path`.
    ///
    /// # Errors
    /// An unknown path.
    pub fn connections(&mut self, path: &str) -> Result<Connections, Error> {
        each!(mut self, core => core.connections(path))
    }
}

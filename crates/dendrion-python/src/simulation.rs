//! The binding of a simulation.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dendrion::model::Domain;
use dendrion::model::allocate::{collected, copied};
use dendrion::{Error, ProbeId, RunEnd, RunOptions, Samples, Summary};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{copy, to_python, values};
use crate::error::raise;
use crate::exclusive::{Exclusive, Running};
use crate::model::Model;
use crate::trace::Trace;
use crate::watch::{LOOK, detached, watched};

/// Minimum time between two interruptions of a run for waiting readers.
const SLICE: Duration = Duration::from_millis(2);

/// Minimum number of steps of a run for which the memory for recordings is checked in advance.
const LONG: u64 = 1000;

/// A network that is ready to run.
///
/// A plain run is divided into segments. Between segments, it reports progress, checks for Ctrl-C, and lets
/// other threads read. Progress functions and signal handlers may read the network. Results do not depend on
/// the segments. A run with a batch, inputs or a trace is not divided. During such a run, only values that
/// are stored outside the engine can be read.
#[pyclass(frozen)]
pub(crate) struct Simulation {
    engine: Exclusive<dendrion::Simulation>,
    /// Changes with every call that may change recordings or weights; see [`Self::version`].
    version: AtomicU64,
    steps: AtomicU64,
    batch: AtomicUsize,
    noise_seed: AtomicU64,
    parameters: Vec<String>,
    /// Number of connections of each projection, by path.
    counts: HashMap<String, usize>,
    /// The description of the network at the beginning of the last undivided run.
    shown: Mutex<Option<Shown>>,
}

/// The description of a network.
#[derive(Clone)]
struct Shown {
    summary: Summary,
    /// Number of values of each parameter.
    sizes: Vec<usize>,
}

impl Shown {
    fn of(simulation: &mut dendrion::Simulation) -> Self {
        Self { summary: simulation.summary(), sizes: simulation.parameter_sizes() }
    }
}

impl Simulation {
    fn read<R: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&mut dendrion::Simulation) -> R + Send,
    ) -> PyResult<R> {
        self.engine.read(py, read)
    }

    /// Calls `read`, which may return an error.
    fn try_read<R: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&mut dendrion::Simulation) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        self.read(py, read)?.map_err(raise)
    }

    /// Calls `change`, which may change recordings or weights.
    fn change<R: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut dendrion::Simulation) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        self.engine.change(py, |simulation| self.noted(simulation, change))?.map_err(raise)
    }

    /// Calls `change` without the interpreter's lock, as a long call that is not interrupted.
    fn change_whole<R: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut dendrion::Simulation) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        let running = self.run_whole(py)?;
        detached(py, || running.segment(|simulation| self.noted(simulation, change)))
    }

    /// Changes the network and updates the values that can be read at any time.
    fn noted<R>(
        &self,
        simulation: &mut dendrion::Simulation,
        change: impl FnOnce(&mut dendrion::Simulation) -> R,
    ) -> R {
        self.version.fetch_add(1, Ordering::Relaxed);
        let done = change(simulation);
        self.steps.store(simulation.steps(), Ordering::Relaxed);
        self.batch.store(simulation.batch(), Ordering::Relaxed);
        self.noise_seed.store(simulation.noise_seed(), Ordering::Relaxed);
        done
    }

    /// Runs up to `steps` steps, but stops when readers are waiting or when it is time to check for Ctrl-C.
    /// Returns the number of completed steps.
    fn segment(
        &self,
        running: &Running<'_, dendrion::Simulation>,
        steps: u64,
        looked: Instant,
    ) -> Result<u64, Error> {
        let run = |simulation: &mut dendrion::Simulation| {
            let (begin, since) = (simulation.steps(), Instant::now());
            simulation.run(steps, &mut |further| {
                self.steps.store(begin + further, Ordering::Relaxed);
                let is_wanted = running.is_wanted() && since.elapsed() >= SLICE;
                if is_wanted || looked.elapsed() >= LOOK {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            Ok(simulation.steps() - begin)
        };
        running.segment(|simulation| self.noted(simulation, run))
    }

    /// Begins a run that is not divided into segments.
    fn run_whole(&self, py: Python<'_>) -> PyResult<Running<'_, dendrion::Simulation>> {
        let running = self.engine.run(false)?;
        let shown = py.detach(|| running.segment(Shown::of));
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(running)
    }

    fn shown(&self, py: Python<'_>) -> PyResult<Shown> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match shown {
            Some(shown) if self.engine.is_unreadable() => Ok(shown),
            _ => self.read(py, Shown::of),
        }
    }
}

type Spikes<'py> = (Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u32>>);

#[pymethods]
impl Simulation {
    /// Builds the network of a model, which is empty afterwards.
    #[new]
    fn new(py: Python<'_>, model: &Bound<'_, Model>) -> PyResult<Self> {
        let network = model.get().take()?;
        detached(py, || {
            let simulation = dendrion::Simulation::new(network)?;
            let count = |path: &String| Ok((path.clone(), simulation.connection_count(path)?));
            let counts = simulation.network().projections.iter().map(|p| count(&p.path));
            Ok(Self {
                counts: counts.collect::<Result<_, _>>()?,
                parameters: simulation.parameter_names(),
                version: AtomicU64::new(0),
                steps: AtomicU64::new(0),
                batch: AtomicUsize::new(0),
                noise_seed: AtomicU64::new(simulation.noise_seed()),
                shown: Mutex::new(None),
                engine: Exclusive::new("network", simulation),
            })
        })
    }

    /// Runs `steps` steps without the interpreter's lock, and regularly calls `progress(done)`. An exception in
    /// `progress`, or Ctrl-C, stops the run cleanly and is raised here.
    fn run(&self, py: Python<'_>, steps: u64, progress: Option<Py<PyAny>>) -> PyResult<()> {
        let running = self.engine.run(true)?;
        // The run is divided into segments below, so the memory for the recordings of the whole run is
        // checked here.
        if steps >= LONG {
            py.detach(|| running.segment(|s| s.check_run(steps))).map_err(raise)?;
        }
        let (mut done, mut looked) = (0, Instant::now());
        loop {
            let further = py.detach(|| self.segment(&running, steps - done, looked)).map_err(raise)?;
            done += further;
            if done == steps || looked.elapsed() >= LOOK {
                py.check_signals()?;
                if let Some(progress) = progress.as_ref().filter(|_| steps > 0) {
                    progress.call1(py, (done,))?;
                }
                looked = Instant::now();
            }
            if done == steps {
                return Ok(());
            }
        }
    }

    /// As `run`, but with a batch, replacements of generators (by path), and a trace that uses at most
    /// approximately `trace` bytes.
    fn run_with(
        &self,
        py: Python<'_>,
        steps: u64,
        progress: Option<Py<PyAny>>,
        batch: Option<usize>,
        inputs: Vec<(String, PyReadonlyArray1<'_, f64>)>,
        trace: Option<usize>,
    ) -> PyResult<Option<Trace>> {
        let inputs = inputs.into_iter().map(|(path, v)| Ok((path, copy(&v)?))).collect::<PyResult<_>>()?;
        let options = RunOptions { batch, inputs, trace };
        let running = self.run_whole(py)?;
        let trace = watched(py, steps, progress.as_ref(), |watch| {
            let run = |simulation: &mut dendrion::Simulation| simulation.run_with(steps, &options, watch);
            Ok(match running.segment(|simulation| self.noted(simulation, run))? {
                (RunEnd::Finished, trace) => Some(trace),
                (RunEnd::Stopped, _) => None,
            })
        })?;
        Ok(trace.map(Trace::new))
    }

    /// Returns whether a call that cannot be interrupted is using the network, so that nothing can be read
    /// from the engine.
    fn is_unreadable(&self) -> bool {
        self.engine.is_unreadable()
    }

    /// Creates a batch of samples before the first run.
    fn begin_batch(&self, py: Python<'_>, batch: usize) -> PyResult<()> {
        self.change_whole(py, |s| s.begin_batch(batch))
    }

    /// Returns the ports at which input may be in transit between two runs: key, number of steps, and number of neurons.
    fn transits(&self, py: Python<'_>) -> PyResult<Vec<(String, usize, usize)>> {
        let found = self.read(py, |s| s.transits())?;
        Ok(found.into_iter().map(|transit| (transit.key, transit.steps, transit.size)).collect())
    }

    /// Returns the input in transit at a port, sample by sample and step by step.
    fn transit<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.try_read(py, |s| s.transit(key))?))
    }

    /// Sets the input in transit at a port.
    fn set_transit(&self, py: Python<'_>, key: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let values = values.as_slice()?;
        self.engine.change(py, |s| s.set_transit(key, values))?.map_err(raise)
    }

    /// Moves a network at its beginning to a later step.
    fn skip_to(&self, py: Python<'_>, step: u64) -> PyResult<()> {
        self.change_whole(py, |s| s.skip_to(step))
    }

    /// Returns the number of samples in the batch, or 0 without a batch.
    fn batch(&self) -> usize {
        self.batch.load(Ordering::Relaxed)
    }

    /// Returns a message for each parameter with times that are not multiples of the step, for all keys or
    /// only for `keys`.
    fn roundings(&self, py: Python<'_>, keys: Option<Vec<String>>) -> PyResult<Vec<(String, String)>> {
        let found = self.read(py, |s| keys.map_or_else(|| s.roundings(), |keys| s.roundings_of(&keys)))?;
        Ok(found.into_iter().map(|r| (r.parameter.clone(), r.to_string())).collect())
    }

    /// Returns the keys of the parameters that are counted in steps.
    fn step_parameters(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.read(py, |s| s.step_parameters())
    }

    /// Returns the number of steps in a run of `duration` ms, and the total time requested after it (ms).
    fn request(&self, py: Python<'_>, duration: f64) -> PyResult<(u64, f64)> {
        let request = self.try_read(py, |s| s.request(duration))?;
        Ok((request.steps, request.time))
    }

    fn set_requested_time(&self, py: Python<'_>, time: f64) -> PyResult<()> {
        self.engine.change(py, |s| s.set_requested_time(time))
    }

    /// Returns the number of completed steps. During a run, only finished epochs are counted.
    fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Writes the current network to a model file, with the identities of its populations, the frozen parameters,
    /// the projections with dense weights, and the recordings.
    fn save_model(
        &self,
        py: Python<'_>,
        path: std::path::PathBuf,
        who: Vec<crate::file::Who>,
        frozen: Vec<String>,
        dense: Vec<String>,
        what: Vec<crate::file::What>,
    ) -> PyResult<()> {
        let running = self.run_whole(py)?;
        let write = |s: &mut dendrion::Simulation| crate::file::write(s, path, who, (frozen, dense), what);
        detached(py, || Ok(running.segment(write)))?.map_err(crate::file::failed)
    }

    /// Resets the network to t = 0. If a seed is specified, noise and generated spikes are drawn with it from
    /// now on.
    fn reset(&self, py: Python<'_>, seed: Option<u64>) -> PyResult<()> {
        self.change(py, |s| match seed {
            Some(seed) => s.reset_with_seed(seed),
            None => s.reset(),
        })
    }

    /// Returns the seed of noise and of generated spikes.
    fn noise_seed(&self) -> u64 {
        self.noise_seed.load(Ordering::Relaxed)
    }

    fn add_probe(
        &self,
        py: Python<'_>,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<Vec<usize>>,
    ) -> PyResult<usize> {
        let added = self.engine.change(py, |s| s.add_probe(path, variable, every, indices.as_deref()));
        Ok(added?.map_err(raise)?.0)
    }

    /// Returns the name, rate (1/ms) and voltage (mV) of each state of a population that tends to a steady state.
    fn rates(&self, py: Python<'_>, population: &str) -> PyResult<Vec<(String, f64, f64)>> {
        let found = self.try_read(py, |s| s.rates(population))?;
        Ok(found.into_iter().map(|r| (r.state, r.rate, r.voltage)).collect())
    }

    fn variables(&self, py: Python<'_>, path: &str) -> PyResult<Vec<String>> {
        self.try_read(py, |s| s.variables(path))
    }

    /// Returns a probe's samples, with shape (samples, columns), or (batch, samples, columns) for a batch.
    fn values<'py>(&self, py: Python<'py>, probe: usize) -> PyResult<Bound<'py, PyAny>> {
        let read = |s: &mut dendrion::Simulation| Ok((s.samples(ProbeId(probe))?, s.batch()));
        let ((samples, columns), batch) = self.try_read(py, read)?;
        match samples {
            Samples::F32(v) => table(py, v, batch, columns),
            Samples::F64(v) => table(py, v, batch, columns),
        }
    }

    /// Returns a number that changes with every call that may change recordings or weights. If the number is
    /// unchanged, recordings and weights are unchanged.
    fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Clears the recording of a probe and frees its memory.
    fn clear_recording(&self, py: Python<'_>, probe: usize) -> PyResult<()> {
        self.change(py, |s| s.clear_recording(ProbeId(probe)))
    }

    /// Removes a probe.
    fn remove_probe(&self, py: Python<'_>, probe: usize) -> PyResult<()> {
        self.change(py, |s| s.remove_probe(ProbeId(probe)))
    }

    /// Restarts a probe and discards its recording.
    fn forget_recording(&self, py: Python<'_>, probe: usize) -> PyResult<()> {
        self.change(py, |s| s.forget_recording(ProbeId(probe)))
    }

    /// Returns the first step that a probe recorded.
    fn recording_begin(&self, py: Python<'_>, probe: usize) -> PyResult<u64> {
        self.read(py, |s| s.recording_begin(ProbeId(probe)))
    }

    /// Returns the steps of a probe's samples.
    fn sample_steps<'py>(&self, py: Python<'py>, probe: usize) -> PyResult<Bound<'py, PyArray1<u64>>> {
        Ok(PyArray1::from_vec(py, self.try_read(py, |s| s.sample_steps(ProbeId(probe)))?))
    }

    /// Returns the steps and neurons of a probe's spikes, for one sample of a batch.
    fn spikes<'py>(&self, py: Python<'py>, probe: usize, sample: usize) -> PyResult<Spikes<'py>> {
        let spikes = self.try_read(py, |s| s.spikes_of(ProbeId(probe), sample))?;
        let needed = |error: Error| raise(error.needed_by("network", || "a copy of a recording".into()));
        let steps = collected(spikes.iter().map(|(step, _)| *step)).map_err(needed)?;
        let neurons = collected(spikes.iter().map(|(_, neuron)| *neuron)).map_err(needed)?;
        Ok((PyArray1::from_vec(py, steps), PyArray1::from_vec(py, neurons)))
    }

    fn parameter_names(&self) -> Vec<String> {
        self.parameters.clone()
    }

    /// Returns the number of values of each parameter, in the order of the parameter names.
    fn parameter_sizes(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        Ok(self.shown(py)?.sizes)
    }

    fn parameter<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.try_read(py, |s| s.parameter(key))?)
    }

    /// Returns the lower and upper bound of a parameter, and whether the lower bound is included.
    fn domain(&self, py: Python<'_>, key: &str) -> PyResult<(f64, f64, bool)> {
        Ok(match self.try_read(py, |s| s.domain(key))? {
            Domain::Finite => (f64::NEG_INFINITY, f64::INFINITY, true),
            Domain::Positive => (0.0, f64::INFINITY, false),
            Domain::NonNegative => (0.0, f64::INFINITY, true),
            Domain::Probability => (0.0, 1.0, true),
        })
    }

    /// Sets all parameters of a dict, or none of them if one is invalid.
    fn set_parameters(&self, given: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut all = Vec::with_capacity(given.len());
        for (key, value) in given {
            all.push((key.extract::<String>()?, values(&value)?));
        }
        self.change(given.py(), |s| s.set_parameters(all))
    }

    /// Passes spikes to a generator: the steps, in ascending order, and sources of all spikes before step `until`.
    fn push_spikes(
        &self,
        py: Python<'_>,
        path: &str,
        steps: PyReadonlyArray1<'_, u64>,
        sources: PyReadonlyArray1<'_, u32>,
        until: u64,
    ) -> PyResult<()> {
        let (steps, sources) = (steps.as_array(), sources.as_array());
        let spikes = collected(steps.iter().copied().zip(sources.iter().copied()))
            .map_err(|error| raise(error.needed_by(path, || "spikes that are passed".into())))?;
        self.engine.change(py, |s| s.push_spikes(path, &spikes, until))?.map_err(raise)
    }

    /// Returns the step before which all spikes of a generator have been passed.
    fn pushed_until(&self, py: Python<'_>, path: &str) -> PyResult<u64> {
        self.try_read(py, |s| s.pushed_until(path))
    }

    /// Returns the times (ms) at which the values of a generator change, or an empty array if they are constant.
    fn times<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.try_read(py, |s| copied(s.generator_times(path)))?))
    }

    fn set_learning(&self, py: Python<'_>, path: &str, on: bool) -> PyResult<()> {
        self.engine.change(py, |s| s.set_learning(path, on))?.map_err(raise)
    }

    fn is_learning(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        self.try_read(py, |s| s.is_learning(path))
    }

    /// Saves the complete state of the simulation.
    fn save_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let running = self.run_whole(py)?;
        detached(py, || running.segment(|s| s.save_state(path)))
    }

    /// Restores a saved state.
    fn load_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.change_whole(py, |s| s.load_state(path))
    }

    fn state_names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.read(py, |s| s.state_names())
    }

    fn state<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.try_read(py, |s| s.state(key))?))
    }

    fn set_state(&self, py: Python<'_>, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = values(value)?;
        self.engine.change(py, |s| s.set_state(key, value))?.map_err(raise)
    }

    /// Returns a projection's connections: sources, targets, weights, and delays in steps.
    fn connections<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let table = if self.engine.is_running() {
            self.try_read(py, |s| s.connections(path))?
        } else {
            // Large tables take a long time, so the call checks for Ctrl-C. Signal handlers that run during
            // the call must not use the network.
            let running = self.run_whole(py)?;
            detached(py, || running.segment(|s| s.connections(path)))?
        };
        let arrays = (
            PyArray1::from_vec(py, table.pre),
            PyArray1::from_vec(py, table.post),
            PyArray1::from_vec(py, table.weight),
            PyArray1::from_vec(py, table.delay),
        );
        Ok(arrays.into_pyobject(py)?.into_any())
    }

    /// Returns the number of connections of a projection.
    fn connection_count(&self, py: Python<'_>, path: &str) -> PyResult<usize> {
        match self.counts.get(path) {
            Some(count) => Ok(*count),
            None => self.try_read(py, |s| s.connection_count(path)),
        }
    }

    /// Returns a summary of the network.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (summary, dict) = (self.shown(py)?.summary, PyDict::new(py));
        dict.set_item("neurons", summary.neurons)?;
        dict.set_item("compartments", summary.compartments)?;
        dict.set_item("connections", summary.connections)?;
        dict.set_item("connection_bytes", summary.connection_bytes)?;
        dict.set_item("spikes", summary.spikes)?;
        dict.set_item("steps", self.steps())?;
        dict.set_item("epoch", summary.epoch)?;
        dict.set_item("threads", summary.threads)?;
        dict.set_item("level", summary.level.name())?;
        Ok(dict)
    }

    /// Returns the program of a population's step as text.
    fn program(&self, py: Python<'_>, path: &str) -> PyResult<String> {
        self.try_read(py, |s| s.program(path))
    }
}

fn table<T: numpy::Element>(
    py: Python<'_>,
    values: Vec<T>,
    batch: usize,
    columns: usize,
) -> PyResult<Bound<'_, PyAny>> {
    let rows = values.len().checked_div(columns * batch.max(1)).unwrap_or(0);
    let array = PyArray1::from_vec(py, values);
    Ok(match batch {
        0 => array.reshape([rows, columns])?.into_any(),
        _ => array.reshape([batch, rows, columns])?.into_any(),
    })
}

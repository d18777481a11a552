//! The running network.

use std::path::PathBuf;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU64, Ordering};

use dendrion::model::Domain;
use dendrion::{ProbeId, RunEnd, RunOptions, Samples};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{to_python, values};
use crate::error::raise;
use crate::exclusive::Exclusive;
use crate::model::Model;
use crate::trace::Trace;
use crate::watch::watched;

/// A network ready to run.
#[pyclass(frozen)]
pub(crate) struct Simulation {
    simulation: Exclusive<dendrion::Simulation>,
    /// See `version`.
    version: AtomicU64,
}

impl Simulation {
    /// The network, for a call that may change what was recorded, or weights.
    fn change(&self) -> PyResult<MutexGuard<'_, dendrion::Simulation>> {
        let simulation = self.simulation.get()?;
        self.version.fetch_add(1, Ordering::Relaxed);
        Ok(simulation)
    }

    /// Calls `work` with the network, without the interpreter's lock. It may change as for `change`.
    fn change_with<R>(&self, work: impl FnOnce(&mut dendrion::Simulation) -> PyResult<R>) -> PyResult<R> {
        self.simulation.with(|simulation| {
            self.version.fetch_add(1, Ordering::Relaxed);
            work(simulation)
        })
    }
}

type Spikes<'py> = (Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u32>>);

#[pymethods]
impl Simulation {
    /// Builds the network of a model, which is used up.
    #[new]
    fn new(py: Python<'_>, model: &Bound<'_, Model>) -> PyResult<Self> {
        let empty = dendrion::model::Network::new(1.0);
        let network = std::mem::replace(&mut model.borrow_mut().network, empty);
        let simulation = py.detach(|| dendrion::Simulation::new(network)).map_err(raise)?;
        Ok(Self { simulation: Exclusive::new("network", simulation), version: AtomicU64::new(0) })
    }

    /// Runs `steps` steps without the interpreter's lock. `progress(done)` is called now and then; what it raises, or
    /// Ctrl-C, stops the run cleanly and is raised here.
    fn run(&self, py: Python<'_>, steps: u64, progress: Option<Py<PyAny>>) -> PyResult<()> {
        self.change_with(|simulation| {
            watched(py, steps, progress.as_ref(), |watch| match simulation.run(steps, watch)? {
                RunEnd::Finished => Ok(Some(())),
                RunEnd::Stopped => Ok(None),
            })
        })
    }

    /// As `run`, with a batch, what stands in for generators by path, and a trace kept in about so many bytes.
    fn run_with(
        &self,
        py: Python<'_>,
        steps: u64,
        progress: Option<Py<PyAny>>,
        batch: Option<usize>,
        inputs: Vec<(String, PyReadonlyArray1<'_, f64>)>,
        trace: Option<usize>,
    ) -> PyResult<Option<Trace>> {
        let inputs = inputs.into_iter().map(|(path, v)| (path, v.as_array().to_vec())).collect();
        let options = RunOptions { batch, inputs, trace };
        let trace = self.change_with(|simulation| {
            watched(py, steps, progress.as_ref(), |watch| {
                Ok(match simulation.run_with(steps, &options, watch)? {
                    (RunEnd::Finished, trace) => Some(trace),
                    (RunEnd::Stopped, _) => None,
                })
            })
        })?;
        Ok(trace.map(Trace::new))
    }

    /// Makes a batch of samples before they run.
    fn begin_batch(&self, batch: usize) -> PyResult<()> {
        self.change()?.begin_batch(batch).map_err(raise)
    }

    /// Samples of the batch it has run with; 0 without one.
    fn batch(&self) -> PyResult<usize> {
        Ok(self.simulation.get()?.batch())
    }

    /// Parameters whose times are not multiples of the step, each with a message; all, or those of some keys.
    fn roundings(&self, keys: Option<Vec<String>>) -> PyResult<Vec<(String, String)>> {
        let simulation = self.simulation.get()?;
        let found = keys.map_or_else(|| simulation.roundings(), |keys| simulation.roundings_of(&keys));
        Ok(found.into_iter().map(|r| (r.parameter.clone(), r.to_string())).collect())
    }

    /// Keys of the parameters that are counted in steps.
    fn step_parameters(&self) -> PyResult<Vec<String>> {
        Ok(self.simulation.get()?.step_parameters())
    }

    /// What a run of `duration` ms comes to: its steps, and the time requested so far after it (ms).
    fn request(&self, duration: f64) -> PyResult<(u64, f64)> {
        let request = self.simulation.get()?.request(duration).map_err(raise)?;
        Ok((request.steps, request.time))
    }

    fn set_requested_time(&self, time: f64) -> PyResult<()> {
        self.simulation.get()?.set_requested_time(time);
        Ok(())
    }

    /// Steps done.
    fn steps(&self) -> PyResult<u64> {
        Ok(self.simulation.get()?.steps())
    }

    /// Writes the network as it is now to a model file, with who its populations are, which parameters are frozen, which
    /// weights are a table, and what is recorded.
    fn save_model(
        &self,
        path: std::path::PathBuf,
        who: Vec<crate::file::Who>,
        frozen: Vec<String>,
        dense: Vec<String>,
        what: Vec<crate::file::What>,
    ) -> PyResult<()> {
        crate::file::write(&mut *self.simulation.get()?, path, who, (frozen, dense), what)
    }

    /// Back to t = 0, with the random numbers of another seed if one is given.
    fn reset(&self, seed: Option<u64>) -> PyResult<()> {
        let mut simulation = self.change()?;
        match seed {
            Some(seed) => simulation.reset_with_seed(seed),
            None => simulation.reset(),
        }
        .map_err(raise)
    }

    /// The seed of noise and of the spikes of generators.
    fn noise_seed(&self) -> PyResult<u64> {
        Ok(self.simulation.get()?.noise_seed())
    }

    fn add_probe(
        &self,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<Vec<usize>>,
    ) -> PyResult<usize> {
        let id =
            self.simulation.get()?.add_probe(path, variable, every, indices.as_deref()).map_err(raise)?;
        Ok(id.0)
    }

    /// State, rate (1/ms) and voltage (mV) of each state of a population that tends to a steady state.
    fn rates(&self, population: &str) -> PyResult<Vec<(String, f64, f64)>> {
        let found = self.simulation.get()?.rates(population).map_err(raise)?;
        Ok(found.into_iter().map(|r| (r.state, r.rate, r.voltage)).collect())
    }

    fn variables(&self, path: &str) -> PyResult<Vec<String>> {
        self.simulation.get()?.variables(path).map_err(raise)
    }

    /// A probe's samples, of shape (samples, columns), with a batch (batch, samples, columns).
    fn values<'py>(&self, py: Python<'py>, probe: usize) -> PyResult<Bound<'py, PyAny>> {
        let ((samples, columns), batch) = {
            let simulation = self.simulation.get()?;
            (simulation.samples(ProbeId(probe)), simulation.batch())
        };
        match samples {
            Samples::F32(v) => table(py, v, batch, columns),
            Samples::F64(v) => table(py, v, batch, columns),
        }
    }

    /// A number that changes with every call that may change what was recorded, or weights: where it is the same, so are they.
    fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Clears what a probe recorded, and frees its memory.
    fn clear_recording(&self, probe: usize) -> PyResult<()> {
        self.change()?.clear_recording(ProbeId(probe)).map_err(raise)
    }

    /// Removes a probe.
    fn remove_probe(&self, probe: usize) -> PyResult<()> {
        self.change()?.remove_probe(ProbeId(probe)).map_err(raise)
    }

    /// Lets a probe begin anew: what it recorded is forgotten.
    fn forget_recording(&self, probe: usize) -> PyResult<()> {
        self.change()?.forget_recording(ProbeId(probe)).map_err(raise)
    }

    /// The step from which on a probe records.
    fn recording_begin(&self, probe: usize) -> PyResult<u64> {
        Ok(self.simulation.get()?.recording_begin(ProbeId(probe)))
    }

    /// Steps of a probe's samples.
    fn sample_steps<'py>(&self, py: Python<'py>, probe: usize) -> PyResult<Bound<'py, PyArray1<u64>>> {
        Ok(PyArray1::from_vec(py, self.simulation.get()?.sample_steps(ProbeId(probe))))
    }

    /// A probe's spikes: steps and neurons, of a sample of a batch.
    fn spikes<'py>(&self, py: Python<'py>, probe: usize, sample: usize) -> PyResult<Spikes<'py>> {
        let (steps, neurons) = self.simulation.get()?.spikes_of(ProbeId(probe), sample).into_iter().unzip();
        Ok((PyArray1::from_vec(py, steps), PyArray1::from_vec(py, neurons)))
    }

    fn parameter_names(&self) -> PyResult<Vec<String>> {
        Ok(self.simulation.get()?.parameter_names())
    }

    fn parameter<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.simulation.get()?.parameter(key).map_err(raise)?)
    }

    /// The least and the largest value a parameter may have, and whether the least itself is one.
    fn domain(&self, key: &str) -> PyResult<(f64, f64, bool)> {
        Ok(match self.simulation.get()?.domain(key).map_err(raise)? {
            Domain::Finite => (f64::NEG_INFINITY, f64::INFINITY, true),
            Domain::Positive => (0.0, f64::INFINITY, false),
            Domain::NonNegative => (0.0, f64::INFINITY, true),
            Domain::Probability => (0.0, 1.0, true),
        })
    }

    /// Sets all parameters of a dict, or none.
    fn set_parameters(&self, given: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut all = Vec::with_capacity(given.len());
        for (key, value) in given {
            all.push((key.extract::<String>()?, values(&value)?));
        }
        self.change()?.set_parameters(all).map_err(raise)
    }

    /// Hands spikes to a generator: steps, ascending, and sources of all spikes before step `until`.
    fn push_spikes(
        &self,
        path: &str,
        steps: PyReadonlyArray1<'_, u64>,
        sources: PyReadonlyArray1<'_, u32>,
        until: u64,
    ) -> PyResult<()> {
        let (steps, sources) = (steps.as_array(), sources.as_array());
        let spikes: Vec<(u64, u32)> = steps.iter().copied().zip(sources.iter().copied()).collect();
        self.simulation.get()?.push_spikes(path, &spikes, until).map_err(raise)
    }

    /// The step before which all spikes were handed to a generator.
    fn pushed_until(&self, path: &str) -> PyResult<u64> {
        self.simulation.get()?.pushed_until(path).map_err(raise)
    }

    /// The times (ms) from which the values of a generator hold, one after the other; none where they always do.
    fn times<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let simulation = self.simulation.get()?;
        let generator = simulation.network().generators.iter().find(|g| g.path == path);
        Ok(PyArray1::from_slice(py, generator.map_or(&[], |g| &g.breaks)))
    }

    fn set_learning(&self, path: &str, on: bool) -> PyResult<()> {
        self.simulation.get()?.set_learning(path, on).map_err(raise)
    }

    fn is_learning(&self, path: &str) -> PyResult<bool> {
        self.simulation.get()?.is_learning(path).map_err(raise)
    }

    /// Saves everything the future depends on.
    fn save_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.simulation.with(|simulation| py.detach(|| simulation.save_state(path)).map_err(raise))
    }

    /// Goes on from what was saved.
    fn load_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.change_with(|simulation| py.detach(|| simulation.load_state(path)).map_err(raise))
    }

    fn state_names(&self) -> PyResult<Vec<String>> {
        Ok(self.simulation.get()?.state_names())
    }

    fn state<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.simulation.get()?.state(key).map_err(raise)?))
    }

    fn set_state(&self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.simulation.get()?.set_state(key, values(value)?).map_err(raise)
    }

    /// A projection's connections: sources, targets, weights, delays in steps.
    fn connections<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let table = self.simulation.get()?.connections(path).map_err(raise)?;
        let arrays = (
            PyArray1::from_vec(py, table.pre),
            PyArray1::from_vec(py, table.post),
            PyArray1::from_vec(py, table.weight),
            PyArray1::from_vec(py, table.delay),
        );
        Ok(arrays.into_pyobject(py)?.into_any())
    }

    /// How many connections a projection has.
    fn connection_count(&self, path: &str) -> PyResult<usize> {
        self.simulation.get()?.connection_count(path).map_err(raise)
    }

    /// What the network amounts to.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (summary, dict) = (self.simulation.get()?.summary(), PyDict::new(py));
        dict.set_item("neurons", summary.neurons)?;
        dict.set_item("compartments", summary.compartments)?;
        dict.set_item("connections", summary.connections)?;
        dict.set_item("connection_bytes", summary.connection_bytes)?;
        dict.set_item("spikes", summary.spikes)?;
        dict.set_item("steps", summary.steps)?;
        dict.set_item("epoch", summary.epoch)?;
        dict.set_item("threads", summary.threads)?;
        dict.set_item("level", summary.level.name())?;
        Ok(dict)
    }

    /// The program of a population's step, as text.
    fn program(&self, path: &str) -> PyResult<String> {
        self.simulation.get()?.program(path).map_err(raise)
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

//! The running network.

use std::path::PathBuf;

use dendrion::model::Domain;
use dendrion::{ProbeId, RunEnd, RunOptions, Samples};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{to_python, values};
use crate::error::raise;
use crate::model::Model;
use crate::trace::Trace;
use crate::watch::watched;

/// A network ready to run.
#[pyclass]
pub(crate) struct Simulation {
    simulation: dendrion::Simulation,
    /// See `version`.
    version: u64,
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
        Ok(Self { simulation, version: 0 })
    }

    /// Runs `steps` steps without the interpreter's lock. `progress(done)` is called now and then; what it raises, or
    /// Ctrl-C, stops the run cleanly and is raised here.
    fn run(&mut self, py: Python<'_>, steps: u64, progress: Option<Py<PyAny>>) -> PyResult<()> {
        self.version += 1;
        let simulation = &mut self.simulation;
        watched(py, steps, progress.as_ref(), |watch| match simulation.run(steps, watch)? {
            RunEnd::Finished => Ok(Some(())),
            RunEnd::Stopped => Ok(None),
        })
    }

    /// As `run`, with a batch, what stands in for generators by path, and a trace kept in about so many bytes.
    fn run_with(
        &mut self,
        py: Python<'_>,
        steps: u64,
        progress: Option<Py<PyAny>>,
        batch: Option<usize>,
        inputs: Vec<(String, PyReadonlyArray1<'_, f64>)>,
        trace: Option<usize>,
    ) -> PyResult<Option<Trace>> {
        let inputs = inputs.into_iter().map(|(path, v)| (path, v.as_array().to_vec())).collect();
        let options = RunOptions { batch, inputs, trace };
        self.version += 1;
        let simulation = &mut self.simulation;
        let trace = watched(py, steps, progress.as_ref(), |watch| {
            Ok(match simulation.run_with(steps, &options, watch)? {
                (RunEnd::Finished, trace) => Some(trace),
                (RunEnd::Stopped, _) => None,
            })
        })?;
        Ok(trace.map(|trace| Trace { trace }))
    }

    /// Samples of the batch it has run with; 0 without one.
    fn batch(&self) -> usize {
        self.simulation.batch()
    }

    /// Steps done.
    fn steps(&self) -> u64 {
        self.simulation.steps()
    }

    /// Writes the network as it is now to a model file, with who its populations are, which parameters are frozen, which
    /// weights are a table, and what is recorded.
    fn save_model(
        &mut self,
        path: std::path::PathBuf,
        who: Vec<crate::file::Who>,
        frozen: Vec<String>,
        dense: Vec<String>,
        what: Vec<crate::file::What>,
    ) -> PyResult<()> {
        crate::file::write(&mut self.simulation, path, who, (frozen, dense), what)
    }

    fn reset(&mut self) -> PyResult<()> {
        self.version += 1;
        self.simulation.reset().map_err(raise)
    }

    fn add_probe(
        &mut self,
        path: &str,
        variable: &str,
        every: u64,
        indices: Option<Vec<usize>>,
    ) -> PyResult<usize> {
        let id = self.simulation.add_probe(path, variable, every, indices.as_deref()).map_err(raise)?;
        Ok(id.0)
    }

    fn variables(&self, path: &str) -> PyResult<Vec<String>> {
        self.simulation.variables(path).map_err(raise)
    }

    /// A probe's samples, of shape (samples, columns), with a batch (batch, samples, columns).
    fn values<'py>(&self, py: Python<'py>, probe: usize) -> PyResult<Bound<'py, PyAny>> {
        let (samples, columns) = self.simulation.samples(ProbeId(probe));
        let batch = self.simulation.batch();
        match samples {
            Samples::F32(v) => table(py, v, batch, columns),
            Samples::F64(v) => table(py, v, batch, columns),
        }
    }

    /// A number that changes with every call that may change what was recorded, or weights: where it is the same, so are they.
    fn version(&self) -> u64 {
        self.version
    }

    /// Clears what a probe recorded, and frees its memory.
    fn clear_recording(&mut self, probe: usize) -> PyResult<()> {
        self.version += 1;
        self.simulation.clear_recording(ProbeId(probe)).map_err(raise)
    }

    /// Removes a probe.
    fn remove_probe(&mut self, probe: usize) -> PyResult<()> {
        self.version += 1;
        self.simulation.remove_probe(ProbeId(probe)).map_err(raise)
    }

    /// Lets a probe begin anew: what it recorded is forgotten.
    fn forget_recording(&mut self, probe: usize) -> PyResult<()> {
        self.version += 1;
        self.simulation.forget_recording(ProbeId(probe)).map_err(raise)
    }

    /// The step from which on a probe records.
    fn recording_begin(&self, probe: usize) -> u64 {
        self.simulation.recording_begin(ProbeId(probe))
    }

    /// Steps of a probe's samples.
    fn sample_steps<'py>(&self, py: Python<'py>, probe: usize) -> Bound<'py, PyArray1<u64>> {
        PyArray1::from_vec(py, self.simulation.sample_steps(ProbeId(probe)))
    }

    /// A probe's spikes: steps and neurons, of a sample of a batch.
    fn spikes<'py>(&self, py: Python<'py>, probe: usize, sample: usize) -> Spikes<'py> {
        let (steps, neurons) = self.simulation.spikes_of(ProbeId(probe), sample).into_iter().unzip();
        (PyArray1::from_vec(py, steps), PyArray1::from_vec(py, neurons))
    }

    fn parameter_names(&self) -> Vec<String> {
        self.simulation.parameter_names()
    }

    fn parameter<'py>(&mut self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.simulation.parameter(key).map_err(raise)?)
    }

    /// The least and the largest value a parameter may have, and whether the least itself is one.
    fn domain(&self, key: &str) -> PyResult<(f64, f64, bool)> {
        Ok(match self.simulation.domain(key).map_err(raise)? {
            Domain::Finite => (f64::NEG_INFINITY, f64::INFINITY, true),
            Domain::Positive => (0.0, f64::INFINITY, false),
            Domain::NonNegative => (0.0, f64::INFINITY, true),
            Domain::Probability => (0.0, 1.0, true),
        })
    }

    /// Sets all parameters of a dict, or none.
    fn set_parameters(&mut self, given: &Bound<'_, PyDict>) -> PyResult<()> {
        self.version += 1;
        let mut all = Vec::with_capacity(given.len());
        for (key, value) in given {
            all.push((key.extract::<String>()?, values(&value)?));
        }
        self.simulation.set_parameters(all).map_err(raise)
    }

    /// Hands spikes to a generator: steps, ascending, and sources of all spikes before step `until`.
    fn push_spikes(
        &mut self,
        path: &str,
        steps: PyReadonlyArray1<'_, u64>,
        sources: PyReadonlyArray1<'_, u32>,
        until: u64,
    ) -> PyResult<()> {
        let (steps, sources) = (steps.as_array(), sources.as_array());
        let spikes: Vec<(u64, u32)> = steps.iter().copied().zip(sources.iter().copied()).collect();
        self.simulation.push_spikes(path, &spikes, until).map_err(raise)
    }

    /// The step before which all spikes were handed to a generator.
    fn pushed_until(&self, path: &str) -> PyResult<u64> {
        self.simulation.pushed_until(path).map_err(raise)
    }

    /// The times (ms) from which the values of a generator hold, one after the other; none where they always do.
    fn times<'py>(&self, py: Python<'py>, path: &str) -> Bound<'py, PyArray1<f64>> {
        let generator = self.simulation.network().generators.iter().find(|g| g.path == path);
        PyArray1::from_slice(py, generator.map_or(&[], |g| &g.breaks))
    }

    fn set_learning(&mut self, path: &str, on: bool) -> PyResult<()> {
        self.simulation.set_learning(path, on).map_err(raise)
    }

    fn is_learning(&self, path: &str) -> PyResult<bool> {
        self.simulation.is_learning(path).map_err(raise)
    }

    /// Saves everything the future depends on.
    fn save_state(&mut self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let simulation = &mut self.simulation;
        py.detach(|| simulation.save_state(path)).map_err(raise)
    }

    /// Goes on from what was saved.
    fn load_state(&mut self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.version += 1;
        let simulation = &mut self.simulation;
        py.detach(|| simulation.load_state(path)).map_err(raise)
    }

    fn state_names(&self) -> Vec<String> {
        self.simulation.state_names()
    }

    fn state<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.simulation.state(key).map_err(raise)?))
    }

    fn set_state(&mut self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.simulation.set_state(key, values(value)?).map_err(raise)
    }

    /// A projection's connections: sources, targets, weights, delays in steps.
    fn connections<'py>(&mut self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let table = self.simulation.connections(path).map_err(raise)?;
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
        self.simulation.connection_count(path).map_err(raise)
    }

    /// What the network amounts to.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (summary, dict) = (self.simulation.summary(), PyDict::new(py));
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
        self.simulation.program(path).map_err(raise)
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

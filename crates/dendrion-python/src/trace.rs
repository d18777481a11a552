//! Traces of runs, for the backward pass.

use std::sync::atomic::{AtomicBool, Ordering};

use dendrion::ProbeId;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::to_python;
use crate::exclusive::Exclusive;
use crate::watch::watched;

/// The recorded trace of a run, which can be reversed once.
#[pyclass(frozen)]
pub(crate) struct Trace {
    run: Exclusive<dendrion::Trace>,
    memory: u64,
    /// Whether the run can still be reversed, as of the last completed call.
    is_left: AtomicBool,
}

impl Trace {
    pub(crate) const fn new(trace: dendrion::Trace) -> Self {
        let (memory, is_left) = (trace.memory(), AtomicBool::new(trace.is_left()));
        Self { run: Exclusive::new("backward", trace), memory, is_left }
    }
}

/// Gradients by parameter key, by state and by path of a generator, as flat arrays, and a warning if they became
/// unreasonably large.
type Gradients<'py> = (Bound<'py, PyDict>, Bound<'py, PyDict>, Bound<'py, PyDict>, Option<String>);

#[pymethods]
impl Trace {
    /// Returns the maximum number of bytes of states that the run and its backward pass keep at the same time.
    const fn memory(&self) -> u64 {
        self.memory
    }

    /// Returns whether the run can still be reversed.
    fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Computes the gradients of the requested parameters, states and currents from the gradients of probes.
    /// Each element of `cotangents` contains the index of a probe and the gradient with respect to its
    /// samples, in order. `finals` contains the gradients with respect to states and input in transit at the end of the
    /// run, by key. If it is not `None`, the gradients of states include those of input in transit at the beginning.
    fn backward<'py>(
        &self,
        py: Python<'py>,
        cotangents: Vec<(usize, PyReadonlyArray1<'py, f64>)>,
        wanted: Vec<String>,
        finals: Option<Vec<(String, PyReadonlyArray1<'py, f64>)>>,
    ) -> PyResult<Gradients<'py>> {
        let mut given: Vec<(ProbeId, &[f64])> = Vec::with_capacity(cotangents.len());
        for (probe, values) in &cotangents {
            given.push((ProbeId(*probe), values.as_slice()?));
        }
        let mut ends: Vec<(String, &[f64])> = Vec::new();
        for (key, values) in finals.iter().flatten() {
            ends.push((key.clone(), values.as_slice()?));
        }
        let ends = finals.is_some().then_some(ends);
        let running = self.run.run(false)?;
        let gradients = watched(py, u64::MAX, None, |watch| {
            running.segment(|trace| {
                let gradients = match &ends {
                    Some(ends) => trace.backward_from(&given, ends, &wanted, watch),
                    None => trace.backward(&given, &wanted, watch),
                };
                self.is_left.store(trace.is_left(), Ordering::Relaxed);
                gradients
            })
        })?;
        drop(running);
        let grown = gradients.growth.map(|growth| growth.to_string());
        let dicts = (PyDict::new(py), PyDict::new(py), PyDict::new(py), grown);
        for (key, values) in gradients.parameters {
            dicts.0.set_item(key, to_python(py, values)?)?;
        }
        for (key, values) in gradients.states {
            dicts.1.set_item(key, PyArray1::from_vec(py, values))?;
        }
        for (path, values) in gradients.inputs {
            dicts.2.set_item(path, PyArray1::from_vec(py, values))?;
        }
        Ok(dicts)
    }
}

//! Traces of runs, to be reversed.

use dendrion::ProbeId;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::to_python;
use crate::exclusive::Exclusive;
use crate::watch::watched;

/// What a run left behind so that it can be reversed, once.
#[pyclass(frozen)]
pub(crate) struct Trace {
    trace: Exclusive<dendrion::Trace>,
}

impl Trace {
    pub(crate) const fn new(trace: dendrion::Trace) -> Self {
        Self { trace: Exclusive::new("backward", trace) }
    }
}

/// Cotangents by parameter, state, and path of a generator, as flat arrays, and a warning if they grew beyond reason.
type Gradients<'py> = (Bound<'py, PyDict>, Bound<'py, PyDict>, Bound<'py, PyDict>, Option<String>);

#[pymethods]
impl Trace {
    /// Bytes of the states that the run and its reverse keep at the same time, at most.
    fn memory(&self) -> PyResult<u64> {
        Ok(self.trace.get()?.memory())
    }

    /// Whether it can still be reversed.
    fn is_left(&self) -> PyResult<bool> {
        Ok(self.trace.get()?.is_left())
    }

    /// From cotangents of probes (probe, values in order) to those of what is wanted by key or path.
    fn backward<'py>(
        &self,
        py: Python<'py>,
        cotangents: Vec<(usize, PyReadonlyArray1<'py, f64>)>,
        wanted: Vec<String>,
    ) -> PyResult<Gradients<'py>> {
        let mut given: Vec<(ProbeId, &[f64])> = Vec::with_capacity(cotangents.len());
        for (probe, values) in &cotangents {
            given.push((ProbeId(*probe), values.as_slice()?));
        }
        let gradients = self
            .trace
            .with(|trace| watched(py, u64::MAX, None, |watch| trace.backward(&given, &wanted, watch)))?;
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

//! Access to the table of parameters, so that Python does not need a copy of it.

use dendrion::model::{Compartment, ModuleKind, Receptor};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{copy, params, values};
use crate::error::raise;

/// Name, unit, default and description of a parameter.
type Row = (&'static str, &'static str, Option<f64>, &'static str);

/// Returns the parameters of a kind of module: (name, unit, default or None, description).
#[pyfunction]
pub(crate) fn parameters(kind: &str) -> PyResult<Vec<Row>> {
    Ok(find(kind)?.parameters().iter().map(|p| (p.name, p.unit, p.default, p.doc)).collect())
}

/// Raises an error unless parameter `name` of a module of this kind and size accepts `value`.
#[pyfunction]
pub(crate) fn check(
    kind: &str,
    module: &str,
    name: &str,
    value: &Bound<'_, PyAny>,
    size: usize,
) -> PyResult<()> {
    let spec = find(kind)?.parameter(module, name).map_err(raise)?;
    spec.check(module, &values(value)?, size).map_err(raise)
}

/// Raises an error unless a module of this kind is valid on its own with all parameters in `given`.
#[pyfunction]
pub(crate) fn check_module(kind: &str, module: &str, given: &Bound<'_, PyDict>, size: usize) -> PyResult<()> {
    let (kind, params) = (find(kind)?, params(given)?);
    // A compartment without a name would stand for the CVs of detailed cells.
    let (name, soma) = (module.to_string(), kind == ModuleKind::Soma);
    match kind {
        ModuleKind::Compartment | ModuleKind::Soma => Compartment { name, soma, params }.check(module, size),
        _ if kind.is_receptor() => {
            Receptor { name, kind, on: 0, scale_g: false, params, text: None, signed: false }
                .check(module, size)
        }
        _ => kind.check(module, &params, size),
    }
    .map_err(raise)
}

/// Returns the known name most similar to `name`, if one is similar enough.
#[pyfunction]
pub(crate) fn nearest(name: &str, known: Vec<String>) -> Option<String> {
    dendrion::language::nearest(name, known.iter().map(String::as_str)).map(str::to_string)
}

/// Returns the step nearest to a time (ms) >= 0, according to the rule that applies to all times.
#[pyfunction]
pub(crate) fn nearest_step(ms: f64, dt: f64) -> f64 {
    dendrion::model::nearest_step(ms, dt)
}

/// Returns a message about how the times of a parameter (ms) are rounded; `None` if they are multiples of the step.
#[pyfunction]
pub(crate) fn rounding(
    module: &str,
    parameter: &str,
    times: numpy::PyReadonlyArray1<'_, f64>,
    dt: f64,
) -> PyResult<Option<String>> {
    let times = copy(&times)?;
    Ok(dendrion::model::Rounding::of(module, parameter, &times, dt).map(|r| r.to_string()))
}

fn find(kind: &str) -> PyResult<ModuleKind> {
    ModuleKind::from_name(kind).ok_or_else(|| PyKeyError::new_err(kind.to_string()))
}

//! Texts in the equation language. Each text is checked once.

use dendrion::Error;
use dendrion::model::{check_values, check_written, definition};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{params, values};
use crate::error::raise;

/// Name, unit, default, accepted values, and description of a parameter.
type Row = (String, String, Option<f64>, &'static str, String);

/// Returns the text of a library mechanism.
#[pyfunction]
pub(crate) fn library(name: &str) -> PyResult<&'static str> {
    dendrion::library(name).ok_or_else(|| PyKeyError::new_err(name.to_string()))
}

/// Translates an NMODL file. Returns the mechanism's name, whether it receives spikes, its equations, and
/// notes about dropped statements and assumptions. Underscores are appended to the names of parameters that
/// are listed in `reserved`.
#[pyfunction]
pub(crate) fn nmodl(source: &str, reserved: Vec<String>) -> PyResult<(String, bool, String, Vec<String>)> {
    let reserved: Vec<&str> = reserved.iter().map(String::as_str).collect();
    let read = dendrion::nmodl::read_reserving(source, &reserved);
    let read = read.map_err(|e| raise(Error::Text { module: "NMODL".into(), message: e.to_string() }))?;
    Ok((read.name, read.kind == dendrion::nmodl::Kind::Receptor, read.definition.text, read.notes))
}

/// A definition.
#[pyclass(frozen)]
pub(crate) struct Definition {
    of: dendrion::model::Definition,
}

#[pymethods]
impl Definition {
    /// Parses a text. `name` is the name of the mechanism in error messages.
    #[new]
    fn new(name: &str, text: &str) -> PyResult<Self> {
        Ok(Self { of: definition(name, text).map_err(raise)? })
    }

    /// Returns the parameters.
    fn parameters(&self) -> Vec<Row> {
        let row = |p: &dendrion::model::WrittenParameter| {
            (p.name.clone(), p.unit.text.clone(), p.default, p.bound.words(), p.doc.clone())
        };
        self.of.parameters.iter().map(row).collect()
    }

    /// Returns the names and units of the states and of other variables that can be recorded.
    fn variables(&self) -> Vec<(String, String)> {
        let states = self.of.states.iter().map(|s| (s.name.clone(), s.unit.text.clone()));
        let others = self
            .of
            .expressions
            .iter()
            .filter(|e| !e.is_private())
            .map(|e| (e.name.clone(), e.unit.text.clone()));
        let flags = self.of.flags.iter().map(|f| (f.name.clone(), String::new()));
        states.chain(others).chain(flags).collect()
    }

    /// Returns whether the mechanism receives spikes, whether it has a current, and whether it replaces the
    /// equation for V.
    fn traits(&self) -> (bool, bool, bool) {
        (!self.of.arrivals.is_empty(), self.of.current.is_some(), self.of.membrane.is_some())
    }

    /// Returns whether the mechanism has a current or an equation for V, has gates that depend on V, and has no
    /// actions on spikes.
    fn is_voltage_gated(&self) -> bool {
        self.of.is_voltage_gated()
    }

    /// Returns the literal numbers (mV) that serve as reversal potentials in its current.
    fn unnamed_reversals(&self) -> Vec<f64> {
        self.of.unnamed_reversals()
    }

    /// Raises an error unless parameter `name` of a module with `size` members accepts `value`.
    fn check(&self, module: &str, name: &str, value: &Bound<'_, PyAny>, size: usize) -> PyResult<()> {
        let Some(p) = self.of.parameter(name) else { return Ok(()) };
        check_values((module, name, &p.unit.text), p.bound.into(), &values(value)?, size).map_err(raise)
    }

    /// Raises an error unless a module with `size` members and the parameters in `given` is valid.
    fn check_module(&self, module: &str, given: &Bound<'_, PyDict>, size: usize) -> PyResult<()> {
        check_written(module, &self.of, &params(given)?, size).map_err(raise)
    }
}

//! Texts in the equation language. Each text is checked once.

use std::collections::HashMap;

use dendrion::Error;
use dendrion::model::allocate::collected;
use dendrion::model::{check_values, check_written, definition};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{copy, params, values};
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

/// A formula for the values of a parameter along a detailed cell. It is parsed again for each use, because syntax trees
/// cannot be shared between threads.
#[pyclass(frozen, module = "dendrion._core")]
pub(crate) struct Density {
    name: String,
    text: String,
}

impl Density {
    fn of(&self) -> PyResult<dendrion::language::Density> {
        dendrion::language::Density::parse(&self.text).map_err(|error| not_valid(&self.name, &error))
    }
}

#[pymethods]
impl Density {
    /// Parses a formula. `name` is the name of the parameter in error messages.
    #[new]
    fn new(name: String, text: String) -> PyResult<Self> {
        let made = Self { name, text };
        made.of()?;
        Ok(made)
    }

    /// Returns how copies and pickles create the formula.
    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyAny>, (String, String)) {
        (slf.get_type().unbind().into_any(), (slf.get().name.clone(), slf.get().text.clone()))
    }

    /// Returns the names of the parameters.
    fn parameters(&self) -> PyResult<Vec<String>> {
        Ok(self.of()?.parameters().into_iter().map(String::from).collect())
    }

    /// Returns the text of a mechanism in which the formula replaces a parameter.
    fn placed(&self, mechanism: &str, parameter: &str) -> PyResult<String> {
        self.of()?.placed(mechanism, parameter).map_err(|error| not_valid(&self.name, &error))
    }

    /// Returns the values at places. `given` contains one value per place for each name.
    fn values<'py>(
        &self,
        py: Python<'py>,
        given: HashMap<String, PyReadonlyArray1<'py, f64>>,
        places: usize,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let given = given.iter().map(|(name, values)| Ok((name.as_str(), copy(values)?)));
        let given = given.collect::<PyResult<HashMap<&str, Vec<f64>>>>()?;
        let at = |name: &str, i: usize| given.get(name).and_then(|v| v.get(i)).copied().unwrap_or(f64::NAN);
        let of = self.of()?;
        let values = collected((0..places).map(|i| of.value(&|name| at(name, i))));
        let values =
            values.map_err(|error| raise(error.needed_by("network", || "values of a formula".into())));
        Ok(PyArray1::from_vec(py, values?))
    }
}

/// A definition.
#[pyclass(frozen, module = "dendrion._core")]
pub(crate) struct Definition {
    name: String,
    of: dendrion::model::Definition,
}

#[pymethods]
impl Definition {
    /// Parses a text. `name` is the name of the mechanism in error messages.
    #[new]
    fn new(name: String, text: &str) -> PyResult<Self> {
        let of = definition(&name, text).map_err(raise)?;
        Ok(Self { name, of })
    }

    /// Returns how copies and pickles create the definition.
    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyAny>, (String, String)) {
        let own = slf.get();
        (slf.get_type().unbind().into_any(), (own.name.clone(), own.of.text.clone()))
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

fn not_valid(name: &str, error: &dendrion::language::TextError) -> PyErr {
    raise(Error::Text { module: name.into(), message: error.to_string() })
}

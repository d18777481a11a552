//! Surrogate derivatives of spikes.

use dendrion::language::{self, Function, Value};
use dendrion::model::{Surrogate as Model, SurrogateFunction, SurrogateKind};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::copy;
use crate::error::raise;
use crate::watch::detached;

/// A surrogate derivative.
#[pyclass(frozen)]
pub(crate) struct Surrogate {
    pub(crate) of: Model,
}

#[pymethods]
impl Surrogate {
    /// Creates a built-in surrogate from its name. Parameters for which no number is specified have their
    /// default values.
    #[new]
    fn new(kind: &str, numbers: Vec<f64>, relative: bool) -> PyResult<Self> {
        let unknown = || PyValueError::new_err(format!("unknown surrogate {kind}"));
        Ok(Self::made(Model::new(SurrogateKind::from_name(kind).ok_or_else(unknown)?, numbers), relative))
    }

    /// Creates a surrogate from a text. `name` is its name in error messages.
    #[staticmethod]
    fn own(name: &str, text: &str, relative: bool) -> PyResult<Self> {
        let of = Model::own(text);
        of.check(name).map_err(raise)?;
        Ok(Self::made(of, relative))
    }

    /// Creates `EventProp`, which differentiates spike times.
    #[staticmethod]
    fn event_prop() -> Self {
        Self::made(Model::event_prop(), false)
    }

    /// Returns the values of the parameters of a built-in surrogate.
    #[getter]
    fn numbers(&self) -> Vec<f64> {
        match &self.of.function {
            SurrogateFunction::BuiltIn(_, numbers) => numbers.clone(),
            SurrogateFunction::Own(_) | SurrogateFunction::EventProp => Vec::new(),
        }
    }

    /// Returns the values at the points `at`.
    fn values<'py>(
        &self,
        py: Python<'py>,
        at: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let at = copy(&at)?;
        let found = detached(py, || dendrion::surrogate_values("surrogate", &self.of, &at))?;
        Ok(PyArray1::from_vec(py, found))
    }
}

impl Surrogate {
    fn made(of: Model, relative: bool) -> Self {
        Self { of: if relative { of.relative() } else { of } }
    }
}

/// Returns the text of a function of `x`. Each element of `values` is a number, `x`, or the name of a
/// function with the indices of earlier values.
#[pyfunction]
pub(crate) fn write_formula(values: Vec<Bound<'_, PyAny>>) -> PyResult<String> {
    let value = |any: &Bound<'_, PyAny>| -> PyResult<Value> {
        if let Ok(v) = any.extract::<f64>() {
            return Ok(Value::Number(v));
        }
        let (name, operands): (String, Vec<usize>) = any.extract()?;
        if name == "x" {
            return Ok(Value::X);
        }
        let unknown = || PyValueError::new_err(format!("no function {name} of {} values", operands.len()));
        let found = Function::named(&name).filter(|function| function.arity() == operands.len());
        Ok(Value::Apply(found.ok_or_else(unknown)?, operands))
    };
    Ok(language::write_formula(&values.iter().map(value).collect::<PyResult<Vec<_>>>()?))
}

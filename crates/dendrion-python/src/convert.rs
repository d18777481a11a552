//! Conversion of numbers and arrays.

use dendrion::model::allocate::{collected, copied};
use dendrion::model::{Initializer, Params, PerConnection, Values};
use numpy::{Element, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::error::raise;
use crate::watch::detached;

/// Copies a one-dimensional array.
pub(crate) fn copy<T: Element + Copy>(array: &PyReadonlyArray1<'_, T>) -> PyResult<Vec<T>> {
    let values = array.as_array();
    let copy = match values.as_slice() {
        Some(values) => copied(values),
        None => collected(values.iter().copied()),
    };
    copy.map_err(|error| raise(error.needed_by("network", || "a copy of an array".into())))
}

/// Converts a float or a one-dimensional float64 array.
pub(crate) fn values(any: &Bound<'_, PyAny>) -> PyResult<Values> {
    match any.extract::<PyReadonlyArray1<'_, f64>>() {
        Ok(array) => Ok(Values::Each(copy(&array)?)),
        Err(_) => Ok(Values::Scalar(any.extract()?)),
    }
}

/// Converts a float, an array, or an initializer. An initializer is represented by its name followed by its
/// parameters; the parameters of a truncation are another initializer and the two bounds.
pub(crate) fn per_connection(any: &Bound<'_, PyAny>) -> PyResult<PerConnection> {
    match any.cast::<PyTuple>() {
        Ok(tuple) => Ok(PerConnection::Drawn(initializer(tuple)?)),
        Err(_) => Ok(PerConnection::Given(values(any)?)),
    }
}

/// Raises an error unless the parameters of an initializer are valid.
#[pyfunction]
pub(crate) fn check_initializer(tuple: &Bound<'_, PyTuple>) -> PyResult<()> {
    initializer(tuple)?.check().map_err(raise)
}

/// Draws a number for each of the `n` members of the module at `path`.
#[pyfunction]
pub(crate) fn draw<'py>(
    py: Python<'py>,
    tuple: &Bound<'py, PyTuple>,
    seed: u64,
    path: &str,
    n: usize,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let initializer = initializer(tuple)?;
    let drawn = detached(py, || dendrion::draw_members(&initializer, seed, path, n))?;
    Ok(PyArray1::from_vec(py, drawn))
}

fn initializer(tuple: &Bound<'_, PyTuple>) -> PyResult<Initializer> {
    let number = |i: usize| tuple.get_item(i)?.extract::<f64>();
    Ok(match tuple.get_item(0)?.extract::<String>()?.as_str() {
        "constant" => Initializer::Constant { value: number(1)? },
        "uniform" => Initializer::Uniform { low: number(1)?, high: number(2)? },
        "normal" => Initializer::Normal { mean: number(1)?, std: number(2)? },
        "log_normal" => Initializer::LogNormal { mean: number(1)?, sigma: number(2)? },
        "truncated" => {
            let of = tuple.get_item(1)?;
            let of = Box::new(initializer(of.cast::<PyTuple>()?)?);
            Initializer::Truncated { of, low: number(2)?, high: number(3)? }
        }
        other => return Err(PyValueError::new_err(format!("unknown initializer {other}"))),
    })
}

/// Converts a dict of parameter names with floats or arrays.
pub(crate) fn params(dict: &Bound<'_, PyDict>) -> PyResult<Params> {
    let mut params = Params::new();
    for (name, value) in dict {
        params.set(&name.extract::<String>()?, values(&value)?);
    }
    Ok(params)
}

/// Converts values to a float, or to an array with one value per member.
pub(crate) fn to_python(py: Python<'_>, values: Values) -> PyResult<Bound<'_, PyAny>> {
    match values {
        Values::Scalar(v) => Ok(v.into_pyobject(py)?.into_any()),
        Values::Each(v) => Ok(PyArray1::from_vec(py, v).into_any()),
    }
}

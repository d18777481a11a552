//! Numbers and arrays.

use dendrion::model::{Params, Values};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A float or a one-dimensional float64 array.
pub(crate) fn values(any: &Bound<'_, PyAny>) -> PyResult<Values> {
    match any.extract::<PyReadonlyArray1<'_, f64>>() {
        Ok(array) => Ok(Values::Each(array.as_array().to_vec())),
        Err(_) => Ok(Values::Scalar(any.extract()?)),
    }
}

/// A dict from parameter names to floats or arrays.
pub(crate) fn params(dict: &Bound<'_, PyDict>) -> PyResult<Params> {
    let mut params = Params::new();
    for (name, value) in dict {
        params.set(&name.extract::<String>()?, values(&value)?);
    }
    Ok(params)
}

/// A float, or an array of one value per member.
pub(crate) fn to_python(py: Python<'_>, values: Values) -> PyResult<Bound<'_, PyAny>> {
    match values {
        Values::Scalar(v) => Ok(v.into_pyobject(py)?.into_any()),
        Values::Each(v) => Ok(PyArray1::from_vec(py, v).into_any()),
    }
}

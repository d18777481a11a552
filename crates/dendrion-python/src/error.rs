//! Conversion of errors to Python exceptions. The classes of most categories are in `dendrion.errors`, where
//! they are looked up by name.

use dendrion::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Returns the Python exception for an error.
#[allow(clippy::needless_pass_by_value)] // For use in `map_err`.
pub(crate) fn raise(error: Error) -> PyErr {
    match error {
        // Python selects the class for the error number, such as FileNotFoundError.
        Error::File { path, what, code: Some(code) } => return PyOSError::new_err((code, what, path)),
        Error::File { .. } => return PyOSError::new_err(error.to_string()),
        Error::OutOfMemory { .. } => return PyMemoryError::new_err(error.to_string()),
        Error::Interrupted => return PyKeyboardInterrupt::new_err(()),
        _ => {}
    }
    raise_with(error.kind(), &error.to_string(), |attributes| set_attributes(&error, attributes))
}

/// Returns the Python exception of a category for an error in a text, with its line and column.
pub(crate) fn raise_at(family: &str, message: &str, place: Option<(usize, usize)>) -> PyErr {
    raise_with(family, message, |attributes| {
        let Some((line, column)) = place else { return Ok(()) };
        attributes.set_item("line", line)?;
        attributes.set_item("column", column)
    })
}

/// Returns the Python exception for an exceeded limit.
pub(crate) fn raise_limit(message: &str, needed: Option<f64>, limit: f64) -> PyErr {
    raise_with("ResourceError", message, |attributes| {
        attributes.set_item("needed", needed)?;
        attributes.set_item("limit", limit)
    })
}

/// Returns the Python exception of a category. `set` adds the keyword arguments of the exception's
/// constructor, which become attributes.
fn raise_with(family: &str, message: &str, set: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>) -> PyErr {
    let raised = Python::try_attach(|py| {
        let attributes = PyDict::new(py);
        let class = py.import("dendrion.errors").and_then(|module| module.getattr(family));
        let exception =
            set(&attributes).and(class).and_then(|class| class.call((message,), Some(&attributes)));
        exception.map_or_else(|e| e, PyErr::from_value)
    });
    // While Python exits, its modules may no longer exist.
    raised.unwrap_or_else(|| PyRuntimeError::new_err(message.to_string()))
}

/// Adds the attributes that let programs react to an error.
fn set_attributes(error: &Error, attributes: &Bound<'_, PyDict>) -> PyResult<()> {
    match error {
        Error::UnknownName { name, known, .. } => {
            attributes.set_item("name", name)?;
            attributes.set_item("known", known)
        }
        Error::Divergence { population, state, neuron, time, sample, .. } => {
            attributes.set_item("population", population)?;
            attributes.set_item("state", state)?;
            attributes.set_item("neuron", neuron)?;
            attributes.set_item("time", time)?;
            attributes.set_item("sample", sample)
        }
        Error::Memory { needed, limit, .. } => {
            attributes.set_item("needed", needed)?;
            attributes.set_item("limit", limit)
        }
        Error::Limit { needed, limit, .. } => {
            attributes.set_item("needed", needed)?;
            attributes.set_item("limit", limit)
        }
        _ => Ok(()),
    }
}

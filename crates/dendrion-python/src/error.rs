//! Errors. Each category corresponds to a Python class in `dendrion.errors`, which is found by its name.

use dendrion::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyOSError, PyRuntimeError};
use pyo3::prelude::*;

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
    raise_at(error.kind(), &error.to_string(), None)
}

/// Returns the Python exception of a category. Exceptions about a text have a line and a column.
pub(crate) fn raise_at(family: &str, message: &str, place: Option<(usize, usize)>) -> PyErr {
    let raised = Python::try_attach(|py| {
        let class = py.import("dendrion.errors").and_then(|module| module.getattr(family));
        let exception = class.and_then(|class| match place {
            Some((line, column)) => class.call1((message, line, column)),
            None => class.call1((message,)),
        });
        exception.map_or_else(|e| e, PyErr::from_value)
    });
    // When Python exits, its modules are gone.
    raised.unwrap_or_else(|| PyRuntimeError::new_err(message.to_string()))
}

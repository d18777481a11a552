//! Errors: each family is a Python class of `dendrion.errors`, found by its name.

use dendrion::Error;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// The Python exception for an error.
#[allow(clippy::needless_pass_by_value)] // For use in `map_err`.
pub(crate) fn raise(error: Error) -> PyErr {
    match error {
        // Python finds the class of the number, such as FileNotFoundError.
        Error::File { path, what, code: Some(code) } => return PyOSError::new_err((code, what, path)),
        Error::File { .. } => return PyOSError::new_err(error.to_string()),
        _ => {}
    }
    Python::attach(|py| {
        let class = py.import("dendrion.errors").and_then(|module| module.getattr(error.kind()));
        match class.and_then(|class| class.call1((error.to_string(),))) {
            Ok(exception) => PyErr::from_value(exception),
            Err(e) => e,
        }
    })
}

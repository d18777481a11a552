//! Errors: each family is a Python class of `dendrion.errors`, found by its name.

use dendrion::Error;
use pyo3::prelude::*;

/// The Python exception for an error.
#[allow(clippy::needless_pass_by_value)] // For use in `map_err`.
pub(crate) fn raise(error: Error) -> PyErr {
    Python::attach(|py| {
        let class = py.import("dendrion.errors").and_then(|module| module.getattr(error.kind()));
        match class.and_then(|class| class.call1((error.to_string(),))) {
            Ok(exception) => PyErr::from_value(exception),
            Err(e) => e,
        }
    })
}

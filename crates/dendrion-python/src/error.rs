//! Errors: each family is a Python class of `dendrion.errors`, found by its name.

use dendrion::Error;
use pyo3::prelude::*;

/// The Python exception for an error.
#[allow(clippy::needless_pass_by_value)] // For use in `map_err`.
pub(crate) fn raise(error: Error) -> PyErr {
    raise_named(error.kind(), &error.to_string())
}

/// The Python exception of a family.
pub(crate) fn raise_named(family: &str, message: &str) -> PyErr {
    Python::attach(|py| {
        let class = py.import("dendrion.errors").and_then(|module| module.getattr(family));
        match class.and_then(|class| class.call1((message,))) {
            Ok(exception) => PyErr::from_value(exception),
            Err(e) => e,
        }
    })
}

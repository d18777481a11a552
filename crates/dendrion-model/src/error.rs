//! Errors in models, with messages that help the user to correct them.

use dendrion_language::nearest;
use thiserror::Error;

use crate::memory::{MEMORY_LIMIT, in_units};

/// An error in a model or in a request to a simulation. Each message names the module, the parameter, the value,
/// and the accepted values.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Error {
    /// A parameter has a value outside its domain.
    #[error("{module}: {parameter} = {value}: expected {accepted}")]
    Parameter {
        /// Path of the module, or its class if it has no path yet.
        module: String,
        /// The parameter, with the index of the offending entry if it is an array.
        parameter: String,
        /// The rejected value.
        value: String,
        /// The accepted values.
        accepted: String,
    },
    /// A network cannot be built, because its modules are incompatible.
    #[error("{module}: {what}")]
    Structure {
        /// Path of the module.
        module: String,
        /// Description of the error and of the accepted alternatives.
        what: String,
    },
    /// An operation is not possible in the present state of a network, run or recording, for example because
    /// the network is running.
    #[error("{module}: {what}")]
    Run {
        /// Path of the module, or the operation.
        module: String,
        /// Description of the error and of the accepted alternatives.
        what: String,
    },
    /// The equations of a neuron exceed a limit of the compiler.
    #[error(
        "{module}: the equations of a neuron need {} {quantity}: expected at most {limit}; use fewer compartments, \
         receptors or channels per neuron",
        needed.map_or_else(|| "more".into(), |n| n.to_string())
    )]
    Limit {
        /// Path of the population.
        module: String,
        /// The limited quantity, such as "nested operations".
        quantity: &'static str,
        /// The required number; `None` if counting stopped at the limit.
        needed: Option<usize>,
        /// The maximum accepted number.
        limit: usize,
    },
    /// The equations of a mechanism contain an error.
    #[error("{module}: error in the equations: {message}")]
    Text {
        /// Path of the mechanism.
        module: String,
        /// Description of the error, with its line and column and a caret.
        message: String,
    },
    /// Connections are incompatible with the modules that they connect.
    #[error("{module}: {what}")]
    Connectivity {
        /// Path of the projection.
        module: String,
        /// Description of the error and of the accepted alternatives.
        what: String,
    },
    /// A name is unknown.
    #[error("{module}: no {what} named {name:?}{}", suggestion(.name, .known))]
    UnknownName {
        /// Path of the module, or a description of where the name was looked up.
        module: String,
        /// The kind of object that was looked up, such as "variable".
        what: &'static str,
        /// The unknown name.
        name: String,
        /// The known names.
        known: Vec<String>,
    },
    /// A state became infinite or NaN during a run.
    #[error(
        "{population}: {state} of neuron {neuron}{} became infinite or NaN at t = {time} ms; {}. Recordings up to this \
         time are kept; reset the network to run it again",
        sample.map_or_else(String::new, |b| format!(" in sample {b}")),
        remedy(*time, *dt)
    )]
    Divergence {
        /// Path of the population.
        population: String,
        /// The compartment or receptor with its state, such as `dend.V`.
        state: String,
        /// Index of the neuron in its population.
        neuron: usize,
        /// Time at the beginning of the failed step, in ms.
        time: f64,
        /// The time step, in ms.
        dt: f64,
        /// Index of the sample in a batch.
        sample: Option<usize>,
    },
    /// A saved state cannot be loaded or written.
    #[error("{module}: {what}")]
    State {
        /// The operation and the file.
        module: String,
        /// The reason.
        what: String,
    },
    /// An operation would exceed the memory limit.
    #[error(
        "{module}: {what} needs about {} of memory: expected at most {}, the memory limit (set the environment \
         variable {MEMORY_LIMIT} to a number of bytes to change it)",
        in_units(*needed),
        in_units(*limit as f64)
    )]
    Memory {
        /// Path of the module that needs the memory.
        module: String,
        /// The purpose of the memory.
        what: String,
        /// Estimate of the required memory in bytes.
        needed: f64,
        /// The memory limit in bytes.
        limit: u64,
    },
    /// The system could not provide memory.
    #[error("{module}: not enough memory for {what}: {} could not be allocated", in_units(*.bytes as f64))]
    OutOfMemory {
        /// Path of the module that needs the memory.
        module: String,
        /// The purpose of the memory.
        what: String,
        /// The requested number of bytes.
        bytes: usize,
    },
    /// An operation was interrupted before it was complete; see [`interruptible`](crate::interruptible).
    #[error("interrupted")]
    Interrupted,
    /// The operating system could not read or write a file.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: String,
        /// The system's description of the error.
        what: String,
        /// The system's error number, if any.
        code: Option<i32>,
    },
}

impl Error {
    /// Returns the category of the error, which is the name of the exception class that Python raises for it: a class of
    /// `dendrion.errors`, or Python's own `OSError`, `MemoryError` or `KeyboardInterrupt`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Parameter { .. } => "ParameterError",
            Self::Structure { .. } => "StructureError",
            Self::Run { .. } => "RunError",
            Self::Limit { .. } => "ResourceError",
            Self::Text { .. } => "EquationError",
            Self::Connectivity { .. } => "ConnectivityError",
            Self::UnknownName { .. } => "UnknownNameError",
            Self::Divergence { .. } => "DivergenceError",
            Self::State { .. } => "StateError",
            Self::Memory { .. } => "MemoryLimitError",
            Self::OutOfMemory { .. } => "MemoryError",
            Self::Interrupted => "KeyboardInterrupt",
            Self::File { .. } => "OSError",
        }
    }

    /// Creates an [`Error::Parameter`].
    #[allow(clippy::needless_pass_by_value)] // Callers pass numbers.
    pub fn parameter(
        module: impl Into<String>,
        parameter: impl Into<String>,
        value: impl ToString,
        accepted: impl Into<String>,
    ) -> Self {
        Self::Parameter {
            module: module.into(),
            parameter: parameter.into(),
            value: named(&value.to_string()),
            accepted: accepted.into(),
        }
    }

    /// Creates an [`Error::Structure`].
    pub fn structure(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Structure { module: module.into(), what: what.into() }
    }

    /// Creates an [`Error::Run`].
    pub fn run(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Run { module: module.into(), what: what.into() }
    }

    /// Returns the same error with the module's path, for errors created by code that does not know the path.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        match self {
            Self::Structure { module, what } if module == UNNAMED => {
                Self::Structure { module: path.into(), what }
            }
            Self::Parameter { module, parameter, value, accepted } if module == UNNAMED => {
                Self::Parameter { module: path.into(), parameter, value, accepted }
            }
            Self::Limit { module, quantity, needed, limit } if module == UNNAMED => {
                Self::Limit { module: path.into(), quantity, needed, limit }
            }
            other => other,
        }
    }

    /// Returns the same error with the module at `path` and the purpose `what`, if it was raised by code that does not
    /// know them.
    #[must_use]
    pub fn needed_by(self, path: &str, what: impl FnOnce() -> String) -> Self {
        match self {
            Self::OutOfMemory { module, what: known, bytes } if module == UNNAMED => {
                let what = if known.is_empty() { what() } else { known };
                Self::OutOfMemory { module: path.into(), what, bytes }
            }
            other => other,
        }
    }

    /// Returns the same error with the purpose `what`, if it was raised by code that does not know it.
    #[must_use]
    pub fn needed_for(self, what: &str) -> Self {
        match self {
            Self::OutOfMemory { module, what: known, bytes } if known.is_empty() => {
                Self::OutOfMemory { module, what: what.into(), bytes }
            }
            other => other,
        }
    }

    /// Creates an [`Error::Connectivity`].
    pub fn connectivity(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Connectivity { module: module.into(), what: what.into() }
    }

    /// Creates an [`Error::State`].
    pub fn state(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::State { module: module.into(), what: what.into() }
    }

    /// Creates an [`Error::File`].
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        let (said, code) = (error.to_string(), error.raw_os_error());
        // Rust appends the error number to the text.
        let what = said.split(" (os error").next().unwrap_or_default().to_string();
        Self::File { path: path.display().to_string(), what, code }
    }

    /// Creates an [`Error::UnknownName`].
    pub fn unknown(
        module: impl Into<String>,
        what: &'static str,
        name: impl Into<String>,
        known: Vec<String>,
    ) -> Self {
        Self::UnknownName { module: module.into(), what, name: name.into(), known }
    }
}

/// Placeholder for the module in errors whose path is not known yet; see [`Error::at`].
pub const UNNAMED: &str = "neuron";

/// Returns advice about a state that is not finite. A failure in the first step is not caused by instability, which
/// takes time to grow.
fn remedy(time: f64, dt: f64) -> String {
    if time == 0.0 {
        return "this happened in the first step, so a smaller dt is unlikely to help: look for a division by 0, a root \
                or logarithm of a negative number, or an overflow in its equations"
            .into();
    }
    format!(
        "use a smaller dt (now {dt} ms) or the exponential Euler method, and look for divisions by 0 and for roots or \
         logarithms of negative numbers in its equations"
    )
}

/// Formats NaN as `nan`, as in Python and C; Rust formats it as `NaN`.
fn named(value: &str) -> String {
    if value == "NaN" { "nan".into() } else { value.into() }
}

fn suggestion(name: &str, known: &[String]) -> String {
    if let Some(best) = nearest(name, known.iter().map(String::as_str)) {
        return format!("; did you mean {best:?}?");
    }
    match known.len() {
        0 => "; none are available".into(),
        1 => format!("; expected {:?}", known[0]),
        2..=12 => format!("; expected one of: {}", known.join(", ")),
        n => format!("; expected one of {n} names, such as {}", known[..8].join(", ")),
    }
}

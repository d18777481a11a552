//! What can be wrong with a model, said so that the user can mend it.

use thiserror::Error;

/// An error in a model or in what is asked of it. Every message names the module, the parameter or name, the value,
/// and what would be accepted.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Error {
    /// A value outside what a parameter accepts.
    #[error("{module}: {parameter} = {value}: expected {accepted}")]
    Parameter {
        /// Path of the module, or its class where it has no path yet.
        module: String,
        /// The parameter, with the index of the offending entry where it is an array.
        parameter: String,
        /// The value given.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// Modules that do not fit together.
    #[error("{module}: {what}")]
    Structure {
        /// Path of the module.
        module: String,
        /// What is wrong and what would be accepted.
        what: String,
    },
    /// Equations that mean nothing.
    #[error("{module}: its equations: {message}")]
    Text {
        /// Path of the mechanism.
        module: String,
        /// What is wrong, with line, column and a caret.
        message: String,
    },
    /// Connections that do not fit what they connect.
    #[error("{module}: {what}")]
    Connectivity {
        /// Path of the projection.
        module: String,
        /// What is wrong and what would be accepted.
        what: String,
    },
    /// A name that means nothing here.
    #[error("{module}: no {what} named {name:?}{}", suggestion(.name, .known))]
    UnknownName {
        /// Path of the module asked, or what was searched.
        module: String,
        /// Sort of thing that was looked up, such as "variable".
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A state that stopped being finite during a run.
    #[error(
        "{population}: {state} of neuron {neuron}{} stopped being finite at t = {time} ms; {}. Everything recorded before is \
         kept; reset() lets the network run again",
        sample.map_or_else(String::new, |b| format!(" in sample {b}")),
        remedy(*time, *dt)
    )]
    Divergence {
        /// Path of the population.
        population: String,
        /// The compartment or receptor and its state, such as `dend.V`.
        state: String,
        /// Index of the neuron in its population.
        neuron: usize,
        /// Time of the step whose result is not finite, in ms.
        time: f64,
        /// The step, in ms.
        dt: f64,
        /// The sample of a batch.
        sample: Option<usize>,
    },
    /// A saved state that is refused.
    #[error("{module}: {what}")]
    State {
        /// What was to be done, and the file.
        module: String,
        /// Why not.
        what: String,
    },
    /// More memory than the limit allows.
    #[error("{module}: {what}")]
    Memory {
        /// Path of the module that asks for it.
        module: String,
        /// What needs how much, and the limit.
        what: String,
    },
    /// A file that the system would not read or write.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        what: String,
        /// Its number of the error, where there is one.
        code: Option<i32>,
    },
}

impl Error {
    /// The family of the error, which is the name of its Python class: of `dendrion.errors`, but that `OSError` is Python's own.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Parameter { .. } => "ParameterError",
            Self::Structure { .. } => "StructureError",
            Self::Text { .. } => "EquationError",
            Self::Connectivity { .. } => "ConnectivityError",
            Self::UnknownName { .. } => "UnknownNameError",
            Self::Divergence { .. } => "DivergenceError",
            Self::State { .. } => "StateError",
            Self::Memory { .. } => "MemoryLimitError",
            Self::File { .. } => "OSError",
        }
    }

    /// A [`Error::Parameter`].
    #[allow(clippy::needless_pass_by_value)] // Callers give numbers.
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

    /// A [`Error::Structure`].
    pub fn structure(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Structure { module: module.into(), what: what.into() }
    }

    /// The same error of the module at `path`, where it was raised by code that does not know the path.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        match self {
            Self::Structure { module, what } if module == UNNAMED => {
                Self::Structure { module: path.into(), what }
            }
            Self::Parameter { module, parameter, value, accepted } if module == UNNAMED => {
                Self::Parameter { module: path.into(), parameter, value, accepted }
            }
            other => other,
        }
    }

    /// A [`Error::Connectivity`].
    pub fn connectivity(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Connectivity { module: module.into(), what: what.into() }
    }

    /// A [`Error::State`].
    pub fn state(module: impl Into<String>, what: impl Into<String>) -> Self {
        Self::State { module: module.into(), what: what.into() }
    }

    /// A [`Error::File`].
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        let (said, code) = (error.to_string(), error.raw_os_error());
        // Rust appends the number.
        let what = said.split(" (os error").next().unwrap_or_default().to_string();
        Self::File { path: path.display().to_string(), what, code }
    }

    /// A [`Error::UnknownName`].
    pub fn unknown(
        module: impl Into<String>,
        what: &'static str,
        name: impl Into<String>,
        known: Vec<String>,
    ) -> Self {
        Self::UnknownName { module: module.into(), what, name: name.into(), known }
    }
}

/// The module of errors whose place is not known yet; see [`Error::at`].
pub const UNNAMED: &str = "neuron";

/// The known name most like `name`, if any is like it at all.
pub fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let score = |k: &str| strsim::jaro_winkler(&name.to_lowercase(), &k.to_lowercase());
    known
        .iter()
        .map(|k| (score(k), k.as_str()))
        .filter(|(s, _)| *s > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// What to do about a state that is not finite. A first step that fails has no time to become unstable.
fn remedy(time: f64, dt: f64) -> String {
    if time == 0.0 {
        return "already in the first step, which a smaller dt rarely changes: look for a division by 0, a root or logarithm of a \
                negative number, or an overflow in its equations"
            .into();
    }
    format!(
        "use a smaller dt (now {dt} ms) or exponential Euler (odemethod=SolverMethodODE.EXP_EULER), and look for divisions by 0 \
         and roots or logarithms of negative numbers in its equations"
    )
}

/// Rust prints NaN, Python and C print nan.
fn named(value: &str) -> String {
    if value == "NaN" { "nan".into() } else { value.into() }
}

fn suggestion(name: &str, known: &[String]) -> String {
    if let Some(best) = nearest(name, known) {
        return format!("; did you mean {best:?}?");
    }
    match known.len() {
        0 => "; there are none".into(),
        1..=12 => format!("; there are: {}", known.join(", ")),
        n => format!("; there are {n}, such as: {}", known[..8].join(", ")),
    }
}

//! Errors in morphologies.

use serde::{Deserialize, Serialize};
use std::fmt;

use thiserror::Error;

/// A fault in a morphology, with the point at which it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Problem {
    /// Index of the point, if the fault is at a point.
    pub point: Option<usize>,
    /// Line of the file that contains the point, counted from 1.
    pub line: Option<usize>,
    /// Description of the fault and of the accepted values.
    pub what: String,
}

impl Problem {
    pub(crate) fn general(what: impl Into<String>) -> Self {
        Self { point: None, line: None, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.point) {
            (Some(line), _) => write!(f, "line {line}: {}", self.what),
            (None, Some(point)) => write!(f, "point {point}: {}", self.what),
            (None, None) => f.write_str(&self.what),
        }
    }
}

/// The reasons why a morphology cannot be created, divided or searched.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MorphologyError {
    /// The morphology is not a valid tree. Contains all faults that were found, in the order of points.
    #[error("{}", listed(.0))]
    Faults(Vec<Problem>),
    /// A value is not accepted, or a region contains nothing.
    #[error("{0}")]
    Value(String),
    /// A limit of this crate is exceeded.
    #[error("{what}")]
    Limit {
        /// Description of the limit.
        what: String,
        /// The needed number; `None` if it is unknown.
        needed: Option<f64>,
        /// The largest accepted number.
        limit: f64,
    },
}

impl MorphologyError {
    pub(crate) fn one(what: impl Into<String>) -> Self {
        Self::Faults(vec![Problem::general(what)])
    }
}

/// Returns an error if there are faults.
pub(crate) fn none_of(problems: Vec<Problem>) -> Result<(), MorphologyError> {
    if problems.is_empty() { Ok(()) } else { Err(MorphologyError::Faults(problems)) }
}

/// Maximum number of faults in a message.
const SHOWN: usize = 8;

fn listed(problems: &[Problem]) -> String {
    let mut parts: Vec<String> = problems.iter().take(SHOWN).map(ToString::to_string).collect();
    if problems.len() > SHOWN {
        parts.push(format!("and {} more", problems.len() - SHOWN));
    }
    parts.join("; ")
}

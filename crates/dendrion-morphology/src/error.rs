//! Errors in morphologies.

use std::fmt;

use thiserror::Error;

/// A fault in a morphology, with the point at which it occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The reasons why a morphology cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}", listed(.0))]
pub struct MorphologyError(
    /// All faults that were found, in the order of points.
    pub Vec<Problem>,
);

impl MorphologyError {
    pub(crate) fn one(what: impl Into<String>) -> Self {
        Self(vec![Problem::general(what)])
    }
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

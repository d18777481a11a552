//! What is wrong with a file, and where.

use std::fmt;

use dendrion_language::{shortened, write_excerpt};
use thiserror::Error;

/// A stretch of a file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the beginning of one to the end of the other.
    pub(crate) const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    pub(crate) fn of(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }

    /// Its line, from 1.
    pub(crate) fn line(self, source: &str) -> usize {
        source.get(..self.start).unwrap_or(source).matches('\n').count() + 1
    }
}

/// A file that is not taken: what is wrong or cannot be said in the language of equations, what is accepted, and where, with
/// the line and a caret under the place.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct NmodlError {
    /// What is wrong, and what is accepted.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The line itself.
    pub source_line: String,
    /// Characters it is about, at least 1.
    pub length: usize,
}

impl NmodlError {
    pub(crate) fn new(source: &str, span: Span, message: impl Into<String>) -> Self {
        let before = source.get(..span.start).unwrap_or(source);
        let from = before.rfind('\n').map_or(0, |i| i + 1);
        let rest = source.get(from..).unwrap_or("");
        let whole = rest.split('\n').next().unwrap_or("");
        let column = before.get(from..).unwrap_or("").chars().count() + 1;
        let within = span.of(source).split('\n').next().unwrap_or("");
        let source_line = whole.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self {
            message: message.into(),
            line: span.line(source),
            column,
            source_line,
            length: within.chars().count().max(1),
        }
    }
}

impl fmt::Display for NmodlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}, column {}: {}", self.line, self.column, shortened(&self.message))?;
        write_excerpt(f, self.line, &self.source_line, self.column, self.length)
    }
}

/// The end of a message about an unknown name: the nearest one, where one is near.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // NMODL knows small and large letters apart, but the ways to mistake one for the other are many.
    let score = |k: &str| strsim::jaro_winkler(&name.to_lowercase(), &k.to_lowercase());
    let best = known.into_iter().map(|k| (score(k), k)).filter(|(s, _)| *s > 0.8);
    match best.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, best)) => format!("; did you mean '{best}'?"),
        None => String::new(),
    }
}

/// What was dropped or assumed, by line.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<(usize, String)>);

impl Notes {
    /// Notes beyond that many are not kept.
    const MOST: usize = 200;

    pub(crate) fn add(&mut self, source: &str, span: Span, text: impl Into<String>) {
        if self.0.len() < Self::MOST {
            self.0.push((span.line(source), text.into()));
        }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// The notes in the order of the file, each once.
    pub(crate) fn texts(mut self) -> Vec<String> {
        self.0.sort();
        self.0.dedup();
        self.0.into_iter().map(|(line, text)| format!("line {line}: {text}")).collect()
    }
}

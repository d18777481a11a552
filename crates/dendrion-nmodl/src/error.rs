//! Errors in NMODL files, with their position.

use std::fmt;

use dendrion_language::{shortened, write_excerpt};
use thiserror::Error;

/// A range of bytes in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Returns the span from the beginning of `self` to the end of `other`.
    pub(crate) const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    pub(crate) fn of(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }

    /// Returns the line number, starting at 1.
    pub(crate) fn line(self, source: &str) -> usize {
        source.get(..self.start).unwrap_or(source).matches('\n').count() + 1
    }
}

/// An error in an NMODL file, or a statement that the equation language does not support. It is displayed with its
/// line and column and a caret under the offending part.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct NmodlError {
    /// Description of the error, including accepted alternatives.
    pub message: String,
    /// Line number, starting at 1.
    pub line: usize,
    /// Column in characters, starting at 1.
    pub column: usize,
    /// The source line.
    pub source_line: String,
    /// Number of characters to underline, at least 1.
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

/// Returns the end of a message about an unknown name: the most similar known name, if one is similar enough.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // NMODL is case-sensitive, but wrong case is a common mistake, so the comparison ignores it.
    let score = |k: &str| strsim::jaro_winkler(&name.to_lowercase(), &k.to_lowercase());
    let best = known.into_iter().map(|k| (score(k), k)).filter(|(s, _)| *s > 0.8);
    match best.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, best)) => format!("; did you mean '{best}'?"),
        None => String::new(),
    }
}

/// Notes about dropped statements and assumptions, with their lines.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<(usize, String)>);

impl Notes {
    /// Maximum number of notes.
    const MOST: usize = 200;

    pub(crate) fn add(&mut self, source: &str, span: Span, text: impl Into<String>) {
        if self.0.len() < Self::MOST {
            self.0.push((span.line(source), text.into()));
        }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Returns the distinct notes in the order of the file.
    pub(crate) fn texts(mut self) -> Vec<String> {
        self.0.sort();
        self.0.dedup();
        self.0.into_iter().map(|(line, text)| format!("line {line}: {text}")).collect()
    }
}

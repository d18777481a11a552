//! What is wrong with a text, and where.

use std::fmt;

use thiserror::Error;

/// A stretch of a text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
}

impl Span {
    /// From one byte to another.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the beginning of one to the end of the other.
    pub(crate) const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }
}

/// A text that means nothing: what is wrong, what was expected, and where, with the line and a caret under the place.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct TextError {
    /// What is wrong, and what would be accepted.
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

impl TextError {
    /// What is wrong with `text` at `span`.
    pub fn new(text: &str, span: Span, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let from = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.matches('\n').count() + 1;
        let rest = text.get(from..).unwrap_or("");
        let whole = rest.split('\n').next().unwrap_or("");
        let column = before[from..].chars().count() + 1;
        let within = span.of(text).split('\n').next().unwrap_or("");
        let source_line = whole.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { message: message.into(), line, column, source_line, length: within.chars().count().max(1) }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        writeln!(f, "  {number} | {}", self.source_line)?;
        write!(f, "  {margin} | {}{}", " ".repeat(self.column - 1), "^".repeat(self.length))
    }
}

/// The end of a message about an unknown name: the nearest one, or all there are.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // Names longer than that are not typed by hand, and comparing them takes long.
    let known: Vec<&str> = known.into_iter().filter(|k| k.len() + name.len() <= 128).collect();
    let score = |k: &str| strsim::jaro_winkler(&name.to_lowercase(), &k.to_lowercase());
    let best =
        known.iter().map(|k| (score(k), *k)).filter(|(s, _)| *s > 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((_, best)) => format!("; did you mean '{best}'?"),
        None if known.is_empty() => "; there are none".into(),
        None if known.len() <= 12 => format!("; there are: {}", known.join(", ")),
        None => format!("; there are {}, such as: {}", known.len(), known[..8].join(", ")),
    }
}

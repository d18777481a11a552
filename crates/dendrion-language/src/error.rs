//! What is wrong with a text, and where.

use std::borrow::Cow;
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
        writeln!(f, "line {}, column {}: {}", self.line, self.column, shortened(&self.message))?;
        write_excerpt(f, self.line, &self.source_line, self.column, self.length)
    }
}

/// Characters of a source line that an error shows, at most.
const WIDTH: usize = 160;
/// Bytes of a message that an error shows, at most. It may quote a word of any length.
const MESSAGE: usize = 4000;

/// Writes a line of a text with its number, and a caret under each of `length` characters from `column` (from 1) on. Of a long
/// line, the part around the column is shown.
///
/// # Errors
/// What the formatter reports.
pub fn write_excerpt(
    f: &mut fmt::Formatter<'_>,
    line: usize,
    source: &str,
    column: usize,
    length: usize,
) -> fmt::Result {
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let before = column.saturating_sub(1);
    let skipped = if before > WIDTH * 3 / 4 { before - WIDTH / 4 } else { 0 };
    let (left, right) = (
        if skipped > 0 { "..." } else { "" },
        if source.chars().nth(skipped + WIDTH).is_some() { "..." } else { "" },
    );
    let shown: String = source.chars().skip(skipped).take(WIDTH).collect();
    writeln!(f, "  {number} | {left}{shown}{right}")?;
    let indent = left.len() + before - skipped;
    let carets = length.clamp(1, (WIDTH + skipped).saturating_sub(before).max(1));
    write!(f, "  {margin} | {}{}", " ".repeat(indent), "^".repeat(carets))
}

/// A message without its middle, if it is long.
pub fn shortened(message: &str) -> Cow<'_, str> {
    if message.len() <= MESSAGE {
        return message.into();
    }
    let boundary =
        |from: usize| (from..message.len()).find(|i| message.is_char_boundary(*i)).unwrap_or(message.len());
    let (end, start) = (boundary(MESSAGE * 3 / 4), boundary(message.len() - MESSAGE / 4));
    format!("{} ... ({} bytes left out) ... {}", &message[..end], start - end, &message[start..]).into()
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

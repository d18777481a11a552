//! Errors in a text, with their positions.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// A range of bytes in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// End, exclusive.
    pub end: usize,
}

impl Span {
    /// Creates a span from its first byte and its exclusive end.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Returns the span from the beginning of `self` to the end of `other`.
    #[must_use]
    pub const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// Returns the part of `text` at this position.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// Returns the line number of the first byte, starting at 1.
    pub fn line(self, text: &str) -> usize {
        text.get(..self.start).unwrap_or(text).matches('\n').count() + 1
    }
}

/// An error in a text. It is displayed with its line and column and a caret under the offending part.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct TextError {
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

impl TextError {
    /// Creates an error about `text` at `span`.
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

/// Maximum number of characters of a source line that are shown.
const WIDTH: usize = 160;
/// Maximum number of bytes of a message that are shown. Messages may quote words of any length.
const MESSAGE: usize = 4000;

/// Writes a source line with its line number, and carets under `length` characters starting at `column`
/// (counted from 1). If the line is long, only the part around the column is written.
///
/// # Errors
/// Returns an error if writing to the formatter fails.
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

/// Replaces the middle of a long message with the number of omitted bytes.
pub fn shortened(message: &str) -> Cow<'_, str> {
    if message.len() <= MESSAGE {
        return message.into();
    }
    let boundary =
        |from: usize| (from..message.len()).find(|i| message.is_char_boundary(*i)).unwrap_or(message.len());
    let (end, start) = (boundary(MESSAGE * 3 / 4), boundary(message.len() - MESSAGE / 4));
    format!("{} ... ({} bytes omitted) ... {}", &message[..end], start - end, &message[start..]).into()
}

/// Returns the known name that is most similar to `name`, if one is similar enough. The comparison ignores case.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let score = |k: &str| strsim::jaro_winkler(&name.to_lowercase(), &k.to_lowercase());
    known
        .into_iter()
        .filter(|k| is_short(name, k))
        .map(|k| (score(k), k))
        .filter(|(s, _)| *s > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// Returns whether two names are compared. The time of a comparison is quadratic in their length, and long names are not
/// typed by hand.
const fn is_short(name: &str, known: &str) -> bool {
    name.len().saturating_add(known.len()) <= 128
}

/// Returns the end of an error message about an unknown name: the most similar known name, or a list of known
/// names.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().filter(|k| is_short(name, k)).collect();
    match nearest(name, known.iter().copied()) {
        Some(best) => format!("; did you mean '{best}'?"),
        None if known.is_empty() => String::new(),
        None if known.len() == 1 => format!("; expected '{}'", known[0]),
        None if known.len() <= 12 => format!("; expected one of: {}", known.join(", ")),
        None => format!("; expected one of {} names, such as {}", known.len(), known[..8].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{nearest, suggestion};

    #[test]
    fn similar_names_are_found() {
        assert_eq!(nearest("GBAR", ["g", "gbar", "bar"]), Some("gbar"));
        assert_eq!(nearest("x", ["alpha", "beta"]), None);
    }

    /// The time of a comparison is quadratic in the length of the names: it would be hours for these.
    #[test]
    fn long_names_are_not_compared() {
        let long = "a".repeat(10_000_000);
        assert_eq!(nearest(&long, [long.as_str(), "a"]), None);
        assert_eq!(nearest("a", [long.as_str(), "a"]), Some("a"));
        assert_eq!(suggestion(&long, [long.as_str()]), "");
    }
}

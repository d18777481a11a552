//! Errors in NMODL files, with their positions.

pub(crate) use dendrion_language::Span;
use dendrion_language::{TextError, nearest};

/// An error in an NMODL file, or a statement that the equation language does not support.
pub type NmodlError = TextError;

/// Returns the end of a message about an unknown name: the most similar known name, if one is similar enough.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |best| format!("; did you mean '{best}'?"))
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

    /// Returns the distinct notes, sorted by line.
    pub(crate) fn texts(mut self) -> Vec<String> {
        self.0.sort();
        self.0.dedup();
        self.0.into_iter().map(|(line, text)| format!("line {line}: {text}")).collect()
    }
}

//! State shared by all readers: the text, the arrays, the positions of modules, and limits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use dendrion_language::{Span, TextError};
use dendrion_model::{Error, check_memory};

use crate::arrays::Arrays;
use crate::node::{Key, Node};

pub(super) type Read<T> = Result<T, TextError>;

/// State shared by all readers.
pub(crate) struct Context<'a> {
    text: &'a str,
    pub(super) arrays: RefCell<&'a mut dyn Arrays>,
    pub(super) places: RefCell<Places>,
    /// Total number of sources of explicit connections so far. The memory that they need is not proportional
    /// to the size of the file.
    sources: Cell<usize>,
    /// Total number of CVs of one cell of each population so far. A single number in the file may request many.
    cvs: Cell<f64>,
}

/// Maximum total number of sources of explicit connections.
const SOURCES: usize = 1 << 26;

/// Number of bytes that a CV needs: its geometry, its node in the tree, and its membrane.
const CV_BYTES: f64 = 256.0;

impl<'a> Context<'a> {
    pub(super) fn new(text: &'a str, arrays: &'a mut dyn Arrays) -> Self {
        let (arrays, places) = (RefCell::new(arrays), RefCell::default());
        Self { text, arrays, places, sources: Cell::new(0), cvs: Cell::new(0.0) }
    }

    /// Counts sources of explicit connections and returns an error if there are too many.
    pub(super) fn afford(&self, sources: usize) -> Result<(), String> {
        self.sources.set(self.sources.get().saturating_add(sources));
        if self.sources.get() <= SOURCES {
            return Ok(());
        }
        Err(format!(
            "explicit connections have {} sources in total: expected at most {SOURCES}",
            self.sources.get()
        ))
    }

    /// Counts the CVs of a cell and returns an error if all of them need more memory than the limit.
    pub(super) fn afford_cvs(&self, cvs: f64) -> Result<(), Error> {
        self.cvs.set(self.cvs.get() + cvs);
        check_memory(
            "network",
            "the division of all morphologies into control volumes",
            self.cvs.get() * CV_BYTES,
        )
    }

    /// Returns values, or an error at a position if the memory for them could not be allocated.
    pub(super) fn allocated<T>(&self, values: Result<T, Error>, span: Span) -> Read<T> {
        values.map_err(|error| {
            let error = error.needed_by("network", || "the values in the file".into());
            let text = self.at(span, error.to_string());
            self.arrays.borrow_mut().refuse(error);
            text
        })
    }

    /// Creates an error at a position.
    pub(super) fn at(&self, span: Span, message: impl Into<String>) -> TextError {
        TextError::new(self.text, span, message)
    }
}

/// Positions of modules and their parameters in a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Places(BTreeMap<String, (Span, BTreeMap<String, Span>)>);

impl Places {
    pub(super) fn note(&mut self, module: &str, span: Span, keys: &[(Key, Node)]) {
        let (_, known) = self.0.entry(module.to_string()).or_insert_with(|| (span, BTreeMap::new()));
        known.extend(keys.iter().map(|(key, value)| {
            (key.name.clone(), Span::new(key.span.start, value.span.end.max(key.span.end)))
        }));
    }

    /// Returns the position of an entry of a module, or of the module if the entry is unknown.
    pub(crate) fn of(&self, module: &str, entry: &str) -> Span {
        self.0.get(module).map_or(Span::default(), |(span, keys)| keys.get(entry).copied().unwrap_or(*span))
    }

    /// Returns the position and the message of a network error.
    pub(crate) fn locate(&self, error: &Error) -> (Span, String) {
        let (module, parameter) = match error {
            Error::Parameter { module, parameter, .. } => (module, Some(parameter.as_str())),
            Error::UnknownName { module, name, .. } => (module, Some(name.as_str())),
            Error::Text { module, .. } => (module, Some("equations")),
            Error::Memory { module, .. } | Error::OutOfMemory { module, .. } => (module, Some("size")),
            Error::Structure { module, .. }
            | Error::Run { module, .. }
            | Error::Limit { module, .. }
            | Error::Connectivity { module, .. }
            | Error::Divergence { population: module, .. }
            | Error::State { module, .. }
            | Error::File { path: module, .. } => (module, None),
            Error::Interrupted => return (Span::default(), error.to_string()),
        };
        let Some((span, keys)) = self.0.get(module) else { return (Span::default(), error.to_string()) };
        let key = parameter.and_then(|p| {
            // `gL[1]` belongs to the entry `gL`, and `surrogate alpha` to `surrogate`. The engine uses
            // different names for some entries.
            let name = p.split(['[', ' ']).next().unwrap_or(p);
            let other = match name {
                "w" => "weight",
                "p" => "prob",
                _ => "kind",
            };
            keys.get(name).or_else(|| keys.get(other))
        });
        (key.copied().unwrap_or(*span), error.to_string())
    }
}

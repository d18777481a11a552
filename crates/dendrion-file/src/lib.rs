//! Model files: networks in TOML or JSON, with large arrays in separate npz files (the format of NumPy).
//!
//! Both notations have the same structure: the tables `populations`, `generators`, `connections`,
//! `injections` and `record` contain modules by name, and the kinds of modules have the names of the Python
//! classes. [`read`] parses and validates a text and returns a [`Network`]; errors include a line, a column
//! and a caret. [`load`] and [`save`] read and write files, and [`schema`] returns the format's JSON Schema.
//!
//! ```
//! let text = r#"
//! dendrion = 2
//! [populations.cell]
//! size = 10
//! V_th = -50
//! V_reset = -60
//! compartments.soma = { kind = "LeakyIF", V_rest = -65, gL = 10, C = 200, I_ext = 300 }
//! "#;
//! let file = dendrion_file::read(text, dendrion_file::Format::Toml, &mut dendrion_file::NoArrays)?;
//! assert_eq!(file.network.populations[0].size, 10);
//! # Ok::<(), dendrion_file::TextError>(())
//! ```

mod arrays;
mod check;
mod defaults;
mod extras;
mod files;
mod json;
mod node;
mod read;
mod schema;
mod simulate;
mod toml;
mod words;
mod write;

use dendrion_model::{Error, Network};

pub use arrays::{Array, Arrays, NoArrays, Npz};
pub use check::Checked;
pub use defaults::set_defaults;
pub use dendrion_language::TextError;
pub use extras::{Extras, Identity, Record};
pub use files::{FileError, load, save};
pub use schema::schema;
pub use write::{Document, document};

use node::Notation;

/// The notation of a model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML, which is easier to write by hand.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// Returns the format of a file, determined by its file name extension.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn parse(self, text: &str) -> Result<node::Node, TextError> {
        dendrion_language::with_stack(|| match self {
            Self::Toml => toml::Toml::read(text),
            Self::Json => json::Json::read(text),
        })
    }
}

/// A valid network read from a text, with the other contents of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The network.
    pub network: Network,
    /// The other contents of the file.
    pub extras: Extras,
    text: String,
    places: read::Places,
}

impl File {
    /// Returns a network error, for example from [`Network::validate`] or a simulation, with its position in the
    /// text.
    pub fn locate(&self, error: &Error) -> TextError {
        let (span, message) = self.places.locate(error);
        TextError::new(&self.text, span, message)
    }
}

/// Reads and validates a network.
///
/// # Errors
/// Returns the first error found, with its position.
pub fn read(text: &str, format: Format, arrays: &mut dyn Arrays) -> Result<File, TextError> {
    dendrion_language::with_stack(|| read_text(text, format, arrays))
}

fn read_text(text: &str, format: Format, arrays: &mut dyn Arrays) -> Result<File, TextError> {
    let document = format.parse(text)?;
    let (network, extras, places) = read::network(text, &document, arrays)?;
    let file = File { network, extras, text: text.into(), places };
    // The checks run before any module is built, in Rust or in Python.
    match file.network.validate().and_then(|()| dendrion_engine::check_network(&file.network)) {
        Ok(()) => Ok(file),
        Err(error) => Err(file.locate(&error)),
    }
}

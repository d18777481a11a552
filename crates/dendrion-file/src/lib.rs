//! Model files: networks in TOML or JSON, with arrays in NumPy's npz beside them.
//!
//! Both notations hold the same document: `populations`, `generators`, `connections`, `injections` and `record`, each a table by
//! name, and kinds go by the names of the Python classes. [`read`] turns a text into a [`Network`], and what is wrong
//! with it into an error with line, column and a caret; [`load`] and [`save`] do that with files; [`schema`] is the format's
//! JSON Schema.
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
pub use dendrion_language::TextError;
pub use extras::{Extras, Identity, Record};
pub use files::{FileError, load, save};
pub use schema::schema;
pub use write::{Document, document};

use node::Notation;

/// A notation of model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML, to be written by hand.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// The format of a file of that name, by its ending.
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

/// A network read from a text, valid, and what goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The network.
    pub network: Network,
    /// What goes with it.
    pub extras: Extras,
    text: String,
    places: read::Places,
}

impl File {
    /// Where in the text an error of the network is, such as one that [`Network::validate`] or a simulation finds.
    pub fn locate(&self, error: &Error) -> TextError {
        let (span, message) = self.places.locate(error);
        TextError::new(&self.text, span, message)
    }
}

/// Reads and validates a network.
///
/// # Errors
/// The first thing found wrong, and where.
pub fn read(text: &str, format: Format, arrays: &mut dyn Arrays) -> Result<File, TextError> {
    dendrion_language::with_stack(|| read_text(text, format, arrays))
}

fn read_text(text: &str, format: Format, arrays: &mut dyn Arrays) -> Result<File, TextError> {
    let document = format.parse(text)?;
    let (network, extras, places) = read::network(text, &document, arrays)?;
    let file = File { network, extras, text: text.into(), places };
    // Before any module is made of it, here or in Python.
    match file.network.validate().and_then(|()| dendrion_engine::check_network(&file.network)) {
        Ok(()) => Ok(file),
        Err(error) => Err(file.locate(&error)),
    }
}

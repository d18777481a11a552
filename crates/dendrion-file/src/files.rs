//! Model files on disk.

use std::io::{self, Write};
use std::path::Path;

use dendrion_engine::replace_file;
use dendrion_language::TextError;
use dendrion_model::{Error, Network};

use crate::arrays::{Arrays, NoArrays, Npz, write_npz};
use crate::read::arrays_file;
use crate::write::document;
use crate::{Extras, File, Format, read};

/// A model file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The text means nothing, or no network.
    #[error("{path}, {error}")]
    Text {
        /// The file.
        path: String,
        /// What is wrong, and where.
        error: TextError,
    },
    /// The network has something that no file can hold, or the file's name no known ending.
    #[error("{path}: {reason}")]
    Refused {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file system refuses: an [`Error::File`].
    #[error(transparent)]
    Io(Error),
}

fn format_of(path: &Path) -> Result<Format, FileError> {
    Format::of(path).ok_or_else(|| FileError::Refused {
        path: path.display().to_string(),
        reason: "expected a name that ends in .toml or .json".into(),
    })
}

/// Reads a network from a file, and the arrays that it names from the file beside it.
///
/// # Errors
/// [`FileError::Text`] with line and column for the first thing that is wrong; [`FileError::Io`] where the file cannot be read.
pub fn load(path: &Path) -> Result<File, FileError> {
    let shown = path.display().to_string();
    let format = format_of(path)?;
    let bytes = std::fs::read(path).map_err(|e| FileError::Io(Error::file(path, &e)))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| FileError::Refused { path: shown.clone(), reason: "is no text (UTF-8)".into() })?;
    let fail = |error| FileError::Text { path: shown.clone(), error };
    let document = format.parse(&text).map_err(fail)?;
    let named = arrays_file(&text, &document).map_err(fail)?;
    let mut none = NoArrays;
    let mut npz;
    let arrays: &mut dyn Arrays = match named {
        None => &mut none,
        Some((name, span)) => {
            let beside = path.parent().unwrap_or_else(|| Path::new("")).join(name);
            npz = Npz::open(&beside).map_err(|why| fail(TextError::new(&text, span, why)))?;
            &mut npz
        }
    };
    read(&text, format, arrays).map_err(fail)
}

/// Writes a network to a file, and its arrays to an npz beside it, whose name is the file's with another ending. What was
/// there is replaced at the end, whole; an older npz that is no longer needed is left.
///
/// # Errors
/// [`FileError::Refused`] for what a file cannot hold; [`FileError::Io`] where it cannot be written: then what was there
/// before is still there.
pub fn save(path: &Path, network: &Network, extras: &Extras) -> Result<(), FileError> {
    let shown = path.display().to_string();
    let format = format_of(path)?;
    let refused = |reason: String| FileError::Refused { path: shown.clone(), reason };
    let failed = |error: io::Error| FileError::Io(Error::file(path, &error));
    let beside = path.with_extension("npz");
    let name = beside.file_name().and_then(|n| n.to_str()).map(str::to_string);
    let name = name.ok_or_else(|| refused("expected a file name in UTF-8".into()))?;
    let mut whole = document(network, extras).map_err(|e| refused(e.to_string()))?;
    if !whole.arrays.is_empty() {
        whole.name_arrays(&name);
        replace_file(&beside, |file| write_npz(file, &whole.arrays)).map_err(failed)?;
    }
    let text = match format {
        Format::Json => whole.json(),
        Format::Toml => whole.toml().map_err(refused)?,
    };
    replace_file(path, |mut file| file.write_all(text.as_bytes())).map_err(failed)
}

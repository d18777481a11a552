//! Reading and writing model files.

use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use dendrion_engine::{Replacement, read_file, replace_file};
use dendrion_language::TextError;
use dendrion_model::allocate::room;
use dendrion_model::{Error, Network, check_memory};

use crate::arrays::{NoArrays, Npz, sha256_of, write_npz};
use crate::read::{ArraysFile, arrays_file};
use crate::write::{Document, document};
use crate::{Extras, File, Format, read};

/// An error when reading or writing a model file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The text cannot be parsed or does not describe a valid network.
    #[error("{path}, {error}")]
    Text {
        /// The file.
        path: String,
        /// The error and its position in the text.
        error: TextError,
    },
    /// The network contains data that cannot be stored in a file, or the file name has an unknown extension.
    #[error("{path}: {reason}")]
    Refused {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
    /// The operating system could not read or write the file, or there is not enough memory for its text or its arrays;
    /// an [`Error::File`], an [`Error::Memory`] or an [`Error::OutOfMemory`].
    #[error(transparent)]
    Io(Error),
}

fn format_of(path: &Path) -> Result<Format, FileError> {
    Format::of(path).ok_or_else(|| FileError::Refused {
        path: path.display().to_string(),
        reason: "unknown file extension; expected a name ending in .toml or .json".into(),
    })
}

/// Reads a network from a file, and its arrays, if any, from the npz file in the same folder that the model
/// file names.
///
/// # Errors
/// Returns [`FileError::Text`] with line and column for the first error in the text, or if the arrays differ
/// from those with which the model was saved, and [`FileError::Io`] if the file cannot be read.
pub fn load(path: &Path) -> Result<File, FileError> {
    dendrion_language::with_stack(|| load_file(path))
}

fn load_file(path: &Path) -> Result<File, FileError> {
    let shown = path.display().to_string();
    let format = format_of(path)?;
    let bytes = read_file(path).map_err(|e| FileError::Io(Error::file(path, &e)))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| FileError::Refused { path: shown.clone(), reason: "is not UTF-8 text".into() })?;
    let fail = |error| FileError::Text { path: shown.clone(), error };
    check_parsing(&shown, &text).map_err(FileError::Io)?;
    let document = format.parse(&text).map_err(fail)?;
    let named = arrays_file(&text, &document).map_err(fail)?;
    let Some(file) = named else { return read(&text, format, &mut NoArrays).map_err(fail) };
    let mut npz = Npz::open(&arrays_path(path, &file.name), file.sha256.as_deref())
        .map_err(|why| fail(TextError::new(&text, file.span, why)))?;
    let found = read(&text, format, &mut npz);
    found.map_err(|error| npz.take_refused().map_or_else(|| fail(error), FileError::Io))
}

/// Bytes of memory per value of a text, measured while texts of both formats were parsed (at most 300).
const PARSED: u64 = 320;

/// Checks that a text can be parsed with the memory that is available. Parsers cannot report a failed allocation.
fn check_parsing(shown: &str, text: &str) -> Result<(), Error> {
    let is_separator = |byte: &&u8| matches!(byte, b',' | b'\n' | b'=' | b':' | b'[' | b'{');
    let values = text.as_bytes().iter().filter(is_separator).count() as u64;
    let bytes = PARSED * values + 4 * text.len() as u64;
    let what = "parsing the model file";
    check_memory(shown, what, bytes as f64)?;
    let reserved = room::<u8>(usize::try_from(bytes).unwrap_or(usize::MAX));
    reserved.map(drop).map_err(|error| error.needed_by(shown, || what.into()))
}

/// Writes a network to a file, and its long arrays, if it has any, to an npz file in the same folder.
///
/// The name of the npz file contains a hash of its content (the arrays of `model.toml` are in
/// `model.HASH.npz`), and the model file stores this name and the full checksum. The npz file is written
/// first, so at any time the model file refers to an existing file with the correct content. After the model
/// file has been replaced, the npz file of the previous version is deleted unless another model in the folder
/// refers to it.
///
/// # Errors
/// Returns [`FileError::Refused`] if the network cannot be stored in a file, and [`FileError::Io`] if a file
/// cannot be written. In both cases, the old files remain unchanged.
pub fn save(path: &Path, network: &Network, extras: &Extras) -> Result<(), FileError> {
    let shown = path.display().to_string();
    let format = format_of(path)?;
    let refused = |reason: String| FileError::Refused { path: shown.clone(), reason };
    let mut whole = document(network, extras).map_err(|error| match error {
        Error::OutOfMemory { .. } | Error::Interrupted => FileError::Io(error),
        error => refused(error.to_string()),
    })?;
    // If `path` is a symbolic link, the file that it points to is replaced, together with the arrays next to that
    // file.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let old = own_arrays(&target);
    let new = if whole.arrays.is_empty() { None } else { Some(save_arrays(&target, &mut whole)?) };
    let text = match format {
        Format::Json => whole.json(),
        Format::Toml => whole.toml().map_err(refused)?,
    };
    let written = replace_file(&target, |mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        // The old model file is still in place and does not refer to the new arrays.
        if let Some(unused) = new.filter(|name| old.as_ref() != Some(name)) {
            remove_unless_named(&target, &unused);
        }
        return Err(FileError::Io(Error::file(path, &error)));
    }
    if let Some(unused) = old.filter(|name| new.as_ref() != Some(name)) {
        remove_unless_named(&target, &unused);
    }
    Ok(())
}

/// Returns the path of a model's arrays: in the folder of `path` or, if it is a symbolic link, in the folder of the
/// file that it points to.
fn arrays_path(path: &Path, name: &str) -> PathBuf {
    let given = path.with_file_name(name);
    match fs::canonicalize(path) {
        Ok(target) if !given.exists() => target.with_file_name(name),
        _ => given,
    }
}

/// Writes the arrays of a model to a file named after their hash, and returns the file name.
fn save_arrays(path: &Path, whole: &mut Document) -> Result<String, FileError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.ok_or_else(|| FileError::Refused {
        path: path.display().to_string(),
        reason: "the file name is not valid UTF-8; choose another name".into(),
    })?;
    let write = || -> io::Result<(String, String)> {
        let replacement = Replacement::of(&path.with_file_name(format!("{stem}.npz.new")))?;
        let mut file =
            fs::File::options().create_new(true).read(true).write(true).open(replacement.path())?;
        write_npz(&file, &whole.arrays)?;
        file.rewind()?;
        let sha256 = sha256_of(&mut file)?;
        drop(file);
        let name = format!("{stem}.{}.npz", &sha256[..HASH]);
        replacement.finish_as(&path.with_file_name(&name))?;
        Ok((name, sha256))
    };
    let (name, sha256) = write().map_err(|e| FileError::Io(Error::file(path, &e)))?;
    whole.name_arrays(&name, &sha256);
    Ok(name)
}

/// Number of hexadecimal digits of the checksum in the name of an arrays file.
const HASH: usize = 16;

/// Returns the arrays file that the model at `path` refers to, if [`save`] wrote it for a model with this
/// name.
fn own_arrays(path: &Path) -> Option<String> {
    let text = String::from_utf8(read_file(path).ok()?).ok()?;
    let document = Format::of(path)?.parse(&text).ok()?;
    let ArraysFile { name, sha256, .. } = arrays_file(&text, &document).ok()??;
    let expected = format!("{}.{}.npz", path.file_stem()?.to_str()?, sha256?.get(..HASH)?);
    (name == expected).then_some(name)
}

/// Removes an arrays file in the folder of `path` unless a model in the folder refers to it. Models that
/// cannot be read are treated as if they referred to it.
fn remove_unless_named(path: &Path, name: &str) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_named = entries.flatten().any(|entry| {
        let path = entry.path();
        Format::of(&path).is_some()
            && path.is_file()
            && fs::read_to_string(&path).map_or(true, |text| text.contains(name))
    });
    if !is_named {
        let _ = fs::remove_file(folder.join(name));
    }
}

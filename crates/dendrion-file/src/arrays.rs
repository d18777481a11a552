//! Arrays in npz files (NumPy).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use dendrion_engine::open_file;
use dendrion_model::allocate::{push, room};
use dendrion_model::{Error, check_memory};

use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder};
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Maximum header length of an array in bytes. Headers of plain arrays have about a hundred bytes.
const HEADER: usize = 4096;

/// An array of a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Real numbers.
    Floats(Vec<f64>),
    /// Integers, such as indices of neurons.
    Indices(Vec<u32>),
}

/// A source of the arrays that a model refers to by name.
pub trait Arrays {
    /// Returns the numbers of an array, in C order.
    ///
    /// # Errors
    /// Returns an error message if there is no array with this name or if it does not contain numbers.
    fn floats(&mut self, name: &str) -> Result<Vec<f64>, String>;

    /// Keeps an [`Error::OutOfMemory`] that ended the reading of the arrays or of the values that depend on them.
    fn refuse(&mut self, _error: Error) {}
}

/// A source without arrays.
#[derive(Debug)]
pub struct NoArrays;

impl Arrays for NoArrays {
    fn floats(&mut self, name: &str) -> Result<Vec<f64>, String> {
        Err(format!(
            "no array named {name:?}, because the file has no arrays; expected an entry `arrays = \"NAME.npz\"` at the top of the file"
        ))
    }
}

/// The arrays of an npz file, as written by `numpy.savez`.
#[derive(Debug)]
pub struct Npz<R: Read + Seek> {
    name: String,
    archive: ZipArchive<R>,
    bytes: u64,
    /// Total number of bytes read; arrays that are read several times are counted each time.
    read: f64,
    refused: Option<Error>,
}

impl Npz<BufReader<File>> {
    /// Opens a file. If `sha256` is specified (in hexadecimal), the checksum of the content must match it.
    ///
    /// # Errors
    /// Returns an error message if the file cannot be read or if its checksum differs.
    pub fn open(path: &Path, sha256: Option<&str>) -> Result<Self, String> {
        let name = path.display().to_string();
        let mut file = open_file(path).map_err(|e| format!("{name}: {e}"))?;
        if let Some(expected) = sha256 {
            let found = sha256_of(&mut file).map_err(|e| format!("{name}: {e}"))?;
            if found != expected {
                return Err(format!(
                    "{name}: has the SHA-256 checksum {found}, but the model was saved with arrays of checksum {expected}; \
                     expected the arrays file that was saved with this model"
                ));
            }
        }
        Self::new(name, BufReader::new(file))
    }
}

impl<R: Read + Seek> Npz<R> {
    /// Reads arrays from `reader`. `name` is the name of the source in error messages.
    ///
    /// # Errors
    /// Returns an error message if the arrays cannot be read.
    pub fn new(name: String, mut reader: R) -> Result<Self, String> {
        let fail = |e: &dyn std::fmt::Display| format!("{name}: is not an npz file, or is damaged: {e}");
        let bytes = reader.seek(SeekFrom::End(0)).map_err(|e| fail(&e))?;
        let archive = ZipArchive::new(&mut reader).map_err(|e| fail(&e))?;
        if archive.has_duplicate_names() {
            return Err(fail(&"several arrays have the same name"));
        }
        if archive.offset() > 0 {
            return Err(fail(&format!("{} bytes precede the archive", archive.offset())));
        }
        if !ends_with_archive(&mut reader).map_err(|e| fail(&e))? {
            return Err(fail(&"bytes follow the archive"));
        }
        let archive = ZipArchive::new(reader).map_err(|e| fail(&e))?;
        Ok(Self { name, archive, bytes, read: 0.0, refused: None })
    }

    /// Returns the error of the allocation that failed, if reading ended because of it.
    pub const fn take_refused(&mut self) -> Option<Error> {
        self.refused.take()
    }

    /// Returns the content of an array's file in the archive.
    fn entry(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let known = || -> String {
            let mut names: Vec<&str> =
                self.archive.file_names_raw().filter_map(|n| std::str::from_utf8(n).ok()).collect();
            names.sort_unstable();
            names.truncate(12);
            names.iter().map(|n| n.trim_end_matches(".npy")).collect::<Vec<_>>().join(", ")
        };
        let file = format!("{name}.npy");
        let Some(index) = self.archive.index_for_name(&file) else {
            return Err(format!("no array named {name:?} in {}; expected one of: {}", self.name, known()));
        };
        let fail = |e: &dyn std::fmt::Display| format!("array {name:?} of {} is damaged: {e}", self.name);
        let bytes = self.bytes;
        let mut entry = self.archive.by_index(index).map_err(|e| fail(&e))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!(
                "array {name:?} of {} is compressed: expected an uncompressed npz file, as written by numpy.savez",
                self.name
            ));
        }
        if entry.size() > bytes {
            return Err(fail(&format!("it declares {} bytes, but the file has {bytes} bytes", entry.size())));
        }
        // Every reference to an array creates a copy of its values.
        self.read += entry.size() as f64;
        check_memory("arrays", "reading all arrays that the model refers to", self.read)
            .map_err(|e| e.to_string())?;
        let mut content = match room(entry.size() as usize) {
            Ok(content) => content,
            Err(error) => {
                drop(entry);
                return Err(self.short_of(name, error));
            }
        };
        entry.read_to_end(&mut content).map_err(|e| fail(&e))?;
        Ok(content)
    }

    /// Keeps the error of a failed allocation, and returns its text.
    fn short_of(&mut self, name: &str, error: Error) -> String {
        let error = error.needed_by("arrays", || format!("array {name:?} of {}", self.name));
        let text = error.to_string();
        self.refused = Some(error);
        text
    }
}

impl<R: Read + Seek> Arrays for Npz<R> {
    fn floats(&mut self, name: &str) -> Result<Vec<f64>, String> {
        let content = self.entry(name)?;
        let fail = |e: &dyn std::fmt::Display| format!("array {name:?} of {}: {e}", self.name);
        plain_header(&content).map_err(|e| fail(&e))?;
        let file = NpyFile::new(content.as_slice()).map_err(|e| fail(&e))?;
        let (shape, dtype) = (file.shape().to_vec(), file.dtype());
        if shape.len() > 1 && file.order() == Order::Fortran {
            return Err(fail(&"is in Fortran order; expected C order (numpy.ascontiguousarray)"));
        }
        let count = shape.iter().try_fold(1_u64, |n, d| n.checked_mul(*d));
        let width = dtype.num_bytes().unwrap_or(0) as u64;
        match count.and_then(|n| n.checked_mul(width)) {
            Some(bytes) if width > 0 && bytes <= content.len() as u64 => {}
            _ => return Err(fail(&format!("its shape {shape:?} does not match the size of its content"))),
        }
        let values = match room(count.unwrap_or(0) as usize) {
            Ok(values) => values,
            Err(error) => return Err(self.short_of(name, error)),
        };
        let values = numbers(file, values).map_err(|e| fail(&e))?;
        // If other data followed the values, the header would not end where the values begin.
        if header_length(&content) + values.len() * width as usize == content.len() {
            Ok(values)
        } else {
            Err(fail(&format!(
                "its shape {shape:?} does not match the size of its content: there are bytes after the values"
            )))
        }
    }

    fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }
}

/// Returns the SHA-256 checksum of the rest of a file in hexadecimal, and rewinds the file.
pub(crate) fn sha256_of(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            n => hash.update(&piece[..n]),
        }
    }
    file.rewind()?;
    Ok(hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

/// Returns whether the file ends with the last record of a zip archive, which has 22 bytes and no comment in an npz
/// file.
fn ends_with_archive(reader: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut end = [0; 22];
    reader.seek(SeekFrom::End(-22))?;
    reader.read_exact(&mut end)?;
    reader.rewind()?;
    Ok(end.starts_with(b"PK\x05\x06") && end.ends_with(&[0, 0]))
}

/// Returns the number of bytes before the values of an npy file whose header [`plain_header`] accepts.
fn header_length(content: &[u8]) -> usize {
    match content {
        [_, _, _, _, _, _, 1, _, a, b, ..] => 10 + usize::from(u16::from_le_bytes([*a, *b])),
        [_, _, _, _, _, _, _, _, a, b, c, d, ..] => 12 + u32::from_le_bytes([*a, *b, *c, *d]) as usize,
        _ => 0,
    }
}

/// Rejects all headers except those of plain arrays before they are parsed.
fn plain_header(content: &[u8]) -> Result<(), String> {
    let (major, rest) = match content {
        [0x93, b'N', b'U', b'M', b'P', b'Y', major, _, rest @ ..] => (*major, rest),
        _ => return Err("is not an npy array".into()),
    };
    let length = match (major, rest) {
        (1, [a, b, ..]) => usize::from(u16::from_le_bytes([*a, *b])),
        (2 | 3, [a, b, c, d, ..]) => u32::from_le_bytes([*a, *b, *c, *d]) as usize,
        _ => return Err("has an unknown version of the npy format".into()),
    };
    let from = if major == 1 { 2 } else { 4 };
    let header = rest.get(from..).and_then(|h| h.get(..length)).filter(|h| h.len() <= HEADER);
    let header = header.ok_or("has an invalid header length")?;
    let nested = header.iter().filter(|b| matches!(b, b'(' | b'[' | b'{')).count();
    if nested > 8 { Err("has an invalid header for a plain array".into()) } else { Ok(()) }
}

/// Converts the elements of any numeric type to f64, and appends them to `values`, which has room for them.
fn numbers(file: NpyFile<&[u8]>, mut values: Vec<f64>) -> Result<Vec<f64>, String> {
    let DType::Plain(kind) = file.dtype() else { return Err("contains records; expected numbers".into()) };
    let shown = kind.to_string();
    // Dates and time differences are stored as integers and would otherwise be accepted as numbers.
    if !matches!(kind.type_char(), TypeChar::Int | TypeChar::Uint | TypeChar::Float) {
        return Err(format!("has the type {shown}; expected numbers"));
    }
    macro_rules! convert {
        ($file:expr, $($t:ty),*) => {{
            let file = $file;
            $(let file = match file.try_data::<$t>() {
                #[allow(clippy::cast_lossless)] // The conversion has to compile for all types.
                Ok(data) => {
                    for value in data {
                        push(&mut values, value.map_err(|e| e.to_string())? as f64).map_err(|e| e.to_string())?;
                    }
                    return Ok(values);
                }
                Err(file) => file,
            };)*
            drop(file);
        }};
    }
    convert!(file, f64, f32, i64, i32, u32, u64, i16, u16, i8, u8);
    Err(format!("has the type {shown}; expected numbers"))
}

/// Writes arrays without compression.
pub(crate) fn write_npz(
    out: impl Write + Seek,
    arrays: &BTreeMap<String, Array>,
) -> Result<(), std::io::Error> {
    // The modification time is fixed, so that equal arrays result in equal files.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true)
        .last_modified_time(zip::DateTime::default());
    let mut archive = ZipWriter::new(BufWriter::new(out));
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other)?;
        match array {
            Array::Floats(v) => write_npy(&mut archive, v)?,
            Array::Indices(v) => write_npy(&mut archive, v)?,
        }
    }
    archive.finish().map_err(std::io::Error::other)?.flush()
}

fn write_npy<T: npyz::AutoSerialize + Copy>(
    out: &mut impl Write,
    values: &[T],
) -> Result<(), std::io::Error> {
    let options = npyz::WriteOptions::new().default_dtype().shape(&[values.len() as u64]);
    let mut writer = options.writer(out).begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()
}

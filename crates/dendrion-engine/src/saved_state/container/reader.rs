//! Reading of files: nothing is read before the checksum has been verified, and no array is read before its
//! type and length have been verified.

use std::collections::HashSet;

use dendrion_model::allocate::{collected, filled, room};
use dendrion_model::{Error, Values, check_interrupt};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};
use serde::Deserialize;

use super::{CHECKSUM, Element, FORMAT, Head, KEY, LENGTH, LONGEST, MAGIC, SUM, VERSION, refused, senseless};

/// Reads each array once.
pub(in crate::saved_state) struct Reader<'a> {
    pub(in crate::saved_state) head: Head,
    metadata: Metadata,
    data: &'a [u8],
    taken: HashSet<String>,
}

impl<'a> Reader<'a> {
    /// Opens a file and verifies its checksum.
    pub(in crate::saved_state) fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        if !bytes.get(LENGTH..).is_some_and(|rest| rest.starts_with(MAGIC)) {
            return Err(refused("is not a saved state of a network"));
        }
        let (body, sum) = bytes.split_at(bytes.len() - SUM);
        let (found, expected) = (checksum(body)?, u32::get(sum));
        if found != expected {
            return Err(match missing(bytes) {
                Some(whole) => {
                    refused(format!("is truncated: it has {} bytes; expected {whole}", bytes.len()))
                }
                None => refused(format!("is damaged: its checksum is {found:08x}; expected {expected:08x}")),
            });
        }
        let broken = |e: &dyn std::fmt::Display| refused(format!("is damaged: {e}"));
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| broken(&e))?;
        let head = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).map_or("", String::as_str);
        let head: Head = match serde_json::from_str(head) {
            Ok(head) => head,
            Err(error) => return Err(newer(head).unwrap_or_else(|| broken(&error))),
        };
        if head.format != FORMAT {
            return Err(other_format(head.format, &head.dendrion));
        }
        let mut reader = Self { head, metadata, data: &bytes[LENGTH + header..], taken: HashSet::new() };
        reader.array::<u8>(CHECKSUM, Some(SUM))?;
        Ok(reader)
    }

    /// Returns the bytes and the shape of an array.
    fn take(&mut self, name: &str, dtype: Dtype) -> Result<(&'a [u8], Vec<usize>), Error> {
        let info = self.metadata.info(name).ok_or_else(|| senseless(name, "is missing"))?;
        if info.dtype != dtype {
            return Err(senseless(name, &format!("has type {}; expected {dtype}", info.dtype)));
        }
        self.taken.insert(name.to_string());
        Ok((&self.data[info.data_offsets.0..info.data_offsets.1], info.shape.clone()))
    }

    /// Reads an array, which must have `count` numbers if `count` is given.
    pub(in crate::saved_state) fn array<E: Element>(
        &mut self,
        name: &str,
        count: Option<usize>,
    ) -> Result<Vec<E>, Error> {
        let (data, shape) = self.take(name, E::DTYPE)?;
        if shape.len() != 1 || count.is_some_and(|count| count != shape[0]) {
            let expected = count.map_or_else(|| "one axis".to_string(), |count| format!("[{count}]"));
            return Err(senseless(name, &format!("has shape {shape:?}; expected {expected}")));
        }
        numbers(data).map_err(|error| error.needed_by(LOAD, || format!("a copy of {name}")))
    }

    /// Reads an array of `count` numbers, which may be stored as a single number if all are equal.
    pub(in crate::saved_state) fn repeated<E: Element>(
        &mut self,
        name: &str,
        count: usize,
    ) -> Result<Vec<E>, Error> {
        match self.take(name, E::DTYPE)? {
            (one, shape) if shape.is_empty() => filled(count, E::get(one))
                .map_err(|error| error.needed_by(LOAD, || format!("a copy of {name}"))),
            _ => self.array(name, Some(count)),
        }
    }

    /// Reads one number.
    pub(in crate::saved_state) fn one<E: Element>(&mut self, name: &str) -> Result<E, Error> {
        Ok(self.array(name, Some(1))?[0])
    }

    /// Reads an array of finite numbers.
    pub(in crate::saved_state) fn finite<E: Element + Into<f64>>(
        &mut self,
        name: &str,
        count: Option<usize>,
    ) -> Result<Vec<E>, Error> {
        finite(name, self.array(name, count)?)
    }

    /// Like [`Reader::repeated`], but all numbers must be finite.
    pub(in crate::saved_state) fn finite_repeated<E: Element + Into<f64>>(
        &mut self,
        name: &str,
        count: usize,
    ) -> Result<Vec<E>, Error> {
        finite(name, self.repeated(name, count)?)
    }

    /// Reads spikes (step, source) in ascending order, with steps in `steps` and sources below `sources`.
    pub(in crate::saved_state) fn spikes(
        &mut self,
        name: &str,
        steps: std::ops::Range<u64>,
        sources: usize,
    ) -> Result<Vec<(u64, u32)>, Error> {
        let at = self.array::<u64>(&format!("{name}/step"), None)?;
        let from = self.array::<u32>(&format!("{name}/source"), Some(at.len()))?;
        let spikes = collected(at.into_iter().zip(from))?;
        let fits = |(step, source): &(u64, u32)| steps.contains(step) && (*source as usize) < sources;
        if !spikes.is_sorted() || !spikes.iter().all(fits) {
            return Err(senseless(name, "has spikes that are out of range or not sorted"));
        }
        Ok(spikes)
    }

    /// Reads the values of a parameter.
    pub(in crate::saved_state) fn values(&mut self, name: &str) -> Result<Values, Error> {
        let (data, shape) = self.take(name, Dtype::F64)?;
        let mut values =
            numbers::<f64>(data).map_err(|error| error.needed_by(LOAD, || format!("a copy of {name}")))?;
        match (shape.as_slice(), values.as_mut_slice()) {
            ([], [value]) => Ok(Values::Scalar(*value)),
            ([_], _) => Ok(Values::Each(values)),
            _ => Err(senseless(name, &format!("has shape {shape:?}; expected one axis or none"))),
        }
    }

    /// Returns an error if the file contains arrays that were not read.
    pub(in crate::saved_state) fn finish(&self) -> Result<(), Error> {
        match self.metadata.offset_keys().iter().find(|name| !self.taken.contains(*name)) {
            Some(name) => Err(senseless(name, "is unexpected")),
            None => Ok(()),
        }
    }
}

/// The module named in errors.
const LOAD: &str = "network: load_state";
/// Number of bytes that are read between two checks for an interrupt.
const PART: usize = 1 << 20;

fn checksum(bytes: &[u8]) -> Result<u32, Error> {
    let mut sum = crc32fast::Hasher::new();
    for part in bytes.chunks(PART) {
        check_interrupt()?;
        sum.update(part);
    }
    Ok(sum.finalize())
}

/// Converts bytes to numbers.
fn numbers<E: Element>(data: &[u8]) -> Result<Vec<E>, Error> {
    let width = E::DTYPE.bitsize() / 8;
    let mut all = room(data.len() / width)?;
    for part in data.chunks(PART) {
        check_interrupt()?;
        all.extend(part.chunks_exact(width).map(E::get));
    }
    Ok(all)
}

fn finite<E: Element + Into<f64>>(name: &str, values: Vec<E>) -> Result<Vec<E>, Error> {
    match values.iter().position(|v| !(*v).into().is_finite()) {
        Some(i) => Err(senseless(name, &format!("entry {i} is not finite"))),
        None => Ok(values),
    }
}

/// Checks the values of a trace, which is a sum of decaying contributions and cannot be negative.
pub(in crate::saved_state) fn trace(name: &str, values: Vec<f64>) -> Result<Vec<f64>, Error> {
    match values.iter().position(|v| *v < 0.0) {
        Some(i) => Err(senseless(name, &format!("entry {i} is below 0"))),
        None => Ok(values),
    }
}

/// If a file is shorter than its header says, describes the expected length.
fn missing(bytes: &[u8]) -> Option<String> {
    let header = usize::try_from(u64::get(bytes.get(..LENGTH)?)).ok().filter(|n| *n <= LONGEST)?;
    let Some(text) = bytes.get(LENGTH..LENGTH + header) else {
        return Some(format!("more than {}", LENGTH + header));
    };
    let metadata: Metadata = serde_json::from_slice(text).ok()?;
    let whole = metadata.data_len().checked_add(LENGTH + header)?;
    (whole > bytes.len()).then(|| whole.to_string())
}

/// Returns the error for a header that cannot be read because its version is newer, if this is the cause.
fn newer(head: &str) -> Option<Error> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
        dendrion: String,
    }
    let version: Version = serde_json::from_str(head).ok()?;
    (version.format != FORMAT).then(|| other_format(version.format, &version.dendrion))
}

fn other_format(format: u32, dendrion: &str) -> Error {
    refused(format!(
        "has format {format} and was written by Dendrion {dendrion}; this is Dendrion {VERSION}, which reads format \
         {FORMAT}"
    ))
}

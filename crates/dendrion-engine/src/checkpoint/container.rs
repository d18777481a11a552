//! The file: arrays by name in the format `safetensors`, what they belong to as JSON in its metadata, and a checksum.
//!
//! The last array is a CRC-32 of all bytes before it, header included, so that a bit that flipped anywhere is seen before
//! anything else is looked at. Arrays come in a fixed order: the same state is the same file.

use std::collections::{HashMap, HashSet};

use dendrion_model::{Error, Values};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::{Deserialize, Serialize};

/// The key of the metadata, by which a file is known.
const KEY: &str = "dendrion-state";
/// What a file begins with, after the length of its header.
const MAGIC: &[u8] = br#"{"__metadata__":{"dendrion-state":"#;
/// The name of the checksum.
const CHECKSUM: &str = "checksum";
/// Bytes of the length of the header.
const LENGTH: usize = 8;
/// Bytes of a header, at most.
const LONGEST: usize = 100_000_000;
/// Bytes of the checksum.
const SUM: usize = 4;

/// What the arrays belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The version of this format.
    pub(super) format: u32,
    /// The version of Dendrion that wrote it.
    pub(super) dendrion: String,
    /// How a b + c is rounded: levels of one class give the same bits.
    pub(super) arithmetic: String,
    /// Steps done.
    pub(super) step: u64,
    /// Samples of the batch; 0 without one.
    pub(super) batch: usize,
    /// What the network is, as pairs of what is described and how.
    pub(super) network: Vec<(String, String)>,
}

/// Numbers that arrays are made of.
pub(crate) trait Element: Copy + PartialEq {
    /// Their type in the file.
    const DTYPE: Dtype;

    /// Appends the bytes, the lowest first.
    fn put(self, out: &mut Vec<u8>);

    /// The number of as many bytes as it has.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($t:ident $dtype:ident)*) => {$(
        impl Element for $t {
            const DTYPE: Dtype = Dtype::$dtype;

            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(Self::default(), Self::from_le_bytes)
            }
        }
    )*};
}
element!(u8 U8 u32 U32 u64 U64 i64 I64 f32 F32 f64 F64);

/// Why a state is refused.
pub(super) fn refused(what: impl Into<String>) -> Error {
    Error::state("network: load_state", what)
}

/// A file whose bytes are what was written, but make no sense.
pub(super) fn senseless(name: &str, what: &str) -> Error {
    refused(format!("is damaged: {name}: {what}"))
}

/// Gathers arrays.
#[derive(Default)]
pub(super) struct Writer(Vec<(String, TensorInfo, Vec<u8>)>);

impl Writer {
    fn add<E: Element>(&mut self, name: &str, shape: Vec<usize>, values: impl Iterator<Item = E>) {
        let mut data = Vec::with_capacity(shape.iter().product::<usize>() * E::DTYPE.bitsize() / 8);
        values.for_each(|v| v.put(&mut data));
        let info = TensorInfo { dtype: E::DTYPE, shape, data_offsets: (0, 0) };
        self.0.push((name.to_string(), info, data));
    }

    /// Adds an array.
    pub(super) fn array<E: Element>(&mut self, name: &str, values: &[E]) {
        self.add(name, vec![values.len()], values.iter().copied());
    }

    /// Adds one number, as an array of one.
    pub(super) fn one<E: Element>(&mut self, name: &str, value: E) {
        self.array(name, &[value]);
    }

    /// Adds spikes (step, source).
    pub(super) fn spikes(&mut self, name: &str, spikes: &[(u64, u32)]) {
        self.add(&format!("{name}/step"), vec![spikes.len()], spikes.iter().map(|(step, _)| *step));
        self.add(&format!("{name}/source"), vec![spikes.len()], spikes.iter().map(|(_, source)| *source));
    }

    /// Adds the values of a parameter: an array without axes is one for all.
    pub(super) fn values(&mut self, name: &str, values: &Values) {
        let shape = if let Values::Each(v) = values { vec![v.len()] } else { Vec::new() };
        self.add(name, shape, values.as_slice().iter().copied());
    }

    /// The file, in pieces that follow each other.
    pub(super) fn finish(mut self, head: &Head) -> Result<Vec<Vec<u8>>, Error> {
        let failed = |e: &dyn std::fmt::Display| Error::state("network: save_state", e.to_string());
        // Wide numbers first, so that all are aligned.
        self.0.sort_by_key(|(_, info, _)| std::cmp::Reverse(info.dtype.bitsize()));
        self.add(CHECKSUM, vec![SUM], [0_u8; SUM].into_iter());
        let (mut infos, mut pieces, mut at) = (Vec::new(), vec![Vec::new()], 0);
        for (name, mut info, data) in self.0 {
            info.data_offsets = (at, at + data.len());
            at += data.len();
            infos.push((name, info));
            pieces.push(data);
        }
        let head = serde_json::to_string(head).map_err(|e| failed(&e))?;
        let metadata = Metadata::new(Some(HashMap::from([(KEY.to_string(), head)])), infos);
        let metadata = metadata.map_err(|e| failed(&e))?;
        let mut header = serde_json::to_vec(&metadata).map_err(|e| failed(&e))?;
        header.resize(header.len().next_multiple_of(LENGTH), b' ');
        pieces[0] = [&(header.len() as u64).to_le_bytes(), header.as_slice()].concat();
        pieces.pop();
        let mut sum = crc32fast::Hasher::new();
        pieces.iter().for_each(|piece| sum.update(piece));
        pieces.push(sum.finalize().to_le_bytes().to_vec());
        Ok(pieces)
    }
}

/// Hands out arrays, each once.
pub(super) struct Reader<'a> {
    pub(super) head: Head,
    metadata: Metadata,
    data: &'a [u8],
    taken: HashSet<String>,
}

impl<'a> Reader<'a> {
    /// Opens a file, whose bytes have to be those that were written.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        if !bytes.get(LENGTH..).is_some_and(|rest| rest.starts_with(MAGIC)) {
            return Err(refused("is no saved state of a network"));
        }
        let (body, sum) = bytes.split_at(bytes.len() - SUM);
        let (found, expected) = (crc32fast::hash(body), u32::get(sum));
        if found != expected {
            return Err(match missing(bytes) {
                Some(whole) => refused(format!("is truncated: {} bytes of {whole}", bytes.len())),
                None => refused(format!("is damaged: checksum {found:08x}, expected {expected:08x}")),
            });
        }
        let broken = |e: &dyn std::fmt::Display| refused(format!("is damaged: {e}"));
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| broken(&e))?;
        let head = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).map_or("", String::as_str);
        let head: Head = match serde_json::from_str(head) {
            Ok(head) => head,
            Err(error) => return Err(newer(head).unwrap_or_else(|| broken(&error))),
        };
        if head.format != super::FORMAT {
            return Err(other_format(head.format, &head.dendrion));
        }
        let mut reader = Self { head, metadata, data: &bytes[LENGTH + header..], taken: HashSet::new() };
        reader.array::<u8>(CHECKSUM, Some(SUM))?;
        Ok(reader)
    }

    /// The bytes and the shape of an array.
    fn take(&mut self, name: &str, dtype: Dtype) -> Result<(&'a [u8], Vec<usize>), Error> {
        let info = self.metadata.info(name).ok_or_else(|| senseless(name, "is missing"))?;
        if info.dtype != dtype {
            return Err(senseless(name, &format!("of type {}, expected {dtype}", info.dtype)));
        }
        self.taken.insert(name.to_string());
        Ok((&self.data[info.data_offsets.0..info.data_offsets.1], info.shape.clone()))
    }

    /// An array, of `count` numbers where that is known.
    pub(super) fn array<E: Element>(&mut self, name: &str, count: Option<usize>) -> Result<Vec<E>, Error> {
        let (data, shape) = self.take(name, E::DTYPE)?;
        if shape.len() != 1 || count.is_some_and(|count| count != shape[0]) {
            let expected = count.map_or_else(|| "one axis".to_string(), |count| format!("[{count}]"));
            return Err(senseless(name, &format!("of shape {shape:?}, expected {expected}")));
        }
        Ok(data.chunks_exact(E::DTYPE.bitsize() / 8).map(E::get).collect())
    }

    /// One number.
    pub(super) fn one<E: Element>(&mut self, name: &str) -> Result<E, Error> {
        Ok(self.array(name, Some(1))?[0])
    }

    /// An array of finite numbers.
    pub(super) fn finite<E: Element + Into<f64>>(
        &mut self,
        name: &str,
        count: Option<usize>,
    ) -> Result<Vec<E>, Error> {
        let values = self.array::<E>(name, count)?;
        match values.iter().position(|v| !(*v).into().is_finite()) {
            Some(i) => Err(senseless(name, &format!("[{i}] is not finite"))),
            None => Ok(values),
        }
    }

    /// Spikes (step, source) that ascend, of steps in `steps` and sources below `sources`.
    pub(super) fn spikes(
        &mut self,
        name: &str,
        steps: std::ops::Range<u64>,
        sources: usize,
    ) -> Result<Vec<(u64, u32)>, Error> {
        let at = self.array::<u64>(&format!("{name}/step"), None)?;
        let from = self.array::<u32>(&format!("{name}/source"), Some(at.len()))?;
        let spikes: Vec<(u64, u32)> = at.into_iter().zip(from).collect();
        let fits = |(step, source): &(u64, u32)| steps.contains(step) && (*source as usize) < sources;
        if !spikes.is_sorted() || !spikes.iter().all(fits) {
            return Err(senseless(name, "spikes that there cannot be"));
        }
        Ok(spikes)
    }

    /// The values of a parameter.
    pub(super) fn values(&mut self, name: &str) -> Result<Values, Error> {
        let (data, shape) = self.take(name, Dtype::F64)?;
        let mut values: Vec<f64> = data.chunks_exact(8).map(f64::get).collect();
        match (shape.as_slice(), values.as_mut_slice()) {
            ([], [value]) => Ok(Values::Scalar(*value)),
            ([_], _) => Ok(Values::Each(values)),
            _ => Err(senseless(name, &format!("of shape {shape:?}, expected one axis or none"))),
        }
    }

    /// Refuses arrays that nobody took.
    pub(super) fn finish(&self) -> Result<(), Error> {
        match self.metadata.offset_keys().iter().find(|name| !self.taken.contains(*name)) {
            Some(name) => Err(senseless(name, "means nothing here")),
            None => Ok(()),
        }
    }
}

/// How long a file would be, in words, that is shorter than its header says.
fn missing(bytes: &[u8]) -> Option<String> {
    let header = usize::try_from(u64::get(bytes.get(..LENGTH)?)).ok().filter(|n| *n <= LONGEST)?;
    let Some(text) = bytes.get(LENGTH..LENGTH + header) else {
        return Some(format!("more than {}", LENGTH + header));
    };
    let metadata: Metadata = serde_json::from_slice(text).ok()?;
    let whole = metadata.data_len().checked_add(LENGTH + header)?;
    (whole > bytes.len()).then(|| whole.to_string())
}

/// What is wrong with a head that cannot be read because it is of a later version.
fn newer(head: &str) -> Option<Error> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
        dendrion: String,
    }
    let version: Version = serde_json::from_str(head).ok()?;
    (version.format != super::FORMAT).then(|| other_format(version.format, &version.dendrion))
}

fn other_format(format: u32, dendrion: &str) -> Error {
    refused(format!(
        "is of format {format}, written by Dendrion {dendrion}; this is Dendrion {}, which reads format {}",
        super::VERSION,
        super::FORMAT
    ))
}

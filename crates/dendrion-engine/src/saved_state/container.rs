//! The file format: named arrays in a `safetensors` file, with a JSON description in the metadata and a checksum.
//!
//! The last array is a CRC-32 checksum of all bytes before it, including the header. It is verified before
//! anything else is read, so a flipped bit is detected anywhere in the file. Arrays are in a fixed order, so
//! equal states result in equal files.

mod element;
mod reader;
mod writer;

use dendrion_model::Error;
use serde::{Deserialize, Serialize};

pub(crate) use element::Element;
pub(super) use reader::{Reader, trace};
pub(super) use writer::Writer;

/// Version of the format.
pub(super) const FORMAT: u32 = 2;
/// Version of Dendrion.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Key of the metadata, which identifies a file as a saved state.
const KEY: &str = "dendrion-state";
/// The beginning of a file, after the length of its header.
const MAGIC: &[u8] = br#"{"__metadata__":{"dendrion-state":"#;
/// Name of the checksum.
const CHECKSUM: &str = "checksum";
/// Number of bytes in which the header's length is stored.
const LENGTH: usize = 8;
/// Maximum number of bytes in a header.
const LONGEST: usize = 100_000_000;
/// Number of bytes in the checksum.
const SUM: usize = 4;

/// The metadata of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Version of this format.
    pub(super) format: u32,
    /// Version of Dendrion that wrote the file.
    pub(super) dendrion: String,
    /// Rounding of a b + c. Levels with the same rounding give bit-identical results.
    pub(super) arithmetic: String,
    /// Number of steps done.
    pub(super) step: u64,
    /// Seed of noise and of the spikes of generators.
    pub(super) noise_seed: u64,
    /// Time requested so far (ms).
    pub(super) requested: f64,
    /// Number of samples in the batch, or 0 without a batch.
    pub(super) batch: usize,
    /// Description of the network, as pairs of an item and its value.
    pub(super) network: Vec<(String, String)>,
}

/// Creates the error for a state that cannot be loaded.
pub(super) fn refused(what: impl Into<String>) -> Error {
    Error::state("network: load_state", what)
}

/// Creates the error for a file that is intact but has invalid content.
pub(super) fn senseless(name: &str, what: &str) -> Error {
    refused(format!("is damaged: {name}: {what}"))
}

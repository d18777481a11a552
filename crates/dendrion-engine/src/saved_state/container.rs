//! The file: arrays by name in the format `safetensors`, what they belong to as JSON in its metadata, and a checksum.
//!
//! The last array is a CRC-32 of all bytes before it, header included, so that a bit that flipped anywhere is seen before
//! anything else is looked at. Arrays come in a fixed order: the same state is the same file.

mod element;
mod reader;
mod writer;

use dendrion_model::Error;
use serde::{Deserialize, Serialize};

pub(crate) use element::Element;
pub(super) use reader::Reader;
pub(super) use writer::Writer;

/// The version of the format.
pub(super) const FORMAT: u32 = 2;
/// The version of Dendrion.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The version of this format.
    pub(super) format: u32,
    /// The version of Dendrion that wrote it.
    pub(super) dendrion: String,
    /// How a b + c is rounded: levels of one class give the same bits.
    pub(super) arithmetic: String,
    /// Steps done.
    pub(super) step: u64,
    /// Seed of noise and of the spikes of generators.
    pub(super) noise_seed: u64,
    /// Time requested so far (ms).
    pub(super) requested: f64,
    /// Samples of the batch; 0 without one.
    pub(super) batch: usize,
    /// What the network is, as pairs of what is described and how.
    pub(super) network: Vec<(String, String)>,
}

/// Why a state is refused.
pub(super) fn refused(what: impl Into<String>) -> Error {
    Error::state("network: load_state", what)
}

/// A file whose bytes are what was written, but make no sense.
pub(super) fn senseless(name: &str, what: &str) -> Error {
    refused(format!("is damaged: {name}: {what}"))
}

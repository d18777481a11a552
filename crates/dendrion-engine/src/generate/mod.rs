//! Generators: spikes and currents from outside.

mod current;
mod spikes;

pub(crate) use current::{Current, CurrentRows};
pub(crate) use spikes::Chunk;

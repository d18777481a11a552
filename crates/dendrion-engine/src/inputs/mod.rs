//! Generators of spikes and currents.

mod current;
mod given;
pub(crate) mod input_rows;
mod noise;
mod schedule;
mod spikes;
mod waveform;

pub(crate) use current::Current;
pub(crate) use given::{Given, StandIns};
pub(crate) use noise::NoiseRows;
pub(crate) use schedule::{Part, Schedule};
pub(crate) use spikes::{GeneratorMemory, SourceBlock, Waits};

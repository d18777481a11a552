//! Generators: spikes and currents from outside.

mod current;
mod given;
mod noise;
mod schedule;
mod spikes;

pub(crate) use current::Current;
pub(crate) use given::{Given, StandIns};
pub(crate) use noise::NoiseRows;
pub(crate) use schedule::Schedule;
pub(crate) use spikes::{Chunk, GeneratorMemory, Waits};

//! Probes and their recordings.

pub(crate) mod clear;
mod columns;
pub(crate) mod probe;
pub(crate) mod recorder;

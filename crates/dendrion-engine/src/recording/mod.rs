//! Probes, and what they record.

pub(crate) mod clear;
pub(crate) mod probe;
pub(crate) mod recorder;

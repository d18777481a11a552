//! Probes and their recordings.

pub(crate) mod clear;
pub(crate) mod probe;
pub(crate) mod recorder;

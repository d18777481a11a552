//! The network at run time: its populations, shards and parameters, and what is asked of them between runs.

pub(crate) mod clone_shard;
pub(crate) mod core;
pub(crate) mod export_model;
pub(crate) mod index;
pub(crate) mod parameters;
pub(crate) mod population;
pub(crate) mod request;
pub(crate) mod roundings;
pub(crate) mod run_with;
pub(crate) mod shard;
pub(crate) mod spike_extraction;
pub(crate) mod spikes;
pub(crate) mod state;

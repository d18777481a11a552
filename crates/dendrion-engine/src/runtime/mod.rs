//! The network at run time: its populations, shards and parameters, and access to them between runs.

pub(crate) mod clock;
pub(crate) mod connections;
pub(crate) mod core;
pub(crate) mod delivery;
pub(crate) mod ensemble;
pub(crate) mod exchange;
pub(crate) mod export_model;
pub(crate) mod index;
pub(crate) mod input_ports;
pub(crate) mod learning;
pub(crate) mod memory;
pub(crate) mod model;
pub(crate) mod observer;
pub(crate) mod parameters;
pub(crate) mod place;
pub(crate) mod places;
pub(crate) mod population;
pub(crate) mod pushed;
pub(crate) mod roundings;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod shard;
pub(crate) mod spike_extraction;
pub(crate) mod spikes;
pub(crate) mod state;
pub(crate) mod store;

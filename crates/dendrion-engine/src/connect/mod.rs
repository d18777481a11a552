//! Connections: conversion of rules and matrices to the tables of each shard.

mod draw;
mod expand;
mod pairs;
mod parallel;
mod part;
mod table;
mod topology;
mod totals;
mod values;

pub use draw::draw_members;
pub(crate) use expand::expand;
pub use pairs::pairs;
pub(crate) use part::{Part, parts};
pub use table::Connections;
pub(crate) use topology::Topology;
pub(crate) use values::{Order, aligned, given_delays, given_weights};

use dendrion_model::{Network, Projection, Source};

/// Returns the number of sources of a projection.
pub(crate) fn sources(network: &Network, projection: &Projection) -> usize {
    match projection.pre {
        Source::Population(i) => network.populations[i].size,
        Source::Generator(i) => network.generators[i].size,
    }
}

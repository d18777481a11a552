//! Connections: from rules and matrices to what each shard delivers.

mod table;
mod topology;
mod values;

pub use table::Connections;
pub(crate) use topology::{Topology, build};
pub(crate) use values::{Order, delays, weights};

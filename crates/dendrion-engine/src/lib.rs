//! The simulation: blocks, threads, epochs, spikes and their delays, generators, random streams, probes.
//!
//! Populations are cut into **blocks** of lanes, which a program runs over, and blocks into **shards**, which threads
//! own for a whole run. Time is cut into **epochs** of the shortest delay between neurons: within one, no spike can
//! reach another neuron, so a block runs all its steps while its rows are in L1, and threads meet once an epoch.
//! What arrives at a gate is summed in an order that follows the network alone, so results have the same bits for any
//! number of threads and however a time is cut into runs.

mod assemble;
mod budget;
mod checkpoint;
mod connect;
mod core;
mod fired;
mod forget;
mod fork;
mod generate;
mod gradient;
mod history;
mod layout;
mod parameters;
mod plasticity;
mod population;
mod present;
mod probe;
mod random;
mod record;
mod replace;
mod request;
mod roundings;
mod rows;
mod run;
mod run_with;
mod school;
mod shard;
mod simulation;
mod spikes;
mod state;
mod teach;
#[cfg(test)]
mod tests;

pub use crate::budget::{check_network, memory_needed};
pub use crate::core::{RunEnd, Summary};
pub use connect::{Connections, draw_members, pairs};
pub use dendrion_equations::{LIBRARY, Rate, library};
pub use dendrion_kernels::{Level, NumericClass};
pub use gradient::{GROWTH_LIMIT, Gradients, Growth};
pub use probe::{ProbeId, Samples};
pub use replace::{Replacement, open_file, read_file, replace_file};
pub use request::Request;
pub use run_with::RunOptions;
pub use simulation::{Simulation, Trace};

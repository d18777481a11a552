//! The simulation: blocks, threads, epochs, spikes and their delays, generators, random streams, probes.
//!
//! Populations are cut into **blocks** of lanes, which a program runs over, and blocks into **shards**, which threads
//! own for a whole run. Time is cut into **epochs** of the shortest delay between neurons: within one, no spike can
//! reach another neuron, so a block runs all its steps while its rows are in L1, and threads meet once an epoch.
//! What arrives at a gate is summed in an order that follows the network alone, so results have the same bits for any
//! number of threads and however a time is cut into runs.

mod build;
mod connect;
mod durations;
mod gradient;
mod inputs;
mod plasticity;
mod random;
mod recording;
mod replace;
mod run;
mod runtime;
mod saved_state;
mod simulation;
#[cfg(test)]
mod tests;

pub use build::budget::{check_network, memory_needed};
pub use connect::{Connections, draw_members, pairs};
pub use dendrion_equations::{LIBRARY, Rate, library};
pub use dendrion_kernels::{Level, NumericClass};
pub use gradient::{GROWTH_LIMIT, Gradients, Growth};
pub use recording::probe::{ProbeId, Samples};
pub use replace::{Replacement, open_file, read_file, replace_file};
pub use runtime::clock::Request;
pub use runtime::core::{RunEnd, Summary};
pub use runtime::run::RunOptions;
pub use simulation::{Simulation, Trace};

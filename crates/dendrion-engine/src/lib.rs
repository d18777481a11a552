//! The simulation engine: threads, epochs, delivery of spikes with delays, generators, random streams and probes.
//!
//! Populations are divided into **blocks** of lanes, on which programs run, and blocks are grouped into
//! **shards**, each of which one thread processes for a whole run. Time is divided into **epochs** whose
//! length is the shortest delay between neurons. Within an epoch no spike can reach another neuron, so a
//! block runs all steps of the epoch while its rows are in the L1 cache, and threads synchronize only once
//! per epoch. The inputs of a neuron are summed in an order that depends only on the network, so results are
//! bit-identical for any number of threads and no matter how a simulation is split into runs.

mod build;
mod cable;
mod connect;
mod durations;
mod gradient;
mod inputs;
mod plasticity;
mod random;
mod recording;
mod refused;
mod replace;
mod run;
mod runtime;
mod saved_state;
mod simulation;
#[cfg(test)]
mod tests;

pub use build::budget::{check_network, memory_needed};
pub use connect::{Connections, draw_members, pairs};
pub use dendrion_equations::{LIBRARY, Rate, library, surrogate_values};
pub use dendrion_kernels::{Level, NumericClass};
pub use gradient::{GROWTH_LIMIT, Gradients, Growth};
pub use recording::probe::{ProbeId, Samples};
pub use replace::{Replacement, open_file, read_file, replace_file};
pub use runtime::clock::Request;
pub use runtime::core::{RunEnd, Summary};
pub use runtime::pending::Transit;
pub use runtime::run::RunOptions;
pub use simulation::{Simulation, Trace};

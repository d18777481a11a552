//! Gradients: a run is recorded and then reversed.
//!
//! | file | holds |
//! |---|---|
//! | `record.rs` | the recording of a run and the resulting [`Trace`] |
//! | `schedule.rs`, `stage.rs` | the order in which segments are run, saved and reversed |
//! | `shard_trace.rs`, `history.rs` | the observer that keeps states and spikes |
//! | `finals.rs` | the cotangents of the state at the end of the run |
//! | `backward.rs` | the reverse programs of a population |
//! | `reverse_run.rs` | the reverse run as a whole |
//! | `sweep.rs`, `reversal.rs` | the backward sweep through epochs and steps, from the last to the first |
//! | `again.rs`, `sent.rs`, `flows.rs`, `fold.rs` | parts of it: recomputed states, adjoints of spikes, of currents, and sums over steps |
//! | `cluster.rs`, `mechanisms.rs`, `unit.rs`, `tree_rows.rs`, `membrane.rs` | detailed cells: the reverse of their stages, and of the tree's coefficients |
//! | `collect.rs`, `generators.rs` | the conversion of sums over shards to the gradient |
//! | `growth.rs`, `infinite.rs`, `suspect.rs` | explanations for cotangents that explode, or become infinite or NaN |
//!
//! Only the facade (`simulation.rs`) imports this module. Code that runs steps knows only observers.

mod again;
mod backward;
mod cluster;
mod collect;
mod diffusion;
mod exchange;
mod finals;
mod flows;
mod fold;
mod generators;
mod growth;
mod history;
mod infinite;
mod initial;
mod mechanisms;
mod membrane;
mod probe_adjoint;
mod record;
mod reversal;
mod reverse_edge;
mod reverse_run;
mod schedule;
mod sent;
mod shard_trace;
mod spiked;
mod spread_sums;
mod stage;
mod store;
mod suspect;
mod sweep;
#[cfg(test)]
mod tests;
mod trace;
mod tree_rows;
mod unit;
mod wanted;
mod weight_accumulator;

pub use collect::Gradients;
pub use growth::{GROWTH_LIMIT, Growth};
pub(crate) use record::record;
pub(crate) use reverse_run::{reverse_run, reverse_run_from};
pub(crate) use store::Store;
pub(crate) use trace::Trace;

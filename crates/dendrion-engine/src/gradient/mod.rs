//! Gradients: the reverse of a run.

mod backward;
mod collect;
mod growth;
pub(crate) mod history;
mod infinite;
mod probe_adjoint;
mod reversal;
mod schedule;
mod spiked;
mod sweep;
#[cfg(test)]
mod tests;
mod trace;
mod weight_accumulator;

pub(crate) use backward::{Compiled, Reversible};
pub use collect::Gradients;
pub use growth::{GROWTH_LIMIT, Growth};
pub(crate) use reversal::Reversal;
pub(crate) use schedule::{Batch, Bytes, CheckpointSchedule, ScheduleStep};
pub(crate) use sweep::{Shared, sweep};
pub(crate) use trace::{ProbeSnapshot, Trace, stages};
pub(crate) use weight_accumulator::WeightAccumulator;

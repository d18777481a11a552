//! Gradients: the reverse of a run.

mod backward;
mod collect;
mod growth;
mod infinite;
mod plan;
mod reading;
mod reversal;
mod spiked;
mod tally;
#[cfg(test)]
mod tests;
mod trace;
mod unwind;

pub(crate) use backward::{Compiled, Reversible};
pub use collect::Gradients;
pub use growth::{GROWTH_LIMIT, Growth};
pub(crate) use plan::{Batch, Bytes, Leg, Plan};
pub(crate) use reversal::Reversal;
pub(crate) use tally::Tally;
pub(crate) use trace::{Seen, Trace, stages};
pub(crate) use unwind::{Shared, unwind};

//! Plasticity: connections whose weights change with the spikes that they transmit.
//!
//! **Learning** (spike-timing-dependent plasticity, [`learning`]) follows NEST's `stdp_synapse` and
//! `stdp_triplet_synapse`. A part δ of a connection's delay d is dendritic (the neuron's `dendritic_delay`). A spike
//! that the source sends at step n reaches the synapse at n + d - δ, and a spike of the neuron at step m reaches it
//! at m + δ. A weight is updated when its source spikes, based on the neuron's [`history`]. If both spikes reach the
//! synapse at the same time, the postsynaptic one acts first.
//!
//! A spike in step n therefore requires all spikes of the target neuron up to n + d - 2δ. If these are not
//! known yet, the spike waits. Since δ is at least one step and an epoch is at most 2δ long, they are known
//! before the spike is due at n + d. Spikes are added to rings in the order (step at which they can be
//! decided, source, connection), which does not depend on epochs.
//!
//! **Short-term plasticity** ([`short_term`]) scales the transmitted weight, depending only on the spikes of the
//! source.

pub(crate) mod control;
mod history;
mod learning;
mod rule;
mod short_term;
pub(crate) mod state;

pub(crate) use history::{History, PostsynapticSpike};
pub(crate) use learning::{Learning, LearningMemory, Synapses};
pub(crate) use rule::{Pre, Rule};
pub(crate) use short_term::{Left, ShortTerm};

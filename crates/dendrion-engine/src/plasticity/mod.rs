//! Plasticity: connections that change with the spikes that pass them.
//!
//! **Learning** (spike-timing-dependent plasticity, [`learning`]) follows NEST's `stdp_synapse` and `stdp_triplet_synapse`.
//! Of a connection's delay d, the part δ lies on the dendrite (the neuron's `dendritic_delay`): the synapse sees a spike that
//! its source sends at step n at n + d - δ, and one of its neuron at step m at m + δ. A weight is brought up to date
//! when its source spikes, from the neuron's [`history`]; where both spikes arrive together the neuron's acts first.
//!
//! So a spike of step n needs all spikes of its neuron up to n + d - 2δ. Where those are not known yet it waits; as δ is
//! at least a step and an epoch at most 2δ, they are known before the spike is due at n + d. What arrives is added in
//! the order (step at which it can be decided, source, connection), whatever the epochs.
//!
//! **Short-term plasticity** ([`short_term`]) scales what a spike carries, by its source's own spikes alone.

pub(crate) mod control;
mod history;
mod learning;
mod rule;
mod short_term;
pub(crate) mod state;

pub(crate) use history::{History, PostsynapticSpike};
pub(crate) use learning::{Learning, Synapses};
pub(crate) use rule::{Pre, Rule};
pub(crate) use short_term::{Left, ShortTerm};

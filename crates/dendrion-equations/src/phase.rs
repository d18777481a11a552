//! The parts of the step of placed mechanisms ([`crate::placed`]).

/// Name of the internal state that contains the current of placed mechanisms (pA).
pub const CURRENT: &str = "(current)";
/// Name of the internal state that contains the conductance -dI/dV of placed mechanisms (nS).
pub const SLOPE: &str = "(conductance)";

/// A part of the step of placed mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The whole step.
    Whole,
    /// Currents and conductances.
    Currents,
    /// Everything else: gates, arriving spikes and events.
    Gates,
}

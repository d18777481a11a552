//! The parts of the step of placed mechanisms ([`crate::placed`]).

/// Name of the internal state that contains the current of placed mechanisms (pA).
pub const CURRENT: &str = "(current)";
/// Name of the internal state that contains the conductance -dI/dV of placed mechanisms (nS).
pub const SLOPE: &str = "(conductance)";

/// The potential that enters the currents into concentrations, which are advanced before the gates.
///
/// This is NEURON's order for staggered gates, in which concentrations are known at the same times as V. With
/// [`Pools::Middle`], currents, concentrations and gates are of order 2: the currents are those at t + dt/2, where the
/// gates are known, and the gates advance from t + dt/2 to t + 3dt/2 with the concentrations at t + dt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pools {
    /// V at the beginning of the step.
    Beginning,
    /// V in the middle of the step.
    Middle,
}

/// A part of the step of placed mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The whole step.
    Whole,
    /// Currents and conductances.
    Currents,
    /// The exports of this level that other systems import.
    Exports(usize),
    /// Concentrations, if they are advanced before the gates.
    Pools,
    /// Everything else: gates, arriving spikes and events.
    Gates,
}

//! Concentrations before gates: the order of NEURON's staggered steps (see [`Pools`]).
//!
//! The solver computes the next value of each state from V and all other states at the beginning of the step. Here, these
//! expressions are rewritten: those of concentrations read V at the time of the currents, and all others read
//! V at the end of the step, after a reset, and the next concentrations.

use std::collections::HashMap;

use crate::graph::{Node, NodeId};
use crate::passes::substitute::Substitution;
use crate::system::System;

/// Rewrites the next values of the states. The inputs are V at the time of the currents, and the change from there to V at
/// the end of the step.
pub(super) fn first(system: &mut System, next: &mut [NodeId]) {
    let graph = &mut system.graph;
    let (v, change) = (graph.intern(Node::Input(0)), graph.intern(Node::Input(1)));
    let end = graph.add(v, change);
    let mut seen = HashMap::from([(v, end)]);
    for (i, state) in system.states.iter().enumerate().filter(|(_, s)| s.is_pool) {
        debug_assert!(!state.is_internal, "concentrations are states of mechanisms");
        seen.insert(graph.intern(Node::State(i as u32)), next[i]);
    }
    let mut of_gates = Substitution::new(seen);
    for (i, _) in system.states.iter().enumerate().filter(|(_, s)| !s.is_pool) {
        next[i] = of_gates.apply(graph, next[i]);
    }
}

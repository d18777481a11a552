//! Concentrations before gates: the order of NEURON's staggered steps (see [`Pools`]).
//!
//! The solver computes the next value of each state from V and all other states at the beginning of the step. Here, these
//! expressions are rewritten: those of concentrations read V at the time of the currents, and all others read
//! V at the end of the step and the next concentrations.

use std::collections::HashMap;

use crate::graph::{Node, NodeId};
use crate::passes::substitute::Substitution;
use crate::phase::Pools;
use crate::system::System;

/// Rewrites the next values of the states. The inputs are V at the beginning of the step and its change.
pub(super) fn first(system: &mut System, at: Pools, next: &mut [NodeId]) {
    let graph = &mut system.graph;
    let (v, change) = (graph.intern(Node::Input(0)), graph.intern(Node::Input(1)));
    let end = graph.add(v, change);
    let of_currents = match at {
        Pools::Beginning => v,
        Pools::Middle => {
            let half = graph.constant(0.5);
            let half = graph.mul(half, change);
            graph.add(v, half)
        }
    };
    let mut of_pools = Substitution::new(HashMap::from([(v, of_currents)]));
    let mut seen = HashMap::from([(v, end)]);
    for (i, state) in system.states.iter().enumerate().filter(|(_, s)| s.is_pool) {
        debug_assert!(!state.is_internal, "concentrations are states of mechanisms");
        next[i] = of_pools.apply(graph, next[i]);
        seen.insert(graph.intern(Node::State(i as u32)), next[i]);
    }
    let mut of_gates = Substitution::new(seen);
    for (i, _) in system.states.iter().enumerate().filter(|(_, s)| !s.is_pool) {
        next[i] = of_gates.apply(graph, next[i]);
    }
}

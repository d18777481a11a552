//! Beginnings: from expressions of what is there at the beginning to expressions of parameters.

use std::collections::HashMap;

use dendrion_model::Error;

use crate::graph::Node;
use crate::passes::substitute::Substitution;
use crate::system::System;

/// Replaces the states that initial values depend on by their own initial values, and inputs by nothing.
///
/// # Errors
/// Initial values that depend on each other in a circle.
pub(crate) fn settle(system: &mut System, path: &str) -> Result<(), Error> {
    // In each round at least those settle that need settled ones alone.
    for _ in 0..=system.states.len() {
        let open: Vec<usize> = (0..system.states.len())
            .filter(|i| !system.graph.is_coefficient(system.states[*i].initial))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let zero = system.graph.constant(0.0);
        let mut by = HashMap::new();
        for (i, state) in system.states.iter().enumerate() {
            if system.graph.is_coefficient(state.initial) {
                by.insert(system.graph.intern(Node::State(i as u32)), state.initial);
            }
        }
        let inputs = (0..system.currents).map(|i| Node::Input(i as u32));
        let noises = (0..system.noises.len()).map(|i| Node::Noise(i as u32));
        for node in inputs.chain(noises) {
            by.insert(system.graph.intern(node), zero);
        }
        let mut substitution = Substitution::new(by);
        for i in open {
            system.states[i].initial = substitution.apply(&mut system.graph, system.states[i].initial);
        }
    }
    let open = system.states.iter().find(|s| !system.graph.is_coefficient(s.initial));
    let name = open.map_or("", |s| s.name.as_str());
    let what = format!(
        "the value of {name} at the beginning depends on itself; expected parameters, V or other states"
    );
    Err(Error::structure(path, what))
}

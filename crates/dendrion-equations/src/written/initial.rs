//! Resolves initial values, so that they depend on parameters only.

use std::collections::HashMap;

use dendrion_model::Error;

use crate::graph::Node;
use crate::passes::substitute::Substitution;
use crate::system::System;

/// Replaces the states in initial values with the initial values of these states, and inputs with 0.
///
/// # Errors
/// Returns an error if initial values depend on each other cyclically.
pub(crate) fn settle(system: &mut System, path: &str) -> Result<(), Error> {
    // Each round resolves at least the values that depend only on resolved values.
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
        "the initial value of {name} depends on itself; expected an expression in terms of parameters, V and other states"
    );
    Err(Error::structure(path, what))
}

//! Keys of parameters, and the targets to which they refer.

use std::collections::HashMap;
use std::ops::Deref;

use dendrion_kernels::Scalar;
use dendrion_model::Network;

use super::places::places;
use super::population::Cells;

/// The target of a key such as `pyramidal/dend.gL`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// A parameter of a population's equations.
    Cells(usize, usize),
    /// The parameter of a generator.
    Generator(usize),
    /// The weights of a projection.
    Weights(usize),
    /// A parameter of a projection's plasticity.
    Rule(usize, &'static str),
    /// A time constant of the spike traces of a population's neurons.
    Trace(usize, &'static str),
}

/// All parameters of a network by key, in order.
#[derive(Debug)]
pub(crate) struct Targets {
    all: Vec<(String, Target)>,
    places: HashMap<String, usize>,
}

impl Targets {
    /// Returns the position of a key.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied()
    }
}

impl Deref for Targets {
    type Target = [(String, Target)];

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

/// Time constants that are not part of the equations.
const TRACES: [&str; 2] = ["stdp_tau", "tau_triplet"];

/// Returns the full name of a parameter or state of a population: `dend.gL` belongs to a member, `V_th` to the
/// population.
pub(crate) fn full_name(path: &str, key: &str) -> String {
    if key.contains('.') { format!("{path}/{key}") } else { format!("{path}.{key}") }
}

/// Returns all parameters of a network by key.
pub(crate) fn targets<T: Scalar>(cells: &[Cells<T>], network: &Network) -> Targets {
    let mut all = Vec::new();
    for (i, cells) in cells.iter().enumerate() {
        let own = cells.system.parameters.iter().enumerate().skip(1);
        all.extend(own.map(|(j, p)| (full_name(&cells.path, &p.key), Target::Cells(i, j))));
    }
    for (i, cells) in cells.iter().enumerate() {
        all.extend(TRACES.map(|name| (full_name(&cells.path, name), Target::Trace(i, name))));
    }
    for (i, g) in network.generators.iter().enumerate() {
        let name = g.kind().parameters().first().map(|p| p.name);
        all.extend(name.map(|name| (format!("{}.{name}", g.path), Target::Generator(i))));
    }
    let weights = network.projections.iter().enumerate();
    all.extend(weights.map(|(i, p)| (format!("{}.w", p.path), Target::Weights(i))));
    for (i, p) in network.projections.iter().enumerate() {
        let names = p.plasticity.iter().flat_map(|rule| rule.kind.parameters()).map(|spec| spec.name);
        all.extend(names.map(|name| (format!("{}.{name}", p.path), Target::Rule(i, name))));
    }
    let places = places(all.iter().map(|(key, _)| key));
    Targets { all, places }
}

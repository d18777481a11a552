//! Collects the parameters of a network: those of equations, traces, generators, weights and plasticity
//! rules, in this order.

use std::borrow::Cow;

use dendrion_equations::System;
use dendrion_model::{Domain, ModuleKind, Network, Owner, ParameterSpec, Params};

use crate::runtime::store::{Axis, Entry, ParameterStore, Target, full_name};

/// Parameters of a population that are not part of its equations.
const TRACES: [&str; 2] = ["stdp_tau", "tau_triplet"];

/// Moves the values of all parameters of a network (already validated) to a store. `counts` contains the number of
/// connections of each projection.
pub(crate) fn take_parameters<'s>(
    network: &mut Network,
    systems: impl Iterator<Item = &'s System>,
    counts: &[usize],
) -> ParameterStore {
    let mut entries = vec![Entry {
        key: "dt".into(),
        name: 0,
        unit: "ms".into(),
        domain: Domain::Positive,
        axis: Axis::Network,
        target: Target::Network,
        owner: Owner::Population,
        default: Some(network.dt),
    }];
    for (i, (system, population)) in systems.zip(&network.populations).enumerate() {
        let (target, axis) = (Target::Cells(i), Axis::Neuron(population.size));
        for p in system.parameters.iter() {
            // The time step belongs to no population.
            let Some(owner) = p.owner else { continue };
            let key = full_name(&population.path, &p.key);
            let (name, unit) = (key.len() - p.name.len(), p.unit.clone());
            let (domain, default) = (p.domain, p.default);
            entries.push(Entry { key: key.into(), name, unit, domain, axis, target, owner, default });
        }
    }
    for (i, p) in network.populations.iter().enumerate() {
        let (target, axis) = (Target::Traces(i), Axis::Neuron(p.size));
        let all = ModuleKind::Population.parameters().iter().filter(|spec| TRACES.contains(&spec.name));
        entries.extend(all.map(|spec| entry((&p.path, spec), axis, target, &p.params)));
    }
    for (i, g) in network.generators.iter().enumerate() {
        let (target, axis) = (Target::Generator(i), Axis::Neuron(g.size));
        let own = g.kind().parameters().first();
        entries.extend(own.map(|spec| entry((&g.path, spec), axis, target, &g.params)));
    }
    let weight = ModuleKind::Projection.parameters().iter().find(|spec| spec.name == "w");
    for (i, (p, count)) in network.projections.iter().zip(counts).enumerate() {
        let (target, axis) = (Target::Weights(i), Axis::Connection(*count));
        entries.extend(weight.map(|spec| entry((&p.path, spec), axis, target, &Params::new())));
    }
    for (i, p) in network.projections.iter().enumerate() {
        let Some(rule) = &p.plasticity else { continue };
        let (target, axis) = (Target::Rule(i), Axis::Population);
        let own = rule.kind.parameters().iter();
        entries.extend(own.map(|spec| entry((&p.path, spec), axis, target, &rule.params)));
    }
    ParameterStore::take(entries, network)
}

fn entry((path, spec): (&str, &ParameterSpec), axis: Axis, target: Target, given: &Params) -> Entry {
    Entry {
        key: format!("{path}.{}", spec.name).into(),
        name: path.len() + 1,
        unit: Cow::Borrowed(spec.unit),
        domain: spec.domain,
        axis,
        target,
        owner: Owner::Population,
        default: spec.default.filter(|_| !given.has(spec.name)),
    }
}

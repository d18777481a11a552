//! Collects the parameters of a network: those of equations, traces, generators, weights and plasticity
//! rules, in this order.

use std::borrow::Cow;

use dendrion_equations::System;
use dendrion_model::{Domain, ModuleKind, Network, Owner, ParameterSpec, Params, Population, Role};

use crate::runtime::store::{Access, Axis, Entry, Inherited, ParameterStore, Target, full_name};

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
        access: Access::Public,
    }];
    let network_of = &*network;
    for (i, (system, population)) in systems.zip(&network_of.populations).enumerate() {
        let target = Target::Cells(i);
        for p in system.parameters.iter() {
            // The time step belongs to no population.
            let Some(owner) = p.owner else { continue };
            let key = full_name(&population.path, &p.key);
            let (name, unit) = (key.len() - p.name.len(), p.unit.clone());
            let (domain, default) = (p.domain, p.default);
            let access = access(network_of, population, owner, &p.name);
            // The axial resistivity has one value per cell.
            let count = match &population.role {
                Role::Membrane { .. } if p.name == "r_axial" => {
                    (population.size / population.sites().unwrap_or(1).max(1)).into()
                }
                _ => population.count(),
            };
            let axis = Axis::Neuron(count);
            entries.push(Entry { key: key.into(), name, unit, domain, axis, target, owner, default, access });
        }
    }
    for (i, p) in network.populations.iter().enumerate() {
        let (target, axis) = (Target::Traces(i), Axis::Neuron(p.size.into()));
        if p.role.cells().is_some() {
            continue;
        }
        let all = ModuleKind::Population.parameters().iter().filter(|spec| TRACES.contains(&spec.name));
        entries.extend(all.map(|spec| entry((&p.path, spec), axis, target, &p.params)));
    }
    for (i, g) in network.generators.iter().enumerate() {
        let (target, axis) = (Target::Generator(i), Axis::Neuron(g.size.into()));
        let own = g.kind().parameters().first();
        entries.extend(own.map(|spec| entry((&g.path, spec), axis, target, &g.params)));
    }
    for (i, (p, count)) in network.projections.iter().zip(counts).enumerate() {
        let (target, axis) = (Target::Weights(i), Axis::Connection(*count));
        entries.push(entry((&p.path, &p.weight_spec(network)), axis, target, &Params::new()));
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
        access: Access::Public,
    }
}

/// Returns the access to a parameter of a population's system.
fn access(network: &Network, population: &Population, owner: Owner, name: &str) -> Access {
    let of_cvs = matches!(owner, Owner::Compartment(_)) && !matches!(population.role, Role::Neurons);
    let inherits: &'static [&'static str] = match (&population.role, name) {
        (Role::Placed { .. }, "V_rest") => &["V_rest"],
        (Role::Placed { .. }, "V_init") => &["V_init", "V_rest"],
        (Role::Placed { .. }, "gL") => &["gL"],
        (Role::Placed { .. }, "C") => &["C"],
        (Role::Placed { .. }, "length") => &["length"],
        (Role::Placed { .. }, "diameter") => &["diameter"],
        _ => &[],
    };
    match &population.role {
        Role::Placed { cells, sites, .. } if of_cvs && !inherits.is_empty() => {
            let cvs = network.populations[*cells].role.cable().map_or(0, |cable| cable.tree.cvs.len());
            Access::Inherited(Inherited { names: inherits, membrane: cells + 1, sites: sites.clone(), cvs })
        }
        Role::Neurons | Role::Cells(_) => Access::Public,
        Role::Placed { .. } if of_cvs && name.starts_with('(') => Access::Computed,
        _ if of_cvs && ["area_factor", "distance"].contains(&name) => Access::Internal,
        _ => Access::Public,
    }
}

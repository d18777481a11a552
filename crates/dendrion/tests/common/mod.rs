//! Random neurons with 1 to 12 compartments in random trees, all kinds of receptors, and parameters that are scalar
//! or per neuron.
#![allow(unreachable_pub)] // Shared by test binaries, each of which is a crate.

use dendrion::model::{ModuleKind, OdeMethod, Params, Population, Values};
use proptest::prelude::*;

pub const SIZE: usize = 11;

/// A parameter with one value, or one value per neuron.
pub fn values(low: f64, high: f64) -> impl Strategy<Value = Values> {
    prop_oneof![
        (low..high).prop_map(Values::Scalar),
        prop::collection::vec(low..high, SIZE).prop_map(Values::Each),
    ]
}

pub fn params(ranges: &'static [(&'static str, f64, f64)]) -> impl Strategy<Value = Params> {
    let each: Vec<_> =
        ranges.iter().map(|(name, low, high)| values(*low, *high).prop_map(|v| (*name, v))).collect();
    each.prop_map(|all| all.into_iter().fold(Params::new(), |p, (name, v)| p.with(name, v)))
}

pub const MEMBRANE: &[(&str, f64, f64)] = &[("V_rest", -80.0, -60.0), ("gL", 1.0, 10.0), ("C", 30.0, 200.0)];
pub const CYLINDER: &[(&str, f64, f64)] = &[
    ("V_rest", -80.0, -60.0),
    ("gL", 20.0, 60.0),
    ("C", 0.8, 1.2),
    ("length", 40.0, 120.0),
    ("diameter", 1.0, 5.0),
    ("r_axial", 100.0, 400.0),
    ("area_factor", 1.0, 3.0),
];
pub const RECEPTOR: &[(&str, f64, f64)] =
    &[("g", 0.0, 3.0), ("w", 0.5, 2.0), ("t_decay", 1.0, 50.0), ("E", -80.0, 10.0)];
pub const BLOCK: &[(&str, f64, f64)] =
    &[("Mg", 0.0, 2.0), ("alpha", 0.05, 0.09), ("beta", 3.0, 4.0), ("gamma", 0.0, 10.0)];
pub const THRESHOLD: &[(&str, f64, f64)] = &[("V_th", -66.0, -50.0), ("V_reset", -75.0, -68.0)];

#[derive(Clone, Debug)]
pub struct Gate {
    pub kind: ModuleKind,
    pub on: usize,
    pub params: Params,
    pub t_rise: Option<Values>,
    pub scale_g: bool,
}

pub fn gate(compartments: usize) -> impl Strategy<Value = Gate> {
    let kind = prop::sample::select(vec![ModuleKind::Ampa, ModuleKind::Nmda, ModuleKind::Gaba]);
    let rise = prop::option::of(values(0.5, 5.0));
    (kind, 0..compartments, params(RECEPTOR), params(BLOCK), rise, any::<bool>()).prop_map(
        |(kind, on, mut params, block, t_rise, scale_g)| {
            if kind == ModuleKind::Nmda {
                block.iter().for_each(|(name, v)| params.set(name, v.clone()));
            }
            if let Some(t) = &t_rise {
                params.set("t_rise", t.clone());
            }
            Gate { kind, on, params, t_rise, scale_g }
        },
    )
}

pub fn population() -> impl Strategy<Value = Population> {
    (1..=12_usize).prop_flat_map(|n| {
        let parts = prop::collection::vec(prop_oneof![params(MEMBRANE), params(CYLINDER)], n);
        let tree: Vec<_> = (1..n).map(|i| (0..i, prop::option::of(values(0.5, 8.0)))).collect();
        let gates = prop::collection::vec(gate(n), 0..5);
        let method = prop::sample::select(OdeMethod::ALL.to_vec());
        let refractory = prop::option::of(values(0.0, 3.0));
        let parts = (parts, tree, gates, params(THRESHOLD), method, refractory, 0..n).prop_map(assemble);
        (parts, prop::bool::weighted(0.25))
            .prop_map(|(cell, crosses)| if crosses { without_reset(cell) } else { cell })
    })
}

/// The same cell without reset, so that spikes are upward crossings.
fn without_reset(mut cell: Population) -> Population {
    let others = cell.params.iter().filter(|(name, _)| *name == "V_th");
    cell.params = others.fold(Params::new(), |params, (name, v)| params.with(name, v.clone()));
    cell.reset = false;
    cell
}

pub type Parts =
    (Vec<Params>, Vec<(usize, Option<Values>)>, Vec<Gate>, Params, OdeMethod, Option<Values>, usize);

pub fn assemble((parts, tree, gates, mut threshold, method, refractory, soma): Parts) -> Population {
    if let Some(t) = refractory {
        threshold.set("refractory", t);
    }
    let mut cell = Population::new("cell", SIZE, threshold);
    cell.method = method;
    for (i, params) in parts.into_iter().enumerate() {
        let name = format!("c{i}");
        if i == soma {
            cell.soma(name, params)
        } else {
            cell.compartment(name, params)
        };
    }
    for (i, (mother, g)) in tree.into_iter().enumerate() {
        let ends = [i + 1, mother].map(|c| cell.compartments[c].has_axial_geometry());
        cell.couple(format!("k{i}"), i + 1, mother, None);
        let params = &mut cell.couplings[i].params;
        match g {
            Some(g) => params.set("g", g),
            None if ends != [true, true] => params.set("g", 2.0),
            None => {}
        }
    }
    for (i, gate) in gates.into_iter().enumerate() {
        let at = cell.receptor(format!("r{i}"), gate.kind, gate.on, gate.params);
        cell.receptors[at].scale_g = gate.scale_g && gate.t_rise.is_some();
    }
    cell
}

/// Library mechanisms, each with the parameters that it requires.
pub const MECHANISMS: &[(&str, &[(&str, f64)])] = &[
    ("dendritic_spike", &[("g_rise", 20.0), ("g_fall", 10.0), ("V_th", -62.0), ("duration_rise", 0.5)]),
    ("decaying_dendritic_spike", &[("g_rise", 8.0), ("g_fall", 5.0), ("V_th", -62.0), ("t_ref", 1.0)]),
    ("adaptive_if", &[("a", 2.0), ("tau_w", 10.0)]),
    ("cadif", &[("tauA", 10.0)]),
    ("hh_na", &[("g", 1.0)]),
    ("hh_k", &[]),
    ("ka", &[]),
    ("km", &[]),
    ("ih", &[]),
    ("cat", &[]),
    ("ca_pool", &[]),
];

/// A population with up to four mechanisms, and a reset with one or two stages.
#[allow(dead_code)] // Not every test binary uses them.
pub fn with_mechanisms() -> impl Strategy<Value = Population> {
    let chosen = prop::collection::vec((0..MECHANISMS.len(), any::<prop::sample::Index>()), 0..5);
    (population(), chosen, prop::option::of(0.1..1.0_f64)).prop_map(|(mut cell, chosen, width)| {
        if let Some(width) = width.filter(|_| cell.reset) {
            cell.params.set("V_spike", -20.0);
            cell.params.set("spike_width", width);
        }
        for (i, (which, on)) in chosen.into_iter().enumerate() {
            let (name, params) = MECHANISMS[which];
            let on = on.index(cell.compartments.len());
            let text = dendrion::library(name).unwrap_or_default();
            let needs_area = text.contains("um2") || text.contains("area");
            if needs_area && !cell.compartments[on].has_geometry() {
                continue;
            }
            let params = params.iter().fold(Params::new(), |p, (name, v)| p.with(name, *v));
            cell.mechanism(format!("m{i}"), on, text, params);
            if name == "ca_pool" {
                // `ca_pool` imports `I_Ca`, which possibly no other mechanism of the compartment exports.
                cell.mechanism(
                    format!("m{i}_ca"),
                    on,
                    dendrion::library("cat").unwrap_or_default(),
                    Params::new(),
                );
            }
        }
        cell
    })
}

//! The golden cases, recorded from Brian2 with forward Euler: every compartment agrees at every sample to 1e-9 mV
//! in f64, with identical spikes, and to 2e-2 mV in f32 in cases without different spike times.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use std::collections::HashMap;
use std::path::Path;

use dendrion::model::{
    Connectivity, Dtype, Generator, Injection, ModuleKind, Network, Params, Population, Projection, Signal,
    Source, Values,
};
use dendrion::{ProbeId, Simulation};
use serde_json::Value;

const CASES: [&str; 7] = [
    "attenuation",
    "dendritic_io",
    "epsp_scale_False",
    "epsp_scale_True",
    "fi_curve",
    "nmda_rise_decay",
    "soft_reset",
];

fn load(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/golden/data/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

fn text(v: &Value) -> &str {
    v.as_str().unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    list(v).iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Returns the numeric entries of an object as parameters.
fn params(v: &Value, names: &[&str]) -> Params {
    names.iter().fold(Params::new(), |p, name| match v[name].as_f64() {
        Some(x) => p.with(name, x),
        None => p,
    })
}

const COMPARTMENT: [&str; 6] = ["V_rest", "C", "gL", "length", "diameter", "r_axial"];
const RECEPTOR: [&str; 9] = ["g", "w", "t_rise", "t_decay", "E", "Mg", "alpha", "beta", "gamma"];

struct Case {
    network: Network,
    compartments: Vec<String>,
}

fn build(case: &Value, key: &str, dtype: Dtype) -> Case {
    let size = case["n"].as_u64().unwrap_or(1) as usize;
    let mut cell = Population::new("cell", size, params(case, &["V_th", "V_reset"]));
    if case["V_th"].is_null() {
        cell.params.set("V_th", 1e6);
    }
    cell.soft_reset = case.get("V_reset").is_some_and(Value::is_null);
    let mut index = HashMap::new();
    for (i, c) in list(&case[key]).iter().enumerate() {
        let (name, params) = (text(&c["name"]), params(c, &COMPARTMENT));
        let at = if i == 0 { cell.soma(name, params) } else { cell.compartment(name, params) };
        index.insert(name, at);
    }
    for (i, c) in list(&case["couplings"]).iter().enumerate() {
        // With a geometry, the conductance is computed from it.
        let g = if key == "geometry" { None } else { c["g"].as_f64() };
        cell.couple(format!("axial_{i}"), index[text(&c["a"])], index[text(&c["b"])], g);
    }
    let mut network = Network::new(case["dt"].as_f64().unwrap());
    network.dtype = dtype;
    for r in list(&case["receptors"]) {
        let kind = if text(&r["kind"]) == "NMDA" { ModuleKind::Nmda } else { ModuleKind::Ampa };
        let at = cell.receptor(text(&r["name"]), kind, index[text(&r["on"])], params(r, &RECEPTOR));
        cell.receptors[at].scale_g = r["scale_g"].as_bool().unwrap_or(false);
        let (mut indices, mut times) = (Vec::new(), Vec::new());
        for input in list(&case["spikes_in"]).iter().filter(|s| s["to"] == r["name"]) {
            let targets = numbers(&input["targets"]);
            let targets = if targets.is_empty() { (0..size).map(|i| i as f64).collect() } else { targets };
            for t in numbers(&input["times"]) {
                indices.extend(targets.iter().map(|i| *i as u32));
                times.extend(targets.iter().map(|_| t));
            }
        }
        let path = format!("input_{at}");
        network.generators.push(Generator::new(path, size, Signal::Spikes { indices, times }, []));
        network.projections.push(Projection {
            path: format!("to_{at}"),
            pre: Source::Generator(network.generators.len() - 1),
            population: 0,
            receptors: vec![at],
            connectivity: Connectivity::OneToOne,
            weight: 1.0.into(),
            delay: None,
            plasticity: None,
        });
    }
    for (i, c) in list(&case["current"]).iter().enumerate() {
        let amplitude = match &c["amp"] {
            Value::Array(_) => Values::Each(numbers(&c["amp"])),
            v => Values::Scalar(v.as_f64().unwrap()),
        };
        let mut generator = Generator::new(format!("current_{i}"), size, Signal::Dc, []);
        generator.params.set("amplitude", amplitude);
        (generator.start, generator.stop) = (c["start"].as_f64().unwrap(), c["stop"].as_f64());
        network.generators.push(generator);
        network.injections.push(Injection {
            path: format!("inject_{i}"),
            generator: network.generators.len() - 1,
            population: 0,
            compartment: index[text(&c["on"])],
        });
    }
    let compartments = cell.compartments.iter().map(|c| c.name.clone()).collect();
    network.populations.push(cell);
    Case { network, compartments }
}

/// Returns the largest difference of any voltage, and whether all spikes match.
fn compare(name: &str, key: &str, dtype: Dtype) -> (f64, bool) {
    let golden = load(name);
    let case = build(&golden["case"], key, dtype);
    let (dt, expect) = (case.network.dt, &golden["expect"]);
    let every = expect["sample_every_steps"].as_u64().unwrap();
    let mut simulation = Simulation::new(case.network).unwrap();
    let probes: Vec<ProbeId> = case
        .compartments
        .iter()
        .map(|c| simulation.add_probe(&format!("cell/{c}"), "V", every, None).unwrap())
        .collect();
    let spikes = simulation.add_probe("cell", "spikes", 1, None).unwrap();
    simulation.advance((golden["case"]["T"].as_f64().unwrap() / dt).round() as u64).unwrap();
    let mut worst = 0.0_f64;
    for (probe, compartment) in probes.into_iter().zip(&case.compartments) {
        let (found, expected) = (simulation.values(probe).unwrap(), list(&expect["V"][compartment]));
        assert_eq!(found.len(), expected.len(), "{name}: samples of {compartment}");
        for (found, expected) in found.iter().zip(expected) {
            for (v, e) in found.iter().zip(numbers(expected)) {
                worst = worst.max((v - e).abs());
            }
        }
    }
    let found: Vec<(u64, u32)> = simulation.spikes(spikes).unwrap();
    let mut expected: Vec<(u64, u32)> = list(&expect["spikes"])
        .iter()
        .map(numbers)
        .map(|s| ((s[0] / dt).round() as u64, s[1] as u32))
        .collect();
    expected.sort_unstable();
    (worst, found == expected)
}

#[test]
fn double_precision_holds_to_a_nanovolt_fraction() {
    for name in CASES {
        let (worst, spikes) = compare(name, "compartments", Dtype::Float64);
        assert!(worst < 1e-9 && spikes, "{name}: {worst} mV, spikes as expected: {spikes}");
    }
}

#[test]
fn geometry_gives_the_same_cell() {
    let (worst, spikes) = compare("attenuation", "geometry", Dtype::Float64);
    assert!(worst < 1e-9 && spikes, "{worst} mV");
}

#[test]
fn single_precision_holds_where_no_spike_moves() {
    let mut same = 0;
    for name in CASES {
        let (worst, spikes) = compare(name, "compartments", Dtype::Float32);
        if spikes {
            assert!(worst < 2e-2, "{name}: {worst} mV");
            same += 1;
        }
    }
    assert!(same >= 6, "spike times differ in {} of the cases", CASES.len() - same);
}

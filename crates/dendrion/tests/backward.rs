//! Compares gradients of whole runs with finite differences: every parameter of random neurons below threshold,
//! with every solver, with arriving spikes, delays, currents, and parameters that differ between neurons.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use std::ops::ControlFlow;

use dendrion::model::{
    Connectivity, Generator, Injection, Network, Params, Population, Projection, Signal, Source, Values,
};
use dendrion::{Gradients, ProbeId, RunOptions, Simulation, Trace};
use proptest::prelude::*;

mod common;
use common::{SIZE, population};

const STEPS: u64 = 70;
const DT: f64 = 0.1;
/// Bound on the rounding error of a sample in mV: ten times the largest error observed.
const ROUNDING: f64 = 1e-13;

/// A cell with two spike sources, a current, and a probe of each compartment.
fn network(cell: &Population) -> (Simulation, Vec<ProbeId>) {
    let mut cell = cell.clone();
    cell.params.set("V_th", 300.0);
    let mut network = Network::new(DT);
    network.threads = Some(2);
    let spikes = Signal::Spikes { indices: vec![0, 1, 0, 1], times: vec![0.5, 0.9, 2.2, 4.0] };
    network.generators.push(Generator::new("spikes", 2, spikes, Params::new()));
    let current = Params::new().with("amplitude", Values::Each((0..SIZE).map(|i| 20.0 + i as f64).collect()));
    network.generators.push(Generator::new("current", SIZE, Signal::Dc, current));
    if !cell.receptors.is_empty() {
        let projection = Projection {
            path: "synapse".into(),
            pre: Source::Generator(0),
            population: 0,
            receptors: (0..cell.receptors.len()).collect(),
            connectivity: Connectivity::AllToAll { autapses: true },
            weight: Values::Each((0..2 * SIZE).map(|i| 0.2 + 0.03 * i as f64).collect()).into(),
            delay: Some(Values::Each((0..2 * SIZE).map(|i| (i % 7) as f64 * DT).collect()).into()),
            plasticity: None,
        };
        network.projections.push(projection);
    }
    network.injections.push(Injection { path: "on".into(), generator: 1, population: 0, compartment: 0 });
    let names: Vec<String> = cell.compartments.iter().map(|c| format!("cell/{}", c.name)).collect();
    network.populations.push(cell);
    let mut simulation = Simulation::new(network).unwrap();
    let probes = names.iter().map(|name| simulation.add_probe(name, "V", 3, None).unwrap()).collect();
    (simulation, probes)
}

/// Derivatives of the loss with respect to each sample.
fn cotangents(probes: &[ProbeId]) -> Vec<(ProbeId, Vec<f64>)> {
    let count = STEPS.div_ceil(3) as usize * SIZE;
    let of = |p: usize| (0..count).map(|k| ((k * 31 + p * 7) % 13) as f64 / 6.0 - 1.0).collect();
    probes.iter().enumerate().map(|(p, id)| (*id, of(p))).collect()
}

/// Returns all samples of a run, in the order of the cotangents.
fn samples(simulation: &mut Simulation, probes: &[ProbeId]) -> Vec<f64> {
    simulation.reset().unwrap();
    simulation.advance(STEPS).unwrap();
    probes.iter().flat_map(|p| simulation.values(*p).unwrap().into_iter().flatten()).collect()
}

fn gradient(simulation: &mut Simulation, probes: &[ProbeId]) -> Gradients {
    simulation.reset().unwrap();
    let options = RunOptions { trace: Some(1 << 20), ..RunOptions::default() };
    let watch = &mut |_| ControlFlow::Continue(());
    let (_, trace) = simulation.run_with(STEPS, &options, watch).unwrap();
    let wanted = simulation.parameter_names();
    let given = cotangents(probes);
    let given: Vec<(ProbeId, &[f64])> = given.iter().map(|(p, v)| (*p, v.as_slice())).collect();
    trace.unwrap().backward(&given, &wanted, watch).unwrap().unwrap()
}

fn check(cell: &Population) -> Result<(), TestCaseError> {
    let (mut simulation, probes) = network(cell);
    prop_assume!(simulation.advance(STEPS).is_ok());
    let sane = |v: f64| v.abs() < 1e3;
    prop_assume!(probes.iter().all(|p| simulation.values(*p).unwrap().into_iter().flatten().all(sane)));
    let found = gradient(&mut simulation, &probes);
    let sizes = found.parameters.iter().flat_map(|(_, v)| v.as_slice()).map(|g| g.abs());
    let most = sizes.fold(0.0_f64, f64::max);
    let weights: Vec<f64> = cotangents(&probes).into_iter().flat_map(|(_, w)| w).collect();
    for (key, exact) in &found.parameters {
        let at = simulation.parameter(key).unwrap();
        // All of them are checked together along one direction, and the fourth is checked individually.
        let n = at.as_slice().len();
        for direction in 0..2 {
            let along = |i: usize| match direction {
                0 => 0.5 + (i * 5 % 7) as f64 / 7.0,
                _ => f64::from(u8::from(i == 3 % n)),
            };
            let expected: f64 = exact.as_slice().iter().enumerate().map(|(i, g)| g * along(i)).sum();
            let scale = at.as_slice().iter().fold(0.0_f64, |m, v| m.max(v.abs())).max(0.1);
            let mut moved = |change: f64| {
                let values = |(i, v): (usize, &f64)| v + change * along(i);
                let moved: Vec<f64> = at.as_slice().iter().enumerate().map(values).collect();
                let moved = if n == 1 { Values::Scalar(moved[0]) } else { Values::Each(moved) };
                simulation.set_parameter(key, moved).map(|()| samples(&mut simulation, &probes))
            };
            let size = expected.abs().max(1e-6 * most);
            let mut errors = Vec::new();
            for h in [1e-3, 1e-4, 1e-2, 1e-5, 0.1, 1.0].map(|h| h * scale) {
                let [Ok(a), Ok(b), Ok(c), Ok(d)] = [moved(h), moved(-h), moved(2.0 * h), moved(-2.0 * h)]
                else {
                    continue; // Beyond what it accepts.
                };
                // The difference is computed per sample, so that the summation of the losses adds no rounding
                // error.
                let term = |i: usize| weights[i] * (8.0 * (a[i] - b[i]) - (c[i] - d[i]));
                let difference = (0..weights.len()).map(term).sum::<f64>() / (12.0 * h);
                // A voltage near 70 mV has a rounding error of 1e-14 in each step, which propagates to later
                // samples and limits the accuracy of the difference.
                let rounding = ROUNDING * (weights.len() as f64).sqrt() / h;
                errors.push(((difference - expected).abs() - rounding).max(0.0) / size);
                // Truncation errors dominate for large steps and rounding errors for small ones, so one of several
                // steps has to agree.
                if errors.last().is_some_and(|e| *e < 1e-6) {
                    errors.clear();
                    break;
                }
            }
            simulation.set_parameter(key, at.clone()).unwrap();
            prop_assert!(errors.is_empty(), "{:?} {key}: {expected}, {errors:?}", cell.method);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_are_the_derivatives_of_runs(cell in population()) {
        check(&cell)?;
    }
}

/// Returns the trace of a run of a single-compartment cell, and its probes.
fn traced() -> (Trace, Vec<ProbeId>) {
    let mut cell = Population::new("cell", SIZE, [("V_th", -40.0), ("V_reset", -60.0)]);
    cell.soma("c0", [("V_rest", -65.0), ("gL", 3.0), ("C", 60.0)]);
    let (mut simulation, probes) = network(&cell);
    let options = RunOptions { trace: Some(1 << 20), ..RunOptions::default() };
    let (_, trace) = simulation.run_with(STEPS, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    (trace.unwrap(), probes)
}

#[test]
fn a_watch_stops_a_reverse_run() {
    let (mut trace, probes) = traced();
    let weights = cotangents(&probes)[0].1.clone();
    let stopping = &mut |_| ControlFlow::Break(());
    assert_eq!(trace.backward(&[(probes[0], &weights)], &["cell/c0.gL".into()], stopping).unwrap(), None);
    assert!(!trace.is_left());
    let error = trace.backward(&[], &[], &mut |_| ControlFlow::Continue(())).unwrap_err().to_string();
    assert!(error.contains("already called for this run"), "{error}");
}

#[test]
fn what_is_refused_does_not_use_a_run_up() {
    let (mut trace, probes) = traced();
    let going = &mut |_| ControlFlow::Continue(());
    let mut weights = cotangents(&probes)[0].1.clone();
    weights[5] = f64::NAN;
    let error = trace.backward(&[(probes[0], &weights)], &[], going).unwrap_err().to_string();
    assert!(error.contains("cotangent[5] = nan"), "{error}");
    weights[5] = 1.0;
    assert!(trace.backward(&[(probes[0], &weights)], &[], going).unwrap().is_some());
}

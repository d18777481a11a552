//! Compares compiled networks with a naive interpreter of the same equations, which evaluates node by node and
//! neuron by neuron in f64. The random neurons have 1 to 12 compartments in random trees, all kinds of receptors,
//! library mechanisms, and parameters that are scalar or per neuron.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use dendrion::model::{
    Connectivity, Generator, Injection, Network, Population, Projection, SdeMethod, Signal, Source,
};
use dendrion::{Level, Simulation};
use dendrion_equations::{Env, NodeId, Step, System, Wiring, advance, evaluate, neuron};
use proptest::prelude::*;

mod common;
use common::{SIZE, with_mechanisms};

const STEPS: u64 = 60;
const DT: f64 = 0.1;

/// Injects a current into compartment 0 and sends a spike to each receptor at steps 3 and 17.
fn network(cell: Population) -> (Network, Wiring) {
    let mut network = Network::new(DT);
    let receptors: Vec<usize> = (0..cell.receptors.len()).collect();
    network.generators.push(Generator::new("dc", 1, Signal::Dc, [("amplitude", 60.0)]));
    network.injections.push(Injection { path: "inject".into(), generator: 0, population: 0, compartment: 0 });
    let mut wiring = Wiring { injected: vec![0], ..Wiring::default() };
    if !receptors.is_empty() {
        let indices = (0..SIZE as u32).chain(0..SIZE as u32).collect();
        let times = [vec![0.3; SIZE], vec![1.7; SIZE]].concat();
        network.generators.push(Generator::new("spikes", SIZE, Signal::Spikes { indices, times }, []));
        wiring.received.push(receptors.clone());
        network.projections.push(Projection {
            path: "syn".into(),
            pre: Source::Generator(1),
            population: 0,
            receptors,
            connectivity: Connectivity::OneToOne,
            weight: 1.5.into(),
            delay: None,
            plasticity: None,
        });
    }
    network.populations.push(cell);
    (network, wiring)
}

/// Returns all states of neuron `i` at the end, computed directly from the equations, and its number of spikes.
fn interpret(system: &System, step: &Step, population: &Population, i: usize) -> (Vec<f64>, u64) {
    let params: Vec<f64> = system.values(population, DT).iter().map(|values| values.get(i)).collect();
    let with_locals = |id: NodeId, states: &[f64], locals: &[f64]| {
        let env = Env { params: &params, states, inputs: &[60.0], locals, ..Env::default() };
        evaluate(&system.graph, id, env)[id.index()]
    };
    let value = |id: NodeId, states: &[f64]| with_locals(id, states, &[]);
    let mut states: Vec<f64> = system.states.iter().map(|s| value(s.initial, &[])).collect();
    let mut spikes = 0;
    for n in 0..STEPS {
        let mut locals = Vec::new();
        for id in &step.locals {
            let v = with_locals(*id, &states, &locals);
            locals.push(v);
        }
        let threshold = system.event.as_ref().unwrap();
        let may_spike = threshold.before.is_none_or(|before| value(before, &states) != 0.0);
        states = step.next.iter().map(|id| with_locals(*id, &states, &locals)).collect();
        let mut after: Vec<(usize, f64)> = Vec::new();
        for event in std::iter::once(threshold).chain(system.reactions.iter().map(|r| &r.event)) {
            let may = may_spike || !std::ptr::eq(event, threshold);
            if may && value(event.condition, &states) != 0.0 {
                after.extend(event.then.iter().map(|a| (a.state, value(a.value, &states))));
            }
        }
        spikes += u64::from(may_spike && value(threshold.condition, &states) != 0.0);
        after.into_iter().for_each(|(state, v)| states[state] = v);
        if n == 3 || n == 17 {
            system.receives.iter().for_each(|r| states[r.state] += 1.5);
        }
    }
    (states, spikes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_compute_their_equations(cell in with_mechanisms()) {
        let method = cell.method;
        let (network, wiring) = network(cell);
        let population = &network.populations[0];
        let mut system = neuron(population, &wiring).unwrap();
        let step = advance(&mut system, method, SdeMethod::Milstein);
        let expected: Vec<(Vec<f64>, u64)> = (0..SIZE).map(|i| interpret(&system, &step, population, i)).collect();
        // Explicit methods diverge for tightly coupled neurons, and so do rounding errors.
        prop_assume!(expected.iter().flat_map(|(states, _)| states).all(|v| v.abs() < 1e3));
        let spikes: u64 = expected.iter().map(|(_, n)| n).sum();
        for level in Level::available() {
            let mut simulation = Simulation::on(network.clone(), level).unwrap();
            simulation.advance(STEPS).unwrap();
            prop_assert_eq!(simulation.summary().spikes, spikes, "{}", level);
            for (row, state) in system.states.iter().enumerate() {
                let key = if state.name.contains('.') { format!("cell/{}", state.name) } else { format!("cell.{}", state.name) };
                for (i, found) in simulation.state(&key).unwrap().into_iter().enumerate() {
                    let exact = expected[i].0[row];
                    prop_assert!((found - exact).abs() <= 1e-9 * (1.0 + exact.abs()), "{} {} {}: {} {}", level, key, i, found, exact);
                }
            }
        }
    }
}

//! Ways through the past that must not matter: states kept or computed again, steps reversed by twos or one by one; and
//! stops on the way.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use dendrion_lanes::{Level, Scalar};
use dendrion_model::{Generator, Injection, Network, OdeMethod, Params, Population, Signal, Waveform};

use super::Gradients;
use crate::core::Core;
use crate::run_with::RunOptions;

const SIZE: usize = 37;

/// Cells of three compartments that fire now and then.
fn network() -> Network {
    let mut cell = Population::new("cell", SIZE, [("V_th", -58.0), ("V_reset", -66.0)]);
    cell.method = OdeMethod::ImplicitEuler;
    let parts = ["soma", "near", "far"];
    for (i, name) in parts.into_iter().enumerate() {
        let membrane = [("V_rest", -65.0), ("gL", 4.0 + i as f64), ("C", 60.0)];
        if i == 0 {
            cell.soma(name, membrane)
        } else {
            cell.compartment(name, membrane)
        };
    }
    cell.couple("a", 0, 1, Some(9.0));
    cell.couple("b", 1, 2, Some(5.0));
    let mut network = Network::new(0.1);
    network.threads = Some(2);
    let values = (0..400 * SIZE).map(|k| 60.0 + 25.0 * (k % SIZE) as f64 + (k * 7 % 41) as f64).collect();
    let wave = Signal::Current(Waveform { width: SIZE, values });
    network.generators.push(Generator::new("wave", SIZE, wave, Params::new()));
    network.injections.push(Injection { path: "on".into(), generator: 0, population: 0, compartment: 2 });
    network.populations.push(cell);
    network
}

/// The gradient by leaks and, perhaps, the current, of a run of an odd number of steps that begins at an odd one.
fn gradients<T: Scalar>(again: bool, with_current: bool, memory: usize) -> (Gradients, u64) {
    let watch = &mut |_| ControlFlow::Continue(());
    let mut core = Core::<T>::new(network(), Level::best()).unwrap();
    assert!(core.shards.iter().all(|shard| shard.is_run_again));
    core.shards.iter_mut().for_each(|shard| shard.is_run_again = again);
    let probe = core.add_probe("cell/near", "V", 3, None).unwrap();
    let _ = core.run(7, watch).unwrap();
    let options = RunOptions { trace: Some(memory), ..RunOptions::default() };
    let (_, trace) = core.run_with(331, &options, watch).unwrap();
    // Of the steps 7 to 337 the multiples of 3.
    let cotangents: Vec<f64> = (0..110 * SIZE).map(|k| (k * 31 % 13) as f64 / 6.0 - 1.0).collect();
    let mut wanted = vec!["cell/soma.gL".to_string(), "cell/far.gL".into(), "cell.V_th".into()];
    if with_current {
        wanted.push("wave".into());
    }
    let mut found = trace.unwrap().backward(&[(probe.0, &cotangents)], &wanted, watch).unwrap().unwrap();
    found.inputs.clear();
    (found, core.summary().spikes)
}

fn check<T: Scalar>() {
    let (expected, spikes) = gradients::<T>(false, true, 1 << 30);
    assert!(spikes > 10, "{spikes}");
    assert!(expected.parameters.iter().all(|(_, v)| v.as_slice()[0] != 0.0), "{expected:?}");
    for (again, with_current, memory) in [
        (true, true, 1 << 30),
        (false, false, 1 << 30),
        (true, false, 1 << 30),
        (false, false, 1),
        (true, false, 1),
    ] {
        let (found, _) = gradients::<T>(again, with_current, memory);
        assert_eq!(found, expected, "{} again {again}, current {with_current}, {memory} bytes", T::NAME);
    }
}

#[test]
fn gradients_do_not_depend_on_what_is_kept_or_how_many_steps_go_at_once() {
    check::<f64>();
    check::<f32>();
}

/// Two populations that have nothing to tell each other, the second far more work.
fn unconnected() -> Core<f64> {
    let mut network = network();
    let mut other = network.populations[0].clone();
    (other.path, other.size) = ("other".into(), 40 * SIZE);
    network.populations.push(other);
    Core::new(network, Level::best()).unwrap()
}

#[test]
fn threads_without_connections_stop_soon_and_together() {
    let mut core = unconnected();
    for _ in 0..3 {
        let before = core.now;
        let _ = core.run(50_000_000, &mut |_| ControlFlow::Break(())).unwrap();
        assert!(core.now > before && core.now - before < 100_000, "{} to {}", before, core.now);
    }
}

#[test]
fn a_reverse_run_of_many_segments_stops_wherever_its_watch_does() {
    for looks in [0, 1, 7, 40, 80] {
        let mut core = unconnected();
        let probe = core.add_probe("other/near", "V", 1, None).unwrap();
        let going = &mut |_| ControlFlow::Continue(());
        let options = RunOptions { trace: Some(1), ..RunOptions::default() };
        let (_, trace) = core.run_with(3000, &options, going).unwrap();
        let cotangents = vec![1.0; 3000 * 40 * SIZE];
        let mut looked = 0;
        let watch = &mut |_| {
            looked += 1;
            if looked > looks { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut trace = trace.unwrap();
        let wanted = ["other/far.gL".to_string()];
        assert!(trace.backward(&[(probe.0, &cotangents)], &wanted, watch).unwrap().is_none(), "{looks}");
        assert!(!trace.is_left());
    }
}

//! A resumed simulation is bit-identical to an uninterrupted one, for any step, division into shards and number of
//! threads.

use super::network::{network, small};
use super::{count, made, run, run_stopped, saved, set_first};
use crate::gradient::reverse_run;
use crate::recording::probe::ProbeId;
use crate::runtime::clock::MOST_STEPS;
use crate::runtime::core::Core;
use crate::runtime::run::RunOptions;
use crate::saved_state::Element;
use crate::saved_state::{load_state, save_state};
use crate::tests::network::{probes, recorded};
use dendrion_kernels::Scalar;
use dendrion_model::{PerConnection, Values};
use std::ops::ControlFlow;

const END: u64 = 600;
/// Lines per block, blocks per shard, and threads.
const CUTS: [(usize, usize, usize); 5] = [(0, 0, 2), (1, 1, 8), (3, 2, 1), (7, 1000, 3), (100, 1, 2)];

/// A network whose caller has passed spikes up to step 700.
fn begun<T: Scalar>((lines, per_shard, threads): (usize, usize, usize)) -> Core<T> {
    let mut core = made::<T>(network(threads), lines, per_shard);
    let spikes: Vec<(u64, u32)> = (0..350).map(|i| (2 * i, (i % 3) as u32)).collect();
    core.push_spikes("pushed", &spikes, 700).unwrap();
    core
}

fn continues<T: Scalar + Element + Into<f64>>() {
    let mut whole = begun::<T>(CUTS[0]);
    run(&mut whole, END);
    assert!(whole.summary().spikes > 1500, "{}", whole.summary().spikes);
    let expected = saved(&mut whole);
    for (k, at) in [1, 7, 64, 237, 401, 599].into_iter().enumerate() {
        let (one, other) = (CUTS[k % 5], CUTS[(3 * k + 1) % 5]);
        let mut before = begun::<T>(one);
        run(&mut before, at);
        let state = saved(&mut before);
        assert!(k == 0 || count(&state, "learning/twice/waiting/step") > 10, "at {at}");
        let mut after = made::<T>(network(other.2), other.0, other.1);
        load_state(&mut after, &state).unwrap();
        assert_eq!(after.clock.now, at);
        assert!(saved(&mut after) == state, "{}: saved again at {at}, {one:?} {other:?}", T::NAME);
        run(&mut after, END - at);
        assert!(saved(&mut after) == expected, "{}: from {at} on, {one:?} {other:?}", T::NAME);
        // Saving a state does not change the rest of the run.
        run(&mut before, END - at);
        assert!(saved(&mut before) == expected, "{}: after saving at {at}", T::NAME);
    }
}

#[test]
fn a_run_continues_bit_for_bit() {
    continues::<f64>();
    continues::<f32>();
}

/// If a run is stopped, generators have sent spikes beyond the step reached. Plastic connections have stored
/// some of these spikes, and others wait for spikes of the neurons.
#[test]
fn a_run_that_was_stopped_continues() {
    let mut whole = begun::<f64>(CUTS[1]);
    let full = probes(&mut whole);
    run(&mut whole, END);
    let expected = saved(&mut whole);
    for (k, epochs) in [1, 2, 20, 90].into_iter().enumerate() {
        let mut before = begun::<f64>(CUTS[k]);
        run_stopped(&mut before, epochs);
        let at = before.clock.now;
        let state = saved(&mut before);
        for name in ["generator/fast/ahead", "learning/twice/heard", "generator/pushed/waiting"] {
            assert!(count(&state, &format!("{name}/step")) > 0, "{name} at {at}");
        }
        assert!(count(&state, "arriving/events/0/place") > 0, "at {at}");
        assert!(k == 0 || count(&state, "learning/twice/waiting/step") > 0, "at {at}");
        let mut after = made::<f64>(network(3), CUTS[k + 1].0, CUTS[k + 1].1);
        let rest = probes(&mut after);
        run(&mut after, 13);
        load_state(&mut after, &state).unwrap();
        assert!(saved(&mut after) == state, "saved again at {at}");
        run(&mut after, END - at);
        assert!(saved(&mut after) == expected, "from {at} on");
        recorded_the_rest(&whole, &full, &after, &rest, at);
        // A probe that is added afterwards records spikes that were sent ahead of time.
        let late = before.add_probe("noise", "spikes", 1, None).unwrap();
        run(&mut before, END - at);
        assert_eq!(before.spikes(late, 0).unwrap(), since(whole.spikes(full[6], 0).unwrap(), at));
    }
}

/// Checks that the probes of `after` recorded the same data from step `at` on as the probes of `whole`, which
/// recorded from the beginning.
fn recorded_the_rest(whole: &Core<f64>, full: &[ProbeId], after: &Core<f64>, rest: &[ProbeId], at: u64) {
    for (full, rest) in full.iter().zip(rest) {
        let (steps, mine) = (whole.sample_steps(*full).unwrap(), after.sample_steps(*rest).unwrap());
        let first = steps.iter().take_while(|step| **step < at).count();
        assert_eq!(steps[first..], mine, "{at}");
        let (values, columns) = whole.values(*full).unwrap();
        assert_eq!(values[first * columns..], after.values(*rest).unwrap().0, "{at}");
        assert_eq!(since(whole.spikes(*full, 0).unwrap(), at), after.spikes(*rest, 0).unwrap(), "{at}");
    }
}

fn since(spikes: Vec<(u64, u32)>, at: u64) -> Vec<(u64, u32)> {
    spikes.into_iter().filter(|(step, _)| *step >= at).collect()
}

/// Two interruptions in a row, the second of them after the state was loaded.
#[test]
fn states_follow_each_other() {
    let mut whole = begun::<f64>(CUTS[2]);
    run(&mut whole, END);
    let expected = saved(&mut whole);
    let mut core = begun::<f64>(CUTS[2]);
    for (piece, cut) in [(100, CUTS[1]), (33, CUTS[3]), (1, CUTS[4]), (466, CUTS[0])] {
        run(&mut core, piece);
        let state = saved(&mut core);
        core = made::<f64>(network(cut.2), cut.0, cut.1);
        load_state(&mut core, &state).unwrap();
    }
    assert!(saved(&mut core) == expected);
}

/// Everything that was set since the build is part of the state: parameters, times that no longer apply, and
/// plasticity that is off.
#[test]
fn what_was_set_comes_along() {
    let change = |core: &mut Core<f64>| {
        let gl: Vec<f64> = (0..701).map(|i| 38.0 + 0.01 * f64::from(i)).collect();
        core.set_parameters(vec![
            ("pyramids/dist.gL".into(), Values::Each(gl)),
            ("others/soma.gL".into(), Values::Scalar(4.5)),
            ("pyramids.stdp_tau".into(), Values::Scalar(30.0)),
            ("noise.rate".into(), Values::Scalar(50.0)),
            ("ramp.amplitude".into(), Values::Scalar(45.0)),
            ("clock.prob".into(), Values::Each((0..40).map(|i| 0.001 * f64::from(i)).collect())),
            ("learnt.lambda_".into(), Values::Scalar(0.02)),
            ("beat.tau_rec".into(), Values::Scalar(300.0)),
            ("across.w".into(), Values::Scalar(0.33)),
        ])
        .unwrap();
        core.set_learning("taught", false).unwrap();
    };
    let mut whole = begun::<f64>(CUTS[0]);
    run(&mut whole, 150);
    change(&mut whole);
    run(&mut whole, 200);
    let state = saved(&mut whole);
    whole.set_learning("taught", true).unwrap();
    run(&mut whole, 100);
    let expected = saved(&mut whole);
    let mut after = made::<f64>(network(1), CUTS[3].0, CUTS[3].1);
    load_state(&mut after, &state).unwrap();
    assert!(!after.is_learning("taught").unwrap() && after.is_learning("learnt").unwrap());
    assert_eq!(after.parameter("noise.rate").unwrap(), Values::Scalar(50.0));
    after.set_learning("taught", true).unwrap();
    run(&mut after, 100);
    assert!(saved(&mut after) == expected);
    // Loading a state from before the change also restores the times of the rate.
    let early = saved(&mut begun::<f64>(CUTS[1]));
    load_state(&mut whole, &early).unwrap();
    assert!(saved(&mut whole) == early);
    assert_eq!(whole.parameter("noise.rate").unwrap(), Values::Each(vec![60.0, 90.0, 30.0]));
    // A reset keeps the parameters of the loaded state.
    after.reset().unwrap();
    assert_eq!((after.clock.now, after.parameter("noise.rate").unwrap()), (0, Values::Scalar(50.0)));
}

/// The seed is part of the state, and a reset does not change it.
#[test]
fn another_seed_comes_along() {
    let seeded = |seed: u64| {
        let mut core = begun::<f64>(CUTS[0]);
        core.reset_with_seed(seed).unwrap();
        run(&mut core, 150);
        core
    };
    let (mut whole, mut other) = (seeded(5), seeded(6));
    let mut plain = begun::<f64>(CUTS[1]);
    let own = plain.model.network.seed;
    run(&mut plain, 150);
    let state = saved(&mut whole);
    assert!(state != saved(&mut other));
    assert!(saved(&mut seeded(own)) == saved(&mut seeded(own)));
    run(&mut whole, 100);
    let expected = saved(&mut whole);
    // The state and the seed of the network that loads the file do not matter.
    for core in [&mut other, &mut plain] {
        load_state(core, &state).unwrap();
        assert_eq!(core.model.network.run_seed(), 5);
        assert!(saved(core) == state);
        run(core, 100);
        assert!(saved(core) == expected);
    }
    // Plastic weights keep their values.
    for core in [&mut whole, &mut plain] {
        core.reset().unwrap();
        run(core, 100);
    }
    assert!(saved(&mut plain) == saved(&mut whole));
}

/// Each sample of a batch continues independently.
#[test]
fn batches_continue() {
    let unlearning = |threads| {
        let mut network = network(threads);
        network.projections.retain(|p| !p.learns());
        network
    };
    let with = |core: &mut Core<f64>, steps| {
        let options = RunOptions { batch: Some(3), ..RunOptions::default() };
        core.run_with(steps, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    };
    let mut whole = made::<f64>(unlearning(2), 0, 0);
    run(&mut whole, 50);
    with(&mut whole, 77);
    let state = saved(&mut whole);
    let v = whole.state("events/soma.V").unwrap();
    assert!(v[..75] != v[75..150]);
    with(&mut whole, 100);
    let mut after = made::<f64>(unlearning(3), CUTS[2].0, CUTS[2].1);
    load_state(&mut after, &state).unwrap();
    assert_eq!(after.ensemble.batch.len(), 3);
    assert!(saved(&mut after) == state);
    with(&mut after, 100);
    assert!(saved(&mut after) == saved(&mut whole));
    assert!(after.run(1, &mut |_| ControlFlow::Continue(())).is_err(), "only with the batch");
    // A state without a batch removes the batch.
    let mut alone = made::<f64>(unlearning(2), 0, 0);
    run(&mut alone, 50);
    let state = saved(&mut alone);
    load_state(&mut after, &state).unwrap();
    assert!(saved(&mut after) == state);
    run(&mut after, 10);
}

/// Gradients with respect to parameters and to loaded states do not change when a state is loaded.
#[test]
fn gradients_are_the_same_after_loading() {
    let unlearning = |threads| {
        let mut network = network(threads);
        network.projections.retain(|p| p.plasticity.is_none());
        network.populations[2].mechanisms.clear();
        let events = &mut network.populations[2].params;
        *events = [("V_th", -52.0), ("V_reset", -60.0)].into();
        network
    };
    let gradient = |core: &mut Core<f64>| {
        let probe = core.add_probe("pyramids/soma", "V", 1, None).unwrap();
        let watch = &mut |_| ControlFlow::Continue(());
        let mut trace = recorded(core, 30, 1 << 30);
        let cotangents = vec![0.01; 30 * 701];
        let wanted = core.parameter_names();
        reverse_run(&mut trace, &[(probe.0, &cotangents)], &wanted, watch).unwrap().unwrap()
    };
    for at in [0, 83] {
        let mut whole = made::<f64>(unlearning(2), 0, 0);
        run(&mut whole, at);
        if at == 0 {
            whole.set_state("pyramids/soma.V", &Values::Scalar(-63.0)).unwrap();
        }
        let state = saved(&mut whole);
        let mut after = made::<f64>(unlearning(1), 0, 0);
        load_state(&mut after, &state).unwrap();
        assert_eq!(gradient(&mut after), gradient(&mut whole), "from {at} on");
    }
}

/// A network that diverged cannot be saved, but it can continue from an earlier state.
#[test]
fn a_state_mends_what_broke() {
    let mut core = begun::<f64>(CUTS[0]);
    run(&mut core, 20);
    let state = saved(&mut core);
    core.set_parameters(vec![("others/soma.C".into(), Values::Scalar(1e-300))]).unwrap();
    core.set_state("others/dend.V", &Values::Scalar(1e300)).unwrap();
    core.run(2000, &mut |_| ControlFlow::Continue(())).unwrap_err();
    let error = save_state(&mut core).unwrap_err().to_string();
    let begins = "network: save_state: the network cannot continue, so its state cannot be saved: others: ";
    assert!(error.starts_with(begins), "{error}");
    load_state(&mut core, &state).unwrap();
    assert!(saved(&mut core) == state);
    run(&mut core, 20);
}

/// Streams consist of 2^64 draws, after which they start from their beginning.
#[test]
fn any_number_of_draws_continues() {
    let mut core = made::<f64>(small(), 0, 0);
    run(&mut core, 10);
    let mut state = saved(&mut core);
    for draws in [1 << 62, u64::MAX] {
        set_first(&mut state, "generator/noise/draws", draws);
        load_state(&mut core, &state).unwrap();
        run(&mut core, 300);
        let later = saved(&mut core);
        assert!(later != state);
        load_state(&mut core, &later).unwrap();
    }
}

/// All numbers that a file may contain remain valid while the network runs.
#[test]
fn counts_at_their_limits_continue() {
    let mut network = small();
    (network.generators, network.projections, network.injections) = Default::default();
    let mut core = made::<f64>(network, 0, 0);
    run(&mut core, 10);
    let mut state = saved(&mut core);
    // Each of 9 neurons spiked in each step.
    set_first(&mut state, "spikes/events", 90);
    load_state(&mut core, &state).unwrap();
    run(&mut core, 30);
    let later = saved(&mut core);
    load_state(&mut core, &later).unwrap();

    core.clock.reach(MOST_STEPS - 10);
    run(&mut core, 9);
    let last = saved(&mut core);
    load_state(&mut core, &last).unwrap();
    for steps in [1, u64::MAX] {
        let error = core.run(steps, &mut |_| ControlFlow::Continue(())).unwrap_err().to_string();
        let expected =
            format!("network: steps = {steps}: expected a run that ends before step 2^48 (dt = 0.1 ms)");
        assert_eq!(error, expected);
    }
    assert!(saved(&mut core) == last);
}

/// Neurons that get many spikes in each step, from two source blocks, and connections among them with the shortest delay.
fn crowd(threads: usize) -> Core<f64> {
    let mut network = small();
    network.threads = Some(threads);
    network.generators.truncate(1);
    network.injections.clear();
    let noise = &mut network.generators[0];
    (noise.size, noise.breaks) = (6000, vec![0.0, 0.2]);
    noise.params.set("rate", Values::Each(vec![3e5, 2e5]));
    network.projections.retain(|p| p.path == "fades" || p.path == "among");
    for projection in &mut network.projections {
        (projection.plasticity, projection.weight) = (None, 1e-4.into());
        projection.delay = Some(PerConnection::Given(0.1.into()));
    }
    made(network, 0, 0)
}

/// A run that is stopped while the spikes of a step are generated continues from there, and from a file.
#[test]
fn a_step_with_many_spikes_is_stopped_and_continues() {
    const STEPS: u64 = 5;
    let mut whole = crowd(1);
    run(&mut whole, STEPS);
    let expected = saved(&mut whole);
    for threads in [1, 2] {
        let (mut core, mut idle, mut stops) = (crowd(threads), 0, 0);
        while core.clock.now < STEPS {
            let (before, mut left) = (core.clock.now, 1500);
            let watch = &mut |_| {
                left -= 1;
                if left <= 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let _ = core.run(STEPS - before, watch).unwrap();
            idle += u32::from(core.clock.now == before);
            stops += 1;
            if stops % 7 == 0 {
                let mut other = crowd(3 - threads);
                load_state(&mut other, &saved(&mut core)).unwrap();
                run(&mut other, STEPS - core.clock.now);
                assert!(saved(&mut other) == expected);
            }
        }
        assert!(saved(&mut core) == expected);
        // Most of these runs ended before the spikes of a single step had been generated.
        assert!(idle > 5, "{idle} of {stops}");
    }
}

//! Stopping a run, or its reverse, while its threads work independently.

use std::ops::ControlFlow;

use dendrion_kernels::Level;

use super::{SIZE, network};
use crate::gradient::reverse_run;
use crate::runtime::core::Core;
use crate::tests::network::recorded;

/// Two populations without connections, the second of which needs far more work.
fn unconnected(threads: usize) -> Core<f64> {
    let mut network = network();
    network.threads = Some(threads);
    let mut other = network.populations[0].clone();
    (other.path, other.size) = ("other".into(), 40 * SIZE);
    network.populations.push(other);
    Core::new(network, Level::best()).unwrap()
}

#[test]
fn threads_without_connections_stop_soon_and_together() {
    let mut core = unconnected(2);
    for _ in 0..3 {
        let before = core.clock.now;
        let _ = core.run(50_000_000, &mut |_| ControlFlow::Break(())).unwrap();
        assert!(
            core.clock.now > before && core.clock.now - before < 100_000,
            "{} to {}",
            before,
            core.clock.now
        );
    }
    // The neurons of every thread are in the state after this number of steps.
    let mut other = unconnected(1);
    let _ = other.run(core.clock.now, &mut |_| ControlFlow::Continue(())).unwrap();
    let all = |core: &Core<f64>| -> Vec<u64> {
        let row = |p: usize, row: usize| {
            let shards = core.ensemble.own.shards.iter().filter(move |s| s.place.population == p);
            shards.flat_map(move |s| s.state(row)).map(f64::to_bits)
        };
        let rows = |p: usize| (0..core.model.cells[p].engine.state_rows).flat_map(move |r| row(p, r));
        (0..core.model.cells.len()).flat_map(rows).collect()
    };
    assert!(all(&core) == all(&other));
}

#[test]
fn a_reverse_run_of_many_segments_stops_wherever_its_watch_does() {
    for looks in [0, 1, 7, 40, 80] {
        let mut core = unconnected(2);
        let probe = core.add_probe("other/near", "V", 1, None).unwrap();
        let mut trace = recorded(&mut core, 3000, 1);
        let cotangents = vec![1.0; 3000 * 40 * SIZE];
        let mut looked = 0;
        let watch = &mut |_| {
            looked += 1;
            if looked > looks { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let wanted = ["other/far.gL".to_string()];
        assert!(
            reverse_run(&mut trace, &[(probe.0, &cotangents)], &wanted, watch).unwrap().is_none(),
            "{looks}"
        );
        assert!(!trace.is_left());
    }
}

#[test]
fn a_reverse_run_stops_within_an_epoch() {
    let mut core = unconnected(1);
    let probe = core.add_probe("other/near", "V", 1, None).unwrap();
    let mut trace = recorded(&mut core, 8, 1 << 30);
    let cotangents = vec![1.0; 8 * 40 * SIZE];
    let mut looked = 0;
    let watch = &mut |_| {
        looked += 1;
        if looked > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let wanted = ["other/far.gL".to_string()];
    assert!(reverse_run(&mut trace, &[(probe.0, &cotangents)], &wanted, watch).unwrap().is_none());
}

#[test]
fn a_reverse_run_looks_at_each_step_of_its_connections() {
    const STEPS: u64 = 40;
    let mut network = crate::tests::network::network(1);
    network.projections.retain(|p| p.plasticity.is_none());
    let mut looks = 0;
    for last in [u64::MAX, 2, 30, 90] {
        let mut core = Core::<f64>::new(network.clone(), Level::best()).unwrap();
        let probe = core.add_probe("pyramids/soma", "V", 1, None).unwrap();
        let mut trace = recorded(&mut core, STEPS, 1 << 30);
        let cotangents = vec![1.0; STEPS as usize * network.populations[0].size];
        let mut looked = 0;
        let watch = &mut |_| {
            looked += 1;
            if looked > last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let wanted = ["pyramids/soma.gL".to_string()];
        let found = reverse_run(&mut trace, &[(probe.0, &cotangents)], &wanted, watch).unwrap();
        assert_eq!(found.is_some(), last == u64::MAX);
        looks = looks.max(looked);
    }
    // Without connections, the watch would be called for each block of an epoch only.
    assert!(looks > 3 * STEPS, "{looks}");
}

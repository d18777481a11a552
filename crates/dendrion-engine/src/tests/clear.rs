//! Clearing recordings and removing probes change nothing else.

use std::ops::ControlFlow;

use dendrion_kernels::Level;

use super::network::{network, probes};
use crate::recording::probe::ProbeId;
use crate::runtime::core::Core;
use crate::runtime::run::RunOptions;

fn made() -> (Core<f64>, Vec<ProbeId>) {
    let mut core = Core::new(network(2), Level::best()).unwrap();
    let ids = probes(&mut core);
    (core, ids)
}

fn run(core: &mut Core<f64>, steps: u64) {
    core.run(steps, &mut |_| ControlFlow::Continue(())).unwrap();
}

/// Returns the steps, values and spikes of a probe from a step on.
fn recorded(core: &Core<f64>, id: ProbeId, from: u64) -> (Vec<u64>, Vec<f64>, Vec<(u64, u32)>) {
    let steps = core.sample_steps(id).unwrap();
    let before = steps.iter().filter(|s| **s < from).count();
    let (values, columns) = core.values(id).unwrap();
    let spikes = core.spikes(id, 0).unwrap().into_iter().filter(|(step, _)| *step >= from).collect();
    (steps[before..].to_vec(), values[before * columns..].to_vec(), spikes)
}

#[test]
fn cleared_probes_record_on_as_if_nothing_had_been() {
    let ((mut whole, ids), (mut cleared, _)) = (made(), made());
    run(&mut whole, 333);
    run(&mut cleared, 133);
    ids.iter().for_each(|id| cleared.forget_recording(*id, true).unwrap());
    assert!(ids.iter().all(
        |id| cleared.sample_steps(*id).unwrap().is_empty() && cleared.spikes(*id, 0).unwrap().is_empty()
    ));
    run(&mut cleared, 200);
    for id in ids {
        let found = recorded(&cleared, id, 0);
        assert!(!found.0.is_empty() || !found.2.is_empty());
        assert_eq!(found, recorded(&whole, id, 133));
    }
}

#[test]
fn removing_a_probe_leaves_the_others_as_they_are() {
    let ((mut whole, ids), (mut fewer, _)) = (made(), made());
    let (twin, noise) = (fewer.add_probe("pyramids", "spikes", 1, None).unwrap(), ids[6]);
    run(&mut whole, 300);
    run(&mut fewer, 250);
    for gone in [ids[0], ids[3], ids[4], noise] {
        fewer.remove_probe(gone).unwrap();
        assert!(fewer.remove_probe(gone).is_err() && fewer.forget_recording(gone, true).is_err());
    }
    run(&mut fewer, 50);
    for id in [ids[1], ids[2], ids[5]] {
        assert_eq!(recorded(&fewer, id, 0), recorded(&whole, id, 0));
    }
    for gone in [ids[0], ids[3], ids[4], noise] {
        assert_eq!(recorded(&fewer, gone, 0), (Vec::new(), Vec::new(), Vec::new()));
    }
    // A log is kept as long as a probe reads it.
    assert!(fewer.spikes(twin, 0).unwrap().iter().any(|(step, _)| *step < 250));
    assert!(fewer.ensemble.own.shards.iter().any(|s| s.place.population == 0 && s.output.log.is_some()));
    fewer.remove_probe(twin).unwrap();
    assert!(fewer.ensemble.own.shards.iter().all(|s| s.place.population != 0 || s.output.log.is_none()));
    assert!(fewer.ensemble.own.source_blocks.iter().all(|c| c.log.is_none()));
    assert!(fewer.ensemble.own.shards.iter().all(|s| s.delivery.plasticity.watchers.is_empty()));
    // A reset does not restore the log, and a new probe does not get the number of a removed one.
    fewer.reset().unwrap();
    run(&mut fewer, 50);
    assert!(fewer.ensemble.own.shards.iter().all(|s| s.place.population != 0 || s.output.log.is_none()));
    assert_eq!(fewer.add_probe("pyramids", "spikes", 1, None).unwrap().0, ids.len() + 1);
}

#[test]
fn samples_of_a_batch_are_cleared_and_lose_probes_too() {
    let mut network = network(2);
    network.projections.retain(|p| !p.learns());
    let mut core = Core::<f64>::new(network, Level::best()).unwrap();
    let v = core.add_probe("pyramids/soma", "V", 1, Some(&[3, 700])).unwrap();
    let spikes = core.add_probe("pyramids", "spikes", 1, None).unwrap();
    let batch = |core: &mut Core<f64>| {
        let options = RunOptions { batch: Some(2), ..RunOptions::default() };
        core.run_with(300, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    };
    batch(&mut core);
    core.forget_recording(v, true).unwrap();
    assert_eq!(core.values(v).unwrap().0.len(), 0);
    batch(&mut core);
    assert_eq!(
        (core.sample_steps(v).unwrap(), core.values(v).unwrap().0.len()),
        ((300..600).collect(), 2 * 300 * 2)
    );
    assert!(
        (0..2).all(|sample| core
            .spikes(spikes, sample)
            .unwrap()
            .first()
            .is_some_and(|(step, _)| *step < 300))
    );
    core.remove_probe(v).unwrap();
    core.remove_probe(spikes).unwrap();
    assert!(
        core.ensemble
            .batch
            .iter()
            .flat_map(|s| &s.shards)
            .all(|s| s.recorders.is_empty() && s.output.log.is_none())
    );
    batch(&mut core);
}

//! Results do not depend on whether states are recorded or recomputed, or on whether steps are reversed in pairs.

use std::ops::ControlFlow;

use dendrion_kernels::{Level, Scalar};

use super::super::record::record_with;
use super::super::{Gradients, Store, reverse_run};
use super::{SIZE, network};
use crate::runtime::core::Core;
use crate::runtime::population::Cells;
use crate::runtime::run::RunOptions;

/// Computes the gradient with respect to leak conductances, the threshold and, optionally, the current. The
/// run begins at an odd step and has an odd number of steps.
fn gradients<T: Scalar>(again: bool, with_current: bool, memory: usize) -> (Gradients, u64) {
    let watch = &mut |_| ControlFlow::Continue(());
    let mut core = Core::<T>::new(network(), Level::best()).unwrap();
    assert!(
        core.model.cells.iter().all(Cells::is_cheap)
            && core.ensemble.own.shards.iter().all(|s| s.delivery.rings.is_empty())
    );
    let probe = core.add_probe("cell/near", "V", 3, None).unwrap();
    let _ = core.run(7, watch).unwrap();
    let how = (331, &RunOptions::default(), memory);
    let (_, trace) = record_with(&mut core, &mut Store::default(), how, |_| again, watch).unwrap();
    // The multiples of 3 among steps 7 to 337.
    let cotangents: Vec<f64> = (0..110 * SIZE).map(|k| (k * 31 % 13) as f64 / 6.0 - 1.0).collect();
    let mut wanted = vec!["cell/soma.gL".to_string(), "cell/far.gL".into(), "cell.V_th".into()];
    if with_current {
        wanted.push("wave".into());
    }
    let mut found =
        reverse_run(&mut trace.unwrap(), &[(probe.0, &cotangents)], &wanted, watch).unwrap().unwrap();
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

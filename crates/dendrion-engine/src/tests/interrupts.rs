//! An interrupt ends long operations between runs without changing the network.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

use dendrion_kernels::Level;
use dendrion_model::{
    Connectivity, Error, Initializer, Network, PerConnection, Population, Projection, Source, Values,
    interruptible,
};

use crate::runtime::core::Core;
use crate::saved_state::{load_state, save_state};

/// Number of neurons. Building the connections of all rules takes more work than is done between two checks.
const SIZE: usize = 700;

fn network(connectivity: Connectivity, weight: impl Into<PerConnection>) -> Network {
    let mut cells = Population::new("cells", SIZE, [("V_th", -50.0), ("V_reset", -60.0)]);
    let soma = cells.soma("soma", [("C", 100.0), ("gL", 5.0), ("I_ext", 100.0)]);
    cells.receptor("ampa", dendrion_model::ModuleKind::Ampa, soma, [("g", 0.5), ("t_decay", 5.0)]);
    let mut network = Network::new(0.1);
    network.threads = Some(2);
    network.populations.push(cells);
    network.projections.push(Projection {
        path: "among".into(),
        pre: Source::Population(0),
        population: 0,
        receptors: vec![0],
        connectivity,
        weight: weight.into(),
        delay: Some(PerConnection::Drawn(Initializer::Uniform { low: 1.0, high: 5.0 })),
        plasticity: None,
    });
    network
}

/// Returns the result of `work` if it is interrupted at check number `at`, and whether there was such a check.
fn interrupted<R>(at: usize, work: impl FnOnce() -> R) -> (R, bool) {
    let checks = Rc::new(Cell::new(0));
    let seen = checks.clone();
    let ask = move || {
        seen.set(seen.get() + 1);
        if seen.get() > at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let found = interruptible(ask, work);
    (found, checks.get() > at)
}

#[test]
fn building_is_interrupted_whatever_the_rule() {
    let degree = SIZE / 2;
    let (starts, targets) =
        ((0..=SIZE).map(|i| (i * degree) as u32), (0..SIZE).flat_map(|_| 0..degree as u32));
    for rule in [
        Connectivity::AllToAll { autapses: true },
        Connectivity::AllToAll { autapses: false },
        Connectivity::FixedIndegree { degree, multapses: true, autapses: true },
        Connectivity::FixedOutdegree { degree, multapses: false, autapses: false },
        Connectivity::FixedTotal { count: degree * SIZE, multapses: false, autapses: true },
        Connectivity::FixedProbability { p: 0.5, autapses: true },
        Connectivity::Csr { starts: starts.collect(), targets: targets.collect() },
    ] {
        let network = network(rule.clone(), 1.0);
        let (found, _) = interrupted(0, || crate::connect::pairs(&network, 0, 2));
        assert_eq!(found, Err(Error::Interrupted), "{rule:?}");
        let (found, _) = interrupted(0, || Core::<f64>::new(network, Level::best()));
        assert_eq!(found.err(), Some(Error::Interrupted), "{rule:?}");
    }
}

#[test]
fn splitting_a_total_is_interrupted() {
    let connectivity = Connectivity::FixedTotal { count: SIZE, multapses: false, autapses: true };
    let (found, _) = interrupted(0, || crate::connect::pairs(&network(connectivity, 1.0), 0, 1));
    assert_eq!(found, Err(Error::Interrupted));
}

#[test]
fn aligned_copies_are_interrupted() {
    let (found, _) = interrupted(0, || crate::connect::aligned(vec![0_u16; 3]).map(drop));
    assert_eq!(found, Err(Error::Interrupted));
}

#[test]
fn draws_are_interrupted() {
    let normal = Initializer::Normal { mean: 0.0, std: 1.0 };
    // Most values have to be drawn many times.
    let rare = Initializer::Truncated { of: Box::new(normal), low: 3.0, high: 9.0 };
    let (found, _) = interrupted(0, || crate::draw_members(&rare, 1, "cells", SIZE));
    assert_eq!(found, Err(Error::Interrupted));
    let network = network(Connectivity::OneToOne, PerConnection::Drawn(rare));
    let (found, _) = interrupted(0, || Core::<f64>::new(network, Level::best()));
    assert_eq!(found.err(), Some(Error::Interrupted));
}

#[test]
fn a_network_that_was_interrupted_is_as_before() {
    let mut core =
        Core::<f64>::new(network(Connectivity::AllToAll { autapses: true }, 1.0), Level::best()).unwrap();
    let _ = core.run(50, &mut |_| ControlFlow::Continue(())).unwrap();
    let state = save_state(&mut core).unwrap().concat();
    let weights = |core: &mut Core<f64>| core.parameter("among.w").unwrap();
    let before = weights(&mut core);
    let heavier = || {
        let gl = Values::Each((0..SIZE).map(|i| 6.0 + i as f64).collect());
        vec![("cells/soma.gL".into(), gl), ("among.w".into(), Values::Each(vec![2.0; SIZE * SIZE]))]
    };
    let (found, seen) = interrupted(0, || core.set_parameters(heavier()));
    assert_eq!((found, seen), (Err(Error::Interrupted), true));
    for found in [
        interrupted(0, || save_state(&mut core).map(drop)),
        interrupted(0, || load_state(&mut core, &state)),
        interrupted(0, || core.connections("among").map(drop)),
        interrupted(0, || core.parameter("among.w").map(drop)),
        interrupted(0, || core.begin_batch(3)),
    ] {
        assert_eq!(found, (Err(Error::Interrupted), true));
    }
    assert_eq!(core.ensemble.batch.len(), 0);
    assert_eq!(weights(&mut core), before);
    assert_eq!(save_state(&mut core).unwrap().concat(), state);
    core.set_parameters(heavier()).unwrap();
    assert_eq!(weights(&mut core), Values::Each(vec![2.0; SIZE * SIZE]));
    load_state(&mut core, &state).unwrap();
    assert_eq!(save_state(&mut core).unwrap().concat(), state);
}

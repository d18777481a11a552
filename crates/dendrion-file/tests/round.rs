//! Both notations contain the same model, and a written model equals the one that was read.

use dendrion_file::{File, Format, document, read};
use std::collections::BTreeMap;

mod common;
use common::Held;

const WHOLE: &str = include_str!("whole.toml");

fn whole() -> File {
    read(WHOLE, Format::Toml, &mut Held(BTreeMap::new())).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn what_is_written_is_what_was_read() {
    let file = whole();
    let written = document(&file.network, &file.extras).unwrap();
    let texts = [(written.json(), Format::Json), (written.toml().unwrap(), Format::Toml)];
    for (text, format) in texts {
        let again = read(&text, format, &mut Held(written.arrays.clone())).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.network, file.network, "{format:?}");
        let (mut a, mut b) = (again.extras, file.extras.clone());
        a.frozen.sort();
        b.frozen.sort();
        assert_eq!(a, b, "{format:?}");
    }
}

#[test]
fn one_of_everything_can_be_simulated() {
    let file = whole();
    let (mut simulation, probes) = file.simulation().unwrap_or_else(|e| panic!("{e}"));
    simulation.advance(200).unwrap();
    let values = simulation.values(probes[0]).unwrap();
    assert_eq!((values.len(), values[0].len()), (20, 2));
    assert!(simulation.parameter_names().contains(&"area/cell/own.E".to_string()));
}

/// The network exported from a simulation results in the same simulation.
#[test]
fn the_exported_model_runs_alike() {
    let file = whole();
    let (mut first, probes) = file.simulation().unwrap_or_else(|e| panic!("{e}"));
    let mut changed = first.export_model().unwrap();
    // Unchanged parts are equal to those that were read, apart from equivalent notations.
    changed.populations.iter_mut().zip(&file.network.populations).for_each(|(a, b)| {
        assert_eq!(a.params, b.params);
        assert_eq!(a.compartments, b.compartments);
        assert_eq!(a.couplings, b.couplings);
        assert_eq!(a.receptors, b.receptors);
        assert_eq!(a.noises, b.noises);
    });
    first.set_parameter("area/cell/nmda.g", 0.9).unwrap();
    first.set_parameter("one.w", 0.25).unwrap();
    let mut again = dendrion_engine::Simulation::new(first.export_model().unwrap()).unwrap();
    let probe = again.add_probe("area/cell/soma", "V", 10, Some(&[0, 2])).unwrap();
    first.advance(1000).unwrap();
    again.advance(1000).unwrap();
    assert_eq!(first.values(probes[0]).unwrap(), again.values(probe).unwrap());
    assert_eq!(first.summary().spikes, again.summary().spikes);
    assert!(first.summary().spikes > 0, "or nothing was compared");
}

#[test]
fn the_largest_seed_is_kept() {
    let mut file = whole();
    (file.network.seed, file.network.noise_seed) = (u64::MAX, Some(u64::MAX - 1));
    let written = document(&file.network, &file.extras).unwrap();
    for (text, format) in [(written.json(), Format::Json), (written.toml().unwrap(), Format::Toml)] {
        let again = read(&text, format, &mut Held(written.arrays.clone())).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((again.network.seed, again.network.run_seed()), (u64::MAX, u64::MAX - 1));
    }
}

//! Checks a few thousand inputs of each target. `make fuzz` checks any number of inputs.
#![allow(clippy::unwrap_used)]

use dendrion_fuzz::{ACCEPTED, Random, TARGETS, run, target};

fn check(name: &str, count: u64, accepted: u64) {
    let report = run(name, 1, (0, count), &mut |_| ());
    assert!(report.faults.is_empty(), "{name}: {:#?}", report.faults);
    let found = report.outcomes.iter().filter(|(kind, _)| kind.starts_with(ACCEPTED)).map(|(_, n)| n);
    let found: u64 = found.sum();
    assert!(found >= accepted && found < count, "{name}: {:?}", report.outcomes);
}

#[test]
fn equations() {
    check("equations", 3_000, 300);
}

#[test]
fn nmodl() {
    check("nmodl", 2_000, 200);
}

#[test]
fn swc() {
    check("swc", 4_000, 1_000);
}

#[test]
fn models() {
    check("models", 1_500, 60);
}

#[test]
fn arrays() {
    check("arrays", 5_000, 300);
}

#[test]
fn states() {
    check("states", 1_500, 60);
}

#[test]
fn an_input_depends_on_its_number_alone() {
    for name in TARGETS {
        let mut one = target(name).unwrap();
        let first: Vec<_> = (0..20).map(|i| one.make(&mut Random::new(7, i))).collect();
        let mut other = target(name).unwrap();
        let again: Vec<_> = (0..20).rev().map(|i| other.make(&mut Random::new(7, i))).collect();
        assert!(first.iter().eq(again.iter().rev()), "{name}");
        assert!(first.iter().any(|input| *input != first[0]), "{name}");
    }
    assert!(target("other").is_none());
}

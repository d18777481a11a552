//! Point processes: currents in nA, and the effect of arriving spikes.

mod common;

use common::{POTENTIALS, Place, close, of};
use dendrion_nmodl::Kind;

/// nA in pA
const NANO: f64 = 1e3;
/// Rise and decay time constants (ms).
const TIMES: [(f64, f64); 3] = [(1.0, 5.0), (3.0, 3.0), (0.2, 40.0)];

#[test]
fn a_shunt_and_an_electrode() {
    let (mechanism, d) = of(include_str!("mod/shunt.mod"));
    assert_eq!((mechanism.name.as_str(), mechanism.kind), ("Shunt", Kind::Point));
    assert!(d.current.is_some_and(|c| !c.per_area));
    assert_eq!(d.parameter("r").unwrap().unit.text, "Mohm");
    for v in POTENTIALS {
        close(Place::at(v).current(&d), (0.25 - (v + 60.0) / 200.0) * NANO);
    }
}

#[test]
fn a_synapse_that_decays() {
    let (mechanism, d) = of(include_str!("mod/expo.mod"));
    assert_eq!(mechanism.kind, Kind::Receptor);
    assert_eq!(d.arrivals, [0]);
    assert_eq!(d.parameter("tau").unwrap().doc, "");
    assert_eq!(d.parameter("e").unwrap().doc, "reversal potential");
    for v in POTENTIALS {
        let place = Place::at(v).with("g", 0.02);
        close(place.current(&d), -0.02 * (v + 5.0) * NANO);
        close(place.rate(&d, "g"), -0.01);
    }
    assert_eq!(Place::at(0.0).beginning(&d, "g"), 0.0);
}

/// The states of the text equal those of the file divided by the factor.
#[test]
fn a_synapse_with_a_factor() {
    let (mechanism, d) = of(include_str!("mod/twoexpo.mod"));
    assert_eq!((mechanism.kind, d.arrivals.as_slice()), (Kind::Receptor, [0, 1].as_slice()));
    for (v, (tau1, tau2)) in POTENTIALS.into_iter().zip(TIMES.into_iter().cycle()) {
        let place = Place::at(v).with("tau1", tau1).with("tau2", tau2).with("A", 0.1).with("B", 0.3);
        let rise = if tau1 / tau2 > 0.9999 { 0.9999 * tau2 } else { tau1 };
        let peak = rise * tau2 / (tau2 - rise) * (tau2 / rise).ln();
        let factor = 1.0 / (-(-peak / rise).exp() + (-peak / tau2).exp());
        close(place.named(&d, "factor"), factor);
        close(place.rate(&d, "A"), -0.1 / rise);
        close(place.rate(&d, "B"), -0.3 / tau2);
        let block = 1.0 / (1.0 + (-0.062 * v).exp() / 3.57);
        close(place.current(&d), -2.0 * (0.3 - 0.1) * factor * block * v * NANO);
    }
}

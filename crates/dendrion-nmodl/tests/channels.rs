//! Channels and pools: their declarations, and the values computed by their texts.

mod common;

use common::{POTENTIALS, Place, close, of};
use dendrion_language::{Bound, Definition};
use dendrion_nmodl::Kind;

/// mA/cm2 in pA/um2
const DENSITY: f64 = 10.0;

fn parameters(d: &Definition) -> Vec<(&str, f64, &str, Bound)> {
    let of = |p: &dendrion_language::Parameter| p.default.unwrap_or(f64::NAN);
    d.parameters.iter().map(|p| (p.name.as_str(), of(p), p.unit.text.as_str(), p.bound)).collect()
}

fn names<'d>(names: impl Iterator<Item = &'d String>) -> Vec<&'d str> {
    names.map(String::as_str).collect()
}

#[test]
fn a_squid_axon() {
    let (mechanism, d) = of(include_str!("mod/squid.mod"));
    assert_eq!((mechanism.name.as_str(), mechanism.kind), ("squid", Kind::Density));
    let expected = [
        ("celsius", 6.3, "", Bound::Finite),
        ("ena", 50.0, "mV", Bound::Finite),
        ("ek", -77.0, "mV", Bound::Finite),
        ("gnabar", 0.12, "S/cm2", Bound::NonNegative),
        ("gkbar", 0.036, "S/cm2", Bound::NonNegative),
        ("gl", 3e-4, "S/cm2", Bound::NonNegative),
        ("el", -54.3, "mV", Bound::Finite),
    ];
    assert_eq!(parameters(&d), expected);
    assert_eq!(d.parameter("gnabar").unwrap().doc, "maximal sodium conductance");
    assert_eq!(names(d.states.iter().map(|s| &s.name)), ["m", "h", "n"]);
    assert!(d.states.iter().all(|s| s.unit.text.is_empty()));
    assert_eq!(names(d.exports.iter().map(|e| &e.name)), ["I_Na", "I_K"]);
    assert!(d.imports.is_empty() && d.current.is_some_and(|c| c.per_area));
    let trap =
        |x: f64, y: f64| if (x / y).abs() < 1e-6 { y * (1.0 - x / y / 2.0) } else { x / (x / y).exp_m1() };
    for (v, celsius) in POTENTIALS.into_iter().zip([6.3, 6.3, 6.3, 16.0, 6.3, 37.0, 6.3, 20.0, 6.3]) {
        let q10 = 3_f64.powf((celsius - 6.3) / 10.0);
        let (a_m, b_m) = (0.1 * trap(-(v + 40.0), 10.0), 4.0 * (-(v + 65.0) / 18.0).exp());
        let (a_h, b_h) = (0.07 * (-(v + 65.0) / 20.0).exp(), 1.0 / ((-(v + 35.0) / 10.0).exp() + 1.0));
        let (a_n, b_n) = (0.01 * trap(-(v + 55.0), 10.0), 0.125 * (-(v + 65.0) / 80.0).exp());
        let (m, h, n) = (0.3, 0.4, 0.5);
        let place = Place::at(v).with("celsius", celsius).with("m", m).with("h", h).with("n", n);
        close(place.rate(&d, "m"), q10 * (a_m * (1.0 - m) - b_m * m));
        close(place.rate(&d, "h"), q10 * (a_h * (1.0 - h) - b_h * h));
        close(place.rate(&d, "n"), q10 * (a_n * (1.0 - n) - b_n * n));
        close(place.beginning(&d, "m"), a_m / (a_m + b_m));
        close(place.beginning(&d, "n"), a_n / (a_n + b_n));
        close(place.named(&d, "htau"), 1.0 / (q10 * (a_h + b_h)));
        let i_na = 0.12 * m.powi(3) * h * (v - 50.0);
        let i_k = 0.036 * n.powi(4) * (v + 77.0);
        close(place.current(&d), -(i_na + i_k + 3e-4 * (v + 54.3)) * DENSITY);
        close(place.export(&d, "I_Na"), -i_na * DENSITY * 500.0);
        close(place.export(&d, "I_K"), -i_k * DENSITY * 500.0);
        close(place.named(&d, "ina"), i_na);
    }
}

#[test]
fn branches_and_a_temperature() {
    let (mechanism, d) = of(include_str!("mod/karect.mod"));
    assert_eq!(d.parameter("gbar").unwrap().unit.text, "pS/um2");
    assert_eq!(
        (d.parameter("ek").unwrap().default, d.parameter("q10").unwrap().bound),
        (Some(-77.0), Bound::Positive)
    );
    let dropped = |name: &str| mechanism.notes.iter().any(|n| n.contains(&format!("'{name}' = ")));
    assert!(dropped("celsius") && dropped("ek"), "{:?}", mechanism.notes);
    for v in POTENTIALS {
        let place = Place::at(v).with("n", 0.2).with("celsius", 33.0).with("shift", 3.0);
        let u = v - 3.0;
        let bell = if u < -60.0 || u == -50.0 {
            4.0 + 0.05 * (u + 60.0)
        } else if (0.0..=40.0).contains(&u) {
            2.0
        } else if u > 40.0 {
            1.0
        } else {
            30.0 / (1.0 + ((u + 20.0) / 8.0).exp()) + 1.2
        };
        let tau = (bell / 2.3_f64.powf(1.0)).max(1.5);
        let inf = 1.0 / (1.0 + (-(u + 30.0) / 9.0).exp());
        close(place.named(&d, "tau"), tau);
        close(place.rate(&d, "n"), (inf - 0.2) / tau);
        close(place.beginning(&d, "n"), inf);
        close(place.current(&d), -(1e-4 * 12.0 * 0.04 * (v + 77.0)) * DENSITY);
    }
}

#[test]
fn a_calcium_channel() {
    let (mechanism, d) = of(include_str!("mod/cahva.mod"));
    assert_eq!(parameters(&d)[1], ("gbar", 1e-5, "S/cm2", Bound::Fraction));
    assert!(mechanism.notes.iter().any(|n| n == "line 10: 'C' is a reserved name; it is renamed to 'C_'"));
    for v in POTENTIALS.into_iter().chain([-27.0]) {
        let place = Place::at(v).with("m", 0.3).with("h", 0.9);
        let outward = 1e-5 * 0.09 * 0.9 * (v - 132.457_934_163_700_9);
        close(place.export(&d, "I_Ca"), -outward * DENSITY * 500.0);
        let v = if v == -27.0 { v + 1e-4 } else { v };
        let tau =
            1.0 / (0.055 * (-27.0 - v) / ((-27.0 - v) / 3.8).exp_m1() + 0.94 * ((-75.0 - v) / 17.0).exp());
        close(place.rate(&d, "m"), (1.0 / (1.0 + (-(v + 22.0) / 6.5).exp()) - 0.3) / tau);
        close(place.rate(&d, "h"), (1.0 / (1.0 + ((v + 40.0) / 11.0).exp()) - 0.9) / 150.0);
        close(place.named(&d, "C_"), 1e-5 * 0.09 * 0.9);
    }
}

#[test]
fn pools_of_calcium() {
    let (_, d) = of(include_str!("mod/capool.mod"));
    assert!(d.current.is_none());
    assert_eq!((d.imports[0].name.as_str(), d.exports[0].name.as_str()), ("I_Ca", "Ca"));
    assert_eq!(d.exports[0].unit.dimension.to_string(), "mM");
    assert_eq!(d.states[0].unit.text, "mM");
    for into in [0.0, 70.0, -30.0] {
        let place = Place::at(0.0).with("I_Ca", into).with("cai", 3e-4);
        // 1 mA/cm2 is 10 pA/um2.
        let outward = -into / 500.0 / 10.0;
        let drive = (-1e4 * outward / (2.0 * 96_485.332_123_31 * 0.1)).max(0.0);
        let (found, expected) = (place.rate(&d, "cai"), drive + (1e-4 - 3e-4) / 80.0);
        assert!((found / expected - 1.0).abs() < 1e-11, "{found} {expected}");
        close(place.export(&d, "Ca"), 3e-4);
    }
    close(Place::at(0.0).beginning(&d, "cai"), 1e-4);
    let (_, other) = of(include_str!("mod/capoolother.mod"));
    let place = Place::at(0.0).with("I_Ca", 40.0).with("c", 2e-4);
    close(place.rate(&other, "c"), 4e4 * 40.0 / 500.0 / 10.0 / (2.0 * 96_485.3 * 3.0) - 2e-4 / 20.0);
    close(place.beginning(&other, "c"), 1e-4);
    close(place.export(&other, "Ca"), 2e-4);
}

#[test]
fn a_channel_that_reads_calcium() {
    let (_, d) = of(include_str!("mod/sk.mod"));
    assert_eq!((d.imports[0].name.as_str(), d.imports[0].unit.text.as_str()), ("Ca", "mM"));
    for ca in [0.0, 1e-4, 4.3e-4, 2e-3] {
        let place = Place::at(-60.0).with("Ca", ca).with("z", 0.1);
        let held = if ca < 1e-7 { ca + 1e-7 } else { ca };
        let inf = 1.0 / (1.0 + (0.00043 / held).powf(4.8));
        close(place.rate(&d, "z"), inf - 0.1);
        close(place.beginning(&d, "z"), inf);
        close(place.export(&d, "I_K"), -1e-7 * 17.0 * DENSITY * 500.0);
    }
}

#[test]
fn a_leak() {
    let (mechanism, d) = of(include_str!("mod/leaky.mod"));
    assert!(mechanism.notes.is_empty(), "{:?}", mechanism.notes);
    close(Place::at(-50.0).current(&d), -0.001 * 20.0 * DENSITY);
}

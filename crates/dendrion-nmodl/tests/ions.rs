//! Ion names are case-sensitive, and no two ions share a name in the text.

mod common;

use std::collections::HashSet;

use common::{Place, close, of};

/// A mechanism that reads and writes all shared quantities of an ion.
fn with(ion: &str) -> String {
    format!(
        "NEURON {{ SUFFIX pool USEION {ion} READ i{ion} WRITE {ion}i }} STATE {{ {ion}i }}
         BREAKPOINT {{ SOLVE s }} DERIVATIVE s {{ {ion}i' = -i{ion} }}"
    )
}

#[test]
fn the_ions_of_the_library_have_its_names() {
    for (ion, inside) in [("na", "Na"), ("k", "K"), ("ca", "Ca")] {
        let (_, d) = of(&with(ion));
        assert_eq!(
            (d.exports[0].name.as_str(), d.imports[0].name.as_str()),
            (inside, &*format!("I_{inside}"))
        );
    }
}

#[test]
fn two_ions_never_share_a_name() {
    let ions = [
        "na",
        "k",
        "ca",
        "Na",
        "NA",
        "nA",
        "K",
        "Ca",
        "CA",
        "cA",
        "cal",
        "Cal",
        "CAL",
        "I_Ca",
        "I_ca",
        "ion",
        "Ca_",
        "ion_Ca",
        "ion_Ca_inside",
        "ca_inside",
        "inside",
        "current",
        "Ca_current",
        "ion_Ca_current",
        "_",
        "__",
    ];
    let mut seen = HashSet::new();
    for ion in ions {
        let (_, d) = of(&with(ion));
        for name in [&d.exports[0].name, &d.imports[0].name] {
            assert!(seen.insert(name.clone()), "{ion}: {name} is the name of another ion");
        }
    }
}

#[test]
fn ca_and_the_other_ca_meet_in_one_file() {
    let (mechanism, d) =
        of("NEURON { SUFFIX x USEION ca READ cai WRITE ica USEION Ca READ Cai, eCa WRITE iCa }
         PARAMETER { Ca = 3 Ca_ = 4 cai0 = 7 } ASSIGNED { v }
         BREAKPOINT { ica = cai*v*Ca iCa = Cai*(v - eCa)*Ca_*cai0 }");
    let place = Place::at(-40.0).with("Ca", 2.0).with("ion_Ca_inside", 5.0).with("eCa", 10.0);
    assert_eq!(
        d.parameters.iter().filter(|p| p.default == Some(4.0) && p.name == "Ca_").count(),
        1,
        "{}",
        mechanism.definition.text
    );
    assert_eq!(d.parameters.iter().filter(|p| p.default == Some(7.0) && p.name == "cai0").count(), 1);
    let scale = -place.values["area"] * 10.0;
    // The import of the library's ion is named Ca, so the file's own variable Ca is renamed.
    close(place.export(&d, "I_Ca"), 2.0 * -40.0 * 3.0 * scale);
    close(place.export(&d, "ion_Ca_current"), 5.0 * (-40.0 - 10.0) * 28.0 * scale);
}

#[test]
fn what_nobody_writes_is_what_neuron_gives() {
    for (ion, reversal, inside, outside) in [
        ("na", 50.0, 10.0, 140.0),
        ("k", -77.0, 54.4, 2.5),
        ("ca", 132.457_934_163_700_9, 5e-5, 2.0),
        ("Ca", 0.0, 1.0, 1.0),
        ("cal", 0.0, 1.0, 1.0),
    ] {
        let (_, d) = of(&format!(
            "NEURON {{ SUFFIX x USEION {ion} READ i{ion}, e{ion}, {ion}i, {ion}o NONSPECIFIC_CURRENT i }}
             BREAKPOINT {{ i = i{ion} + e{ion} + {ion}i + {ion}o }}"
        ));
        let default = |name: &str| d.parameter(name).and_then(|p| p.default);
        assert_eq!(default(&format!("e{ion}")), Some(reversal));
        assert_eq!(default(&format!("{ion}o")), Some(outside));
        assert_eq!(default(&format!("{ion}i0")), Some(inside));
        let place = Place::at(-60.0);
        let defaults: Vec<f64> =
            d.imports.iter().map(|import| place.node(&d, import.default.expect("a default"))).collect();
        assert_eq!(defaults, [0.0, inside], "{}", d.text);
    }
}

/// Reserved names of the language do not change the values of variables with these names, in any role.
#[test]
fn names_with_a_meaning_in_the_language_stay_apart() {
    let words = "V V_rest gL C length diameter pi I on after for and or not where import export event spike weight exp \
                 log log10 log1p expm1 exprel sqrt tanh abs pow min max clip in cm2 mV ms mA nA pA um um2 mM S F K m \
                 s A ion_ca_inside I_Ca I_V I_ V_ V__ Ca ca Na na";
    let words: Vec<&str> = words.split_whitespace().collect();
    for (i, word) in words.iter().enumerate() {
        let other = words[(i + 1) % words.len()];
        let source = |is: &str, was: &str| {
            let declared = match is {
                "parameter" => format!("PARAMETER {{ {word} = 3 (mA/cm2) {word}_ = 5 (/ms) g = 2 (S/cm2) }}"),
                "state" => format!("STATE {{ {word} {word}_ }} PARAMETER {{ g = 2 }}"),
                _ => format!("ASSIGNED {{ {word} {word}_ }} PARAMETER {{ g = 2 }}"),
            };
            format!(
                "NEURON {{ SUFFIX x NONSPECIFIC_CURRENT i_ USEION ca READ ica, cai }} {declared} ASSIGNED {{ v i_ }}
                 INITIAL {{ {was} }} FUNCTION f({other}) {{ f = {other}*g }}
                 BREAKPOINT {{ {} i_ = {word} + 10*{word}_ + f(v) + ica + cai }}",
                if is == "assigned" { format!("{word} = 3 {word}_ = 5 + 0*v") } else { String::new() }
            )
        };
        for (is, was) in [("parameter", ""), ("state", &*format!("{word} = 3 {word}_ = 5")), ("assigned", "")]
        {
            let (_, d) = of(&source(is, was));
            let mut place = Place::at(-40.0).with("Ca", 4.0).with("I_Ca", -10.0);
            let starts: Vec<f64> =
                d.states.iter().map(|s| place.node(&d, s.initial.expect("a beginning"))).collect();
            for (state, start) in d.states.iter().zip(starts) {
                place.values.insert(Box::leak(state.name.clone().into_boxed_str()), start);
            }
            // 53 + 2*-40 + 10 pA / 500 um2 in mA/cm2 + 4
            close(place.current(&d), (53.0 - 80.0 + 10.0 / 500.0 / 10.0 + 4.0) * -10.0);
        }
    }
}

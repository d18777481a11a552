//! Values of variables that the file does not assign, or assigns only in some cases.

mod common;

use common::{POTENTIALS, Place, close, of};

/// Returns the current of a mechanism with these blocks, in nA.
fn current(blocks: &str, v: f64) -> f64 {
    let (_, d) =
        of(&format!("NEURON {{ POINT_PROCESS x NONSPECIFIC_CURRENT i }} ASSIGNED {{ v i a b c }} {blocks}"));
    let mut place = Place::at(v);
    for state in &d.states {
        let start = state.initial.map_or(0.0, |id| place.node(&d, id));
        place.values.insert(Box::leak(state.name.clone().into_boxed_str()), start);
    }
    -place.current(&d) / 1e3
}

fn notes(blocks: &str) -> Vec<String> {
    of(&format!("NEURON {{ POINT_PROCESS x NONSPECIFIC_CURRENT i }} ASSIGNED {{ v i a b c }} {blocks}"))
        .0
        .notes
}

#[test]
fn assigned_variables_are_0_in_initial() {
    let blocks = "STATE { m } INITIAL { m = 3 + a b = a + 2 a = 7 m = m + a } BREAKPOINT { i = m + 10*b + 100*c c = 3 }";
    let error = dendrion_nmodl::read(&format!(
        "NEURON {{ SUFFIX x NONSPECIFIC_CURRENT i }} ASSIGNED {{ i a b c }} {blocks}"
    ));
    assert!(error.unwrap_err().message.contains("its value from the previous step"));
    assert_eq!(current(&blocks.replace("c = 3", ""), 0.0), 30.0);
    assert!(
        notes(&blocks.replace("c = 3", ""))
            .iter()
            .any(|n| n.contains("'a' is read before it is assigned; its value is 0"))
    );
    // If a condition in INITIAL does not hold, the variable remains 0.
    let blocks = "INITIAL { if (v > 0) { a = 3 } } BREAKPOINT { i = a }";
    assert_eq!((current(blocks, 1.0), current(blocks, -1.0)), (3.0, 0.0));
    // The same applies to a LOCAL variable of the file.
    assert_eq!(current("LOCAL q STATE { m } INITIAL { m = 5 + q q = 3 } BREAKPOINT { i = m + q }", 0.0), 8.0);
}

#[test]
fn what_is_not_finite_in_initial_matters_only_where_it_is_used() {
    let blocks = "STATE { m } PROCEDURE rates() { b = 3800/a m = 2 } INITIAL { rates() c = b + 1 }
                  BREAKPOINT { a = 2 rates_() i = m + b } PROCEDURE rates_() { b = 3800/a }";
    assert_eq!(current(blocks, 0.0), 1902.0);
}

#[test]
fn what_is_never_assigned_is_a_parameter() {
    let source = "NEURON { SUFFIX x NONSPECIFIC_CURRENT i RANGE e } ASSIGNED { v e (mV) unused i } BREAKPOINT { i = v - e }";
    let (mechanism, d) = of(source);
    let e = d.parameter("e").unwrap();
    assert_eq!((e.default, e.unit.text.as_str(), d.parameters.len()), (Some(0.0), "mV", 1));
    close(Place::at(-60.0).with("e", -70.0).current(&d), -100.0);
    assert_eq!(mechanism.notes, ["line 1: 'e' is never assigned; it becomes a parameter with default 0"]);
}

#[test]
fn what_initial_makes_of_v_stays_as_it_was() {
    let (mechanism, d) = of("NEURON { SUFFIX x NONSPECIFIC_CURRENT i } ASSIGNED { v start i } STATE { m }
         INITIAL { m = v + 1 start = v*m } BREAKPOINT { i = v - start }");
    close(Place::at(-60.0).beginning(&d, "start"), -60.0 * -59.0);
    let later = Place::at(-20.0).with("start", 7.0).with("m", 0.0);
    close(later.current(&d), 270.0);
    close(later.rate(&d, "start"), 0.0);
    assert!(mechanism.notes.iter().any(|n| n.contains("'start' keeps its value from INITIAL")));
}

/// Conditions and the resulting functions of V. Each example covers all cases in a different way.
#[test]
fn conditions_that_cover_all_cases() {
    type Case = (&'static str, fn(f64) -> f64);
    let cases: [Case; 8] = [
        ("if (v < -50) { a = 1 } else if (v >= -50) { a = 2 }", |v| if v < -50.0 { 1.0 } else { 2.0 }),
        ("if (v < -50) { a = 1 } if (v >= -50) { a = 2 }", |v| if v < -50.0 { 1.0 } else { 2.0 }),
        ("if (v < -60) { a = 1 } else if (v >= -60 && v <= 0) { a = v } else if (v > 0) { a = 3 }", |v| {
            match v {
                v if v < -60.0 => 1.0,
                v if v <= 0.0 => v,
                _ => 3.0,
            }
        }),
        ("if (v == -50) { a = 1 } if (v != -50) { a = 2 }", |v| if v == -50.0 { 1.0 } else { 2.0 }),
        ("if (-50 > v) { a = 1 } else { if (!(v < -50)) { a = 2 } }", |v| if v < -50.0 { 1.0 } else { 2.0 }),
        ("b = v*2 if (b < v) { a = 1 } if (v <= b) { a = 2 }", |v| if 2.0 * v < v { 1.0 } else { 2.0 }),
        (
            "if (v < 0) { if (v < -55) { a = 1 } else if (v >= -55) { a = 2 } } else if (v >= 0) { a = 3 }",
            |v| match v {
                v if v < -55.0 => 1.0,
                v if v < 0.0 => 2.0,
                _ => 3.0,
            },
        ),
        ("if (v < 0) { a = 1 } else if (v > 0) { a = 2 } if (v == 0) { a = 3 }", |v| match v {
            v if v < 0.0 => 1.0,
            v if v > 0.0 => 2.0,
            _ => 3.0,
        }),
    ];
    for (statements, expected) in cases {
        for v in POTENTIALS {
            close(current(&format!("BREAKPOINT {{ {statements} i = a }}"), v), expected(v));
            let function =
                statements.replace("a =", "f =").replace('v', "x").replace("b = x*2", "LOCAL b b = x*2");
            close(
                current(&format!("FUNCTION f(x) {{ {function} }} BREAKPOINT {{ i = f(v) }}"), v),
                expected(v),
            );
        }
    }
}

/// A block can change v and the variables read from an ion. Each block begins with the external value.
#[test]
fn what_is_read_of_an_ion_changes_within_a_block() {
    let (_, d) = of("NEURON { SUFFIX x USEION k READ ek WRITE ik } ASSIGNED { v ek ik } STATE { m }
         INITIAL { ek = -100 m = ek } DERIVATIVE s { m' = ek*v v = 3 ek = 1 }
         BREAKPOINT { if (ek < -80) { ek = -80 } v = v + 1 SOLVE s ik = v - ek }");
    let place = Place::at(-60.0).with("ek", -90.0).with("m", 0.0);
    close(place.beginning(&d, "m"), -100.0);
    close(place.rate(&d, "m"), -90.0 * -60.0);
    close(place.current(&d), -10.0 * (-59.0 + 80.0));
    close(place.with("ek", -70.0).current(&d), -10.0 * (-59.0 + 70.0));
}

/// DERIVATIVE may read variables that BREAKPOINT assigns after SOLVE.
#[test]
fn what_is_solved_reads_what_breakpoint_assigns() {
    let (_, d) = of("NEURON { SUFFIX x USEION k READ ek WRITE ik } ASSIGNED { v ek ik g } STATE { m }
         DERIVATIVE s { m' = -ik*2 } BREAKPOINT { SOLVE s METHOD cnexp g = 3*m ik = g*(v - ek) }");
    let place = Place::at(-60.0).with("ek", -90.0).with("m", 0.5);
    close(place.rate(&d, "m"), -1.5 * 30.0 * 2.0);
}

#[test]
fn c_that_does_nothing_and_functions_for_their_effects() {
    let blocks = "VERBATIM
            #include <stdlib.h> /* for
               free */
        ENDVERBATIM
        PROCEDURE p() { a = 3 VERBATIM return 0; ENDVERBATIM }
        FUNCTION set(x) { VERBATIM /* b = 100; */ ENDVERBATIM b = x printf(\"%g\", b) }
        INITIAL { VERBATIM
            // nothing
        ENDVERBATIM }
        BREAKPOINT { p() set(4) i = a + b VERBATIM fprintf(stderr, \"%g\\n\", i); ENDVERBATIM }";
    assert_eq!(current(blocks, 0.0), 7.0);
    let (_, d) = of("NEURON { THREADSAFE a, b SUFFIX x USEION ca READ cai WRITE cai } STATE { cai }
         INITIAL { VERBATIM cai = _ion_cai; ENDVERBATIM } BREAKPOINT { SOLVE s } DERIVATIVE s { cai' = 1e-4 - cai }");
    close(Place::at(0.0).beginning(&d, "cai"), 5e-5);
}

/// The colon of an ontology term does not begin a comment.
#[test]
fn terms_of_ontologies() {
    for term in ["CHEBI:29101", "NCIT:C17145", "[CHEBI:29101]", "a.b-c:d_1.2"] {
        let (_, d) = of(&format!(
            "NEURON {{ SUFFIX x REPRESENTS {term} USEION ca READ cai REPRESENTS {term} VALENCE 2 USEION k REPRESENTS {term} WRITE ik }}
             BREAKPOINT {{ ik = cai }}"
        ));
        close(Place::at(0.0).with("Ca", 2.0).current(&d), -20.0);
    }
}

/// Lines may end with LF, CR LF or CR.
#[test]
fn line_ends() {
    let source = include_str!("mod/squid.mod");
    let expected = dendrion_nmodl::read(source).unwrap();
    for end in ["\r\n", "\r"] {
        assert_eq!(dendrion_nmodl::read(&source.replace('\n', end)).unwrap(), expected);
    }
    assert_eq!(dendrion_nmodl::read(&format!("\u{feff}{source}")).unwrap(), expected);
}

//! Units as texts.

use dendrion_language::syntax::Statement;
use dendrion_language::{Dimension, Unit, UnitText, Written, define, parse, unit_text};
use proptest::prelude::*;

fn unit(text: &str) -> UnitText {
    unit_text(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Checks that two texts denote the same unit.
fn alike(a: &str, b: &str) {
    let (x, y) = (unit(a), unit(b));
    assert_eq!((x.exponents, x.tens), (y.exponents, y.tens), "{a} and {b}");
}

#[test]
fn units_are_converted_to_the_si() {
    assert_eq!((unit("mV").exponents, unit("mV").tens), ([60, 120, -180, -60, 0, 0], -3.0));
    assert_eq!((unit("uM").exponents, unit("uM").tens), ([0, -180, 0, 0, 0, 60], -3.0));
    assert_eq!((unit("uS/cm2").exponents, unit("uS/cm2").tens), ([-60, -240, 180, 120, 0, 0], -2.0));
    assert_eq!((unit("pA ms^1/2").exponents, unit("pA ms^1/2").tens), ([0, 0, 30, 60, 0, 0], -13.5));
    alike("ohm", "V/A");
    alike("J/mol", "V C/mol");
    alike("mol/L", "M");
    alike("nS mV", "pA");
}

#[test]
fn factors_keep_their_prefixes() {
    let factors: Vec<_> =
        unit("\u{b5}S/cm2").factors.iter().map(|f| (f.prefix, f.tens, f.symbol, f.power)).collect();
    assert_eq!(factors, [("u", -6, "S", 60), ("c", -2, "m", -120)]);
}

/// Spellings that one of two earlier parsers rejected.
#[test]
fn spellings_are_alike() {
    for (a, b) in [
        ("", "1"),
        ("  ", "1"),
        ("/ms", "1/ms"),
        ("*ms", "ms"),
        ("1 mV", "mV"),
        ("1mV", "mV"),
        ("mV 1", "mV"),
        ("1.0/ms", "1/ms"),
        ("1^2 mV", "mV"),
        ("mV\nms", "mV ms"),
        ("mV\n", "mV"),
        ("ms ^ 2", "ms2"),
        ("ms^- 1", "1/ms"),
        ("ms**-1", "1/ms"),
        ("ms^0", "1"),
        ("ms^12", "ms^6 ms^6"),
        ("ms^02", "ms2"),
        ("um^0.5 um^1/2", "um"),
        ("mV2^2", "mV^4"),
        ("mV2^1/2", "mV"),
        ("ms^4/2", "ms2"),
        ("1/mV/ms", "mV^-1 ms^-1"),
        ("1/mV ms", "ms/mV"),
        ("\u{3bc}m", "um"),
    ] {
        alike(a, b);
    }
}

#[test]
fn other_texts_are_explained() {
    let expected = "expected a unit such as mV, uS/cm2 or 1/ms";
    for text in [
        "5 mV",
        "10",
        "11",
        "12",
        "mV/",
        "mV//ms",
        "nS)",
        "(ms)",
        "ms^",
        "ms^x",
        "ms^1/0",
        "ms^0/0",
        "ms^-0/0",
        "1^0/0",
        "ms^1/7",
        "ms^0.33",
        "ms^1e9",
        "mV # potential",
        "mV-1",
        "\u{b0}C",
        "mV, ms",
        "ms^0.5/2",
        "mV 2",
    ] {
        assert_eq!(unit_text(text).expect_err(text).message, expected, "{text}");
    }
    let long = "V^99 ".repeat(101);
    assert!(unit_text(&long).is_err() && unit_text("mV^99 mV^99").is_err());
    for (text, message) in [
        ("mv", "'mv' is not a unit; did you mean 'mV'?"),
        ("mW", "'mW' is not a unit; expected one of 22 names, such as mV, ms, pA, nA, uA, nS, uS, mS"),
        ("cm2ms", "'cm2ms' is not a unit; did you mean 'cm2'?"),
        ("mV4", "'mV4' is not a unit; did you mean 'mV'?"),
    ] {
        assert_eq!(unit_text(text).expect_err(text).message, message);
    }
}

/// Returns the unit of a declaration with this annotation.
fn annotation(text: &str) -> Written {
    let syntax = parse(&format!("x : {text}")).unwrap_or_else(|error| panic!("{error}"));
    let [Statement::Declare { unit, .. }] = syntax.statements.as_slice() else { panic!("{text}") };
    unit.unit.clone()
}

#[test]
fn annotations_accept_the_same_units() {
    for text in [
        "1",
        "/ms",
        "*ms",
        "1 mV",
        "mV 1",
        "1.0/ms",
        "1^2 mV",
        "ms ^ 2",
        "ms^- 1",
        "ms**-1",
        "ms^0",
        "ms^12",
        "pA ms^1/2",
        "mV^0.5",
        "um^0.5 um^1/2",
        "mV2^1/2",
        "ms^4/2",
        "1/mV/ms",
        "nS ms^-1/3",
        "V^1/2",
        "m^2/3",
    ] {
        let found = annotation(text);
        let again = if found.text.is_empty() { "1" } else { &found.text };
        assert_eq!(annotation(again), found, "{text}");
        alike(text, &found.text);
        let coherent = found.unit.dimension.to_string();
        let coherent = if coherent == "a pure number" { "" } else { &coherent };
        let (a, b) = (unit(text), unit(coherent));
        assert_eq!(a.exponents, b.exponents, "{text}");
        let factor = found.unit.coherent(1.0);
        assert!((10_f64.powf(a.tens - b.tens) / factor - 1.0).abs() < 1e-12, "{text}: {factor}");
    }
    assert_eq!(annotation("/ms").text, "1/ms");
    assert_eq!(annotation("mV/mV").text, "");
    assert_eq!(annotation("V^1/2").unit.coherent(2.0), 2.0 * 10_f64.powf(1.5));
    let error = parse("x : ms^0/0").unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.column),
        (
            "unexpected '0'; expected an exponent of the unit: an integer or a simple fraction from -100 to 100",
            8
        )
    );
    let error = parse("x : mV^99 mV^99").unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.length),
        (
            "this unit is too large or too small; expected exponents of at most 100 and powers of ten of at most 300",
            11
        )
    );
}

#[test]
fn numbers_accept_decimal_exponents() {
    let text = "I = g * where(p > 0, V, 0) : pA; g = 1 nS\np = 5 s^0.5; q = 5 ms^-0.5; r = 3 ms^0";
    let definition = define(text).unwrap_or_else(|error| panic!("{error}"));
    let parameters: Vec<_> =
        definition.parameters.iter().skip(1).map(|p| (p.unit.text.as_str(), p.default)).collect();
    assert_eq!(parameters, [("s^0.5", Some(5.0)), ("ms^-0.5", Some(5.0)), ("", Some(3.0))]);
    // In an expression, a slash is a division.
    let definition = define("x = 5 mV^1/2; I = x * 1 nS : pA").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(definition.parameters[0].default, Some(2.5));
}

#[test]
fn exponents_of_expressions_are_limited() {
    let error = define("I = V * 1 nS : pA\na = V^60; b = a*a").unwrap_err();
    assert_eq!(error.message, "this expression is in mV^120; expected a unit with exponents of at most 100");
    let error = define("I = V * 1 nS : pA\na = V^101").unwrap_err();
    assert_eq!(error.message, "this expression is in mV^101; expected a unit with exponents of at most 100");
}

#[test]
fn dimensions_are_written_as_units() {
    let potential = |exponent: f64| Dimension::POTENTIAL.power(exponent).map(|d| d.to_string());
    for (exponent, text) in [
        (2.0, "mV2"),
        (3.0, "mV3"),
        (4.0, "mV^4"),
        (0.5, "mV^0.5"),
        (1.5, "mV^1.5"),
        (0.05, "mV^0.05"),
        (1.0 / 3.0, "mV^1/3"),
        (5.0 / 12.0, "mV^5/12"),
        (-1.0, "1/mV"),
        (-4.0, "1/mV^4"),
        (-2.0 / 3.0, "1/mV^2/3"),
        (100.0, "mV^100"),
    ] {
        assert_eq!(potential(exponent).as_deref(), Some(text));
    }
}

proptest! {
    #[test]
    fn written_dimensions_are_read_as_the_same_dimensions(parts in proptest::collection::vec(-6000..=6000_i32, 6)) {
        let symbols = ["mV", "ms", "pA", "um", "mM", "K"];
        let mut dimension = Dimension::ONE;
        let mut plain = vec![String::from("1")];
        for (symbol, parts) in symbols.into_iter().zip(parts) {
            // Half of the exponents are small or 0, as in real units.
            let parts = if parts % 2 == 0 { parts } else { parts / 30 * [0, 10, 12, 15, 60][(parts.abs() % 5) as usize] / 60 };
            let of = Unit::named(symbol).map(|unit| unit.dimension).unwrap_or_default();
            dimension = dimension * of.power(f64::from(parts) / 60.0).unwrap_or_default();
            plain.push(format!("{symbol}^{parts}/60"));
        }
        prop_assume!(dimension != Dimension::ONE);
        let text = dimension.to_string();
        prop_assert_eq!(annotation(&text).unit, Unit::coherent_of(dimension), "{}", text);
        // The powers of ten of units in the SI are limited.
        if let Ok(expected) = unit_text(&plain.join(" ")) {
            let found = unit_text(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!((found.exponents, found.tens), (expected.exponents, expected.tens), "{}", text);
        }
    }
}

//! Units as texts.

use dendrion_language::{UnitText, unit_text};

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
        ("mW", "'mW' is not a unit; expected one of 22 names, such as: mV, ms, pA, nA, uA, nS, uS, mS"),
        ("cm2ms", "'cm2ms' is not a unit; did you mean 'cm2'?"),
        ("mV4", "'mV4' is not a unit; did you mean 'mV'?"),
    ] {
        assert_eq!(unit_text(text).expect_err(text).message, message);
    }
}

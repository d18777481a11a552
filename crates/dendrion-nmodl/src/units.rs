//! Translates NMODL's units to those of the equation language.

use std::collections::HashMap;

use dendrion_language::Unit;

/// NMODL's unit names, each with its name in the equation language. Empty names are pure numbers.
const WORDS: [(&str, &str); 88] = [
    ("1", ""),
    ("degC", ""),
    ("degreeC", ""),
    ("celsius", ""),
    ("V", "V"),
    ("volt", "V"),
    ("mV", "mV"),
    ("millivolt", "mV"),
    ("uV", "uV"),
    ("microvolt", "uV"),
    ("A", "A"),
    ("amp", "A"),
    ("mA", "mA"),
    ("milliamp", "mA"),
    ("milliampere", "mA"),
    ("uA", "uA"),
    ("microamp", "uA"),
    ("nA", "nA"),
    ("nanoamp", "nA"),
    ("pA", "pA"),
    ("picoamp", "pA"),
    ("S", "S"),
    ("siemens", "S"),
    ("mho", "S"),
    ("mS", "mS"),
    ("millisiemens", "mS"),
    ("mmho", "mS"),
    ("millimho", "mS"),
    ("uS", "uS"),
    ("microsiemens", "uS"),
    ("umho", "uS"),
    ("micromho", "uS"),
    ("nS", "nS"),
    ("nanosiemens", "nS"),
    ("nmho", "nS"),
    ("nanomho", "nS"),
    ("pS", "pS"),
    ("picosiemens", "pS"),
    ("pmho", "pS"),
    ("picomho", "pS"),
    ("M", "M"),
    ("molar", "M"),
    ("mM", "mM"),
    ("milliM", "mM"),
    ("millimolar", "mM"),
    ("uM", "uM"),
    ("microM", "uM"),
    ("micromolar", "uM"),
    ("nM", "nM"),
    ("nanomolar", "nM"),
    ("um", "um"),
    ("micron", "um"),
    ("micrometer", "um"),
    ("nm", "nm"),
    ("nanometer", "nm"),
    ("mm", "mm"),
    ("millimeter", "mm"),
    ("cm", "cm"),
    ("centimeter", "cm"),
    ("meter", "m"),
    ("ms", "ms"),
    ("msec", "ms"),
    ("millisec", "ms"),
    ("millisecond", "ms"),
    ("s", "s"),
    ("sec", "s"),
    ("second", "s"),
    ("us", "us"),
    ("microsec", "us"),
    ("Hz", "Hz"),
    ("hertz", "Hz"),
    ("kHz", "kHz"),
    ("mol", "mol"),
    ("mole", "mol"),
    ("coul", "C"),
    ("coulomb", "C"),
    ("F", "F"),
    ("farad", "F"),
    ("uF", "uF"),
    ("microfarad", "uF"),
    ("nF", "nF"),
    ("pF", "pF"),
    ("ohm", "ohm"),
    ("kohm", "kohm"),
    ("kiloohm", "kohm"),
    ("Mohm", "Mohm"),
    ("megohm", "Mohm"),
    ("K", "K"),
];

/// Maximum number of factors in a unit.
const MOST: usize = 6;
/// Maximum depth of unit definitions that refer to other units of the file.
const STEPS: usize = 4;

/// The translation of a unit to the equation language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Translated {
    /// A pure number.
    Pure,
    /// A unit as written after a number: `S/cm2`, `/ms`.
    Unit(String),
    /// A unit that the equation language does not have.
    Unknown,
}

impl Translated {
    /// Returns the text of the unit, which is empty for pure numbers.
    pub(crate) fn text(&self) -> &str {
        if let Self::Unit(text) = self { text } else { "" }
    }
}

/// Translates a unit.
pub(crate) fn translate(text: &str, own: &HashMap<&str, &str>) -> Translated {
    let mut unit = Unit::ONE;
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for (i, part) in text.split('/').enumerate() {
        for factor in part.split(['-', ' ', '*', '\t']).filter(|f| !f.is_empty()) {
            let Some((word, power)) = translate_factor(factor, own) else { return Translated::Unknown };
            let (Some(base), false) = (Unit::named(word), word.is_empty()) else { continue };
            let written = match power {
                1 => word.to_string(),
                2 | 3 => format!("{word}{power}"),
                _ => format!("{word}^{power}"),
            };
            if i == 0 {
                unit = unit * base.power(power);
                above.push(written);
            } else {
                unit = unit / base.power(power);
                below.push(written);
            }
        }
    }
    let size = unit.coherent(1.0);
    if above.len() + below.len() > MOST || !size.is_finite() || size == 0.0 {
        return Translated::Unknown;
    }
    if above.is_empty() && below.is_empty() {
        return Translated::Pure;
    }
    let mut text = above.join("*");
    for factor in below {
        text.push('/');
        text.push_str(&factor);
    }
    // Without a preceding number, V and C would be read as the potential and the capacitance.
    let clashes = bare_words(&text).any(|word| word == "V" || word == "C");
    if clashes { Translated::Unknown } else { Translated::Unit(text) }
}

/// Translates a factor to a word of the equation language and its power.
fn translate_factor(factor: &str, own: &HashMap<&str, &str>) -> Option<(&'static str, i32)> {
    if factor == "1" {
        return Some(("", 1));
    }
    let letters = factor.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = factor.get(letters.len()..).unwrap_or("");
    let power = if digits.is_empty() { 1 } else { digits.parse().ok().filter(|p| (1..=9).contains(p))? };
    let mut word = letters.strip_suffix('^').unwrap_or(letters);
    for _ in 0..STEPS {
        let plural = word.strip_suffix('s').unwrap_or(word);
        if let Some((_, known)) = WORDS.iter().find(|(w, _)| *w == word || *w == plural) {
            return Some((known, power));
        }
        word = own.get(word)?;
    }
    None
}

/// Returns the words of a unit that could be read as names. A word directly after the number cannot.
pub(crate) fn bare_words(text: &str) -> impl Iterator<Item = &str> {
    let leads = !text.starts_with('/');
    text.split(['/', '*'])
        .filter(|w| !w.is_empty())
        .skip(usize::from(leads))
        .map(|w| w.split('^').next().unwrap_or(w))
}

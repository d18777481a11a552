//! Translates NMODL's units to those of the equation language.

use std::collections::HashMap;

use dendrion_language::syntax::{Id, Syntax};
use dendrion_language::{Binary, Unit, Written};

use crate::error::Span;

/// NMODL's unit names, each with its name in the equation language. An empty name denotes a pure number.
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

/// A power of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Factor {
    word: &'static str,
    power: i32,
}

impl Factor {
    fn text(self) -> String {
        match self.power {
            1 => self.word.to_string(),
            2 | 3 => format!("{}{}", self.word, self.power),
            power => format!("{}^{power}", self.word),
        }
    }

    fn unit(self) -> Unit {
        Unit::named(self.word).unwrap_or(Unit::ONE).power(self.power)
    }
}

/// A unit of the equation language: a product of units, divided by other units. Without factors, it is a pure
/// number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Product {
    above: Vec<Factor>,
    below: Vec<Factor>,
}

impl Product {
    /// Returns a unit with this name, such as `mA/cm2`. Any other text results in a pure number.
    pub(crate) fn named(text: &str) -> Self {
        translate(text, &HashMap::new()).unwrap_or_default()
    }

    pub(crate) fn is_pure(&self) -> bool {
        self.above.is_empty() && self.below.is_empty()
    }

    /// Returns the unit as it is written after a colon; empty for pure numbers.
    pub(crate) fn written(&self) -> Written {
        let unit = |factors: &[Factor]| factors.iter().fold(Unit::ONE, |unit, f| unit * f.unit());
        let above: Vec<String> = self.above.iter().map(|f| f.text()).collect();
        let below = self.below.iter().flat_map(|f| ["/".to_string(), f.text()]);
        let text: String = [above.join("*")].into_iter().chain(below).collect();
        Written::new(&text, unit(&self.above) / unit(&self.below))
    }

    /// Returns whether the equation language supports the unit.
    fn is_supported(&self) -> bool {
        // Without a preceding number, V and C would be read as the potential and the capacitance.
        let clashes = self.bare_words().any(|word| word == "V" || word == "C");
        self.above.len() + self.below.len() <= MOST && self.written().unit.is_in_range() && !clashes
    }

    /// Returns whether a number in this unit is finite in coherent units.
    pub(crate) fn fits(&self, value: f64) -> bool {
        self.above.first().is_none_or(|leading| leading.unit().coherent(value).is_finite())
    }

    /// Returns the words that could be read as names. The word directly after a number cannot be read as a
    /// name.
    pub(crate) fn bare_words(&self) -> impl Iterator<Item = String> {
        let factors = self.above.iter().skip(1).chain(&self.below);
        factors.map(|f| if matches!(f.power, 2 | 3) { f.text() } else { f.word.to_string() })
    }

    /// Adds a number with this unit to a syntax tree.
    pub(crate) fn quantity(&self, syntax: &mut Syntax, value: f64, span: Span) -> Id {
        let leading = self.above.first().map(|f| Written { text: f.text(), unit: f.unit() });
        let mut found = syntax.number(value, leading.unwrap_or_default(), span);
        let above = self.above.iter().skip(1).map(|f| (Binary::Mul, f));
        for (operator, factor) in above.chain(self.below.iter().map(|f| (Binary::Div, f))) {
            let unit = if matches!(factor.power, 1..=3) {
                syntax.name(factor.text(), span)
            } else {
                let base = syntax.name(factor.word, span);
                let power = syntax.number(f64::from(factor.power), Written::default(), span);
                syntax.apply(Binary::Pow.into(), vec![base, power], span)
            };
            found = syntax.apply(operator.into(), vec![found, unit], span);
        }
        found
    }
}

/// Translates a unit. Returns `None` if the equation language does not support the unit.
pub(crate) fn translate(text: &str, own: &HashMap<&str, &str>) -> Option<Product> {
    let mut product = Product::default();
    for (i, part) in text.split('/').enumerate() {
        for factor in part.split(['-', ' ', '*', '\t']).filter(|f| !f.is_empty()) {
            let (word, power) = translate_factor(factor, own)?;
            if !word.is_empty() {
                let side = if i == 0 { &mut product.above } else { &mut product.below };
                side.push(Factor { word, power });
            }
        }
    }
    product.is_supported().then_some(product)
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

#[cfg(test)]
mod tests {
    use dendrion_language::{parse, syntax::Statement};

    use super::{Factor, Product, WORDS};

    /// Checks that the language reads a unit as it is written after a colon.
    fn check(product: &Product) {
        let written = product.written();
        let text = if written.text.is_empty() { "1" } else { &written.text };
        let syntax = parse(&format!("x : {text}")).unwrap_or_else(|error| panic!("{error}"));
        let [Statement::Declare { unit, .. }] = syntax.statements.as_slice() else { panic!("{text}") };
        assert_eq!(unit.unit, written);
    }

    #[test]
    fn written_units_are_read_as_the_same_units() {
        check(&Product::default());
        for (_, word) in WORDS.iter().filter(|(_, word)| !word.is_empty()) {
            for power in 1..=9 {
                let (factor, ms) = (Factor { word, power }, Factor { word: "ms", power: 1 });
                for (above, below) in [
                    (vec![factor], vec![]),
                    (vec![], vec![factor]),
                    (vec![], vec![factor, ms]),
                    (vec![ms, factor], vec![factor, ms]),
                ] {
                    // Powers outside the limits of the language are not translated.
                    let product = Product { above, below };
                    if product.is_supported() {
                        check(&product);
                    }
                }
            }
        }
        for text in ["/ms", "1/ms", "mA/cm2", "/mM2-ms", "um4"] {
            assert!(!Product::named(text).is_pure());
            check(&Product::named(text));
        }
        assert_eq!(Product::named("/ms").written().text, "1/ms");
    }
}

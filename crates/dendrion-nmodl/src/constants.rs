//! Physical constants that UNITS blocks can name: `FARADAY = (faraday) (coulomb)`.

/// The accepted constants and units, for error messages.
pub(crate) const KNOWN: &str = "(faraday), (k-mole), (k), (e), (mole) or (pi), in units made of coulomb, joule, volt, amp, sec, mole and degC";

/// Names of constants, with their values in units made of coulomb, joule and degC.
const NATURE: [(&str, f64); 7] = [
    ("faraday", 96_485.332_123_310_01),
    ("k", 1.380_649e-23),
    ("boltzmann", 1.380_649e-23),
    ("e", 1.602_176_634e-19),
    ("mole", 6.022_140_76e23),
    ("avogadro", 6.022_140_76e23),
    ("pi", std::f64::consts::PI),
];

const UNITS: [&str; 22] = [
    "coulomb", "coul", "C", "joule", "J", "volt", "V", "amp", "A", "sec", "s", "mole", "mol", "degC", "degK",
    "kelvin", "K", "liter", "meter", "m", "eq", "1",
];

const PREFIXES: [(&str, f64); 12] = [
    ("kilo", 1e3),
    ("milli", 1e-3),
    ("micro", 1e-6),
    ("nano", 1e-9),
    ("pico", 1e-12),
    ("centi", 1e-2),
    ("k", 1e3),
    ("m", 1e-3),
    ("u", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
    ("c", 1e-2),
];

/// Returns the value of a constant in `unit`, or `None` if the constant or the unit is unknown.
pub(crate) fn value(constant: &str, unit: &str) -> Option<f64> {
    let of = product(constant, |word| NATURE.iter().find(|(name, _)| *name == word).map(|(_, v)| *v))?;
    let size = product(unit, size)?;
    let found = of / size;
    found.is_finite().then_some(found)
}

/// Returns the size of a unit in coulomb, joule, volt and so on.
fn size(word: &str) -> Option<f64> {
    let known =
        |word: &str| UNITS.contains(&word) || word.strip_suffix('s').is_some_and(|w| UNITS.contains(&w));
    if known(word) {
        return Some(1.0);
    }
    PREFIXES
        .iter()
        .find_map(|(prefix, size)| word.strip_prefix(prefix).filter(|rest| known(rest)).map(|_| *size))
}

/// Evaluates a product of numbers and words such as `10000 coulomb`, `k-mole` or `joule/degC`. Factors after `/`
/// are in the denominator.
fn product(text: &str, value: impl Fn(&str) -> Option<f64>) -> Option<f64> {
    let mut found = 1.0;
    for (i, part) in text.split('/').enumerate() {
        for word in part.split(['-', ' ', '*']).filter(|w| !w.is_empty()) {
            let one = match word.parse::<f64>() {
                Ok(number) if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') => number,
                _ => value(word)?,
            };
            found = if i == 0 { found * one } else { found / one };
        }
    }
    Some(found)
}

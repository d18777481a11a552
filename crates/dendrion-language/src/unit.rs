//! Units and dimensions.
//!
//! Numbers are stored in one coherent system of units: mV, ms, pA, um, mM and K. In this system,
//! 1 nS · 1 mV = 1 pA and 1 pA / 1 pF = 1 mV/ms, so equations need no conversion factors. Every supported unit is
//! a power of ten times a product of powers of these six units.

use std::fmt;
use std::ops::{Div, Mul};

/// Denominator of the stored exponents. 60 is divisible by 2, 3, 4, 5 and 6, so roots of these orders are exact.
pub(crate) const PARTS: i32 = 60;
/// Largest magnitude of the exponents of a unit.
pub(crate) const LARGEST: i32 = 100;
/// Largest magnitude of the power of ten of a unit, so that conversions do not overflow.
pub(crate) const MOST_TENS: i32 = 300;

/// A physical dimension: the exponents of mV, ms, pA, um, mM and K, in sixtieths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimension([i32; 6]);

impl Dimension {
    /// The dimension of pure numbers.
    pub const ONE: Self = Self([0; 6]);
    /// The dimension of potentials (mV).
    pub const POTENTIAL: Self = Self::base(0);
    /// The dimension of times (ms).
    pub const TIME: Self = Self::base(1);
    /// The dimension of currents (pA).
    pub const CURRENT: Self = Self::base(2);
    /// The dimension of lengths (um).
    pub const LENGTH: Self = Self::base(3);

    const fn base(i: usize) -> Self {
        let mut exponents = [0; 6];
        exponents[i] = PARTS;
        Self(exponents)
    }

    /// Raises the dimension to a power. Returns `None` if a resulting exponent is not a multiple of 1/60.
    pub fn power(self, exponent: f64) -> Option<Self> {
        let mut out = [0; 6];
        for (to, from) in out.iter_mut().zip(self.0) {
            let exact = f64::from(from) * exponent;
            let whole = exact.round();
            if (exact - whole).abs() > 1e-9 || whole.abs() > 1e6 {
                return None;
            }
            *to = whole as i32;
        }
        Some(Self(out))
    }

    /// Returns whether texts can contain this dimension.
    pub(crate) fn is_in_range(self) -> bool {
        self.0.iter().all(|e| e.abs() <= LARGEST * PARTS)
    }

    /// Returns the exponents of kg, m, s, A, K and mol, and the power of ten of the coherent unit relative to the
    /// product of these units, all in sixtieths.
    pub(crate) fn si(self) -> ([i32; 6], i32) {
        let (mut exponents, mut tens) = ([0; 6], 0);
        for (power, (of, ten)) in self.0.into_iter().zip(BASES_IN_SI) {
            exponents.iter_mut().zip(of).for_each(|(to, e)| *to += e * power);
            tens += ten * power;
        }
        (exponents, tens)
    }

    /// Returns "a pure number" or, for example, "in mV", for error messages.
    pub(crate) fn being(self) -> String {
        if self == Self::ONE { self.to_string() } else { format!("in {self}") }
    }

    fn combined(self, other: Self, sign: i32) -> Self {
        let mut out = self.0;
        out.iter_mut().zip(other.0).for_each(|(a, b)| *a = a.saturating_add(sign * b));
        Self(out)
    }
}

impl Mul for Dimension {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        self.combined(b, 1)
    }
}

impl Div for Dimension {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        self.combined(b, -1)
    }
}

/// For each of the units mV, ms, pA, um, mM and K: the exponents of kg, m, s, A, K and mol, and the power of ten.
const BASES_IN_SI: [([i32; 6], i32); 6] = [
    ([1, 2, -3, -1, 0, 0], -3),
    ([0, 0, 1, 0, 0, 0], -3),
    ([0, 0, 0, 1, 0, 0], -12),
    ([0, 1, 0, 0, 0, 0], -6),
    ([0, -3, 0, 0, 0, 1], 0),
    ([0, 0, 0, 0, 1, 0], 0),
];

/// Dimensions that have their own customary unit, with their exponents of mV, ms, pA, um, mM and K.
const NAMED: [(&str, [i32; 6]); 12] = [
    ("a pure number", [0, 0, 0, 0, 0, 0]),
    ("nS", [-1, 0, 1, 0, 0, 0]),
    ("pF", [-1, 1, 1, 0, 0, 0]),
    ("mV", [1, 0, 0, 0, 0, 0]),
    ("pA", [0, 0, 1, 0, 0, 0]),
    ("fC", [0, 1, 1, 0, 0, 0]),
    ("Gohm", [1, 0, -1, 0, 0, 0]),
    ("pA/um2", [0, 0, 1, -2, 0, 0]),
    ("nS/um2", [-1, 0, 1, -2, 0, 0]),
    ("pF/um2", [-1, 1, 1, -2, 0, 0]),
    ("1/ms", [0, -1, 0, 0, 0, 0]),
    ("mM/ms", [0, -1, 0, 0, 1, 0]),
];

impl fmt::Display for Dimension {
    /// Writes the dimension as a unit: `nS`, `mV/ms`, `a pure number`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponents = self.0;
        if let Some((name, _)) = NAMED.iter().find(|(_, of)| of.map(|e| e * PARTS) == exponents) {
            return f.write_str(name);
        }
        let symbols = ["mV", "ms", "pA", "um", "mM", "K"];
        let part = |(symbol, e): (&str, i32)| power_text(symbol, e.abs());
        let of_sign = |sign: i32| -> Vec<String> {
            symbols.into_iter().zip(exponents).filter(|(_, e)| e.signum() == sign).map(part).collect()
        };
        let (above, below) = (of_sign(1), of_sign(-1));
        f.write_str(&if above.is_empty() { "1".to_string() } else { above.join(" ") })?;
        below.iter().try_for_each(|part| write!(f, "/{part}"))
    }
}

/// Returns a unit with a positive exponent in sixtieths, in the notation of the language: `cm2`, `mV^4`, `ms^0.5`,
/// `um^1/3`.
fn power_text(symbol: &str, parts: i32) -> String {
    let value = f64::from(parts) / f64::from(PARTS);
    match parts {
        PARTS => symbol.to_string(),
        _ if parts == 2 * PARTS || parts == 3 * PARTS => format!("{symbol}{value}"),
        // Thirds, and fractions of thirds, have no finite decimal expansion.
        _ if parts % 3 != 0 => {
            let common = (1..=PARTS).rev().find(|n| parts % n == 0 && PARTS % n == 0).unwrap_or(1);
            format!("{symbol}^{}/{}", parts / common, PARTS / common)
        }
        _ => format!("{symbol}^{value}"),
    }
}

/// A unit: a dimension and a power of ten relative to the coherent unit of that dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// The dimension.
    pub dimension: Dimension,
    /// The power of ten of this unit relative to the coherent unit, in sixtieths.
    pub tens: i32,
}

/// Unit symbols, each with the exponents of its dimension and its power of ten relative to the coherent unit.
const SYMBOLS: [(&str, [i32; 6], i32); 14] = [
    ("V", [1, 0, 0, 0, 0, 0], 3),
    ("s", [0, 1, 0, 0, 0, 0], 3),
    ("A", [0, 0, 1, 0, 0, 0], 12),
    ("m", [0, 0, 0, 1, 0, 0], 6),
    ("M", [0, 0, 0, 0, 1, 0], 3),
    ("K", [0, 0, 0, 0, 0, 1], 0),
    ("S", [-1, 0, 1, 0, 0, 0], 9),
    ("F", [-1, 1, 1, 0, 0, 0], 12),
    ("ohm", [1, 0, -1, 0, 0, 0], -9),
    ("Hz", [0, -1, 0, 0, 0, 0], -3),
    ("C", [0, 1, 1, 0, 0, 0], 15),
    ("J", [1, 1, 1, 0, 0, 0], 18),
    ("L", [0, 0, 0, 3, 0, 0], 15),
    ("mol", [0, 0, 0, 3, 1, 0], 18),
];

const PREFIXES: [(&str, i32); 11] = [
    ("f", -15),
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("µ", -6),
    ("μ", -6),
    ("m", -3),
    ("c", -2),
    ("k", 3),
    ("M", 6),
    ("G", 9),
];

/// Units that are offered as suggestions in error messages.
pub(crate) const COMMON: [&str; 22] = [
    "mV", "ms", "pA", "nA", "uA", "nS", "uS", "mS", "pF", "uF", "um", "um2", "cm", "cm2", "Hz", "kHz", "mM",
    "uM", "nM", "Mohm", "K", "mol",
];

impl Unit {
    /// The unit of pure numbers.
    pub const ONE: Self = Self::coherent_of(Dimension::ONE);

    /// Returns the coherent unit of a dimension.
    pub const fn coherent_of(dimension: Dimension) -> Self {
        Self { dimension, tens: 0 }
    }

    /// Returns the unit with this name, such as `nS`, `cm2` or `mol`, or `None` if there is no such unit.
    pub fn named(name: &str) -> Option<Self> {
        factor_named(name).map(Factor::unit)
    }

    /// Raises the unit to an integer power.
    #[must_use]
    pub fn power(self, exponent: i32) -> Self {
        let dimension = Dimension(self.dimension.0.map(|e| e.saturating_mul(exponent)));
        Self { dimension, tens: self.tens.saturating_mul(exponent) }
    }

    /// Converts a number in this unit to coherent units.
    pub fn coherent(self, v: f64) -> f64 {
        scaled(v, self.tens)
    }

    /// Converts a number in this unit to another unit of the same dimension.
    pub fn converted(self, v: f64, to: Self) -> f64 {
        scaled(v, self.tens.saturating_sub(to.tens))
    }

    /// Returns whether the powers of ten and the exponents of the unit are within the limits of the language.
    pub fn is_in_range(self) -> bool {
        self.dimension.is_in_range() && self.tens.abs() <= MOST_TENS * PARTS
    }
}

/// Multiplies a number by a power of ten in sixtieths. Negative powers are divisions, which are exact more often than
/// products with a rounded power.
fn scaled(v: f64, tens: i32) -> f64 {
    if tens < 0 { v / ten_to(tens.saturating_neg()) } else { v * ten_to(tens) }
}

/// A factor of a unit. For `cm2` in `uS/cm2`, the prefix is c, the symbol m and the exponent -2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    /// The prefix; empty if the factor has no prefix.
    pub prefix: &'static str,
    /// The power of ten of the prefix.
    pub tens: i32,
    /// The symbol.
    pub symbol: &'static str,
    /// The exponent in sixtieths.
    pub power: i32,
}

impl Factor {
    /// Returns the unit of the factor.
    pub(crate) fn unit(self) -> Unit {
        let Some((_, exponents, tens)) = SYMBOLS.iter().find(|(s, ..)| *s == self.symbol) else {
            return Unit::ONE;
        };
        Unit {
            dimension: Dimension(exponents.map(|e| e * self.power)),
            tens: (tens + self.tens) * self.power,
        }
    }
}

/// Returns the factor with this name, such as `cm3`.
pub(crate) fn factor_named(name: &str) -> Option<Factor> {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let power = match &name[letters.len()..] {
        "" => PARTS,
        "2" => 2 * PARTS,
        "3" => 3 * PARTS,
        _ => return None,
    };
    let symbol = |name: &str| SYMBOLS.iter().map(|(s, ..)| *s).find(|s| *s == name);
    if let Some(symbol) = symbol(letters) {
        return Some(Factor { prefix: "", tens: 0, symbol, power });
    }
    let (prefix, tens, symbol) =
        PREFIXES.iter().find_map(|(p, e)| Some((*p, *e, symbol(letters.strip_prefix(p)?)?)))?;
    let is_micro = matches!(prefix, "\u{b5}" | "\u{3bc}");
    Some(Factor { prefix: if is_micro { "u" } else { prefix }, tens, symbol, power })
}

/// Returns 10 to the power of `parts` sixtieths; integer powers are correctly rounded.
pub fn ten_to(parts: i32) -> f64 {
    if parts % PARTS == 0 {
        return format!("1e{}", parts / PARTS).parse().unwrap_or(f64::NAN);
    }
    libm::pow(10.0, f64::from(parts) / f64::from(PARTS))
}

impl Mul for Unit {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        Self { dimension: self.dimension * b.dimension, tens: self.tens.saturating_add(b.tens) }
    }
}

impl Div for Unit {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        Self { dimension: self.dimension / b.dimension, tens: self.tens.saturating_sub(b.tens) }
    }
}

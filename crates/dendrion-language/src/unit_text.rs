//! Units as text, as in tables of parameters and in attributes of arrays: `mV`, `uS/cm2`, `pA ms^1/2`,
//! `1/mV`.
//!
//! A unit is a sequence of factors, each preceded by `*`, `/` or nothing. A factor is `1` or a name with an
//! exponent: `cm2`, `ms^-1`, `um^0.5`, `ms^1/2`. A slash applies only to the next factor.

use crate::error::{Span, TextError, suggestion};
use crate::lex::{Kind, LINE, Token, lex};
use crate::unit::{COMMON, Dimension, PARTS, Unit, named_parts};

/// Largest magnitude of the exponents of a unit.
const MOST: f64 = 100.0;
/// Maximum number of factors, so that sums of exponents cannot overflow.
const MOST_FACTORS: usize = 100;

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

/// A unit in SI units.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitText {
    /// The factors, except those that are 1.
    pub factors: Vec<Factor>,
    /// The exponents of kg, m, s, A, K and mol, in sixtieths.
    pub exponents: [i32; 6],
    /// The power of ten relative to the SI unit.
    pub tens: f64,
}

/// Parses a unit. An empty text denotes a pure number.
///
/// # Errors
/// Returns an error if the text is not a unit.
pub fn unit_text(text: &str) -> Result<UnitText, TextError> {
    let lexed = lex(text).map_err(|_| invalid(text, Span::new(0, text.len())))?;
    if let Some((at, _)) = lexed.comments.first() {
        return Err(invalid(text, Span::new(*at, text.len())));
    }
    let tokens: Vec<Token> =
        lexed.tokens.into_iter().filter(|token| !matches!(token.kind, LINE | Kind::End)).collect();
    let mut reader = Reader { text, tokens: &tokens, at: 0 };
    let mut found = UnitText { factors: Vec::new(), exponents: [0; 6], tens: 0.0 };
    let mut dimension = Dimension::ONE;
    let mut tens = 0;
    while reader.at < tokens.len() {
        if found.factors.len() == MOST_FACTORS {
            return Err(reader.invalid());
        }
        if let Some((factor, unit)) = reader.factor()? {
            found.factors.push(factor);
            dimension = dimension * unit.dimension.times(factor.power);
            tens += unit.exponent * factor.power;
        }
    }
    let (exponents, own) = dimension.si();
    found.exponents = exponents;
    found.tens = f64::from(tens + own) / f64::from(PARTS);
    if found.tens.abs() > 300.0 {
        return Err(invalid(text, Span::new(0, text.len())));
    }
    Ok(found)
}

fn invalid(text: &str, span: Span) -> TextError {
    TextError::new(text, span, "expected a unit such as mV, uS/cm2 or 1/ms")
}

struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
}

impl Reader<'_> {
    fn kind(&self) -> Option<Kind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn accept(&mut self, symbols: &[&str]) -> bool {
        let found = matches!(self.kind(), Some(Kind::Symbol(s)) if symbols.contains(&s));
        self.at += usize::from(found);
        found
    }

    fn invalid(&self) -> TextError {
        let end = Span::new(self.text.len(), self.text.len());
        invalid(self.text, self.tokens.get(self.at).map_or(end, |token| token.span))
    }

    /// Reads a factor. Returns `None` for 1.
    fn factor(&mut self) -> Result<Option<(Factor, Unit)>, TextError> {
        let divides = self.accept(&["/"]);
        if !divides {
            self.accept(&["*"]);
        }
        let token = self.tokens.get(self.at).copied().ok_or_else(|| self.invalid())?;
        let name = match token.kind {
            Kind::Name => Some(token.span.of(self.text)),
            Kind::Number(1.0) => None,
            _ => return Err(self.invalid()),
        };
        self.at += 1;
        let exponent = self.exponent()?;
        let Some(name) = name else { return Ok(None) };
        let Some((prefix, tens, symbol, short)) = named_parts(name) else {
            let message = format!("'{name}' is not a unit{}", suggestion(name, COMMON));
            return Err(TextError::new(self.text, token.span, message));
        };
        let power = short * if divides { -exponent } else { exponent };
        let unit = Unit::named(&format!("{prefix}{symbol}")).unwrap_or(Unit::ONE);
        Ok(Some((Factor { prefix, tens, symbol, power }, unit)))
    }

    /// Reads the exponent that may follow a name, in sixtieths.
    fn exponent(&mut self) -> Result<i32, TextError> {
        if !self.accept(&["^", "**"]) {
            return Ok(PARTS);
        }
        let sign = if self.accept(&["-"]) { -1.0 } else { 1.0 };
        let mut value = self.number()?;
        let below = self.tokens.get(self.at + 1).map(|token| token.kind);
        // `ms^1/2` is a fraction, and `ms^2/um` is not.
        if let (Some(Kind::Symbol("/")), Some(Kind::Number(_)), true) =
            (self.kind(), below, value.fract() == 0.0)
        {
            self.at += 1;
            value /= self.number()?;
        }
        let parts = sign * value * f64::from(PARTS);
        // Exponents are stored in sixtieths, so that roots of units are exact.
        if value.abs() > MOST || (parts - parts.round()).abs() > 1e-9 {
            self.at -= 1;
            return Err(self.invalid());
        }
        Ok(parts.round() as i32)
    }

    fn number(&mut self) -> Result<f64, TextError> {
        match self.kind() {
            Some(Kind::Number(v)) => {
                self.at += 1;
                Ok(v)
            }
            _ => Err(self.invalid()),
        }
    }
}

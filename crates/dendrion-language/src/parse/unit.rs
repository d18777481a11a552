//! The grammar of units, shared by the annotations of equations and by [`unit_text`](crate::unit_text()):
//!
//! ```text
//! unit     = ["*" | "/"] factor { ["*" | "/"] factor }
//! factor   = ("1" | name) [("^" | "**") exponent]
//! exponent = ["-"] number ["/" number]
//! ```
//!
//! A slash applies only to the next factor, and a factor without an operator is multiplied.

use crate::cursor::{Parsed, Parser};
use crate::error::{Span, suggestion};
use crate::lex::{Kind, Special};
use crate::unit::{COMMON, Factor, LARGEST, PARTS, Unit, factor_named};

/// Maximum number of factors, so that sums of exponents cannot overflow.
const MOST_FACTORS: usize = 100;

const EXPECTED: &str = "a unit such as mV, or 1 for a pure number";

/// A unit as a product of powers.
pub(crate) struct Product {
    /// The factors, except those that are 1.
    pub(crate) factors: Vec<Factor>,
    pub(crate) unit: Unit,
    pub(crate) span: Span,
}

/// The name of a unit with its exponent.
pub(crate) struct Power {
    pub(crate) factor: Factor,
    /// The text without spaces and comments.
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A parser of units.
pub(crate) trait Units<'t>: Parser<'t, Special = Special> {
    /// Parses a unit: `mV`, `1`, `1/ms`, `nS/um2`, `pA ms^1/2`.
    fn unit(&mut self) -> Parsed<Product> {
        let start = self.peek().span;
        let mut product = Product { factors: Vec::new(), unit: Unit::ONE, span: start };
        loop {
            let divides = self.is("/");
            self.advance(usize::from(divides || self.is("*")));
            let token = self.peek();
            match token.kind {
                Kind::Number(1.0) => {
                    self.advance(1);
                    self.unit_exponent(&mut String::new(), true)?;
                }
                Kind::Name if product.factors.len() < MOST_FACTORS => {
                    let mut factor = self.unit_power(true)?.factor;
                    factor.power *= if divides { -1 } else { 1 };
                    product.factors.push(factor);
                    product.unit = product.unit * factor.unit();
                }
                _ => return Err(self.unexpected(EXPECTED)),
            }
            product.span = start.to(self.behind().map_or(start, |token| token.span));
            let continues =
                matches!(self.peek().kind, Kind::Name | Kind::Number(1.0) | Kind::Symbol("*" | "/"));
            if !continues {
                break;
            }
        }
        if product.unit.is_in_range() {
            return Ok(product);
        }
        let message = format!(
            "this unit is too large or too small; expected exponents of at most {LARGEST} and powers of ten of at most 300"
        );
        Err(self.error(product.span, message))
    }

    /// Parses the name of a unit with an optional exponent: `cm2`, `ms^2`, `ms^-1`, `ms^0.5`, and also `ms^1/2` if
    /// `fractions` is true. In an expression, the slash after `5 ms^1` is a division.
    fn unit_power(&mut self, fractions: bool) -> Parsed<Power> {
        let token = self.next();
        let word = self.text(token.span);
        let Some(mut factor) = factor_named(word).filter(|_| token.kind == Kind::Name) else {
            let message = format!("'{word}' is not a unit{}", suggestion(word, COMMON));
            return Err(self.error(token.span, message));
        };
        let mut text = word.to_string();
        let exponent = self.unit_exponent(&mut text, fractions)?;
        factor.power = factor.power / PARTS * exponent;
        let end = self.behind().map_or(token.span, |token| token.span);
        Ok(Power { factor, text, span: token.span.to(end) })
    }

    /// Parses the exponent that may follow a factor, in sixtieths, and appends it to `text`.
    fn unit_exponent(&mut self, text: &mut String, fractions: bool) -> Parsed<i32> {
        if !(self.accept("^") || self.accept("**")) {
            return Ok(PARTS);
        }
        text.push('^');
        let sign = if self.accept("-") { -1.0 } else { 1.0 };
        if sign < 0.0 {
            text.push('-');
        }
        let Kind::Number(above) = self.peek().kind else { return Err(self.unexpected(&exponents())) };
        // `ms^1/2` is a fraction, and `ms^2/um` is not.
        let is_divided = fractions && above.fract() == 0.0 && self.ahead(1).kind == Kind::Symbol("/");
        let below = match self.ahead(2).kind {
            Kind::Number(below) if is_divided => Some(below),
            _ => None,
        };
        let value = sign * above / below.unwrap_or(1.0);
        // Exponents are stored in sixtieths, so that roots of units are exact.
        let parts = value * f64::from(PARTS);
        let is_exact = (parts - parts.round()).abs() <= 1e-9;
        // The value is NaN for `0/0`.
        if !(value.abs() <= f64::from(LARGEST) && is_exact) {
            return Err(self.unexpected(&exponents()));
        }
        for _ in 0..if below.is_some() { 3 } else { 1 } {
            let span = self.next().span;
            text.push_str(self.text(span));
        }
        Ok(parts.round() as i32)
    }
}

impl<'t, P: Parser<'t, Special = Special>> Units<'t> for P {}

fn exponents() -> String {
    format!("an exponent of the unit: an integer or a simple fraction from -{LARGEST} to {LARGEST}")
}

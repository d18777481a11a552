//! Units as text, as in tables of parameters and in attributes of arrays: `mV`, `uS/cm2`, `pA ms^1/2`,
//! `1/mV`. The grammar is that of annotations in equations (`parse/unit.rs`).

use crate::cursor::{Cursor, Parser};
use crate::error::{Span, TextError};
use crate::lex::{Kind, LINE, Special, lex};
use crate::parse::Units;
use crate::unit::{Factor, MOST_TENS, PARTS};

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
    let whole = Span::new(0, text.len());
    let mut lexed = lex(text).map_err(|_| invalid(text, whole))?;
    if let Some((at, _)) = lexed.comments.first() {
        return Err(invalid(text, Span::new(*at, text.len())));
    }
    lexed.tokens.retain(|token| token.kind != LINE);
    let mut reader = Reader { cursor: Cursor::new(text, lexed.tokens) };
    if reader.peek().kind == Kind::End {
        return Ok(UnitText { factors: Vec::new(), exponents: [0; 6], tens: 0.0 });
    }
    let product = reader.unit()?;
    if reader.peek().kind != Kind::End {
        return Err(reader.unexpected(""));
    }
    let (exponents, own) = product.unit.dimension.si();
    let tens = f64::from(product.unit.tens + own) / f64::from(PARTS);
    if tens.abs() > f64::from(MOST_TENS) {
        return Err(invalid(text, whole));
    }
    Ok(UnitText { factors: product.factors, exponents, tens })
}

fn invalid(text: &str, span: Span) -> TextError {
    TextError::new(text, span, "expected a unit such as mV, uS/cm2 or 1/ms")
}

struct Reader<'t> {
    cursor: Cursor<'t, Special>,
}

impl<'t> Parser<'t> for Reader<'t> {
    type Special = Special;

    fn cursor(&self) -> &Cursor<'t, Special> {
        &self.cursor
    }

    fn cursor_mut(&mut self) -> &mut Cursor<'t, Special> {
        &mut self.cursor
    }

    fn unexpected(&self, _: &str) -> TextError {
        invalid(self.cursor.source(), self.peek().span)
    }

    fn too_deep() -> String {
        // Units are not nested.
        String::new()
    }
}

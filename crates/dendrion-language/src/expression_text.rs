//! Expressions as text, with parentheses where precedence requires them.

use crate::function::{Binary, Function, Level, Notation};

/// An expression as text.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpressionText {
    text: String,
    level: Level,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    /// A number with a unit. It is enclosed in parentheses in products, as in `V / (1 mV)`, so that readers
    /// need not know how tightly a unit binds to its number.
    Quantity,
    /// The name of a unit. It is multiplied and divided without spaces, as in `5 mS/cm2`.
    Unit,
}

impl ExpressionText {
    /// Returns a name, or any other text that needs no parentheses.
    pub fn name(text: impl Into<String>) -> Self {
        Self { text: text.into(), level: Level::Primary, kind: Kind::Plain }
    }

    /// Returns the name of a unit.
    pub(crate) fn unit(text: impl Into<String>) -> Self {
        Self { kind: Kind::Unit, ..Self::name(text) }
    }

    /// Returns a number.
    pub fn number(value: f64) -> Self {
        let level = if value < 0.0 { Level::Sign } else { Level::Primary };
        Self { text: number(value), level, kind: Kind::Plain }
    }

    /// Returns a number with a unit.
    pub fn quantity(value: f64, unit: &str) -> Self {
        let number = Self::number(value);
        Self { text: number.text + " " + unit, kind: Kind::Quantity, ..number }
    }

    /// Applies a function.
    #[must_use]
    pub fn apply(function: Function, operands: Vec<Self>) -> Self {
        let mut operands = operands.into_iter();
        match (function.notation(), operands.len()) {
            (Notation::Prefix(symbol, level), 1) => {
                let space = if symbol.starts_with(char::is_alphabetic) { " " } else { "" };
                let operand = operands.next().map_or_else(String::new, |a| a.at(level));
                Self { text: [symbol, space, &operand].concat(), level, kind: Kind::Plain }
            }
            (Notation::Infix(symbol, level), 2) => match (operands.next(), operands.next()) {
                (Some(a), Some(b)) => a.joined((function, symbol, level), b),
                _ => Self::name(symbol),
            },
            (
                Notation::Call(name)
                | Notation::Internal(name)
                | Notation::Prefix(name, _)
                | Notation::Infix(name, _),
                _,
            ) => {
                let operands: Vec<String> = operands.map(|a| a.text).collect();
                Self::name(format!("{name}({})", operands.join(", ")))
            }
        }
    }

    fn joined(self, (function, symbol, level): (Function, &str, Level), b: Self) -> Self {
        let is_power = function == Function::Binary(Binary::Pow);
        let is_product = level == Level::Product;
        let is_tight = is_power || (is_product && b.kind == Kind::Unit);
        // Comparisons cannot be chained, and the base of a power cannot be a power.
        let is_single = is_power || level == Level::Comparison;
        let kind = match self.kind {
            Kind::Unit if is_tight => Kind::Unit,
            Kind::Quantity if is_tight && is_product => Kind::Quantity,
            _ => Kind::Plain,
        };
        let mut text = match self.kind {
            Kind::Quantity if is_power => self.enclosed(),
            _ => self.at(if is_single { level.above() } else { level }),
        };
        let b = match b.kind {
            Kind::Quantity if is_power || is_product => b.enclosed(),
            // The exponent may have a sign without parentheses.
            _ => b.at(if is_power { Level::Sign } else { level.above() }),
        };
        let space = if is_tight { "" } else { " " };
        for part in [space, symbol, space, &b] {
            text.push_str(part);
        }
        Self { text, level, kind }
    }

    fn enclosed(mut self) -> String {
        self.text.insert(0, '(');
        self.text.push(')');
        self.text
    }

    /// Returns the text of an operand, in parentheses if its precedence is lower than `level`.
    fn at(self, level: Level) -> String {
        if self.level < level { self.enclosed() } else { self.text }
    }

    /// Returns the text.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Returns the shortest text that is parsed as this number.
fn number(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-4..1e16).contains(&value.abs());
    // -0 is written as 0, because the language accepts the literal 0 in every unit.
    let value = if value == 0.0 { 0.0 } else { value };
    if is_plain { format!("{value}") } else { format!("{value:e}") }
}

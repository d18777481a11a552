//! Writes functions of `x` as text.

use crate::expression_text::ExpressionText;
use crate::function::{Binary, Function};

/// A value of a function that is being written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The argument `x`.
    X,
    /// A finite number.
    Number(f64),
    /// A function of earlier values, which are identified by their indices.
    Apply(Function, Vec<usize>),
}

/// Minimum depth at which an expression is given a name, because the parser limits the depth of expressions.
const DEEP: usize = 24;

/// The text of an expression.
#[derive(Clone)]
struct Piece {
    text: ExpressionText,
    depth: usize,
    is_condition: bool,
}

/// Returns the text of a function whose value is the last of `values`. Values that are used several times are
/// written once, as definitions `y1 = ...`. Operands come before their users; an operand that is out of range is
/// written as 0. A condition that is used as a number is converted to 1 or 0, and a number that is used as a
/// condition is true if it is not 0.
pub fn write_formula(values: &[Value]) -> String {
    let mut writer = Writer::default();
    let uses = uses(values);
    for (i, value) in values.iter().enumerate() {
        let mut piece = if uses[i] == 0 { number(0.0) } else { writer.value(value) };
        let is_last = i + 1 == values.len();
        if !is_last && piece.depth > 0 && (uses[i] > 1 || piece.depth >= DEEP) {
            piece = writer.named(piece);
        }
        writer.pieces.push(piece);
    }
    let value = values.len().checked_sub(1).map_or_else(|| number(0.0), |last| writer.number_of(last));
    writer.definitions.push(value.text.into_text());
    writer.definitions.join("\n")
}

/// Returns the number of uses of each value by the values on which the last value depends.
fn uses(values: &[Value]) -> Vec<usize> {
    let mut uses = vec![0; values.len()];
    if let Some(last) = uses.last_mut() {
        *last = 1;
    }
    for (i, value) in values.iter().enumerate().rev() {
        if let (Value::Apply(function, operands), true) = (value, uses[i] > 0) {
            for (k, operand) in operands.iter().enumerate().filter(|(_, operand)| **operand < i) {
                // A number that is used as a condition is written twice.
                let is_tested = takes_conditions(*function, k) && !is_condition(&values[*operand]);
                uses[*operand] += 1 + usize::from(is_tested);
            }
        }
    }
    uses
}

#[derive(Default)]
struct Writer {
    pieces: Vec<Piece>,
    definitions: Vec<String>,
}

impl Writer {
    /// Defines a name for an expression.
    fn named(&mut self, piece: Piece) -> Piece {
        let name = format!("y{}", self.definitions.len() + 1);
        self.definitions.push(format!("{name} = {}", piece.text.into_text()));
        Piece { text: ExpressionText::name(name), depth: 0, is_condition: piece.is_condition }
    }

    fn value(&self, value: &Value) -> Piece {
        match value {
            Value::X => Piece { text: ExpressionText::name("x"), depth: 0, is_condition: false },
            Value::Number(v) => number(*v),
            Value::Apply(function, operands) => {
                let operands = (operands.iter().enumerate())
                    .map(|(k, i)| {
                        if takes_conditions(*function, k) {
                            self.condition_of(*i)
                        } else {
                            self.number_of(*i)
                        }
                    })
                    .collect();
                applied(*function, operands)
            }
        }
    }

    fn operand(&self, i: usize) -> Piece {
        self.pieces.get(i).cloned().unwrap_or_else(|| number(0.0))
    }

    fn number_of(&self, i: usize) -> Piece {
        let piece = self.operand(i);
        if piece.is_condition {
            applied(Function::Where, vec![piece, number(1.0), number(0.0)])
        } else {
            piece
        }
    }

    fn condition_of(&self, i: usize) -> Piece {
        let piece = self.operand(i);
        if piece.is_condition {
            return piece;
        }
        // The language has no comparison for equality. NaN is not 0.
        let above = applied(Binary::GreaterEqual.into(), vec![piece.clone(), number(0.0)]);
        let below = applied(Function::LessEqual, vec![piece, number(0.0)]);
        applied(Function::Not, vec![applied(Function::And, vec![above, below])])
    }
}

fn applied(function: Function, operands: Vec<Piece>) -> Piece {
    let depth = 1 + operands.iter().map(|operand| operand.depth).max().unwrap_or(0);
    let operands = operands.into_iter().map(|operand| operand.text).collect();
    Piece { text: ExpressionText::apply(function, operands), depth, is_condition: function.is_condition() }
}

fn number(v: f64) -> Piece {
    Piece { text: ExpressionText::number(v), depth: 0, is_condition: false }
}

/// Returns whether operand `k` of a function is a condition.
const fn takes_conditions(function: Function, k: usize) -> bool {
    matches!(function, Function::And | Function::Or | Function::Not)
        || (matches!(function, Function::Where) && k == 0)
}

fn is_condition(value: &Value) -> bool {
    matches!(value, Value::Apply(function, _) if function.is_condition())
}

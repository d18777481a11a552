//! Translates expressions. Calls of routines are expanded.

use super::{Lowered, Lowerer, NOT_FINITE};
use crate::error::{Span, suggestion};
use crate::lower::slots::Held;
use crate::piece::Piece;
use crate::syntax::{Expr, Node, Operator, Routine};

/// Maximum nesting depth of an expression; deeper parts get a name.
const DEEP: usize = 30;

/// A function of one number: its name in NMODL, its name in the equation language, and its implementation.
type Function = (&'static str, &'static str, fn(f64) -> f64);
const FUNCTIONS: [Function; 7] = [
    ("exp", "exp", f64::exp),
    ("log", "log", f64::ln),
    ("log10", "log10", f64::log10),
    ("sqrt", "sqrt", f64::sqrt),
    ("fabs", "abs", f64::abs),
    ("abs", "abs", f64::abs),
    ("tanh", "tanh", f64::tanh),
];

impl<'t> Lowerer<'_, 't> {
    /// Translates an expression to the equation language.
    pub(super) fn expression(&mut self, expr: Expr) -> Lowered<Piece> {
        let file = self.file;
        let mut pieces: Vec<Option<Piece>> = Vec::new();
        for id in expr.first..=expr.root {
            let Some((node, span)) = file.nodes.get(id) else { break };
            self.spend(*span)?;
            let mut take = |id: usize| {
                id.checked_sub(expr.first).and_then(|i| pieces.get_mut(i)?.take()).unwrap_or_else(zero)
            };
            let piece = match node {
                Node::Number(value) => Some(Piece::number(*value)),
                Node::Name(name) => Some(self.read(name, *span)?),
                Node::Neg(a) => Some(take(*a).quantity().negated()),
                Node::Not(a) => Some(take(*a).contrary()),
                Node::Binary(operator, a, b) => {
                    let is_exp = matches!(file.nodes.get(*a), Some((Node::Call("exp", _), _)));
                    let (a, b) = (take(*a), take(*b));
                    match a.text.strip_prefix("exp(") {
                        // Some channels divide by this expression near 0, where exp(x) - 1 would lose precision.
                        Some(rest) if is_exp && *operator == Operator::Sub && b.constant == Some(1.0) => {
                            Some(Piece { text: format!("expm1({rest}"), ..a })
                        }
                        _ => Piece::binary(*operator, a, b),
                    }
                }
                Node::Call(name, arguments) => {
                    let arguments = arguments.iter().map(|a| take(*a).quantity()).collect();
                    Some(self.call(name, arguments, *span)?)
                }
            };
            let Some(mut piece) = piece else {
                return Err(self.error(*span, NOT_FINITE));
            };
            if piece.depth > DEEP {
                piece = self.named("part", piece, false, *span)?;
            }
            pieces.push(Some(piece));
        }
        Ok(pieces.pop().flatten().unwrap_or_else(zero))
    }

    fn call(&mut self, name: &'t str, arguments: Vec<Piece>, span: Span) -> Lowered<Piece> {
        let file = self.file;
        match file.routines.get(name) {
            Some(routine) if routine.is_function => {
                let value = self.run(routine, arguments, span, true)?;
                Ok(value.unwrap_or_else(zero))
            }
            Some(_) => {
                let message = format!("'{name}' is a PROCEDURE and returns no value; expected a FUNCTION");
                Err(self.error(span, message))
            }
            None => self.built_in(name, arguments, span),
        }
    }

    fn built_in(&mut self, name: &str, arguments: Vec<Piece>, span: Span) -> Lowered<Piece> {
        let count = arguments.len();
        let mut given = arguments.into_iter();
        let (a, b) = (given.next().unwrap_or_else(zero), given.next().unwrap_or_else(zero));
        let function = FUNCTIONS.iter().find(|(n, ..)| *n == name);
        let wanted = match (function, name) {
            (Some(_), _) | (None, "exprelr") => 1,
            (None, "pow" | "fmin" | "fmax") => 2,
            _ => return Err(self.no_function(name, span)),
        };
        if count != wanted {
            let s = if wanted == 1 { "" } else { "s" };
            return Err(self.error(span, format!("'{name}' takes {wanted} argument{s}, not {count}")));
        }
        let piece = match (function, name) {
            (Some((_, named, value)), _) => match a.constant.map(value) {
                Some(value) => value.is_finite().then(|| Piece::number(value)),
                None => Some(a.called(named)),
            },
            (_, "pow") => Piece::binary(Operator::Pow, a, b),
            (_, "exprelr") if a.constant == Some(0.0) => Some(Piece::number(1.0)),
            (_, "exprelr") if a.constant.is_some() => {
                let value = a.constant.map_or(1.0, |x| x / x.exp_m1());
                value.is_finite().then(|| Piece::number(value))
            }
            (_, "exprelr") => Piece::binary(Operator::Div, Piece::number(1.0), a.called("exprel")),
            _ => match (a.constant, b.constant, name == "fmin") {
                (Some(a), Some(b), true) => Some(Piece::number(a.min(b))),
                (Some(a), Some(b), false) => Some(Piece::number(a.max(b))),
                (_, _, true) => Some(a.called_with("min", &b)),
                (_, _, false) => Some(a.called_with("max", &b)),
            },
        };
        piece.ok_or_else(|| self.error(span, NOT_FINITE))
    }

    fn no_function(&self, name: &str, span: Span) -> crate::NmodlError {
        let lacking =
            ["sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "floor", "ceil", "fmod"];
        let expected =
            "expected exp, log, log10, sqrt, fabs, pow, tanh, fmin, fmax, exprelr or a FUNCTION of the file";
        if lacking.contains(&name) {
            let message = format!("'{name}' is not supported in the equation language; {expected}");
            return self.error(span, message);
        }
        let mut known: Vec<&str> = self.file.routines.keys().copied().collect();
        known.sort_unstable();
        let hint = suggestion(name, known.into_iter().chain(FUNCTIONS.iter().map(|(n, ..)| *n)));
        self.error(span, format!("no function is named '{name}'{hint}; {expected}"))
    }

    /// Executes a routine with its arguments, and returns its value if the value is used.
    pub(super) fn run(
        &mut self,
        routine: &Routine<'t>,
        arguments: Vec<Piece>,
        span: Span,
        is_read: bool,
    ) -> Lowered<Option<Piece>> {
        let name = routine.name.text;
        if self.calls.contains(&name) {
            return Err(self.error(span, format!("'{name}' calls itself, but recursion is not supported")));
        }
        let (wanted, count) = (routine.arguments.len(), arguments.len());
        if wanted != count {
            let s = if wanted == 1 { "" } else { "s" };
            return Err(self.error(span, format!("'{name}' takes {wanted} argument{s}, not {count}")));
        }
        let mut given = Vec::new();
        for (argument, piece) in routine.arguments.iter().zip(arguments) {
            given.push((*argument, self.named(&format!("{name}_{}", argument.text), piece, true, span)?));
        }
        self.calls.push(name);
        self.frames.push(vec![super::Scope::new()]);
        for (argument, piece) in given {
            self.local(argument, Held::Known(piece));
        }
        if routine.is_function {
            self.local(routine.name, Held::Unset);
        }
        let result = self.resolve(name);
        let done = self.deeper(span, |l| l.block(&routine.body));
        let value = match (routine.is_function, result) {
            (true, Some(slot)) if is_read => done.and_then(|()| self.read_slot(slot, name, span).map(Some)),
            _ => done.map(|()| None),
        };
        self.frames.pop();
        self.calls.pop();
        value
    }
}

/// The value used for a missing operand, which does not occur in a valid tree.
fn zero() -> Piece {
    Piece::number(0.0)
}

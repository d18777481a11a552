//! Translates expressions. Calls to routines are inlined.

use dendrion_language::{Binary, Function, Unary};

use super::{Lowered, Lowerer, NOT_FINITE};
use crate::error::{Span, suggestion};
use crate::lower::environment::Held;
use crate::syntax::{Expr, Node, Operator, Routine};
use crate::terms::{Term, Terms, Value};

/// Maximum nesting depth of an expression; deeper parts are named.
const DEEP: usize = 30;

/// NMODL's names of functions. Functions of one number come first.
const FUNCTIONS: [(&str, Function); 10] = [
    ("exp", Function::Unary(Unary::Exp)),
    ("log", Function::Unary(Unary::Log)),
    ("log10", Function::Log10),
    ("sqrt", Function::Unary(Unary::Sqrt)),
    ("fabs", Function::Unary(Unary::Abs)),
    ("abs", Function::Unary(Unary::Abs)),
    ("tanh", Function::Unary(Unary::Tanh)),
    ("pow", Function::Binary(Binary::Pow)),
    ("fmin", Function::Binary(Binary::Min)),
    ("fmax", Function::Binary(Binary::Max)),
];

impl<'t> Lowerer<'_, 't> {
    /// Translates an expression whose value is a number.
    pub(super) fn quantity(&mut self, expr: Expr) -> Lowered<Value> {
        let value = self.expression(expr)?;
        Ok(self.terms.quantity(value))
    }

    /// Translates an expression to the equation language.
    pub(super) fn expression(&mut self, expr: Expr) -> Lowered<Value> {
        let file = self.input.file;
        let mut values: Vec<Option<Value>> = Vec::new();
        for id in expr.first..=expr.root {
            let Some((node, span)) = file.nodes.get(id) else { break };
            self.spend(*span)?;
            self.terms.at = *span;
            let mut take = |terms: &mut Terms, id: usize| {
                let value = id.checked_sub(expr.first).and_then(|i| values.get_mut(i)?.take());
                // An operand is missing only in an invalid tree.
                value.unwrap_or_else(|| terms.number(0.0))
            };
            let value = match node {
                Node::Number(value) => Some(self.terms.number(*value)),
                Node::Name(name) => Some(self.read(name, *span)?),
                Node::Neg(a) => {
                    let a = take(&mut self.terms, *a);
                    let a = self.terms.quantity(a);
                    Some(self.terms.negated(a))
                }
                Node::Not(a) => {
                    let a = take(&mut self.terms, *a);
                    Some(self.terms.contrary(a))
                }
                Node::Binary(operator, a, b) => {
                    let is_exp = matches!(file.nodes.get(*a), Some((Node::Call("exp", _), _)));
                    let (a, b) = (take(&mut self.terms, *a), take(&mut self.terms, *b));
                    if is_exp && *operator == Operator::Sub && b.constant == Some(1.0) {
                        self.minus_one(a, b)
                    } else {
                        self.terms.binary(*operator, a, b)
                    }
                }
                Node::Call(name, arguments) => {
                    let mut given = Vec::new();
                    for a in arguments {
                        let a = take(&mut self.terms, *a);
                        given.push(self.terms.quantity(a));
                    }
                    Some(self.call(name, given, *span)?)
                }
            };
            let Some(mut value) = value else {
                return Err(self.error(*span, NOT_FINITE));
            };
            if value.depth > DEEP {
                value = self.named("part", value, false, *span)?;
            }
            values.push(Some(value));
        }
        Ok(values.pop().flatten().unwrap_or_else(|| self.terms.number(0.0)))
    }

    /// Returns `exp(x) - 1`. Some channels divide by it near 0, where the difference would lose precision.
    fn minus_one(&mut self, exp: Value, one: Value) -> Option<Value> {
        match self.terms.get(exp.term) {
            Some(Term::Apply(Function::Unary(Unary::Exp), operands)) => {
                let operands = operands.clone();
                Some(Value { term: self.terms.apply(Unary::Expm1, operands), ..exp })
            }
            _ => self.terms.binary(Operator::Sub, exp, one),
        }
    }

    fn call(&mut self, name: &'t str, arguments: Vec<Value>, span: Span) -> Lowered<Value> {
        let file = self.input.file;
        match file.routines.get(name) {
            Some(routine) if routine.is_function => {
                let value = self.run(routine, arguments, span, true)?;
                Ok(value.unwrap_or_else(|| self.terms.number(0.0)))
            }
            Some(_) => {
                let message = format!("'{name}' is a PROCEDURE and returns no value; expected a FUNCTION");
                Err(self.error(span, message))
            }
            None => self.built_in(name, arguments, span),
        }
    }

    fn built_in(&mut self, name: &str, arguments: Vec<Value>, span: Span) -> Lowered<Value> {
        let count = arguments.len();
        let function = FUNCTIONS.iter().find(|(n, _)| *n == name).map(|(_, function)| *function);
        let wanted = match function {
            Some(function) => function.arity(),
            None if name == "exprelr" => 1,
            None => return Err(self.no_function(name, span)),
        };
        if count != wanted {
            let s = if wanted == 1 { "" } else { "s" };
            return Err(self.error(span, format!("'{name}' takes {wanted} argument{s}, not {count}")));
        }
        let constants: Option<Vec<f64>> = arguments.iter().map(|a| a.constant).collect();
        let value = match (function, constants) {
            (Some(Function::Binary(Binary::Pow)), _) => {
                let mut given = arguments.into_iter();
                let mut next = || given.next().unwrap_or_else(|| self.terms.number(0.0));
                let (a, b) = (next(), next());
                self.terms.binary(Operator::Pow, a, b)
            }
            (Some(function), Some(constants)) => self.finite(function.evaluate(&constants)),
            (Some(function), None) => Some(self.terms.applied(function, &arguments)),
            (None, Some(constants)) => self.finite(1.0 / Function::Unary(Unary::Exprel).evaluate(&constants)),
            (None, None) => {
                let below = self.terms.applied(Unary::Exprel, &arguments);
                let one = self.terms.number(1.0);
                self.terms.binary(Operator::Div, one, below)
            }
        };
        value.ok_or_else(|| self.error(span, NOT_FINITE))
    }

    fn finite(&mut self, value: f64) -> Option<Value> {
        value.is_finite().then(|| self.terms.number(value))
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
        let mut known: Vec<&str> = self.input.file.routines.keys().copied().collect();
        known.sort_unstable();
        let hint = suggestion(name, known.into_iter().chain(FUNCTIONS.iter().take(7).map(|(n, _)| *n)));
        let hint = if hint.is_empty() { format!("; {expected}") } else { hint };
        self.error(span, format!("no function is named '{name}'{hint}"))
    }

    /// Executes a routine with its arguments, and returns its value if the value is used.
    pub(super) fn run(
        &mut self,
        routine: &Routine<'t>,
        arguments: Vec<Value>,
        span: Span,
        is_read: bool,
    ) -> Lowered<Option<Value>> {
        let name = routine.name.text;
        if self.progress.calls.contains(&name) {
            return Err(self.error(span, format!("'{name}' calls itself, but recursion is not supported")));
        }
        let (wanted, count) = (routine.arguments.len(), arguments.len());
        if wanted != count {
            let s = if wanted == 1 { "" } else { "s" };
            return Err(self.error(span, format!("'{name}' takes {wanted} argument{s}, not {count}")));
        }
        let mut given = Vec::new();
        for (argument, value) in routine.arguments.iter().zip(arguments) {
            given.push((*argument, self.named(&format!("{name}_{}", argument.text), value, true, span)?));
        }
        self.progress.calls.push(name);
        self.scopes.frames.push(vec![super::Scope::new()]);
        for (argument, value) in given {
            self.local(argument, Held::Known(value));
        }
        if routine.is_function {
            self.local(routine.name, Held::Unset);
        }
        let result = self.resolve(name);
        let done = self.deeper(span, |l| l.block(&routine.body));
        let value = match (routine.is_function, result) {
            (true, Some(variable)) if is_read => {
                done.and_then(|()| self.read_variable(variable, name, span).map(Some))
            }
            _ => done.map(|()| None),
        };
        self.scopes.frames.pop();
        self.progress.calls.pop();
        value
    }
}

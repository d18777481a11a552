//! Functions of the language as expressions of the graph, and texts of functions of `x`.

use dendrion_language::{Binary, Formula, Function, Term};

use super::part::coherent;
use crate::expr::Expr;

/// Returns the value of a function of `x`. Its other parameters have their default values.
pub(crate) fn value<'g>(formula: &Formula, x: Expr<'g>) -> Expr<'g> {
    let of = &formula.definition;
    let mut known = vec![x; of.terms.len()];
    for root in of.order.iter().map(|i| of.expressions[*i].value) {
        for id in of.subtree(root) {
            known[id] = match &of.terms[id] {
                Term::Number(v) => x.number(*v),
                Term::Parameter(i) => {
                    let parameter = &of.parameters[*i];
                    parameter.default.map_or(x, |v| coherent(x.number(v), parameter.unit.unit))
                }
                Term::Expression(i) => known[of.expressions[*i].value],
                Term::Apply(f, operands) => {
                    let operands: Vec<Expr<'g>> = operands.iter().map(|id| known[*id]).collect();
                    apply(*f, &operands)
                }
                // A function of x has no other terms.
                _ => x.number(f64::NAN),
            };
        }
    }
    known[formula.value]
}

/// Applies a function to expressions. Functions that the graph does not provide are composed of functions
/// that it provides. Missing operands, which the parser excludes, are replaced with the first operand.
pub(super) fn apply<'g>(f: Function, operands: &[Expr<'g>]) -> Expr<'g> {
    let x = operands[0];
    let at = |i: usize| operands.get(i).copied().unwrap_or(x);
    let (y, z) = (at(1), at(2));
    match f {
        Function::Binary(Binary::Pow) => x.to_the(y),
        Function::Unary(f) => x.apply(f),
        Function::Binary(f) => x.with(f, y),
        Function::Log10 => x.ln() * std::f64::consts::LOG10_E,
        Function::Less => y.above(x),
        Function::LessEqual => y.reaches(x),
        Function::And => x * y,
        Function::Or => x.max(y),
        Function::Not => 1.0 - x,
        Function::Clip => x.max(y).min(z),
        Function::Where => x.choose(y, z),
    }
}

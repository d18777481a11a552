//! Checker of functions of `x`.

use std::collections::HashMap;

use super::{Checked, Checker, Meaning};
use crate::definition::{Parameter, Written};
use crate::error::Span;
use crate::formula::Formula;
use crate::syntax::{Bound, Statement, Syntax};
use crate::unit::Dimension;

/// Checks the syntax tree of a function of `x`, in which the definition of the value has an empty name.
pub(crate) fn formula(text: &str, syntax: &Syntax) -> Checked<Formula> {
    let mut checker = Checker::new(text, syntax, text.to_string());
    checker.is_formula = true;
    checker.names = HashMap::from([("x", Meaning::Parameter(0))]);
    checker.made.parameters.push(Parameter {
        name: "x".into(),
        unit: Written::default(),
        default: None,
        bound: Bound::Finite,
        doc: String::new(),
    });
    if let Some(other) = syntax.statements.iter().find_map(not_a_definition) {
        let message =
            "expected a definition 'name = ...', or the value of the function as the last statement";
        return Err(checker.error(other, message));
    }
    checker.declare()?;
    checker.settle_parameters()?;
    checker.expressions()?;
    let value = checker.made.expressions.iter().find(|e| e.name.is_empty()).map_or(0, |e| e.value);
    checker.of_dimension(value, Dimension::ONE, "the value")?;
    Ok(Formula { definition: checker.made, value })
}

/// Returns the position of a statement that is not a definition.
fn not_a_definition(statement: &Statement) -> Option<Span> {
    match statement {
        Statement::Define { .. } => None,
        Statement::Derivative { name, .. }
        | Statement::Initial { name, .. }
        | Statement::Declare { name, .. }
        | Statement::Import { name, .. }
        | Statement::Export { name, .. } => Some(name.span),
        Statement::On { actions, .. } => Some(actions.first().map_or(Span::default(), |a| a.span)),
    }
}

//! Checker of functions of `x`.

use std::collections::HashMap;

use super::{Checked, Checker, Meaning};
use crate::definition::{Parameter, Written};
use crate::formula::Formula;
use crate::syntax::{Bound, Syntax};
use crate::unit::Dimension;

/// Checks the syntax tree of a function of `x`, which contains only definitions. That of the value has an empty name.
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
    checker.declare()?;
    checker.settle_parameters()?;
    checker.expressions()?;
    let value = checker.made.expressions.iter().find(|e| e.name.is_empty()).map_or(0, |e| e.value);
    checker.of_dimension(value, Dimension::ONE, "the value")?;
    Ok(Formula { definition: checker.made, value })
}

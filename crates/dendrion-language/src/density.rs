//! Formulas for the values of a parameter along a detailed cell, such as `g0 * exp(distance/lam)`.
//!
//! ```
//! let density = dendrion_language::Density::parse("g0 * exp(distance/lam)")?;
//! assert_eq!(density.parameters(), ["g0", "lam"]);
//! let text = density.placed("I = g * (E - V) : pA/um2; g = 5 mS/cm2 (>= 0); E = -45 mV", "g")?;
//! assert_eq!(text, "\
//! I = g * (E - V) : pA/um2
//! g = g0 * exp(distance / (1 um) / lam) * (1 mS/cm2) : mS/cm2
//! E = -45 mV
//! g0 : 1
//! lam : 1
//! ");
//! let values = |name: &str| [("g0", 2.0), ("distance", 0.0), ("lam", 100.0)].into_iter().find(|n| n.0 == name);
//! assert_eq!(density.value(&|name| values(name).map_or(f64::NAN, |n| n.1)), 2.0);
//! # Ok::<(), dendrion_language::TextError>(())
//! ```
//!
//! In a formula, all names are pure numbers: `distance` and `diameter` (um) of the place, and the parameters of the
//! formula. Its value is in the unit of the parameter for which it stands.

use std::rc::Rc;

use crate::definition::Written;
use crate::error::{Span, TextError};
use crate::function::{Binary, Function};
use crate::stack::with_stack;
use crate::syntax::{Annotation, Id, Name, Node, Statement, Syntax};
use crate::unit::Unit;
use crate::{check, formula, lex, parse};

/// The quantities of a place that formulas can use.
const OF_PLACES: [&str; 2] = ["distance", "diameter"];

/// A formula for the values of a parameter.
#[derive(Clone, Debug)]
pub struct Density {
    text: String,
    syntax: Syntax,
    value: Id,
    parameters: Vec<Rc<str>>,
}

impl Density {
    /// Parses a formula.
    ///
    /// # Errors
    /// Returns the first error found, with its position.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        with_stack(|| {
            let mut lexed = lex::lex(text)?;
            formula::name_value(
                text,
                &mut lexed,
                "in terms of the distance, such as 'g0 * exp(distance/lam)'",
            )?;
            let syntax = parse::parse(text, lexed, true)?;
            let [Statement::Define { value, .. }] = syntax.statements.as_slice() else {
                return Err(TextError::new(text, Span::default(), "expected a single expression"));
            };
            let value = *value;
            let mut made = Self { text: text.into(), syntax, value, parameters: Vec::new() };
            made.find_parameters()?;
            Ok(made)
        })
    }

    /// Collects the names of the parameters.
    fn find_parameters(&mut self) -> Result<(), TextError> {
        for (node, span) in &self.syntax.nodes {
            let Node::Name(name) = node else { continue };
            if OF_PLACES.contains(&&**name) || &**name == "pi" || self.parameters.contains(name) {
                continue;
            }
            if check::GIVEN.iter().any(|(given, _)| given == &&**name) {
                let message =
                    format!("'{name}' is not available; expected 'distance', 'diameter' or a parameter");
                return Err(TextError::new(&self.text, *span, message));
            }
            self.parameters.push(name.clone());
        }
        Ok(())
    }

    /// Returns the names of the parameters.
    pub fn parameters(&self) -> Vec<&str> {
        self.parameters.iter().map(|name| &**name).collect()
    }

    /// Returns the value of the formula at a place. `of` returns the values of the parameters and of the quantities of
    /// the place.
    pub fn value(&self, of: &dyn Fn(&str) -> f64) -> f64 {
        let mut values: Vec<f64> = Vec::with_capacity(self.syntax.nodes.len());
        for (node, _) in &self.syntax.nodes {
            values.push(match node {
                Node::Number(value, _) => *value,
                Node::Name(name) if &**name == "pi" => std::f64::consts::PI,
                Node::Name(name) => of(name),
                Node::Apply(function, operands) => {
                    let operands: Vec<f64> = operands.iter().map(|a| values[*a]).collect();
                    function.evaluate(&operands)
                }
            });
        }
        values.get(self.value).copied().unwrap_or(f64::NAN)
    }

    /// Returns the text of a mechanism in which the formula replaces the parameter `name`. The parameters of the formula
    /// become pure numbers without default.
    ///
    /// # Errors
    /// Returns an error if the mechanism has no such parameter, already defines a name of the formula, or is not
    /// valid with the formula.
    pub fn placed(&self, mechanism: &str, name: &str) -> Result<String, TextError> {
        let definition = crate::define(mechanism)?;
        let error = |what: String| TextError::new(&self.text, Span::default(), what);
        let Some(parameter) = definition.parameter(name) else {
            return Err(error(format!("the mechanism has no parameter '{name}'")));
        };
        let mut syntax = crate::parse(mechanism)?;
        let taken = |n: &&Rc<str>| syntax.statements.iter().any(|s| declares(s, n));
        if let Some(own) = self.parameters.iter().find(taken) {
            return Err(error(format!(
                "the mechanism already defines '{own}'; choose another name in the formula"
            )));
        }
        let value = self.graft(&mut syntax);
        let one = syntax.number(1.0, parameter.unit.clone(), Span::default());
        let value = syntax.apply(Function::Binary(Binary::Mul), vec![value, one], Span::default());
        let unit = Annotation { unit: parameter.unit.clone(), span: Span::default() };
        for statement in &mut syntax.statements {
            if let Statement::Define { name: own, doc, .. } | Statement::Declare { name: own, doc, .. } =
                statement
                && &*own.text == name
            {
                let (name, doc) = (own.clone(), std::mem::take(doc));
                *statement = Statement::Define { name, value, unit: Some(unit), bound: None, doc };
                break;
            }
        }
        let pure = Annotation { unit: Written::default(), span: Span::default() };
        syntax.statements.extend(self.parameters.iter().map(|name| Statement::Declare {
            name: Name::new(name.clone(), Span::default()),
            unit: pure.clone(),
            bound: None,
            doc: String::new(),
        }));
        let text = syntax.to_string();
        crate::define(&text)?;
        Ok(text)
    }

    /// Copies the formula into another tree, and returns its value there. Quantities of places become pure numbers.
    fn graft(&self, into: &mut Syntax) -> Id {
        let micrometre = Written { text: "um".into(), unit: Unit::named("um").unwrap_or_default() };
        let mut ids: Vec<Id> = Vec::with_capacity(self.syntax.nodes.len());
        for (node, _) in &self.syntax.nodes {
            let span = Span::default();
            ids.push(match node {
                Node::Number(value, unit) => into.number(*value, unit.clone(), span),
                Node::Name(name) => {
                    let name_id = into.name(name.clone(), span);
                    if OF_PLACES.contains(&&**name) {
                        let unit = into.number(1.0, micrometre.clone(), span);
                        into.apply(Function::Binary(Binary::Div), vec![name_id, unit], span)
                    } else {
                        name_id
                    }
                }
                Node::Apply(function, operands) => {
                    let operands = operands.iter().map(|a| ids[*a]).collect();
                    into.apply(*function, operands, span)
                }
            });
        }
        ids[self.value]
    }
}

/// Returns whether a statement declares a name.
fn declares(statement: &Statement, wanted: &str) -> bool {
    match statement {
        Statement::Derivative { name, .. }
        | Statement::Define { name, .. }
        | Statement::Declare { name, .. }
        | Statement::Import { name, .. } => &*name.text == wanted,
        Statement::Initial { .. }
        | Statement::Export { .. }
        | Statement::Diffuse { .. }
        | Statement::On { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Density;

    const MECHANISM: &str =
        "I = g * m * (E - V) : pA/um2\ndm/dt = -m/tau : 1\ng = 5 mS/cm2; E = 0 mV; tau = 2 ms";

    fn message(formula: &str) -> String {
        let placed = Density::parse(formula).and_then(|d| d.placed(MECHANISM, "g"));
        placed.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn values_and_names() {
        let density = Density::parse("a + b*max(distance - 100, 0)^2 / pi").expect("a formula");
        assert_eq!(density.parameters(), ["a", "b"]);
        let of = |name: &str| match name {
            "a" => 1.0,
            "b" => 2.0,
            _ => 103.0,
        };
        assert_eq!(density.value(&of), 1.0 + 2.0 * 9.0 / std::f64::consts::PI);
    }

    #[test]
    fn conditions_and_precedence_survive() {
        let text = message("(1 + a)*(2 if distance < 100 else -3)/diameter");
        let expected =
            "g = (1 + a) * where(distance / (1 um) < 100, 2, -3) / (diameter / (1 um)) * (1 mS/cm2) : mS/cm2";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn errors_name_the_problem() {
        for (formula, part) in [
            ("V * 2", "'V' is not available"),
            ("tau * 2", "already defines 'tau'"),
            ("m * 2", "already defines 'm'"),
            ("2 +", "unexpected end"),
            ("", "the text is empty"),
            ("a = 2; a", "expected a single expression"),
            ("distance < 3", "condition"),
        ] {
            assert!(message(formula).contains(part), "{formula}: {}", message(formula));
        }
    }
}

//! Recognizes definitions of constants as parameters with a default.

use super::{Checked, Checker, Meaning, Type};
use crate::definition::{Id, Parameter, Written};
use crate::function::{Binary, Function, Unary};
use crate::syntax::{Node, Statement};
use crate::unit::Unit;

impl Checker<'_> {
    /// Moves the definitions of constants from the named expressions to the parameters.
    pub(super) fn settle_parameters(&mut self) -> Checked<()> {
        let (expressions, statements) =
            (std::mem::take(&mut self.made.expressions), std::mem::take(&mut self.statement_of));
        for (expression, at) in expressions.into_iter().zip(statements) {
            let Statement::Define { name, value, unit, bound, doc } = &self.syntax.statements[at] else {
                continue;
            };
            let word = &*name.text;
            // A current, the value of a function and conditions are not parameters, even if they are constant.
            let is_current = word == "I" && !self.is_formula;
            let is_condition = matches!(&self.syntax.nodes[*value].0, Node::Apply(f, _) if f.is_condition());
            if !self.is_literal(*value) || is_current || word.is_empty() || is_condition {
                if bound.is_some() {
                    let what = if word.is_empty() { "the value".into() } else { format!("'{word}'") };
                    return Err(self
                        .error(name.span, format!("{what} is not a parameter, so it cannot have a bound")));
                }
                self.names.insert(word, Meaning::Expression(self.made.expressions.len()));
                self.made.expressions.push(expression);
                self.statement_of.push(at);
                continue;
            }
            let unit = unit.as_ref().map(|unit| &unit.unit);
            let (default, unit) = self.default(word, *value, unit)?;
            let bound = bound.unwrap_or_default();
            self.names.insert(word, Meaning::Parameter(self.made.parameters.len()));
            self.made.parameters.push(Parameter {
                name: word.into(),
                unit,
                default: Some(default),
                bound,
                doc: doc.clone(),
            });
        }
        Ok(())
    }

    /// Returns the default of a parameter and its unit.
    fn default(&mut self, name: &str, value: Id, unit: Option<&Written>) -> Checked<(f64, Written)> {
        self.check_value(value)?;
        let span = self.syntax.nodes[value].1;
        let dimension = match self.types[value] {
            Some(Type::Number(d)) => d,
            Some(Type::Zero) => unit.map_or(Unit::ONE, |u| u.unit).dimension,
            _ => return Err(self.error(span, format!("'{name}' is a condition; expected a number"))),
        };
        let coherent = self.constants[value].unwrap_or(f64::NAN);
        let plain = self.plain(value);
        let written = match unit {
            Some(unit) => {
                self.of_dimension(value, unit.unit.dimension, name)?;
                unit.clone()
            }
            None => match plain {
                Some((_, unit)) if !self.unit_text(value).is_empty() => {
                    Written::new(&self.unit_text(value), unit)
                }
                _ => {
                    let text =
                        if dimension == Unit::ONE.dimension { String::new() } else { dimension.to_string() };
                    Written { text, unit: Unit::coherent_of(dimension) }
                }
            },
        };
        let default = match plain {
            Some((v, unit)) => unit.converted(v, written.unit),
            None => Unit::coherent_of(dimension).converted(coherent, written.unit),
        };
        if !default.is_finite() {
            return Err(
                self.error(span, format!("'{name}' has the default {default}; expected a finite number"))
            );
        }
        Ok((default, written))
    }

    /// Evaluates a product or quotient of numbers and units to a number and a unit, so that `-90 mV` stays exactly
    /// -90.
    fn plain(&self, value: Id) -> Option<(f64, Unit)> {
        let mut found: std::collections::HashMap<Id, (f64, Unit)> = std::collections::HashMap::new();
        for id in self.subtree(value) {
            let one = match &self.syntax.nodes[id].0 {
                Node::Number(value, unit) => (*value, unit.unit),
                Node::Name(name) => (1.0, Unit::named(name).filter(|_| !self.is_declared(name))?),
                Node::Apply(f, operands) => {
                    let (a, b) = (found[&operands[0]], operands.get(1).map(|b| found[b]));
                    match (f, b) {
                        (Function::Unary(Unary::Neg), _) => (-a.0, a.1),
                        (Function::Binary(Binary::Mul), Some(b)) => (a.0 * b.0, a.1 * b.1),
                        (Function::Binary(Binary::Div), Some(b)) => (a.0 / b.0, a.1 / b.1),
                        _ => return None,
                    }
                }
            };
            found.insert(id, one);
        }
        found.get(&value).copied()
    }

    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Returns the text of the unit of a value such as `-120 mS/cm2`, or an empty text if numbers and units
    /// are mixed.
    fn unit_text(&self, value: Id) -> String {
        let is_unit = |name: &str| !self.is_declared(name) && Unit::named(name).is_some();
        let text = self.syntax.expression_text(value, &is_unit).into_text();
        let text = text.trim_start_matches('-');
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let exponent = unit.strip_prefix(['e', 'E']).map(|e| e.trim_start_matches(['+', '-']));
        let unit = match exponent {
            Some(e) if e.starts_with(|c: char| c.is_ascii_digit()) => {
                e.trim_start_matches(|c: char| c.is_ascii_digit())
            }
            _ => unit,
        };
        let unit = unit.trim();
        let begins_number = |(at, c): (usize, char)| {
            c.is_ascii_digit()
                && !unit[..at].ends_with(|p: char| p.is_alphanumeric() || matches!(p, '^' | '*' | '-' | '.'))
        };
        if unit.is_empty() || unit.contains(['(', '+']) || unit.char_indices().any(begins_number) {
            return String::new();
        }
        unit.to_string()
    }
}

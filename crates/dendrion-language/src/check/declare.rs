//! Declaration of the names that a text defines.

use std::collections::HashMap;

use super::{Checked, Checker, GIVEN, Import, Meaning, State};
use crate::definition::{Expression, Flag, Given, Parameter, Written};
use crate::error::Span;
use crate::function::Function;
use crate::parse::KEYWORDS;
use crate::syntax::{Bound, Change, Node, Statement};
use crate::unit::Unit;

impl Checker<'_> {
    pub(super) fn declare(&mut self) -> Checked<()> {
        let statements = &self.syntax.statements;
        let replaced = statements
            .iter()
            .any(|s| matches!(s, Statement::Derivative { name, .. } if self.word(*name) == "V"));
        if replaced {
            self.names.insert("I", Meaning::Given(Given::Current));
        }
        self.names.insert("pi", Meaning::Pi);
        self.docs = self.comments_of_statements();
        let mut events = 0;
        for (i, statement) in statements.iter().enumerate() {
            match statement {
                Statement::Derivative { name, value, unit } => self.declare_state(*name, *value, *unit)?,
                Statement::Declare { name, unit, bound } => {
                    let unit = self.written(unit.span, unit.unit);
                    self.declare_parameter(*name, unit, *bound)?;
                }
                Statement::Import { name, unit, .. } => {
                    let meaning = Meaning::Import(self.made.imports.len());
                    let unit = self.written(unit.span, unit.unit);
                    self.take(*name, meaning)?;
                    self.made.imports.push(Import { name: self.word(*name).into(), unit, default: None });
                }
                Statement::Define { name, .. } => {
                    // Whether the name is a parameter is only known after all names have been declared.
                    let meaning = Meaning::Expression(self.made.expressions.len());
                    self.take(*name, meaning)?;
                    let unit = Written { text: String::new(), unit: Unit::ONE };
                    self.made.expressions.push(Expression { name: self.word(*name).into(), unit, value: 0 });
                    self.statement_of.push(i);
                }
                Statement::On { trigger, actions, .. } => {
                    let arrival = matches!(trigger, crate::syntax::Trigger::Arrival);
                    for action in actions.iter().filter(|a| matches!(a.what, Change::Last(_))) {
                        let Change::Last(lasts) = action.what else { continue };
                        let meaning = Meaning::Flag(self.made.flags.len());
                        self.take(action.name, meaning)?;
                        let name = self.word(action.name).to_string();
                        self.made.flags.push(Flag { name, event: events, after: action.after, lasts });
                    }
                    events += usize::from(!arrival);
                }
                Statement::Initial { .. } | Statement::Export { .. } => {}
            }
        }
        Ok(())
    }

    fn declare_state(
        &mut self,
        name: Span,
        value: usize,
        unit: Option<crate::syntax::Annotation>,
    ) -> Checked<()> {
        let word = self.word(name);
        if word == "V" {
            if self.made.membrane.replace(value).is_some() {
                return Err(self.error(name, "dV/dt is defined twice"));
            }
            return Ok(());
        }
        let Some(unit) = unit else {
            let message = format!(
                "d{word}/dt needs the unit of {word} at the end of the line, such as ': 1' or ': mV'"
            );
            return Err(self.error(self.syntax.nodes[value].1, message));
        };
        let meaning = Meaning::State(self.made.states.len());
        self.take(name, meaning)?;
        let unit = self.written(unit.span, unit.unit);
        self.made.states.push(State { name: word.into(), unit, derivative: value, initial: None });
        Ok(())
    }

    fn declare_parameter(&mut self, name: Span, unit: Written, bound: Option<Bound>) -> Checked<()> {
        let meaning = Meaning::Parameter(self.made.parameters.len());
        self.take(name, meaning)?;
        let doc = self.docs.remove(&name.start).unwrap_or_default();
        let name = self.word(name).to_string();
        let bound = bound.unwrap_or_default();
        self.made.parameters.push(Parameter { name, unit, default: None, bound, doc });
        Ok(())
    }

    /// Assigns a meaning to a name.
    pub(super) fn take(&mut self, name: Span, meaning: Meaning) -> Checked<()> {
        let word = self.word(name);
        if word == "I" && !matches!(meaning, Meaning::Expression(_)) {
            let message =
                "I is the current into the compartment; write 'I = ... : pA' or choose another name";
            return Err(self.error(name, message));
        }
        let fixed = KEYWORDS.contains(&word) || ["event", "spike", "weight"].contains(&word);
        if fixed || Function::called(word).is_some() {
            return Err(self.error(name, format!("'{word}' is a reserved word; choose another name")));
        }
        match self.names.insert(word, meaning) {
            None => Ok(()),
            Some(Meaning::Given(Given::Current)) => Err(self.error(
                name,
                "in a text with dV/dt, I is the sum of all other currents into the compartment; choose another name",
            )),
            Some(Meaning::Given(_) | Meaning::Pi) => {
                let given: Vec<&str> = GIVEN.iter().map(|(n, _)| *n).chain(["pi"]).collect();
                let message = format!("'{word}' is already defined by the compartment ({}); choose another name", given.join(", "));
                Err(self.error(name, message))
            }
            Some(_) => Err(self.error(name, format!("'{word}' is defined twice"))),
        }
    }

    /// Returns the comment after each statement, by the byte at which the statement's name starts. Statements that
    /// share a line get no comment.
    fn comments_of_statements(&self) -> HashMap<usize, String> {
        let mut begins: Vec<usize> = (self.syntax.statements.iter())
            .filter_map(|s| match s {
                Statement::Define { name, .. } | Statement::Declare { name, .. } => Some(name.start),
                _ => None,
            })
            .collect();
        begins.sort_unstable();
        let line_end = |at: usize| self.text[at..].find('\n').map_or(self.text.len(), |i| at + i);
        let mut found = HashMap::new();
        for (at, comment) in self.comments {
            let next = begins.partition_point(|b| b < at);
            let Some(begin) = next.checked_sub(1).map(|i| begins[i]) else { continue };
            let shared = next > 1 && line_end(begins[next - 2]) > begin;
            if line_end(begin) > *at && !shared {
                found.insert(begin, comment.clone());
            }
        }
        found
    }

    /// Returns whether an expression is made of numbers and units only.
    pub(super) fn is_literal(&self, value: usize) -> bool {
        self.subtree(value).into_iter().all(|id| match self.syntax.nodes[id] {
            (Node::Name, span) => self.names.get(self.word(span)).is_none_or(|m| *m == Meaning::Pi),
            _ => true,
        })
    }
}

//! Declaration of the names that a text defines.

use super::{Checked, Checker, GIVEN, Import, Meaning, State};
use crate::definition::{Expression, Flag, Given, Parameter, Written};
use crate::function::Function;
use crate::parse::{KEYWORDS, WORDS};
use crate::syntax::{Annotation, Change, Name, Node, Statement};

impl<'t> Checker<'t> {
    pub(super) fn declare(&mut self) -> Checked<()> {
        let statements = &self.syntax.statements;
        let replaced =
            statements.iter().any(|s| matches!(s, Statement::Derivative { name, .. } if &*name.text == "V"));
        if replaced {
            self.names.insert("I", Meaning::Given(Given::Current));
        }
        self.names.insert("pi", Meaning::Pi);
        let mut events = 0;
        for (i, statement) in statements.iter().enumerate() {
            match statement {
                Statement::Derivative { name, value, unit } => {
                    self.declare_state(name, *value, unit.as_ref())?;
                }
                Statement::Declare { name, unit, bound, doc } => {
                    let meaning = Meaning::Parameter(self.made.parameters.len());
                    self.take(name, meaning)?;
                    self.made.parameters.push(Parameter {
                        name: name.text.to_string(),
                        unit: unit.unit.clone(),
                        default: None,
                        bound: bound.unwrap_or_default(),
                        doc: doc.clone(),
                    });
                }
                Statement::Import { name, unit, .. } => {
                    let meaning = Meaning::Import(self.made.imports.len());
                    self.take(name, meaning)?;
                    let (name, unit) = (name.text.to_string(), unit.unit.clone());
                    self.made.imports.push(Import { name, unit, default: None });
                }
                Statement::Define { name, .. } => {
                    // Whether the name is a parameter is known only after all names have been declared.
                    let meaning = Meaning::Expression(self.made.expressions.len());
                    self.take(name, meaning)?;
                    let (name, unit) = (name.text.to_string(), Written::default());
                    self.made.expressions.push(Expression { name, unit, value: 0 });
                    self.statement_of.push(i);
                }
                Statement::On { trigger, actions, .. } => {
                    let arrival = matches!(trigger, crate::syntax::Trigger::Arrival);
                    for action in actions {
                        let Change::Last(lasts) = action.change else { continue };
                        let meaning = Meaning::Flag(self.made.flags.len());
                        self.take(&action.name, meaning)?;
                        let name = action.name.text.to_string();
                        self.made.flags.push(Flag { name, event: events, after: action.after, lasts });
                    }
                    events += usize::from(!arrival);
                }
                Statement::Initial { .. } | Statement::Export { .. } | Statement::Diffuse { .. } => {}
            }
        }
        Ok(())
    }

    fn declare_state(&mut self, name: &'t Name, value: usize, unit: Option<&Annotation>) -> Checked<()> {
        let word = &*name.text;
        if word == "V" {
            if self.made.membrane.replace(value).is_some() {
                return Err(self.error(name.span, "dV/dt is defined twice"));
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
        let unit = unit.unit.clone();
        self.made.states.push(State { name: word.into(), unit, derivative: value, initial: None });
        Ok(())
    }

    /// Assigns a meaning to a name.
    pub(super) fn take(&mut self, name: &'t Name, meaning: Meaning) -> Checked<()> {
        let word = &*name.text;
        if word == "I" && !matches!(meaning, Meaning::Expression(_)) {
            let message =
                "I is the current into the compartment; write 'I = ... : pA' or choose another name";
            return Err(self.error(name.span, message));
        }
        let fixed = KEYWORDS.contains(&word) || WORDS.contains(&word);
        if fixed || Function::called(word).is_some() {
            return Err(self.error(name.span, format!("'{word}' is a reserved word; choose another name")));
        }
        match self.names.insert(word, meaning) {
            None => Ok(()),
            Some(Meaning::Given(Given::Current)) => Err(self.error(
                name.span,
                "in a definition with dV/dt, I is the sum of all other currents into the compartment; choose another name",
            )),
            Some(Meaning::Parameter(0)) if self.is_formula && word == "x" => {
                let message = "'x' is the argument of the function; choose another name";
                Err(self.error(name.span, message))
            }
            Some(Meaning::Pi) if self.is_formula => {
                Err(self.error(name.span, format!("'{word}' is predefined; choose another name")))
            }
            Some(Meaning::Given(_) | Meaning::Pi) => {
                let given: Vec<&str> = GIVEN.iter().map(|(n, _)| *n).chain(["pi"]).collect();
                let message = format!("'{word}' is already defined by the compartment ({}); choose another name", given.join(", "));
                Err(self.error(name.span, message))
            }
            Some(_) => Err(self.error(name.span, format!("'{word}' is defined twice"))),
        }
    }

    /// Returns whether an expression consists only of numbers and units.
    pub(super) fn is_literal(&self, value: usize) -> bool {
        self.subtree(value).into_iter().all(|id| match &self.syntax.nodes[id] {
            (Node::Name(name), _) => self.names.get(&**name).is_none_or(|m| *m == Meaning::Pi),
            _ => true,
        })
    }
}

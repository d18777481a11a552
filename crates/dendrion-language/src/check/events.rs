//! Checks of events: arriving spikes, spikes of the neuron, and conditions.

use super::{Checked, Checker, Meaning};
use crate::definition::{Assignment, Event, Id, Target, Term, Trigger};
use crate::error::suggestion;
use crate::function::{Binary, Function};
use crate::syntax::{self, Action, Change, Name, Node};
use crate::unit::Dimension;

impl Checker<'_> {
    pub(super) fn event(&mut self, trigger: &syntax::Trigger, actions: &[Action]) -> Checked<()> {
        let trigger = match trigger {
            syntax::Trigger::Arrival => return actions.iter().try_for_each(|a| self.arrival(a)),
            syntax::Trigger::Spike => Trigger::Spike,
            syntax::Trigger::When(condition) => {
                self.check_value(*condition)?;
                self.condition(*condition)?;
                Trigger::When(*condition)
            }
        };
        let mut then = Vec::new();
        for action in actions {
            if let Some(after) = action.after {
                self.time(after, "the delay after the event")?;
            }
            if let Change::Last(time) = action.change {
                self.time(time, "the duration")?;
            } else {
                then.push(self.assignment(action)?);
            }
        }
        self.made.events.push(Event { trigger, then });
        Ok(())
    }

    fn time(&mut self, id: Id, what: &str) -> Checked<()> {
        self.check_value(id)?;
        self.of_dimension(id, Dimension::TIME, what)?;
        self.constant(id, what)
    }

    /// Returns an error unless a node consists only of numbers and parameters. `what` names the node in the
    /// message.
    pub(super) fn constant(&self, id: Id, what: &str) -> Checked<()> {
        let moving = self.subtree(id).into_iter().find(|id| {
            matches!(
                self.made.terms[*id],
                Term::State(_) | Term::Expression(_) | Term::Import(_) | Term::Flag(_)
            ) || self.made.terms[*id] == Term::Given(crate::definition::Given::Potential)
        });
        match moving {
            None => Ok(()),
            Some(id) => {
                let message = format!(
                    "{what} must be constant; expected an expression in terms of parameters and numbers"
                );
                Err(self.error(self.syntax.nodes[id].1, message))
            }
        }
    }

    fn target(&self, name: &Name) -> Checked<(Target, Dimension)> {
        let word = &*name.text;
        if word == "V" {
            return Ok((Target::Potential, Dimension::POTENTIAL));
        }
        if let Some(Meaning::State(i)) = self.names.get(word) {
            return Ok((Target::State(*i), self.made.states[*i].unit.unit.dimension));
        }
        let states = self.made.states.iter().map(|s| s.name.as_str()).chain(["V"]);
        Err(self.error(
            name.span,
            format!("'{word}' is not a state, so an event cannot change it{}", suggestion(word, states)),
        ))
    }

    fn assignment(&mut self, action: &Action) -> Checked<Assignment> {
        let (target, dimension) = self.target(&action.name)?;
        let (value, sign) = match action.change {
            Change::Increase(v) => (v, Some(Function::Binary(Binary::Add))),
            Change::Decrease(v) => (v, Some(Function::Binary(Binary::Sub))),
            Change::Set(v) | Change::Last(v) => (v, None),
        };
        self.check_value(value)?;
        self.of_dimension(value, dimension, &action.name.text)?;
        let value = match sign {
            None => value,
            Some(f) => {
                let before = match target {
                    Target::Potential => Term::Given(crate::definition::Given::Potential),
                    Target::State(i) => Term::State(i),
                };
                self.made.terms.push(before);
                let before = self.made.terms.len() - 1;
                self.made.terms.push(Term::Apply(f, vec![before, value]));
                self.made.terms.len() - 1
            }
        };
        Ok(Assignment { target, value, after: action.after })
    }

    /// Checks an action on arriving spikes, which has to be `s += weight`.
    fn arrival(&mut self, action: &Action) -> Checked<()> {
        let is_weight =
            |id: &Id| matches!(&self.syntax.nodes[*id].0, Node::Name(name) if &**name == "weight");
        let (Change::Increase(value), None) = (&action.change, action.after) else {
            return Err(self.error(
                action.span,
                "invalid action on an arriving spike; expected 's += weight', where s is a state",
            ));
        };
        if !is_weight(value) {
            let message = "expected 'weight' alone; move factors to the equations that use the state";
            return Err(self.error(self.syntax.nodes[*value].1, message));
        }
        let (target, dimension) = self.target(&action.name)?;
        let Target::State(i) = target else {
            return Err(self.error(
                action.name.span,
                "'weight' is a pure number and cannot be added to V; expected a dimensionless state",
            ));
        };
        if dimension != Dimension::ONE {
            let message = format!(
                "'weight' is a pure number and cannot be added to '{}', which is in {dimension}",
                &action.name.text
            );
            return Err(self.error(action.name.span, message));
        }
        if self.made.arrivals.contains(&i) {
            let message = format!("the weight is added to '{}' more than once", &action.name.text);
            return Err(self.error(action.name.span, message));
        }
        self.made.arrivals.push(i);
        Ok(())
    }
}

//! Dependency order of the named expressions.

use std::collections::VecDeque;

use super::{Checked, Checker, Meaning, Type};
use crate::definition::{Id, Written};
use crate::error::Span;
use crate::syntax::{Annotation, Node, Statement};
use crate::unit::{Dimension, Unit};

impl Checker<'_> {
    /// Checks all named expressions, each after the expressions that it uses.
    pub(super) fn expressions(&mut self) -> Checked<()> {
        let n = self.made.expressions.len();
        let mut users = vec![Vec::new(); n];
        let mut waits = vec![0_usize; n];
        for (user, count) in waits.iter_mut().enumerate() {
            let (.., value) = self.defined(user);
            for used in self.reads(value) {
                users[used].push(user);
                *count += 1;
            }
        }
        let mut ready: VecDeque<usize> = (0..n).filter(|i| waits[*i] == 0).collect();
        while let Some(i) = ready.pop_front() {
            self.expression(i)?;
            self.made.order.push(i);
            for user in &users[i] {
                waits[*user] -= 1;
                if waits[*user] == 0 {
                    ready.push_back(*user);
                }
            }
        }
        let Some(start) = (0..n).find(|i| waits[*i] > 0) else { return Ok(()) };
        let (name, span, _) = self.defined(self.in_circle(start, &waits));
        let advice = if self.is_formula {
            "expected an expression in terms of x and other names".to_string()
        } else {
            format!("write 'd{name}/dt = ...' if it is a state")
        };
        let message = format!("'{name}' depends on itself; {advice}");
        Err(self.error(span, message))
    }

    /// Returns an expression that depends on itself, found by following unresolved dependencies from `start`.
    fn in_circle(&self, start: usize, waits: &[usize]) -> usize {
        let mut seen = vec![false; waits.len()];
        let mut at = start;
        while !std::mem::replace(&mut seen[at], true) {
            let waiting = self.reads(self.defined(at).2).into_iter().find(|i| waits[*i] > 0);
            at = waiting.unwrap_or(at);
        }
        at
    }

    /// Returns the name, its position and the value of a named expression.
    fn defined(&self, i: usize) -> (&str, Span, Id) {
        match &self.syntax.statements[self.statement_of[i]] {
            Statement::Define { name, value, .. } => (&name.text, name.span, *value),
            _ => ("", Span::default(), 0),
        }
    }

    /// Returns the named expressions that a value uses, with one entry per use.
    fn reads(&self, value: Id) -> Vec<usize> {
        let read = |id: Id| match &self.syntax.nodes[id].0 {
            Node::Name(name) => match self.names.get(&**name) {
                Some(Meaning::Expression(i)) => Some(*i),
                _ => None,
            },
            _ => None,
        };
        self.subtree(value).into_iter().filter_map(read).collect()
    }

    fn expression(&mut self, i: usize) -> Checked<()> {
        let statement = &self.syntax.statements[self.statement_of[i]];
        let Statement::Define { name, value, unit, .. } = statement else { return Ok(()) };
        self.check_value(*value)?;
        let unit = if let Some(Annotation { unit, .. }) = unit {
            let what = if name.text.is_empty() { "the value" } else { &*name.text };
            self.of_dimension(*value, unit.unit.dimension, what)?;
            unit.clone()
        } else {
            let dimension = match self.types[*value] {
                Some(Type::Number(d)) => d,
                _ => Dimension::ONE,
            };
            let text = if dimension == Dimension::ONE { String::new() } else { dimension.to_string() };
            Written { text, unit: Unit::coherent_of(dimension) }
        };
        let expression = &mut self.made.expressions[i];
        (expression.unit, expression.value) = (unit, *value);
        Ok(())
    }
}

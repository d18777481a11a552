//! Executes statements symbolically.

use std::collections::BTreeMap;

use super::environment::{Held, Partial, Role};
use super::{Lowered, Lowerer, NOT_FINITE, Pass, Scope};
use crate::error::{NmodlError, Span};
use crate::logic::{self, Known};
use crate::syntax::{Block, Expr, Name, Statement};
use crate::terms::Value;

/// The values of the variables that a branch assigned.
type Changes = BTreeMap<usize, Held>;

impl<'t> Lowerer<'_, 't> {
    pub(super) fn block(&mut self, block: &Block<'t>) -> Lowered<()> {
        if let Some(frame) = self.scopes.frames.last_mut() {
            frame.push(Scope::new());
        }
        let done = block.iter().try_for_each(|statement| self.statement(statement));
        if let Some(frame) = self.scopes.frames.last_mut() {
            frame.pop();
        }
        done
    }

    pub(super) fn statement(&mut self, statement: &Statement<'t>) -> Lowered<()> {
        match statement {
            Statement::Local(names) => {
                for name in names {
                    self.spend(name.span)?;
                    self.local(*name, Held::Unset);
                }
                Ok(())
            }
            Statement::Assign { name, value } => self.assign(*name, *value),
            Statement::Rate { name, value } => self.rate(*name, *value),
            Statement::Call { name, arguments } => self.call_statement(*name, arguments),
            Statement::If { condition, yes, no } => self.branches(*condition, yes, no),
            Statement::Solve { name, steady } => self.solve(*name, *steady),
        }
    }

    fn assign(&mut self, name: Name<'t>, value: Expr) -> Lowered<()> {
        let Some(variable) = self.resolve(name.text) else {
            return Err(if self.input.file.routines.contains_key(name.text) {
                let message = format!(
                    "'{}' is a routine; its return value can only be assigned inside the routine",
                    name.text
                );
                self.error(name.span, message)
            } else {
                self.unknown(name.text, name.span)
            });
        };
        let role = self.variables.get(variable).map(|s| s.role);
        let value = match self.expression(value) {
            Ok(value) => self.terms.quantity(value),
            // Some files divide by variables that INITIAL has not assigned yet, without using the result.
            Err(error) if self.may_be_infinite(role, &error) => {
                return self.set(variable, Held::NotFinite(self.span(value)), name.span);
            }
            Err(error) => return Err(error),
        };
        let routine = self.progress.calls.last().filter(|r| role == Some(Role::Local) && **r != name.text);
        let is_function =
            routine.is_some_and(|r| self.input.file.routines.get(*r).is_some_and(|r| r.is_function));
        let base = match routine {
            Some(routine) if is_function => format!("{routine}_{}", name.text),
            _ => name.text.to_string(),
        };
        // Only the initial value itself refers to this expression.
        let inline = role == Some(Role::State);
        let value = self.named(&base, value, inline, name.span)?;
        self.set(variable, Held::Known(value), name.span)
    }

    /// Returns whether a value in INITIAL may be infinite or NaN, which is harmless if no state depends on it.
    fn may_be_infinite(&self, role: Option<Role>, error: &NmodlError) -> bool {
        self.progress.pass == Pass::Initial
            && matches!(role, Some(Role::Assigned { .. } | Role::Local))
            && error.message == NOT_FINITE
    }

    fn rate(&mut self, name: Name<'t>, value: Expr) -> Lowered<()> {
        let Some(variable) = self.scopes.rates.get(name.text).copied() else {
            let message = format!("'{0}' is not a state; declare it in STATE to use {0}' = ...", name.text);
            return Err(self.error(name.span, message));
        };
        if self.progress.pass == Pass::Initial {
            let message = format!("{}' is assigned in INITIAL; move it to DERIVATIVE", name.text);
            return Err(self.error(name.span, message));
        }
        let value = self.quantity(value)?;
        self.set(variable, Held::Known(value), name.span)
    }

    fn call_statement(&mut self, name: Name<'t>, arguments: &[Expr]) -> Lowered<()> {
        self.spend(name.span)?;
        let file = self.input.file;
        let Some(routine) = file.routines.get(name.text) else {
            let message = format!("no PROCEDURE is named '{}'", name.text);
            let hint = crate::error::suggestion(name.text, sorted(file.routines.keys().copied()));
            return Err(self.error(name.span, message + &hint));
        };
        let mut given = Vec::new();
        for argument in arguments {
            given.push(self.quantity(*argument)?);
        }
        self.run(routine, given, name.span, false).map(drop)
    }

    fn solve(&mut self, name: Name<'t>, steady: bool) -> Lowered<()> {
        self.spend(name.span)?;
        if steady {
            let message = "STEADYSTATE is not supported; write 'x = ...' for each state in INITIAL instead";
            return Err(self.error(name.span, message));
        }
        if self.progress.pass == Pass::Initial || !self.progress.calls.is_empty() {
            return Err(self.error(name.span, "SOLVE is only allowed in BREAKPOINT"));
        }
        let file = self.input.file;
        if let Some(block) = file.derivatives.get(name.text) {
            self.progress.calls.push(name.text);
            let done = self.isolated(|l| l.deeper(name.span, |l| l.block_in_frame(block)));
            self.progress.calls.pop();
            return done;
        }
        match file.routines.get(name.text) {
            Some(routine) if !routine.is_function => {
                self.isolated(|l| l.run(routine, Vec::new(), name.span, false).map(drop))
            }
            _ => {
                let hint = crate::error::suggestion(name.text, sorted(file.derivatives.keys().copied()));
                Err(self.error(name.span, format!("no DERIVATIVE block is named '{}'{hint}", name.text)))
            }
        }
    }

    fn branches(&mut self, condition: Expr, yes: &Block<'t>, no: &Block<'t>) -> Lowered<()> {
        let span = self.span(condition);
        let condition = self.expression(condition)?;
        let condition = self.terms.condition(condition);
        if let Some(value) = condition.constant {
            return self.deeper(span, |l| l.block(if value == 0.0 { no } else { yes }));
        }
        let known = condition.logic.clone();
        let base =
            self.progress.calls.last().map_or_else(|| "case".to_string(), |call| format!("{call}_case"));
        let condition = self.named(&base, condition, true, span)?;
        let yes = self.deeper(span, |l| l.branch(yes))?;
        let no = self.deeper(span, |l| l.branch(no))?;
        let both: std::collections::BTreeSet<usize> = yes.keys().chain(no.keys()).copied().collect();
        for variable in both {
            self.spend(span)?;
            let before = self.before_branches(variable);
            let of = |changes: &Changes| changes.get(&variable).cloned().unwrap_or_else(|| before.clone());
            let merged = match (of(&yes), of(&no)) {
                (Held::Known(a), Held::Known(b)) if a == b => Held::Known(a),
                (Held::Known(a), Held::Known(b)) => {
                    Held::Known(self.merge(variable, &condition, a, b, span)?)
                }
                (Held::NotFinite(at), _) | (_, Held::NotFinite(at)) => Held::NotFinite(at),
                (yes, no) => self.merge_cases(variable, (&condition, &known), yes, no, span)?,
            };
            self.set(variable, merged, span)?;
        }
        Ok(())
    }

    /// Returns the value that a variable has if a branch does not assign it.
    fn before_branches(&mut self, variable: usize) -> Held {
        let zero = self.terms.number(0.0);
        let Some(variable) = self.variables.get(variable) else { return Held::Unset };
        match (&variable.held, variable.role) {
            (Held::Unset, Role::Assigned { .. }) if self.progress.pass == Pass::Initial => Held::Known(zero),
            (held, _) => held.clone(),
        }
    }

    /// Returns the value of a variable after two branches, at least one of which does not always assign it.
    fn merge_cases(
        &mut self,
        variable: usize,
        (condition, known): (&Value, &Known),
        yes: Held,
        no: Held,
        span: Span,
    ) -> Lowered<Held> {
        let mut place = None;
        let mut cases = |held: Held, when: Known| match held {
            Held::Known(value) => Some((value, when)),
            Held::Partial(Partial { span, value }) => {
                place = Some(span);
                value.map(|(value, valid)| (value, logic::and(when, Some(valid))))
            }
            _ => None,
        };
        let (yes, no) = (cases(yes, known.clone()), cases(no, logic::not(known.clone())));
        let value = match (yes, no) {
            (Some((a, x)), Some((b, y))) => {
                let value = if a == b { a } else { self.merge(variable, condition, a, b, span)? };
                logic::or(x, y).map(|valid| (value, valid))
            }
            (Some((value, valid)), None) | (None, Some((value, valid))) => valid.map(|valid| (value, valid)),
            (None, None) => None,
        };
        Ok(match value {
            Some((value, valid)) if valid.always() => Held::Known(value),
            value => Held::Partial(Partial { span: place.unwrap_or(span), value }),
        })
    }

    /// Returns the value of a variable that has different values after two branches.
    fn merge(
        &mut self,
        variable: usize,
        condition: &Value,
        a: Value,
        b: Value,
        span: Span,
    ) -> Lowered<Value> {
        let (name, role) = self.variables.get(variable).map_or(("", Role::Local), |s| (s.name.text, s.role));
        let a = self.named(name, a, true, span)?;
        let b = self.named(name, b, true, span)?;
        self.defs.allow_inline(&self.terms, &a);
        self.defs.allow_inline(&self.terms, &b);
        let value = self.terms.choose(condition.clone(), a, b);
        self.named(name, value, matches!(role, Role::State | Role::Rate), span)
    }

    /// Executes a branch, undoes its assignments and returns them.
    fn branch(&mut self, block: &Block<'t>) -> Lowered<Changes> {
        let (mark, own) = (self.progress.journal.len(), self.variables.len());
        self.progress.branches += 1;
        let done = self.block(block);
        self.progress.branches -= 1;
        let mut changes = Changes::new();
        while self.progress.journal.len() > mark {
            let Some((index, before)) = self.progress.journal.pop() else { break };
            let Some(variable) = self.variables.get_mut(index) else { continue };
            let after = std::mem::replace(&mut variable.held, before);
            // Assignments are undone from the last to the first, so the first one seen is the final value.
            if index < own {
                changes.entry(index).or_insert(after);
            }
        }
        done.map(|()| changes)
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

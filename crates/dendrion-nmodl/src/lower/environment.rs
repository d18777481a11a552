//! The symbolic environment: variables and their values during the execution of statements.

use super::{Lowered, Lowerer, NOT_FINITE, Pass, State};
use crate::defs::Leaf;
use std::rc::Rc;

use crate::error::{NmodlError, Span, suggestion};
use crate::logic::Logic;
use crate::syntax::Name;
use crate::terms::Value;

/// The symbolic value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// Not assigned yet.
    Unset,
    /// Assigned only in some cases.
    Partial(Partial),
    /// Assigned in INITIAL, with an expression that has changed since then.
    Frozen(Value),
    /// Not finite, because of the expression at this position.
    NotFinite(Span),
    /// The value of a state after spikes have arrived.
    State,
    /// Assigned before the step; the variable keeps this value in a step that does not assign it.
    Before(Value),
    Known(Value),
}

/// The value of a variable that is assigned only in some cases.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Partial {
    /// The condition that does not cover all cases.
    pub(super) span: Span,
    /// The value, and the cases in which the variable has it.
    pub(super) value: Option<(Value, Rc<Logic>)>,
}

/// The role of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Local,
    /// A variable of the file, which can be recorded if `public`.
    Assigned {
        public: bool,
    },
    Parameter,
    State,
    Rate,
    /// A variable that cannot be assigned, with the reason.
    Fixed(&'static str),
    /// The potential `v`. Some files change it slightly to avoid a division by 0.
    Potential,
    /// A variable read from an ion. Like `v`, it has its external value at the beginning of each block.
    OfIon,
    /// The time `t`, which is not available in equations.
    Time,
}

#[derive(Clone, Debug)]
pub(super) struct Variable<'t> {
    pub(super) name: Name<'t>,
    pub(super) role: Role,
    pub(super) unit: &'t str,
    pub(super) held: Held,
    /// Whether the step assigns the variable anywhere.
    pub(super) set: bool,
    /// Position where the step reads the value from before the step.
    pub(super) read: Option<Span>,
}

impl Variable<'_> {
    pub(super) fn begin_step(&mut self, zero: &Value) {
        if matches!(self.role, Role::Fixed(_) | Role::Potential | Role::OfIon | Role::Time) {
            return;
        }
        let held = std::mem::replace(&mut self.held, Held::Unset);
        self.held = match held {
            Held::Known(value) if value.moves => Held::Frozen(value),
            Held::Known(value) => Held::Before(value),
            // NEURON sets these variables to 0 before INITIAL.
            Held::Unset if matches!(self.role, Role::Assigned { .. }) => Held::Before(zero.clone()),
            other => other,
        };
    }
}

impl<'t> Lowerer<'_, 't> {
    pub(super) fn variable(&mut self, name: Name<'t>, role: Role, held: Held) -> usize {
        self.variables.push(Variable { name, role, unit: "", held, set: false, read: None });
        self.variables.len() - 1
    }

    /// Declares a local variable of the current block.
    pub(super) fn local(&mut self, name: Name<'t>, held: Held) {
        let variable = self.variable(name, Role::Local, held);
        if let Some(scope) = self.scopes.frames.last_mut().and_then(|frame| frame.last_mut()) {
            scope.insert(name.text, variable);
        }
    }

    /// Returns the variable with this name.
    pub(super) fn resolve(&self, name: &str) -> Option<usize> {
        let scopes = self.scopes.frames.last().into_iter().flatten().rev();
        scopes.chain([&self.scopes.globals]).find_map(|scope| scope.get(name)).copied()
    }

    pub(super) fn unknown(&self, name: &str, span: Span) -> NmodlError {
        let weighs =
            self.input.file.receive.as_ref().is_some_and(|(args, ..)| args.iter().any(|a| a.text == name));
        if weighs {
            let message = format!(
                "'{name}' is the argument of NET_RECEIVE and is available only there, as in 's = s + {name}'"
            );
            return self.error(span, message);
        }
        let locals = self.scopes.frames.last().into_iter().flatten().flat_map(|scope| scope.keys());
        // The names are sorted, so that the same file always results in the same message.
        let mut known: Vec<&str> = locals.chain(self.scopes.globals.keys()).copied().collect();
        known.sort_unstable();
        let hint = suggestion(name, known);
        self.error(span, format!("no variable named '{name}' is declared{hint}"))
    }

    /// Returns the value of a variable.
    pub(super) fn read(&mut self, name: &str, span: Span) -> Lowered<Value> {
        let Some(index) = self.resolve(name) else { return Err(self.unknown(name, span)) };
        self.read_variable(index, name, span)
    }

    pub(super) fn read_variable(&mut self, index: usize, name: &str, span: Span) -> Lowered<Value> {
        let is_initial = self.progress.pass == Pass::Initial;
        let Some(variable) = self.variables.get_mut(index) else { return Err(self.unknown(name, span)) };
        let message = match &variable.held {
            _ if variable.role == Role::Time => {
                "equations cannot depend on the time t; drive the neuron with a current or spike generator instead".to_string()
            }
            Held::Known(value) => return Ok(value.clone()),
            Held::Before(_) | Held::Frozen(_) if variable.set => last_step(name),
            Held::Before(value) => {
                variable.read.get_or_insert(span);
                return Ok(value.clone());
            }
            Held::Frozen(value) => {
                variable.read.get_or_insert(span);
                let value = value.clone();
                return Ok(self.constant_state(index, value));
            }
            Held::Unset if is_initial && matches!(variable.role, Role::Assigned { .. }) => {
                let zero = self.terms.number(0.0);
                variable.held = Held::Known(zero.clone());
                self.note(
                    span,
                    format!("'{name}' is read before it is assigned; its value is 0 there, as in NEURON"),
                );
                return Ok(zero);
            }
            Held::Unset => format!("'{name}' is read before it is assigned"),
            Held::Partial(partial) => {
                let partial = partial.span;
                return Err(self.partial(name, partial, Some(span)));
            }
            Held::NotFinite(at) => {
                let at = *at;
                return Err(self.error(at, NOT_FINITE));
            }
            Held::State => {
                "the factor of the weight depends on V or states; expected an expression in terms of parameters and numbers".to_string()
            }
        };
        Err(self.error(span, message))
    }

    /// Creates an error about a variable that a condition does not assign in all cases.
    pub(super) fn partial(&self, name: &str, span: Span, read: Option<Span>) -> NmodlError {
        let read = read.map_or_else(String::new, |read| {
            format!(", but it is used in line {}", read.line(self.input.source))
        });
        let message = format!("'{name}' is assigned only in some cases{read}; add an 'else' that assigns it");
        self.error(span, message)
    }

    /// Replaces a variable assigned in INITIAL with a state, so that the variable keeps its initial value.
    fn constant_state(&mut self, index: usize, initial: Value) -> Value {
        let name = self.variables.get(index).map_or(Name { text: "kept", span: Span::default() }, |s| s.name);
        let rate = self.variable(name, Role::Rate, Held::Unset);
        let plain = self.plain(name);
        self.note(
            name.span,
            format!("'{}' keeps its value from INITIAL; it is represented by a state", name.text),
        );
        self.terms.at = name.span;
        let term = self.terms.name(&plain);
        let value = self.defs.leaf(&mut self.terms, Leaf::Given, term, true);
        self.states.push(State {
            name: plain,
            variable: index,
            rate,
            is_concentration: false,
            is_constant: true,
            initial: Some(initial),
            factor: None,
            span: name.span,
        });
        if let Some(variable) = self.variables.get_mut(index) {
            variable.held = Held::Before(value.clone());
        }
        value
    }

    /// Assigns a value to a variable.
    pub(super) fn set(&mut self, index: usize, held: Held, span: Span) -> Lowered<()> {
        let (pass, branches) = (self.progress.pass, self.progress.branches);
        let Some(variable) = self.variables.get_mut(index) else { return Ok(()) };
        let name = variable.name.text;
        match variable.role {
            Role::Fixed(why) => {
                return Err(self.error(span, format!("'{name}' cannot be assigned because {why}")));
            }
            Role::Time => return Err(self.error(span, "'t' cannot be assigned")),
            Role::State if pass == Pass::Step => {
                let message = format!(
                    "the state '{name}' is assigned in a step; write {name}' = ... in DERIVATIVE instead"
                );
                return Err(self.error(span, message));
            }
            _ => {}
        }
        if pass == Pass::Step {
            variable.set = true;
            if let Some(read) = variable.read {
                return Err(self.error(read, last_step(name)));
            }
        }
        let old = std::mem::replace(&mut variable.held, held);
        if branches > 0 {
            self.progress.journal.push((index, old));
        }
        Ok(())
    }
}

fn last_step(name: &str) -> String {
    format!(
        "'{name}' is read before the step assigns it, so it would have its value from the previous step; only states keep their values between steps"
    )
}

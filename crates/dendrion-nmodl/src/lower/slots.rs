//! Variables and their symbolic values during the execution of statements.

use super::{Lowered, Lowerer, NOT_FINITE, Pass, State};
use crate::defs::Leaf;
use std::rc::Rc;

use crate::error::{NmodlError, Span, suggestion};
use crate::logic::Logic;
use crate::piece::Piece;
use crate::syntax::Name;

/// The symbolic value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// Not assigned yet.
    Unset,
    /// Assigned only in some cases.
    Partial(Partial),
    /// Assigned in INITIAL, with an expression that has changed since then.
    Frozen(Piece),
    /// Not finite, because of the expression at this position.
    NotFinite(Span),
    /// The value of a state after spikes have arrived.
    State,
    /// Assigned before the step; the variable keeps this value in a step that does not assign it.
    Before(Piece),
    Known(Piece),
}

/// The value of a variable that is assigned only in some cases.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Partial {
    /// The condition that does not cover all cases.
    pub(super) span: Span,
    /// The value, and the cases in which the variable has it.
    pub(super) value: Option<(Piece, Rc<Logic>)>,
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
pub(super) struct Slot<'t> {
    pub(super) name: Name<'t>,
    pub(super) role: Role,
    pub(super) unit: &'t str,
    pub(super) held: Held,
    /// Whether the step assigns it anywhere.
    pub(super) set: bool,
    /// Position where the step reads the value from before the step.
    pub(super) read: Option<Span>,
}

impl Slot<'_> {
    pub(super) fn begin_step(&mut self) {
        if matches!(self.role, Role::Fixed(_) | Role::Potential | Role::OfIon | Role::Time) {
            return;
        }
        let held = std::mem::replace(&mut self.held, Held::Unset);
        self.held = match held {
            Held::Known(piece) if piece.moves => Held::Frozen(piece),
            Held::Known(piece) => Held::Before(piece),
            // NEURON sets these variables to 0 before INITIAL.
            Held::Unset if matches!(self.role, Role::Assigned { .. }) => Held::Before(Piece::number(0.0)),
            other => other,
        };
    }
}

impl<'t> Lowerer<'_, 't> {
    pub(super) fn slot(&mut self, name: Name<'t>, role: Role, held: Held) -> usize {
        self.slots.push(Slot { name, role, unit: "", held, set: false, read: None });
        self.slots.len() - 1
    }

    /// Declares a local variable of the current block.
    pub(super) fn local(&mut self, name: Name<'t>, held: Held) {
        let slot = self.slot(name, Role::Local, held);
        if let Some(scope) = self.frames.last_mut().and_then(|frame| frame.last_mut()) {
            scope.insert(name.text, slot);
        }
    }

    /// Returns the variable with this name.
    pub(super) fn resolve(&self, name: &str) -> Option<usize> {
        let scopes = self.frames.last().into_iter().flatten().rev();
        scopes.chain([&self.globals]).find_map(|scope| scope.get(name)).copied()
    }

    pub(super) fn unknown(&self, name: &str, span: Span) -> NmodlError {
        let weighs = self.file.receive.as_ref().is_some_and(|(args, ..)| args.iter().any(|a| a.text == name));
        if weighs {
            let message = format!(
                "'{name}' is the argument of NET_RECEIVE and only available there, in 's = s + {name}'"
            );
            return self.error(span, message);
        }
        let locals = self.frames.last().into_iter().flatten().flat_map(|scope| scope.keys());
        // Sorted, so that the message is always the same for the same file.
        let mut known: Vec<&str> = locals.chain(self.globals.keys()).copied().collect();
        known.sort_unstable();
        let hint = suggestion(name, known);
        self.error(span, format!("no variable named '{name}' is declared{hint}"))
    }

    /// Returns the value of a variable.
    pub(super) fn read(&mut self, name: &str, span: Span) -> Lowered<Piece> {
        let Some(index) = self.resolve(name) else { return Err(self.unknown(name, span)) };
        self.read_slot(index, name, span)
    }

    pub(super) fn read_slot(&mut self, index: usize, name: &str, span: Span) -> Lowered<Piece> {
        let is_initial = self.pass == Pass::Initial;
        let Some(slot) = self.slots.get_mut(index) else { return Err(self.unknown(name, span)) };
        let message = match &slot.held {
            _ if slot.role == Role::Time => {
                "equations cannot depend on the time t; drive the neuron with a current or spike generator instead".to_string()
            }
            Held::Known(piece) => return Ok(piece.clone()),
            Held::Before(_) | Held::Frozen(_) if slot.set => last_step(name),
            Held::Before(piece) => {
                slot.read.get_or_insert(span);
                return Ok(piece.clone());
            }
            Held::Frozen(piece) => {
                slot.read.get_or_insert(span);
                let piece = piece.clone();
                return Ok(self.constant_state(index, piece));
            }
            Held::Unset if is_initial && matches!(slot.role, Role::Assigned { .. }) => {
                let zero = Piece::number(0.0);
                slot.held = Held::Known(zero.clone());
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
                "the factor of the weight depends on V or states; expected an expression of parameters and numbers".to_string()
            }
        };
        Err(self.error(span, message))
    }

    /// Creates an error about a variable that a condition does not assign in all cases.
    pub(super) fn partial(&self, name: &str, span: Span, read: Option<Span>) -> NmodlError {
        let read = read
            .map_or_else(String::new, |read| format!(", but it is used in line {}", read.line(self.source)));
        let message = format!("'{name}' is assigned only in some cases{read}; add an 'else' that assigns it");
        self.error(span, message)
    }

    /// Replaces a variable assigned in INITIAL by a state, so that it keeps its initial value.
    fn constant_state(&mut self, index: usize, initial: Piece) -> Piece {
        let name = self.slots.get(index).map_or(Name { text: "kept", span: Span::default() }, |s| s.name);
        let rate = self.slot(name, Role::Rate, Held::Unset);
        let plain = self.plain(name);
        self.note(
            name.span,
            format!("'{}' keeps its value from INITIAL; it is represented by a state", name.text),
        );
        let piece = self.defs.leaf(Leaf::Given, plain.clone(), true);
        self.states.push(State {
            name: plain,
            slot: index,
            rate,
            is_concentration: false,
            is_constant: true,
            initial: Some(initial),
            factor: None,
            span: name.span,
        });
        if let Some(slot) = self.slots.get_mut(index) {
            slot.held = Held::Before(piece.clone());
        }
        piece
    }

    /// Assigns a value to a variable.
    pub(super) fn set(&mut self, index: usize, held: Held, span: Span) -> Lowered<()> {
        let (pass, branches) = (self.pass, self.branches);
        let Some(slot) = self.slots.get_mut(index) else { return Ok(()) };
        let name = slot.name.text;
        match slot.role {
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
            slot.set = true;
            if let Some(read) = slot.read {
                return Err(self.error(read, last_step(name)));
            }
        }
        let old = std::mem::replace(&mut slot.held, held);
        if branches > 0 {
            self.journal.push((index, old));
        }
        Ok(())
    }
}

fn last_step(name: &str) -> String {
    format!(
        "'{name}' is read before the step assigns it, so it would have its value from the previous step; only states keep their values between steps"
    )
}

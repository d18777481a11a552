//! Variables, and what they hold while statements are run.

use super::{Lowered, Lowerer, NOT_FINITE, Pass, State};
use crate::defs::Leaf;
use std::rc::Rc;

use crate::error::{NmodlError, Span, suggestion};
use crate::logic::Logic;
use crate::piece::Piece;
use crate::syntax::Name;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// Nothing yet.
    Unset,
    /// Something in some cases only.
    Partial(Partial),
    /// What it was given in INITIAL, made of what moves since.
    Frozen(Piece),
    /// Something that is not finite, and where.
    NotFinite(Span),
    /// What it will hold once spikes have arrived: the value of a state.
    State,
    /// What it was given before the step, so what it has in a step that does not set it.
    Before(Piece),
    Known(Piece),
}

/// What a variable holds that was assigned in some cases only.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Partial {
    /// The condition that leaves a case out.
    pub(super) span: Span,
    /// Its value, and in which cases it has that.
    pub(super) value: Option<(Piece, Rc<Logic>)>,
}

/// What a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Local,
    /// Of the file, and seen from outside if `public`.
    Assigned {
        public: bool,
    },
    Parameter,
    State,
    Rate,
    /// It cannot be set, and why.
    Fixed(&'static str),
    /// `v`, which files change by a little where formulas would divide by 0.
    Potential,
    /// What is read of an ion. As with `v`, each block begins with the value from outside.
    OfIon,
    /// `t`, which equations do not see.
    Time,
}

#[derive(Clone, Debug)]
pub(super) struct Slot<'t> {
    pub(super) name: Name<'t>,
    pub(super) role: Role,
    pub(super) unit: &'t str,
    pub(super) held: Held,
    /// Whether the step sets it anywhere.
    pub(super) set: bool,
    /// Where the step read what it held before.
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
            // NEURON sets these to 0 before INITIAL.
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

    /// Declares a variable of the block that is being run.
    pub(super) fn local(&mut self, name: Name<'t>, held: Held) {
        let slot = self.slot(name, Role::Local, held);
        if let Some(scope) = self.frames.last_mut().and_then(|frame| frame.last_mut()) {
            scope.insert(name.text, slot);
        }
    }

    /// The variable of that name.
    pub(super) fn resolve(&self, name: &str) -> Option<usize> {
        let scopes = self.frames.last().into_iter().flatten().rev();
        scopes.chain([&self.globals]).find_map(|scope| scope.get(name)).copied()
    }

    pub(super) fn unknown(&self, name: &str, span: Span) -> NmodlError {
        let weighs = self.file.receive.as_ref().is_some_and(|(args, ..)| args.iter().any(|a| a.text == name));
        if weighs {
            let message = format!("'{name}' of NET_RECEIVE is only known there, in 's = s + {name}'");
            return self.error(span, message);
        }
        let locals = self.frames.last().into_iter().flatten().flat_map(|scope| scope.keys());
        // Sorted, so that the same file is always refused in the same words.
        let mut known: Vec<&str> = locals.chain(self.globals.keys()).copied().collect();
        known.sort_unstable();
        let hint = suggestion(name, known);
        self.error(span, format!("no variable '{name}' is declared{hint}"))
    }

    /// What a variable holds.
    pub(super) fn read(&mut self, name: &str, span: Span) -> Lowered<Piece> {
        let Some(index) = self.resolve(name) else { return Err(self.unknown(name, span)) };
        self.read_slot(index, name, span)
    }

    pub(super) fn read_slot(&mut self, index: usize, name: &str, span: Span) -> Lowered<Piece> {
        let is_initial = self.pass == Pass::Initial;
        let Some(slot) = self.slots.get_mut(index) else { return Err(self.unknown(name, span)) };
        let message = match &slot.held {
            _ if slot.role == Role::Time => {
                "equations do not see the time; use a current or spike generator".to_string()
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
                    format!("'{name}' is read before it is assigned; it is 0 there, as in NEURON"),
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
                "the weight's factor depends on V or states; expected parameters alone".to_string()
            }
        };
        Err(self.error(span, message))
    }

    /// Says that a condition leaves out a case in which a variable is read.
    pub(super) fn partial(&self, name: &str, span: Span, read: Option<Span>) -> NmodlError {
        let read =
            read.map_or_else(String::new, |read| format!(", but line {} reads it", read.line(self.source)));
        let message =
            format!("'{name}' is assigned in some cases only{read}; expected an 'else' that assigns it");
        self.error(span, message)
    }

    /// Makes a state of what INITIAL gave a variable, so that it stays what it was then.
    fn constant_state(&mut self, index: usize, initial: Piece) -> Piece {
        let name = self.slots.get(index).map_or(Name { text: "kept", span: Span::default() }, |s| s.name);
        let rate = self.slot(name, Role::Rate, Held::Unset);
        let plain = self.plain(name);
        self.note(name.span, format!("'{}' keeps the value that INITIAL gives it; it is a state", name.text));
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

    /// Lets a variable hold something.
    pub(super) fn set(&mut self, index: usize, held: Held, span: Span) -> Lowered<()> {
        let (pass, branches) = (self.pass, self.branches);
        let Some(slot) = self.slots.get_mut(index) else { return Ok(()) };
        let name = slot.name.text;
        match slot.role {
            Role::Fixed(why) => {
                return Err(self.error(span, format!("'{name}' cannot be assigned: {why}")));
            }
            Role::Time => return Err(self.error(span, "'t' cannot be assigned")),
            Role::State if pass == Pass::Step => {
                let message =
                    format!("the state '{name}' is assigned in a step; expected {name}' = ... in DERIVATIVE");
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
        "'{name}' is read before the step assigns it, so it would be what the last step left; expected a state"
    )
}

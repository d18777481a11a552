//! From syntax to equations. Statements are run with expressions in place of numbers: once as INITIAL, once as a step, which is
//! BREAKPOINT with what it solves. What variables hold in the end is what they are at every moment.

mod declare;
mod expression;
mod ions;
mod output;
mod receive;
mod slots;
mod statement;

use std::collections::HashMap;

use crate::defs::Defs;
use crate::error::{NmodlError, Notes, Span};
use crate::names::Names;
use crate::piece::Piece;
use crate::syntax::{Block, Expr, File, Statement};
use slots::{Held, Slot};

pub(crate) use output::Output;

/// Statements and nodes that are run at most, those of routines each time they are called.
const BUDGET: usize = 300_000;
/// Calls and conditions inside each other beyond that are refused.
const DEEPEST: usize = 100;

/// What is said of a division by 0 and the like.
const NOT_FINITE: &str = "this is no finite number";

type Lowered<T> = Result<T, NmodlError>;

/// A parameter of the text.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Its name in the file.
    pub(crate) source_name: String,
    /// Where the file declares it as its own.
    pub(crate) span: Option<Span>,
    pub(crate) default: f64,
    /// Its unit as it stands behind a number.
    pub(crate) unit: String,
    /// `(>= 0)` and the like, or nothing.
    pub(crate) bound: &'static str,
    pub(crate) doc: String,
}

/// A state of the text.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    /// Its variable, and that of its derivative.
    pub(crate) slot: usize,
    pub(crate) rate: usize,
    /// Whether it is a concentration that others read, in mM; else it is a pure number.
    pub(crate) is_concentration: bool,
    /// Whether it is a variable that keeps what INITIAL gives it.
    pub(crate) is_constant: bool,
    pub(crate) initial: Option<Piece>,
    /// What arriving weights are multiplied with.
    pub(crate) factor: Option<Piece>,
    pub(crate) span: Span,
}

/// Something that is imported.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// The parameter that gives its value where no mechanism exports it; 0 without one.
    pub(crate) default: Option<usize>,
}

/// What is being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Initial,
    Step,
}

/// Names of a routine or a block in braces, and the variables that they are.
type Scope<'t> = HashMap<&'t str, usize>;

pub(crate) struct Lowerer<'f, 't> {
    source: &'t str,
    file: &'f File<'t>,
    comments: &'f [Span],
    /// Names that parameters cannot have.
    reserved: &'f [&'f str],
    names: Names,
    defs: Defs,
    parameters: Vec<Parameter>,
    imports: Vec<Import>,
    states: Vec<State>,
    slots: Vec<Slot<'t>>,
    globals: Scope<'t>,
    /// For each state, the variable of its derivative.
    rates: Scope<'t>,
    /// For each call that is being run, its scopes from the outermost.
    frames: Vec<Vec<Scope<'t>>>,
    calls: Vec<&'t str>,
    /// What variables held before they were set, while a branch is being run.
    journal: Vec<(usize, Held)>,
    branches: usize,
    depth: usize,
    left: usize,
    pass: Pass,
    notes: Notes,
    /// What `v` and what is read of ions hold before a block changes them.
    outside: Vec<(usize, Held)>,
    /// Whether BREAKPOINT's SOLVE follows its other statements.
    solves_last: bool,
    /// Concentrations that the file writes, each with its ion.
    inside: HashMap<String, &'t str>,
}

/// The equations of a file.
///
/// Within a step, NEURON runs BREAKPOINT without SOLVE and then what it solves, so each may read what the other assigned. Most files
/// assign rates in what is solved and read them behind it, so that order is tried first.
pub(crate) fn lower<'t>(
    source: &'t str,
    file: &File<'t>,
    (comments, reserved): (&[Span], &[&str]),
) -> Result<(Output, Notes), NmodlError> {
    let first = lower_in_order(source, file, (comments, reserved), false);
    let solves = |s: &Statement<'_>| matches!(s, Statement::Solve { .. });
    if first.is_ok() || !file.breakpoint.iter().flatten().any(solves) {
        return first;
    }
    lower_in_order(source, file, (comments, reserved), true).or(first)
}

fn lower_in_order<'t>(
    source: &'t str,
    file: &File<'t>,
    (comments, reserved): (&[Span], &[&str]),
    solves_last: bool,
) -> Result<(Output, Notes), NmodlError> {
    let mut lowerer = Lowerer {
        source,
        file,
        comments,
        reserved,
        names: Names::default(),
        defs: Defs::default(),
        parameters: Vec::new(),
        imports: Vec::new(),
        states: Vec::new(),
        slots: Vec::new(),
        globals: HashMap::new(),
        rates: HashMap::new(),
        frames: Vec::new(),
        calls: Vec::new(),
        journal: Vec::new(),
        branches: 0,
        depth: 0,
        left: BUDGET,
        pass: Pass::Initial,
        notes: Notes::default(),
        outside: Vec::new(),
        solves_last,
        inside: HashMap::new(),
    };
    lowerer.declare()?;
    lowerer.block_in_frame(&file.initial)?;
    lowerer.settle_initial();
    lowerer.pass = Pass::Step;
    let arrivals = lowerer.receive()?;
    lowerer.read_states();
    lowerer.breakpoint()?;
    let output = lowerer.output(&arrivals)?;
    Ok((output, lowerer.notes))
}

impl<'t> Lowerer<'_, 't> {
    fn error(&self, span: Span, message: impl Into<String>) -> NmodlError {
        NmodlError::new(self.source, span, message)
    }

    fn note(&mut self, span: Span, text: impl Into<String>) {
        self.notes.add(self.source, span, text);
    }

    /// Takes one from what may still be run.
    fn spend(&mut self, span: Span) -> Lowered<()> {
        if self.left == 0 {
            let message = format!("with its calls written out, the file has more than {BUDGET} operations");
            return Err(self.error(span, message));
        }
        self.left -= 1;
        Ok(())
    }

    fn deeper<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        if self.depth >= DEEPEST {
            return Err(self.error(span, format!("calls and conditions nested more than {DEEPEST} deep")));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    /// Gives an expression a name, unless it needs none.
    fn named(&mut self, base: &str, piece: Piece, inline: bool, span: Span) -> Lowered<Piece> {
        self.defs
            .name(base, piece, inline)
            .ok_or_else(|| self.error(span, "with its calls written out, the file becomes too long a text"))
    }

    fn span(&self, expr: Expr) -> Span {
        self.file.nodes.get(expr.root).map_or_else(Span::default, |(_, span)| *span)
    }

    /// Runs a block that does not see the variables of what surrounds it.
    fn block_in_frame(&mut self, block: &Block<'t>) -> Lowered<()> {
        self.frames.push(Vec::new());
        let done = self.block(block);
        self.frames.pop();
        done?;
        self.restore_outside();
        Ok(())
    }

    fn breakpoint(&mut self) -> Lowered<()> {
        let file = self.file;
        let Some(block) = &file.breakpoint else { return Ok(()) };
        self.frames.push(vec![Scope::new()]);
        let solves = |s: &&Statement<'t>| matches!(s, Statement::Solve { .. });
        let done = if self.solves_last {
            let others = block.iter().filter(|s| !solves(s));
            others.chain(block.iter().filter(solves)).try_for_each(|s| self.statement(s))
        } else {
            block.iter().try_for_each(|s| self.statement(s))
        };
        self.frames.pop();
        done?;
        self.restore_outside();
        Ok(())
    }

    /// What a block makes of `v` and of what it reads of ions is known within it alone.
    fn restore_outside(&mut self) {
        for (index, held) in &self.outside {
            if let Some(slot) = self.slots.get_mut(*index) {
                slot.held = held.clone();
            }
        }
    }

    /// Runs something that begins with the values from outside, and goes on with those from before.
    fn isolated(&mut self, run: impl FnOnce(&mut Self) -> Lowered<()>) -> Lowered<()> {
        let held = |l: &Self, index: usize| l.slots.get(index).map_or(Held::Unset, |s| s.held.clone());
        let before: Vec<(usize, Held)> = self.outside.iter().map(|(i, _)| (*i, held(self, *i))).collect();
        self.restore_outside();
        let done = run(self);
        for (index, held) in before {
            if let Some(slot) = self.slots.get_mut(index) {
                slot.held = held;
            }
        }
        done
    }

    /// What states hold after INITIAL is where they begin, and what else is known by then stays known, unless it moves.
    fn settle_initial(&mut self) {
        for i in 0..self.states.len() {
            let held = self.slots.get(self.states[i].slot).map(|s| s.held.clone());
            if let Some(Held::Known(piece) | Held::Before(piece)) = held {
                self.states[i].initial = Some(piece);
            }
        }
        for slot in &mut self.slots {
            slot.begin_step();
        }
        for state in &self.states {
            if let Some(slot) = self.slots.get_mut(state.slot) {
                slot.held = Held::State;
            }
        }
    }

    /// From here on, states are what they are and no longer what they begin with.
    fn read_states(&mut self) {
        for i in 0..self.states.len() {
            let state = &self.states[i];
            let text = match (&state.factor, state.is_concentration) {
                (_, true) => format!("{}/(1 mM)", state.name),
                (Some(factor), false) => format!("{} * {}", state.name, factor.text),
                (None, false) => state.name.clone(),
            };
            let slot = state.slot;
            let piece = self.defs.leaf(crate::defs::Leaf::Given, text, true);
            if let Some(slot) = self.slots.get_mut(slot) {
                slot.held = Held::Known(piece);
            }
        }
    }
}

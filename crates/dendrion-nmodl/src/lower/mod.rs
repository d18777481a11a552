//! Translates the syntax tree to equations. Statements are executed symbolically, with expressions instead of
//! numbers: first INITIAL, then one step, which consists of BREAKPOINT and the blocks that it solves. The final
//! expressions of the variables are the equations.

mod declare;
mod environment;
mod expression;
mod ions;
mod output;
mod receive;
mod statement;

use std::collections::HashMap;

use dendrion_language::Binary;
use dendrion_language::syntax::Bound;

use crate::defs::Defs;
use crate::error::{NmodlError, Notes, Span};
use crate::names::Names;
use crate::syntax::{Block, Expr, File, Statement};
use crate::terms::{Terms, Value};
use crate::units::Product;
use environment::{Held, Variable};

pub(crate) use output::Output;

/// Maximum number of executed statements and nodes. The statements and nodes of a routine are counted each
/// time the routine is called.
const BUDGET: usize = 300_000;
/// Maximum nesting depth of calls and conditions.
const DEEPEST: usize = 100;

/// The error message for a division by 0 or another invalid operation on numbers.
const NOT_FINITE: &str = "the value of this expression is not a finite number";

type Lowered<T> = Result<T, NmodlError>;

/// A parameter of the text.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Name of the parameter in the file.
    pub(crate) source_name: String,
    /// Position of its declaration, if the file declares it.
    pub(crate) span: Option<Span>,
    pub(crate) default: f64,
    pub(crate) unit: Product,
    /// The accepted values.
    pub(crate) bound: Option<Bound>,
    pub(crate) doc: String,
}

/// A state of the text.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    /// The variable of the state and the variable of its derivative.
    pub(crate) variable: usize,
    pub(crate) rate: usize,
    /// Whether it is a shared concentration in mM; otherwise it is a pure number.
    pub(crate) is_concentration: bool,
    /// Whether it represents a variable that keeps its value from INITIAL.
    pub(crate) is_constant: bool,
    pub(crate) initial: Option<Value>,
    /// Factor by which arriving weights are multiplied.
    pub(crate) factor: Option<Value>,
    pub(crate) span: Span,
}

/// An import of the text.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) unit: Product,
    pub(crate) span: Span,
    /// Index of the parameter that provides the value if no mechanism exports the quantity. Without such a
    /// parameter, the value is 0.
    pub(crate) default: Option<usize>,
}

/// The part of the file that is being executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Initial,
    Step,
}

/// Names of a routine or block, with the indices of their variables.
type Scope<'t> = HashMap<&'t str, usize>;

/// The file that is translated.
#[derive(Clone, Copy)]
struct Input<'f, 't> {
    source: &'t str,
    file: &'f File<'t>,
    comments: &'f [Span],
    /// Names that parameters cannot have.
    reserved: &'f [&'f str],
    /// Whether the SOLVE statement of BREAKPOINT is executed after its other statements.
    solves_last: bool,
}

/// The variables that each name denotes.
#[derive(Default)]
struct Scopes<'t> {
    globals: Scope<'t>,
    /// The variable of each state's derivative.
    rates: Scope<'t>,
    /// The scopes of each active call, from the outermost to the innermost.
    frames: Vec<Vec<Scope<'t>>>,
    /// External values of `v` and of the variables read from ions, restored after each block.
    outside: Vec<(usize, Held)>,
    /// Concentrations that the file writes, with their ions.
    inside: HashMap<String, &'t str>,
}

/// The position in the execution of the file.
struct Progress<'t> {
    pass: Pass,
    /// The routines that are being executed.
    calls: Vec<&'t str>,
    /// Previous values of the variables assigned in the current branch.
    journal: Vec<(usize, Held)>,
    branches: usize,
    depth: usize,
    /// The number of statements and nodes that may still be executed.
    left: usize,
}

/// The state of the symbolic execution.
pub(crate) struct Lowerer<'f, 't> {
    input: Input<'f, 't>,
    names: Names,
    terms: Terms,
    defs: Defs,
    parameters: Vec<Parameter>,
    imports: Vec<Import>,
    states: Vec<State>,
    variables: Vec<Variable<'t>>,
    scopes: Scopes<'t>,
    progress: Progress<'t>,
    notes: Notes,
}

/// Translates a file to equations.
///
/// In each step, NEURON executes BREAKPOINT without SOLVE and then the solved blocks, so each of them can read
/// variables that the other assigned. Most files assign rates in the solved block and read them after SOLVE, so
/// this order is tried first.
pub(crate) fn lower<'t>(
    source: &'t str,
    file: &File<'t>,
    (comments, reserved): (&[Span], &[&str]),
) -> Result<(Output, Notes), NmodlError> {
    let input = Input { source, file, comments, reserved, solves_last: false };
    let first = lower_in_order(input);
    let solves = |s: &Statement<'_>| matches!(s, Statement::Solve { .. });
    if first.is_ok() || !file.breakpoint.iter().flatten().any(solves) {
        return first;
    }
    lower_in_order(Input { solves_last: true, ..input }).or(first)
}

fn lower_in_order(input: Input<'_, '_>) -> Result<(Output, Notes), NmodlError> {
    let progress = Progress {
        pass: Pass::Initial,
        calls: Vec::new(),
        journal: Vec::new(),
        branches: 0,
        depth: 0,
        left: BUDGET,
    };
    let mut lowerer = Lowerer {
        input,
        names: Names::default(),
        terms: Terms::default(),
        defs: Defs::default(),
        parameters: Vec::new(),
        imports: Vec::new(),
        states: Vec::new(),
        variables: Vec::new(),
        scopes: Scopes::default(),
        progress,
        notes: Notes::default(),
    };
    lowerer.declare()?;
    lowerer.block_in_frame(&input.file.initial)?;
    lowerer.settle_initial();
    lowerer.progress.pass = Pass::Step;
    let arrivals = lowerer.receive()?;
    lowerer.read_states();
    lowerer.breakpoint()?;
    let output = lowerer.output(&arrivals)?;
    Ok((output, lowerer.notes))
}

impl<'t> Lowerer<'_, 't> {
    fn error(&self, span: Span, message: impl Into<String>) -> NmodlError {
        NmodlError::new(self.input.source, span, message)
    }

    fn note(&mut self, span: Span, text: impl Into<String>) {
        self.notes.add(self.input.source, span, text);
    }

    /// Counts an executed statement or node.
    fn spend(&mut self, span: Span) -> Lowered<()> {
        if self.progress.left == 0 {
            let message = format!(
                "after expansion of all calls, the file has more than {BUDGET} operations; shorten it or call its routines less often"
            );
            return Err(self.error(span, message));
        }
        self.progress.left -= 1;
        Ok(())
    }

    fn deeper<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        if self.progress.depth >= DEEPEST {
            return Err(
                self.error(span, format!("calls and conditions are nested more than {DEEPEST} levels deep"))
            );
        }
        self.progress.depth += 1;
        let found = inner(self);
        self.progress.depth -= 1;
        found
    }

    /// Defines a name for an expression, unless the expression is too simple to need one.
    fn named(&mut self, base: &str, value: Value, inline: bool, span: Span) -> Lowered<Value> {
        self.defs
            .name(&mut self.terms, base, value, inline)
            .ok_or_else(|| self.error(span, "after expansion of all calls, the text is too long; shorten the file or call its routines less often"))
    }

    fn span(&self, expr: Expr) -> Span {
        self.input.file.nodes.get(expr.root).map_or_else(Span::default, |(_, span)| *span)
    }

    /// Executes a block in its own scope, without access to the local variables of the surrounding blocks.
    fn block_in_frame(&mut self, block: &Block<'t>) -> Lowered<()> {
        self.scopes.frames.push(Vec::new());
        let done = self.block(block);
        self.scopes.frames.pop();
        done?;
        self.restore_outside();
        Ok(())
    }

    fn breakpoint(&mut self) -> Lowered<()> {
        let file = self.input.file;
        let Some(block) = &file.breakpoint else { return Ok(()) };
        self.scopes.frames.push(vec![Scope::new()]);
        let solves = |s: &&Statement<'t>| matches!(s, Statement::Solve { .. });
        let done = if self.input.solves_last {
            let others = block.iter().filter(|s| !solves(s));
            others.chain(block.iter().filter(solves)).try_for_each(|s| self.statement(s))
        } else {
            block.iter().try_for_each(|s| self.statement(s))
        };
        self.scopes.frames.pop();
        done?;
        self.restore_outside();
        Ok(())
    }

    /// Restores `v` and the variables read from ions, whose changes are local to a block.
    fn restore_outside(&mut self) {
        for (index, held) in &self.scopes.outside {
            if let Some(variable) = self.variables.get_mut(*index) {
                variable.held = held.clone();
            }
        }
    }

    /// Calls `run` with the external values, and restores the previous values afterwards.
    fn isolated(&mut self, run: impl FnOnce(&mut Self) -> Lowered<()>) -> Lowered<()> {
        let held = |l: &Self, index: usize| l.variables.get(index).map_or(Held::Unset, |s| s.held.clone());
        let before: Vec<(usize, Held)> =
            self.scopes.outside.iter().map(|(i, _)| (*i, held(self, *i))).collect();
        self.restore_outside();
        let done = run(self);
        for (index, held) in before {
            if let Some(variable) = self.variables.get_mut(index) {
                variable.held = held;
            }
        }
        done
    }

    /// Ends INITIAL: values of states become their initial values, and values of other variables are kept unless
    /// they vary in time.
    fn settle_initial(&mut self) {
        for i in 0..self.states.len() {
            let held = self.variables.get(self.states[i].variable).map(|s| s.held.clone());
            if let Some(Held::Known(value) | Held::Before(value)) = held {
                self.states[i].initial = Some(value);
            }
        }
        let zero = self.terms.number(0.0);
        for variable in &mut self.variables {
            variable.begin_step(&zero);
        }
        for state in &self.states {
            if let Some(variable) = self.variables.get_mut(state.variable) {
                variable.held = Held::State;
            }
        }
    }

    /// From here on, reading a state returns its current value instead of its initial value.
    fn read_states(&mut self) {
        for i in 0..self.states.len() {
            let state = &self.states[i];
            self.terms.at = state.span;
            let name = self.terms.name(&state.name);
            let term = match (&state.factor, state.is_concentration) {
                (_, true) => self.terms.in_units(name, &Product::named("mM")),
                (Some(factor), false) => self.terms.apply(Binary::Mul, vec![name, factor.term]),
                (None, false) => name,
            };
            let variable = state.variable;
            let value = self.defs.leaf(&mut self.terms, crate::defs::Leaf::Given, term, true);
            if let Some(variable) = self.variables.get_mut(variable) {
                variable.held = Held::Known(value);
            }
        }
    }
}

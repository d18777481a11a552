//! Definitions: checked texts, ready to be translated to equations.

use std::fmt;

use crate::error::Span;
use crate::function::{Binary, Function, Unary};
use crate::syntax::Bound;
use crate::unit::Unit;

/// Index of an expression in [`Definition::terms`]. Operands come before their users.
pub type Id = usize;

/// A quantity that the compartment provides to its mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Given {
    /// `V`, the potential of the compartment (mV).
    Potential,
    /// `V_rest` of the compartment (mV).
    Rest,
    /// `gL`, the leak conductance of the compartment (nS).
    Leak,
    /// `C`, the capacitance of the compartment (pF).
    Capacitance,
    /// `area` of the compartment (um2), if it has a geometry.
    Area,
    /// `diameter` of the compartment (um), if it has a geometry.
    Diameter,
    /// `length` of the compartment (um), if it has a geometry.
    Length,
    /// Path length from the centre of the soma of a detailed cell.
    Distance,
    /// `dt`, the time step (ms).
    Step,
    /// `I`, the sum of all other currents into the compartment (pA), available in an equation for V.
    Current,
}

/// A node of an expression. Values are in coherent units (mV, ms, pA, um, mM, K); conditions are 1 or 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A number.
    Number(f64),
    /// The parameter with this index in [`Definition::parameters`], in the parameter's own unit.
    Parameter(usize),
    /// The state with this index in [`Definition::states`], in the state's own unit.
    State(usize),
    /// The value of the named expression with this index in [`Definition::expressions`].
    Expression(usize),
    /// The import with this index in [`Definition::imports`].
    Import(usize),
    /// A quantity that the compartment provides.
    Given(Given),
    /// Whether the flag with this index in [`Definition::flags`] is on.
    Flag(usize),
    /// A function applied to other nodes.
    Apply(Function, Vec<Id>),
}

/// A unit with its spelling in the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The spelling; empty for pure numbers.
    pub text: String,
    /// The unit.
    pub unit: Unit,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The unit of the parameter's values.
    pub unit: Written,
    /// The default in the parameter's unit; `None` if the user has to provide a value.
    pub default: Option<f64>,
    /// The accepted values.
    pub bound: Bound,
    /// The comment at the end of the parameter's line.
    pub doc: String,
}

/// A state variable: dx/dt = `derivative`.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The name.
    pub name: String,
    /// The unit of the state's values.
    pub unit: Written,
    /// The derivative with respect to time, in coherent units.
    pub derivative: Id,
    /// The initial value in coherent units; `None` means 0.
    pub initial: Option<Id>,
}

/// A named expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// The name.
    pub name: String,
    /// The unit in which the expression is recorded.
    pub unit: Written,
    /// The value.
    pub value: Id,
}

impl Expression {
    /// Returns whether the expression is private, that is, whether its name begins with `_`.
    pub fn is_private(&self) -> bool {
        self.name.starts_with('_')
    }
}

/// A quantity that this mechanism reads from other mechanisms of its compartment.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The name.
    pub name: String,
    /// The unit.
    pub unit: Written,
    /// The value used if no mechanism of the compartment exports this quantity. It consists of numbers and
    /// parameters. Without a default, a missing export is an error.
    pub default: Option<Id>,
}

/// A quantity that other mechanisms of the compartment may import. An import reads the sum over all mechanisms that
/// export it.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Id,
    /// The unit.
    pub unit: Unit,
}

/// The diffusion of a concentration along the dendrites of detailed cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diffuse {
    /// Index of the state.
    pub state: usize,
    /// The diffusion coefficient in coherent units (um2/ms). It does not change during a run.
    pub coefficient: Id,
    /// The position of the state's name in the statement.
    pub span: Span,
}

/// The condition that triggers an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The neuron spikes.
    Spike,
    /// This condition is true (not 0) at the end of a step.
    When(Id),
}

/// The variable that an event sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The potential of the compartment.
    Potential,
    /// The state with this index.
    State(usize),
}

/// An assignment of a new value to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub target: Target,
    /// The new value in coherent units.
    pub value: Id,
    /// Delay after the event (ms); `None` means no delay.
    pub after: Option<Id>,
}

/// An event and its assignments.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The trigger.
    pub trigger: Trigger,
    /// The assignments.
    pub then: Vec<Assignment>,
}

/// A flag that an event switches on for a limited time.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// The name.
    pub name: String,
    /// Index of the event in [`Definition::events`].
    pub event: usize,
    /// Delay from the event until the flag switches on (ms); `None` means no delay.
    pub after: Option<Id>,
    /// Time for which the flag stays on (ms).
    pub lasts: Id,
}

/// The current of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Index of the named expression `I`.
    pub expression: usize,
    /// Whether `I` is a current density (pA/um2); otherwise it is a current (pA).
    pub per_area: bool,
}

/// A mechanism: a text whose names and dimensions have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The source text.
    pub text: String,
    /// The nodes of all expressions.
    pub terms: Vec<Term>,
    /// The parameters, in the order of the text.
    pub parameters: Vec<Parameter>,
    /// The states, in the order of the text.
    pub states: Vec<State>,
    /// The named expressions, in the order of the text.
    pub expressions: Vec<Expression>,
    /// Indices of the named expressions, sorted so that each comes after the expressions that it uses.
    pub order: Vec<usize>,
    /// Quantities read from other mechanisms.
    pub imports: Vec<Import>,
    /// Quantities that other mechanisms may read.
    pub exports: Vec<Export>,
    /// The concentrations that diffuse.
    pub diffuses: Vec<Diffuse>,
    /// Indices of the states to which an arriving spike adds its weight.
    pub arrivals: Vec<usize>,
    /// The events.
    pub events: Vec<Event>,
    /// The flags that events switch on.
    pub flags: Vec<Flag>,
    /// The derivative of V, if the text replaces the compartment's own equation.
    pub membrane: Option<Id>,
    /// The current into the compartment, if the text defines one.
    pub current: Option<Current>,
}

impl Definition {
    /// Returns all nodes that `root` depends on within its expression, including `root`, in ascending order.
    pub fn subtree(&self, root: Id) -> Vec<Id> {
        let mut found = Vec::new();
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            found.push(id);
            if let Term::Apply(_, operands) = &self.terms[id] {
                stack.extend(operands);
            }
        }
        found.sort_unstable();
        found
    }

    /// Returns whether this is a voltage-gated channel: it has a current or an equation for V, and a gate (a
    /// dimensionless state) whose derivative depends on V, directly or through named expressions. Mechanisms with
    /// an action on spikes, such as integrate-and-fire neurons, are excluded.
    pub fn is_voltage_gated(&self) -> bool {
        let acts = self.events.iter().any(|e| matches!(e.trigger, Trigger::Spike));
        if acts || (self.current.is_none() && self.membrane.is_none()) {
            return false;
        }
        let mut seen = vec![false; self.terms.len()];
        let mut stack: Vec<Id> =
            self.states.iter().filter(|s| s.unit.text.is_empty()).map(|s| s.derivative).collect();
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            match &self.terms[id] {
                Term::Given(Given::Potential) => return true,
                Term::Apply(_, operands) => stack.extend(operands),
                Term::Expression(i) => stack.push(self.expressions[*i].value),
                _ => {}
            }
        }
        false
    }

    /// Returns the literal numbers (mV) that serve as reversal potentials in the current: V is subtracted from them, or
    /// they are subtracted from V.
    pub fn unnamed_reversals(&self) -> Vec<f64> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.terms.len()];
        let mut stack: Vec<Id> = self.current.iter().map(|c| self.expressions[c.expression].value).collect();
        let is_potential = |id: &Id| self.terms[*id] == Term::Given(Given::Potential);
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            match &self.terms[id] {
                Term::Apply(function, operands) => {
                    let sign = match function {
                        Function::Binary(Binary::Sub) => 1.0,
                        Function::Binary(Binary::Add) => -1.0,
                        _ => 0.0,
                    };
                    if sign != 0.0 && operands.iter().any(is_potential) {
                        found.extend(operands.iter().filter_map(|id| Some(sign * self.number(*id)?)));
                    }
                    stack.extend(operands);
                }
                Term::Expression(i) => stack.push(self.expressions[*i].value),
                _ => {}
            }
        }
        found
    }

    /// Returns the value of a node that is a number with an optional sign.
    fn number(&self, id: Id) -> Option<f64> {
        match &self.terms[id] {
            Term::Number(v) => Some(*v),
            Term::Apply(Function::Unary(Unary::Neg), operands) => self.number(*operands.first()?).map(|v| -v),
            _ => None,
        }
    }

    /// Returns the parameter with this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }
}

impl Bound {
    /// Describes the accepted values in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Finite => "a finite number",
            Self::Positive => "a finite number > 0",
            Self::NonNegative => "a finite number >= 0",
            Self::Fraction => "a number in [0, 1]",
        }
    }
}

impl Written {
    /// Returns a unit with its spelling. Pure numbers have no spelling, and a leading slash follows a 1.
    pub fn new(text: &str, unit: Unit) -> Self {
        let text = match text.strip_prefix('/') {
            _ if unit == Unit::ONE => String::new(),
            Some(below) => format!("1/{}", below.trim_start()),
            None => text.strip_prefix('*').unwrap_or(text).trim_start().to_string(),
        };
        Self { text, unit }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "a pure number" } else { &self.text })
    }
}

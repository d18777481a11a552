//! Definitions: texts that were checked, ready to become equations.

use std::fmt;

use crate::syntax::{Bound, Function};
use crate::unit::Unit;

/// Index of an expression in [`Definition::terms`]. Operands come before their users.
pub type Id = usize;

/// What a mechanism finds where it is.
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
    /// `area` of the compartment (um2), where it has a geometry.
    Area,
    /// `diameter` of the compartment (um), where it has a geometry.
    Diameter,
    /// `length` of the compartment (um), where it has a geometry.
    Length,
    /// `dt`, the step (ms).
    Step,
    /// `I`, all other currents into the compartment (pA), in an equation for V.
    Current,
}

/// A node of an expression. Values are in coherent units (mV, ms, pA, um, mM, K); conditions are 1 and 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A number.
    Number(f64),
    /// [`Definition::parameters`] of that index, still in its own unit.
    Parameter(usize),
    /// [`Definition::states`] of that index, still in its own unit.
    State(usize),
    /// The value of [`Definition::expressions`] of that index.
    Expression(usize),
    /// [`Definition::imports`] of that index.
    Import(usize),
    /// What the mechanism finds where it is.
    Given(Given),
    /// Whether [`Definition::flags`] of that index is on.
    Flag(usize),
    /// A function of other nodes.
    Apply(Function, Vec<Id>),
}

/// A unit as it is written, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text, empty for pure numbers.
    pub text: String,
    /// What it means.
    pub unit: Unit,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The unit its values are given in.
    pub unit: Written,
    /// Its default, in its unit; none where it has to be given.
    pub default: Option<f64>,
    /// What values it may take.
    pub bound: Bound,
    /// The comment behind it.
    pub doc: String,
}

/// A state variable: dx/dt = `derivative`.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// The unit its values are in.
    pub unit: Written,
    /// Its derivative, in coherent units.
    pub derivative: Id,
    /// Its value at the beginning, in coherent units; 0 without.
    pub initial: Option<Id>,
}

/// A name for an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Its name.
    pub name: String,
    /// The unit it is observed in.
    pub unit: Written,
    /// Its value.
    pub value: Id,
}

impl Expression {
    /// Whether it is nobody's business: its name begins with `_`.
    pub fn is_private(&self) -> bool {
        self.name.starts_with('_')
    }
}

/// Something of the compartment's other mechanisms that this one reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: Written,
    /// Its value where no mechanism of the compartment exports it: made of numbers and parameters. Without one, that is an error.
    pub default: Option<Id>,
}

/// Something that other mechanisms of the compartment may import: the sum over all that export it.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Id,
    /// Its unit.
    pub unit: Unit,
}

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// When the neuron spikes.
    Spike,
    /// At the end of a step after which this is not 0.
    When(Id),
}

/// What an event sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The potential of the compartment.
    Potential,
    /// A state.
    State(usize),
}

/// A new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Of what.
    pub target: Target,
    /// The value, in coherent units.
    pub value: Id,
    /// How long after the event (ms); at once without.
    pub after: Option<Id>,
}

/// An event and what it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happens.
    pub trigger: Trigger,
    /// What it changes.
    pub then: Vec<Assignment>,
}

/// Something that an event switches on for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// Its name.
    pub name: String,
    /// Index of the event.
    pub event: usize,
    /// How long after the event it goes on (ms); at once without.
    pub after: Option<Id>,
    /// How long it is on (ms).
    pub lasts: Id,
}

/// The current of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Index of its expression.
    pub expression: usize,
    /// Whether it is per area (pA/um2), else a current (pA).
    pub per_area: bool,
}

/// A mechanism: a text whose names and dimensions were checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The text.
    pub text: String,
    /// Nodes of all expressions.
    pub terms: Vec<Term>,
    /// Parameters, in the order of the text.
    pub parameters: Vec<Parameter>,
    /// States, in the order of the text.
    pub states: Vec<State>,
    /// Named expressions, in the order of the text.
    pub expressions: Vec<Expression>,
    /// Indices of the named expressions, each after those it needs.
    pub order: Vec<usize>,
    /// What is read of other mechanisms.
    pub imports: Vec<Import>,
    /// What other mechanisms may read.
    pub exports: Vec<Export>,
    /// States to which an arriving spike adds its weight.
    pub arrivals: Vec<usize>,
    /// Events.
    pub events: Vec<Event>,
    /// What events switch on.
    pub flags: Vec<Flag>,
    /// The derivative of V, where the text has one in place of the compartment's own.
    pub membrane: Option<Id>,
    /// The current into the compartment, where there is one.
    pub current: Option<Current>,
}

impl Definition {
    /// The nodes that `root` is made of, itself included, ascending.
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

    /// Whether it has a current or an equation for V, and a gate (a state that is a pure number) whose derivative depends on V,
    /// directly or through named expressions; and does nothing on a spike, as integrate-and-fire neurons do.
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

    /// Numbers (mV) that the current subtracts V from, or that are subtracted from V there, as reversal potentials are that
    /// have no name.
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
                        Function::Sub => 1.0,
                        Function::Add => -1.0,
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

    /// The number that a node is, perhaps with a sign.
    fn number(&self, id: Id) -> Option<f64> {
        match &self.terms[id] {
            Term::Number(v) => Some(*v),
            Term::Apply(Function::Neg, operands) => self.number(*operands.first()?).map(|v| -v),
            _ => None,
        }
    }

    /// The parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }
}

impl Bound {
    /// The bound in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Finite => "a finite number",
            Self::Positive => "a finite number > 0",
            Self::NonNegative => "a finite number >= 0",
            Self::Fraction => "a number in [0, 1]",
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "a pure number" } else { &self.text })
    }
}

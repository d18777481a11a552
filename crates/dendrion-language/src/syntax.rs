//! The syntax tree of a text, before names are resolved.

use crate::error::Span;
use crate::function::Function;
use crate::unit::Unit;

/// Index of an expression in [`Syntax::nodes`]. Operands come before their users.
pub(crate) type Id = usize;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A number with its unit.
    Number {
        value: f64,
        unit: Unit,
    },
    Name,
    Apply(Function, Vec<Id>),
}

/// The values that a parameter may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bound {
    /// Any finite number.
    #[default]
    Finite,
    /// A finite number greater than 0.
    Positive,
    /// A finite number of at least 0.
    NonNegative,
    /// A number from 0 to 1.
    Fraction,
}

/// A unit written after a colon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Annotation {
    pub(crate) unit: Unit,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Trigger {
    /// A presynaptic spike arrives.
    Arrival,
    /// The neuron spikes.
    Spike,
    /// A condition becomes true at the end of a step.
    When(Id),
}

#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) name: Span,
    pub(crate) what: Change,
    /// Time from the event to the action.
    pub(crate) after: Option<Id>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(Id),
    Increase(Id),
    Decrease(Id),
    /// Switches a flag on for this time.
    Last(Id),
}

#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Derivative { name: Span, value: Id, unit: Option<Annotation> },
    Initial { name: Span, value: Id },
    Define { name: Span, value: Id, unit: Option<Annotation>, bound: Option<Bound> },
    Declare { name: Span, unit: Annotation, bound: Option<Bound> },
    Import { name: Span, unit: Annotation, default: Option<Id> },
    Export { name: Span, value: Option<Id> },
    On { trigger: Trigger, actions: Vec<Action> },
}

#[derive(Debug, Default)]
pub(crate) struct Syntax {
    pub(crate) nodes: Vec<(Node, Span)>,
    pub(crate) statements: Vec<Statement>,
}

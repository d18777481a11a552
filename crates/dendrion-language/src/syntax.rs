//! The syntax tree of a text, before names are resolved.

use crate::error::Span;
use crate::unit::Unit;

/// Index of an expression in [`Syntax::nodes`]. Operands come before their users.
pub(crate) type Id = usize;

/// Functions and operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `-a`
    Neg,
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a` to the power `b`
    Pow,
    /// Absolute value
    Abs,
    /// Square root
    Sqrt,
    /// `e` to the power `a`
    Exp,
    /// `exp(a) - 1`, accurate for small `a`
    Expm1,
    /// Natural logarithm
    Log,
    /// Logarithm to base 10
    Log10,
    /// `log(1 + a)`, accurate for small `a`
    Log1p,
    /// `(exp(a) - 1) / a`
    Exprel,
    /// Hyperbolic tangent
    Tanh,
    /// The smaller of two values
    Min,
    /// The larger of two values
    Max,
    /// `min(max(a, b), c)`
    Clip,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// True if both conditions hold
    And,
    /// True if at least one condition holds
    Or,
    /// True if the condition does not hold
    Not,
    /// `b` if the condition `a` holds, else `c`
    Where,
}

impl Function {
    /// Functions called by name, with their number of arguments.
    pub(crate) const CALLED: [(&'static str, Self, usize); 13] = [
        ("exp", Self::Exp, 1),
        ("log", Self::Log, 1),
        ("log10", Self::Log10, 1),
        ("log1p", Self::Log1p, 1),
        ("expm1", Self::Expm1, 1),
        ("exprel", Self::Exprel, 1),
        ("sqrt", Self::Sqrt, 1),
        ("tanh", Self::Tanh, 1),
        ("abs", Self::Abs, 1),
        ("pow", Self::Pow, 2),
        ("min", Self::Min, 2),
        ("max", Self::Max, 2),
        ("clip", Self::Clip, 3),
    ];

    /// Returns the function called `name` and its number of arguments, including `where(condition, a, b)`.
    pub(crate) fn called(name: &str) -> Option<(Self, usize)> {
        if name == "where" {
            return Some((Self::Where, 3));
        }
        Self::CALLED.iter().find(|(n, ..)| *n == name).map(|(_, f, arity)| (*f, *arity))
    }
}

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

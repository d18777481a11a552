//! The syntax tree of a text, before names are resolved.
//!
//! [`parse`](crate::parse) creates a tree from a text, and other translators build a tree with
//! [`Syntax::number`], [`Syntax::name`] and [`Syntax::apply`]. [`check`](crate::check) creates a definition
//! from a tree, and the tree's `Display` implementation writes it as text. Positions refer to the source of
//! the tree, which may be written in another language.
//!
//! ```
//! use dendrion_language::syntax::{Annotation, Name, Statement, Syntax};
//! use dendrion_language::{Binary, Function, Span, Unit, Written};
//!
//! let (mut syntax, span) = (Syntax::default(), Span::default());
//! let unit = |text: &str| Written { text: text.into(), unit: Unit::named(text).unwrap_or_default() };
//! let (v, g) = (syntax.name("V", span), syntax.number(2.0, unit("nS"), span));
//! let value = syntax.apply(Function::Binary(Binary::Mul), vec![v, g], span);
//! let (name, unit) = (Name::new("I", span), Some(Annotation { unit: unit("pA"), span }));
//! syntax.statements.push(Statement::Define { name, value, unit, bound: None, doc: String::new() });
//! assert_eq!(syntax.to_string(), "I = V * (2 nS) : pA\n");
//! # Ok::<(), dendrion_language::TextError>(())
//! ```

use std::rc::Rc;

use crate::definition::Written;
use crate::error::Span;
use crate::function::Function;
use crate::stack::recurse;

/// Index of an expression in a [`Syntax`]. Operands come before their users.
pub type Id = usize;

/// A name and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: Rc<str>,
    /// The position.
    pub span: Span,
}

impl Name {
    /// Creates a name.
    pub fn new(text: impl Into<Rc<str>>, span: Span) -> Self {
        Self { text: text.into(), span }
    }
}

/// A node of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number that is at least 0, with its unit.
    Number(f64, Written),
    /// The name of a quantity or a unit.
    Name(Rc<str>),
    /// A function applied to other nodes.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The unit.
    pub unit: Written,
    /// The position.
    pub span: Span,
}

/// The condition that triggers an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A presynaptic spike arrives.
    Arrival,
    /// The neuron spikes.
    Spike,
    /// A condition becomes true at the end of a step.
    When(Id),
}

/// An action of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The variable.
    pub name: Name,
    /// The change of the variable.
    pub change: Change,
    /// Time from the event to the action.
    pub after: Option<Id>,
    /// The position.
    pub span: Span,
}

/// A change of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `x = value`
    Set(Id),
    /// `x += value`
    Increase(Id),
    /// `x -= value`
    Decrease(Id),
    /// `x for value`: switches a flag on for this time.
    Last(Id),
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `dx/dt = value : unit`
    Derivative {
        /// The state, without `d`.
        name: Name,
        /// The derivative.
        value: Id,
        /// The unit of the state.
        unit: Option<Annotation>,
    },
    /// `x(0) = value`
    Initial {
        /// The state.
        name: Name,
        /// The initial value.
        value: Id,
    },
    /// `x = value : unit (bound)`
    Define {
        /// The name.
        name: Name,
        /// The value.
        value: Id,
        /// The unit.
        unit: Option<Annotation>,
        /// The accepted values of a parameter.
        bound: Option<Bound>,
        /// The comment at the end of the line.
        doc: String,
    },
    /// `x : unit (bound)`
    Declare {
        /// The name of a parameter.
        name: Name,
        /// The unit.
        unit: Annotation,
        /// The accepted values.
        bound: Option<Bound>,
        /// The comment at the end of the line.
        doc: String,
    },
    /// `import x : unit = default`
    Import {
        /// The name.
        name: Name,
        /// The unit.
        unit: Annotation,
        /// The value if no mechanism exports the name.
        default: Option<Id>,
    },
    /// `export x = value`
    Export {
        /// The name.
        name: Name,
        /// The value. If it is `None`, the variable with this name is exported.
        value: Option<Id>,
    },
    /// `diffuse x = value`
    Diffuse {
        /// The name of a concentration.
        name: Name,
        /// The diffusion coefficient.
        value: Id,
    },
    /// `on trigger: actions`
    On {
        /// The trigger.
        trigger: Trigger,
        /// The actions.
        actions: Vec<Action>,
    },
}

impl Statement {
    /// Calls `f` with each expression of the statement, in the order in which they are written.
    pub fn visit(&mut self, mut f: impl FnMut(&mut Id)) {
        match self {
            Self::Derivative { value, .. }
            | Self::Initial { value, .. }
            | Self::Define { value, .. }
            | Self::Diffuse { value, .. } => {
                f(value);
            }
            Self::Import { default: value, .. } | Self::Export { value, .. } => value.iter_mut().for_each(f),
            Self::Declare { .. } => {}
            Self::On { trigger, actions } => {
                if let Trigger::When(condition) = trigger {
                    f(condition);
                }
                for Action { change, after, .. } in actions {
                    match change {
                        Change::Set(value) | Change::Increase(value) | Change::Decrease(value) => {
                            f(value);
                            after.iter_mut().for_each(&mut f);
                        }
                        Change::Last(value) => {
                            after.iter_mut().for_each(&mut f);
                            f(value);
                        }
                    }
                }
            }
        }
    }
}

/// A syntax tree.
#[derive(Clone, Debug, Default)]
pub struct Syntax {
    /// The comments before the first statement.
    pub header: Vec<String>,
    /// The statements.
    pub statements: Vec<Statement>,
    pub(crate) nodes: Vec<(Node, Span)>,
}

impl Syntax {
    /// Adds a number with its unit. A negative number becomes a positive number with a minus sign, as in a
    /// text.
    pub fn number(&mut self, value: f64, unit: Written, span: Span) -> Id {
        let number = self.push(Node::Number(value.abs(), unit), span);
        if value < 0.0 { self.apply(Function::Unary(crate::Unary::Neg), vec![number], span) } else { number }
    }

    /// Adds a name.
    pub fn name(&mut self, name: impl Into<Rc<str>>, span: Span) -> Id {
        self.push(Node::Name(name.into()), span)
    }

    /// Applies a function to expressions of this tree.
    pub fn apply(&mut self, function: Function, operands: Vec<Id>, span: Span) -> Id {
        self.push(Node::Apply(function, operands), span)
    }

    fn push(&mut self, node: Node, span: Span) -> Id {
        self.nodes.push((node, span));
        self.nodes.len() - 1
    }

    /// Returns the position of an expression.
    pub fn span(&self, id: Id) -> Span {
        self.nodes.get(id).map_or_else(Span::default, |(_, span)| *span)
    }

    /// Returns the position of an invalid node, if there is one: a function with the wrong number of
    /// operands, or with an operand that comes after it. A statement may also refer to a node that does not
    /// exist.
    pub(crate) fn invalid(&self) -> Option<Span> {
        let is_valid = |id: Id, node: &Node| match node {
            Node::Apply(f, operands) => operands.len() == f.arity() && operands.iter().all(|a| *a < id),
            _ => true,
        };
        let node = self.nodes.iter().enumerate().find(|(id, (node, _))| !is_valid(*id, node));
        let is_beyond = self.statements.iter().any(|statement| {
            let mut beyond = false;
            statement.clone().visit(|id| beyond |= *id >= self.nodes.len());
            beyond
        });
        node.map(|(_, (_, span))| *span).or_else(|| is_beyond.then(Span::default))
    }

    /// Returns an expression as text. `is_unit` returns whether a name is a unit.
    pub(crate) fn expression_text(&self, id: Id, is_unit: &dyn Fn(&str) -> bool) -> crate::ExpressionText {
        use crate::ExpressionText;
        let Some((node, _)) = self.nodes.get(id) else { return ExpressionText::name("") };
        match node {
            Node::Number(value, unit) if unit.text.is_empty() => ExpressionText::number(*value),
            Node::Number(value, unit) => ExpressionText::quantity(*value, &unit.text),
            Node::Name(name) if is_unit(name) => ExpressionText::unit(&**name),
            Node::Name(name) => ExpressionText::name(&**name),
            Node::Apply(f, operands) => recurse(|| {
                ExpressionText::apply(
                    *f,
                    operands.iter().map(|a| self.expression_text(*a, is_unit)).collect(),
                )
            }),
        }
    }
}

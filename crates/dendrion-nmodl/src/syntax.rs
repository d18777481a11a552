//! The syntax tree of a file, before names are resolved.

use std::collections::{HashMap, HashSet};

use dendrion_language::{Binary, Function, Level, Notation};

use crate::error::{Notes, Span};

/// Index of an expression in [`File::nodes`]. Operands come before their users, and the nodes of one expression are
/// contiguous.
pub(crate) type Id = usize;

/// A name and its position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'t> {
    pub(crate) text: &'t str,
    pub(crate) span: Span,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

impl Operator {
    /// Returns the corresponding operator of the equation language, which has no `==` and `!=`.
    pub(crate) fn function(self) -> Option<Function> {
        Some(match self {
            Self::Equal | Self::Unequal => return None,
            Self::Or => Function::Or,
            Self::And => Function::And,
            Self::Less => Function::Less,
            Self::LessEqual => Function::LessEqual,
            Self::Greater => Binary::Greater.into(),
            Self::GreaterEqual => Binary::GreaterEqual.into(),
            Self::Add => Binary::Add.into(),
            Self::Sub => Binary::Sub.into(),
            Self::Mul => Binary::Mul.into(),
            Self::Div => Binary::Div.into(),
            Self::Pow => Binary::Pow.into(),
        })
    }

    /// Returns the precedence.
    pub(crate) fn level(self) -> Level {
        match self.function().map(Function::notation) {
            Some(Notation::Infix(_, level)) => level,
            _ => Level::Comparison,
        }
    }

    pub(crate) fn is_comparison(self) -> bool {
        self.level() == Level::Comparison
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node<'t> {
    Number(f64),
    Name(&'t str),
    Call(&'t str, Vec<Id>),
    Neg(Id),
    Not(Id),
    Binary(Operator, Id, Id),
}

/// An expression, which consists of the nodes from `first` to `root`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expr {
    pub(crate) first: Id,
    pub(crate) root: Id,
}

/// The statements of a block.
pub(crate) type Block<'t> = Vec<Statement<'t>>;

#[derive(Clone, Debug)]
pub(crate) enum Statement<'t> {
    Local(Vec<Name<'t>>),
    Assign {
        name: Name<'t>,
        value: Expr,
    },
    /// `name' = value`
    Rate {
        name: Name<'t>,
        value: Expr,
    },
    Call {
        name: Name<'t>,
        arguments: Vec<Expr>,
    },
    If {
        condition: Expr,
        yes: Block<'t>,
        no: Block<'t>,
    },
    Solve {
        name: Name<'t>,
        steady: bool,
    },
}

/// A declared variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'t> {
    pub(crate) name: Name<'t>,
    pub(crate) default: Option<f64>,
    /// The unit as written.
    pub(crate) unit: &'t str,
    pub(crate) limits: Option<(f64, f64)>,
}

/// `USEION name READ .. WRITE ..`
#[derive(Clone, Debug)]
pub(crate) struct Ion<'t> {
    pub(crate) name: Name<'t>,
    pub(crate) reads: Vec<Name<'t>>,
    pub(crate) writes: Vec<Name<'t>>,
}

/// The kind of mechanism that a file defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Suffix,
    Point,
}

/// A PROCEDURE or a FUNCTION.
#[derive(Clone, Debug)]
pub(crate) struct Routine<'t> {
    pub(crate) name: Name<'t>,
    pub(crate) arguments: Vec<Name<'t>>,
    pub(crate) body: Block<'t>,
    pub(crate) is_function: bool,
}

/// A parsed file.
#[derive(Debug, Default)]
pub(crate) struct File<'t> {
    pub(crate) nodes: Vec<(Node<'t>, Span)>,
    pub(crate) title: &'t str,
    pub(crate) head: Option<(Head, Name<'t>)>,
    pub(crate) ions: Vec<Ion<'t>>,
    pub(crate) nonspecific: Vec<Name<'t>>,
    pub(crate) electrode: Vec<Name<'t>>,
    pub(crate) parameters: Vec<Declared<'t>>,
    pub(crate) states: Vec<Declared<'t>>,
    pub(crate) assigned: Vec<Declared<'t>>,
    /// Private variables of the file.
    pub(crate) locals: Vec<Name<'t>>,
    /// Named numbers from CONSTANT, UNITS and DEFINE.
    pub(crate) constants: Vec<(Name<'t>, f64)>,
    /// Units defined by the file, with their definitions.
    pub(crate) units: HashMap<&'t str, &'t str>,
    pub(crate) initial: Block<'t>,
    pub(crate) breakpoint: Option<Block<'t>>,
    pub(crate) derivatives: HashMap<&'t str, Block<'t>>,
    pub(crate) routines: HashMap<&'t str, Routine<'t>>,
    pub(crate) receive: Option<(Vec<Name<'t>>, Block<'t>, Span)>,
    /// Names that are assigned somewhere in the file.
    pub(crate) set: HashSet<&'t str>,
    pub(crate) notes: Notes,
}

impl<'t> File<'t> {
    /// Returns the public names that the file declares.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'t str> {
        let declared = self.parameters.iter().chain(&self.states).chain(&self.assigned).map(|d| d.name);
        let of_ions = self.ions.iter().flat_map(|ion| ion.reads.iter().chain(&ion.writes));
        declared.chain(of_ions.chain(&self.nonspecific).chain(&self.electrode).copied()).map(|name| name.text)
    }

    /// Returns the expression whose root is this node.
    pub(crate) fn expression(&self, root: Id) -> Expr {
        let mut first = root;
        while let Some((node, _)) = self.nodes.get(first) {
            first = match node {
                Node::Number(_) | Node::Name(_) => break,
                Node::Call(_, arguments) => match arguments.first() {
                    Some(argument) => *argument,
                    None => break,
                },
                Node::Neg(a) | Node::Not(a) | Node::Binary(_, a, _) => *a,
            };
        }
        Expr { first, root }
    }
}

//! Expressions in mathematical notation: `gL * (V_rest - V)`.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use dendrion_language::{Binary, Unary};
use dendrion_model::Error;

use crate::graph::{Graph, Node, NodeId};
use crate::passes::substitute::Substitution;

/// A graph to which expressions are added through shared references.
#[derive(Debug, Default)]
pub struct Workbook(RefCell<Graph>);

impl Workbook {
    /// Returns an expression for a leaf of the graph.
    pub fn leaf(&self, node: Node) -> Expr<'_> {
        self.expr(self.0.borrow_mut().intern(node))
    }

    /// Returns a number.
    pub fn number(&self, v: f64) -> Expr<'_> {
        self.expr(self.0.borrow_mut().constant(v))
    }

    /// Creates a workbook that extends an existing graph.
    pub(crate) const fn over(graph: Graph) -> Self {
        Self(RefCell::new(graph))
    }

    /// Returns the expression for an existing node.
    pub(crate) const fn read(&self, id: NodeId) -> Expr<'_> {
        self.expr(id)
    }

    /// Returns whether an expression is 0 if the leaves `where_zero` are 0, for all values of the other
    /// leaves.
    pub(crate) fn vanishes<'g>(&'g self, of: Expr<'g>, where_zero: impl Iterator<Item = Expr<'g>>) -> bool {
        let mut graph = self.0.borrow_mut();
        let zero = graph.constant(0.0);
        let mut substitution = Substitution::new(where_zero.map(|leaf| (leaf.id, zero)).collect());
        let value = substitution.apply(&mut graph, of.id);
        graph.as_const(value) == Some(0.0)
    }

    /// Returns an error if the graph is too large. `path` is the module whose equations are being added.
    pub(crate) fn check(&self, path: &str) -> Result<(), Error> {
        self.0.borrow().check(path)
    }

    /// Returns the graph.
    pub fn into_graph(self) -> Graph {
        self.0.into_inner()
    }

    const fn expr(&self, id: NodeId) -> Expr<'_> {
        Expr { book: self, id }
    }
}

/// An expression in a [`Workbook`]. It can be copied and combined with the usual operators.
#[derive(Clone, Copy, Debug)]
pub struct Expr<'g> {
    book: &'g Workbook,
    id: NodeId,
}

impl Expr<'_> {
    /// Returns the node of the expression.
    pub const fn id(self) -> NodeId {
        self.id
    }

    pub(crate) fn apply(self, f: Unary) -> Self {
        self.book.expr(self.book.0.borrow_mut().unary(f, self.id))
    }

    pub(crate) fn with(self, f: Binary, b: Self) -> Self {
        self.book.expr(self.book.0.borrow_mut().binary(f, self.id, b.id))
    }

    /// Returns a number in the same graph.
    #[must_use]
    pub(crate) fn number(self, v: f64) -> Self {
        self.book.number(v)
    }

    /// Returns the value if the expression is a number.
    pub(crate) fn as_number(self) -> Option<f64> {
        self.book.0.borrow().as_const(self.id)
    }

    /// Returns e to the power `self`.
    #[must_use]
    pub fn exp(self) -> Self {
        self.apply(Unary::Exp)
    }

    /// Returns e to the power `self`, minus 1.
    #[must_use]
    pub fn exp_m1(self) -> Self {
        self.apply(Unary::Expm1)
    }

    /// Returns the square root.
    #[must_use]
    pub fn sqrt(self) -> Self {
        self.apply(Unary::Sqrt)
    }

    /// Returns the natural logarithm.
    #[must_use]
    pub fn ln(self) -> Self {
        self.apply(Unary::Log)
    }

    /// Returns the nearest integer; halves are rounded away from zero.
    #[must_use]
    pub(crate) fn round(self) -> Self {
        self.apply(Unary::Round)
    }

    /// Returns `self` to the power `b`. Small integer powers are written as products, which are faster and also
    /// valid for negative bases.
    #[must_use]
    pub(crate) fn to_the(self, b: Self) -> Self {
        match b.as_number() {
            Some(n) if n.fract() == 0.0 && (1.0..=8.0).contains(&n.abs()) => {
                let whole = (1..n.abs() as usize).fold(self, |p, _| p * self);
                if n < 0.0 { self.number(1.0) / whole } else { whole }
            }
            Some(0.5) => self.sqrt(),
            _ => self.pow(b),
        }
    }

    /// Returns the smaller of `self` and `b`.
    #[must_use]
    pub(crate) fn min(self, b: Self) -> Self {
        self.with(Binary::Min, b)
    }

    /// Returns the larger of `self` and `b`.
    #[must_use]
    pub(crate) fn max(self, b: Self) -> Self {
        self.with(Binary::Max, b)
    }

    /// Returns `self` to the power `b`.
    #[must_use]
    pub fn pow(self, b: Self) -> Self {
        self.with(Binary::Pow, b)
    }

    /// Returns 1 if `self >= b`, else 0.
    #[must_use]
    pub fn reaches(self, b: Self) -> Self {
        self.with(Binary::GreaterEqual, b)
    }

    /// Returns the larger of `self` and a number.
    #[must_use]
    pub fn at_least(self, b: f64) -> Self {
        self.with(Binary::Max, self.book.number(b))
    }

    /// Returns 1 if `self > b`, else 0.
    #[must_use]
    pub fn above(self, b: Self) -> Self {
        self.with(Binary::Greater, b)
    }

    /// Returns 1 if `self <= b`, else 0.
    #[must_use]
    pub fn at_most(self, b: f64) -> Self {
        self.book.number(b).with(Binary::GreaterEqual, self)
    }

    /// Returns `yes` if `self` is not 0, else `no`.
    #[must_use]
    pub fn choose(self, yes: Self, no: Self) -> Self {
        self.book.expr(self.book.0.borrow_mut().select(self.id, yes.id, no.id))
    }
}

impl Neg for Expr<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.apply(Unary::Neg)
    }
}

macro_rules! operator {
    ($operator:ident, $method:ident) => {
        impl $operator for Expr<'_> {
            type Output = Self;
            fn $method(self, b: Self) -> Self {
                self.with(Binary::$operator, b)
            }
        }
        impl $operator<f64> for Expr<'_> {
            type Output = Self;
            fn $method(self, b: f64) -> Self {
                self.with(Binary::$operator, self.book.number(b))
            }
        }
        impl<'g> $operator<Expr<'g>> for f64 {
            type Output = Expr<'g>;
            fn $method(self, b: Expr<'g>) -> Expr<'g> {
                b.book.number(self).with(Binary::$operator, b)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

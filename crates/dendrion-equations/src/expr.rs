//! Expressions that read like the mathematics: `gL * (V_rest - V)`.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use dendrion_model::Error;

use crate::graph::{Binary, Graph, Node, NodeId, Unary};
use crate::passes::substitute::Substitution;

/// Where expressions are written: a graph that many expressions may grow at once.
#[derive(Debug, Default)]
pub struct Workbook(RefCell<Graph>);

impl Workbook {
    /// An expression for a leaf of the graph.
    pub fn leaf(&self, node: Node) -> Expr<'_> {
        self.expr(self.0.borrow_mut().intern(node))
    }

    /// A number.
    pub fn number(&self, v: f64) -> Expr<'_> {
        self.expr(self.0.borrow_mut().constant(v))
    }

    /// To go on writing a graph.
    pub(crate) const fn over(graph: Graph) -> Self {
        Self(RefCell::new(graph))
    }

    /// An expression that was written before.
    pub(crate) const fn read(&self, id: NodeId) -> Expr<'_> {
        self.expr(id)
    }

    /// Whether an expression is 0 where some leaves are, whatever the others.
    pub(crate) fn vanishes<'g>(&'g self, of: Expr<'g>, where_zero: impl Iterator<Item = Expr<'g>>) -> bool {
        let mut graph = self.0.borrow_mut();
        let zero = graph.constant(0.0);
        let mut substitution = Substitution::new(where_zero.map(|leaf| (leaf.id, zero)).collect());
        let value = substitution.apply(&mut graph, of.id);
        graph.as_const(value) == Some(0.0)
    }

    /// Raises where the graph is too large; `path` is the module that is being written.
    pub(crate) fn check(&self, path: &str) -> Result<(), Error> {
        self.0.borrow().check(path)
    }

    /// The graph that was written.
    pub fn into_graph(self) -> Graph {
        self.0.into_inner()
    }

    const fn expr(&self, id: NodeId) -> Expr<'_> {
        Expr { book: self, id }
    }
}

/// An expression in a [`Workbook`]: copied freely, combined by the usual operators.
#[derive(Clone, Copy, Debug)]
pub struct Expr<'g> {
    book: &'g Workbook,
    id: NodeId,
}

impl Expr<'_> {
    /// Its node.
    pub const fn id(self) -> NodeId {
        self.id
    }

    fn apply(self, f: Unary) -> Self {
        self.book.expr(self.book.0.borrow_mut().unary(f, self.id))
    }

    fn with(self, f: Binary, b: Self) -> Self {
        self.book.expr(self.book.0.borrow_mut().binary(f, self.id, b.id))
    }

    /// A number, written where it is.
    #[must_use]
    pub(crate) fn number(self, v: f64) -> Self {
        self.book.number(v)
    }

    /// The number it is, if it is one.
    pub(crate) fn as_number(self) -> Option<f64> {
        self.book.0.borrow().as_const(self.id)
    }

    /// e to the power of it.
    #[must_use]
    pub fn exp(self) -> Self {
        self.apply(Unary::Exp)
    }

    /// e to the power of it, less one.
    #[must_use]
    pub fn exp_m1(self) -> Self {
        self.apply(Unary::Expm1)
    }

    /// Its square root.
    #[must_use]
    pub fn sqrt(self) -> Self {
        self.apply(Unary::Sqrt)
    }

    /// Its natural logarithm.
    #[must_use]
    pub fn ln(self) -> Self {
        self.apply(Unary::Log)
    }

    /// Its hyperbolic tangent.
    #[must_use]
    pub fn tanh(self) -> Self {
        self.apply(Unary::Tanh)
    }

    /// The nearest whole number, halves away from zero.
    #[must_use]
    pub(crate) fn round(self) -> Self {
        self.apply(Unary::Round)
    }

    /// The slope of the logistic function at it.
    #[must_use]
    pub fn logistic_slope(self) -> Self {
        self.apply(Unary::LogisticSlope)
    }

    /// It to the power of `b`: products where that is a small whole number, which holds for negative ones too and costs
    /// less.
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

    /// The smaller of it and `b`.
    #[must_use]
    pub(crate) fn min(self, b: Self) -> Self {
        self.with(Binary::Min, b)
    }

    /// The larger of it and `b`.
    #[must_use]
    pub(crate) fn max(self, b: Self) -> Self {
        self.with(Binary::Max, b)
    }

    /// It to the power of `b`.
    #[must_use]
    pub fn pow(self, b: Self) -> Self {
        self.with(Binary::Pow, b)
    }

    /// 1 where it is at least `b`, else 0.
    #[must_use]
    pub fn reaches(self, b: Self) -> Self {
        self.with(Binary::GreaterEqual, b)
    }

    /// Logarithm of one more than it.
    #[must_use]
    pub fn ln_1p(self) -> Self {
        self.apply(Unary::Log1p)
    }

    /// φ₁ of it: (e^a - 1)/a.
    #[must_use]
    pub fn phi1(self) -> Self {
        self.apply(Unary::Phi1)
    }

    /// Its magnitude.
    #[must_use]
    pub fn abs(self) -> Self {
        self.apply(Unary::Abs)
    }

    /// The larger of it and a number.
    #[must_use]
    pub fn at_least(self, b: f64) -> Self {
        self.with(Binary::Max, self.book.number(b))
    }

    /// 1 where it is above `b`, else 0.
    #[must_use]
    pub fn above(self, b: Self) -> Self {
        self.with(Binary::Greater, b)
    }

    /// 1 where it is at most `b`, else 0.
    #[must_use]
    pub fn at_most(self, b: f64) -> Self {
        self.book.number(b).with(Binary::GreaterEqual, self)
    }

    /// `yes` where it is not 0, else `no`.
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

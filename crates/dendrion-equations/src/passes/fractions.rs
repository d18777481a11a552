//! Fractions within divisors are cleared, so that a step has fewer divisions.
//!
//! A gate x with the rates a and b is advanced by dt (a (1 - x) - b x)/(1 + dt/2 (a + b)). Rates are often quotients a = n/d
//! themselves. After multiplication by d, one division remains:
//!
//! ```text
//! dt (n (1 - x) - b x d)/(d + dt/2 (n + b d))
//! ```
//!
//! Expressions whose divisors contain fractions become quotients of a numerator and denominators, which are combined by the usual
//! rules. Other divisions are left alone: the normal form computes the reciprocal of a divisor once for all of its users, and
//! divisions by coefficients take place in the prologue.
//!
//! Where exp(z) overflows, 1/(1 + exp(z)) is 0, but a cleared fraction would be inf/inf. In denominators, exponentials are therefore
//! limited to [`LIMIT`], beyond which the value of such a quotient is negligible. If a quotient is multiplied by another exponential, as in
//! exp(z)/(1 + exp(z)), it is not negligible, so such products are left alone.

use std::collections::{HashMap, HashSet};

use dendrion_language::{Binary, Unary, recurse};

use super::solver::Step;
use super::substitute::Substitution;
use crate::graph::{Graph, Node, NodeId};

/// Largest value of an exponential in a denominator (2⁵⁶): the product of two denominators is finite in single precision.
const LIMIT: f64 = 72_057_594_037_927_936.0;

/// Largest number of denominators of an expression; see [`LIMIT`].
const MOST: usize = 2;

/// The quotient of products of nodes: `above` and `times` by `below`.
#[derive(Clone, Debug)]
struct Fraction {
    above: NodeId,
    times: Vec<NodeId>,
    below: Vec<NodeId>,
    /// Whether `above` is a sum that was multiplied by denominators, which are limited already.
    is_merged: bool,
    /// Whether the numerator contains exponentials that are not limited.
    grows: bool,
    /// Whether a denominator contains limited exponentials.
    is_limited: bool,
}

/// Clears the fractions of a step. `exponentials` are the nodes whose values may overflow.
pub(crate) fn clear(graph: &mut Graph, step: &mut Step, exponentials: &[NodeId]) {
    let limits = exponentials.iter().map(|e| (*e, limited(graph, *e))).collect();
    let mut pass = Pass {
        fractions: HashMap::new(),
        values: HashMap::new(),
        nested: HashMap::new(),
        limited: Substitution::new(limits),
        exponentials: exponentials.iter().copied().collect(),
    };
    step.locals.iter_mut().chain(&mut step.next).for_each(|id| *id = pass.value(graph, *id));
}

/// Returns an exponential that is limited.
fn limited(graph: &mut Graph, e: NodeId) -> NodeId {
    let limit = graph.constant(LIMIT);
    graph.binary(Binary::Min, e, limit)
}

struct Pass {
    fractions: HashMap<NodeId, Fraction>,
    /// The new nodes of expressions.
    values: HashMap<NodeId, NodeId>,
    /// Whether expressions are products with a divisor that contains fractions.
    nested: HashMap<NodeId, bool>,
    limited: Substitution,
    exponentials: HashSet<NodeId>,
}

impl Pass {
    /// Returns a node that has the value of a node and no fractions in its divisors.
    fn value(&mut self, graph: &mut Graph, id: NodeId) -> NodeId {
        if let Some(value) = self.values.get(&id) {
            return *value;
        }
        let value = recurse(|| {
            if self.is_nested(graph, id) {
                let fraction = self.fraction(graph, id);
                return whole(graph, &fraction);
            }
            self.applied(graph, id)
        });
        self.values.insert(id, value);
        value
    }

    /// Returns a node with the new values of its operands.
    fn applied(&mut self, graph: &mut Graph, id: NodeId) -> NodeId {
        match graph.node(id) {
            Node::Unary(f, a) => {
                let a = self.value(graph, a);
                graph.unary(f, a)
            }
            Node::Binary(f, a, b) => {
                let (a, b) = (self.value(graph, a), self.value(graph, b));
                graph.binary(f, a, b)
            }
            Node::Select(c, a, b) => {
                let (c, a, b) = (self.value(graph, c), self.value(graph, a), self.value(graph, b));
                graph.select(c, a, b)
            }
            _ => id,
        }
    }

    /// Returns whether an expression is a product with a divisor that contains fractions.
    fn is_nested(&mut self, graph: &mut Graph, id: NodeId) -> bool {
        if graph.is_coefficient(id) {
            return false;
        }
        if let Some(is_nested) = self.nested.get(&id) {
            return *is_nested;
        }
        let is_nested = recurse(|| match graph.node(id) {
            Node::Binary(Binary::Div, _, b) if !self.fraction(graph, b).below.is_empty() => true,
            Node::Binary(Binary::Mul | Binary::Div, a, b) => {
                self.is_nested(graph, a) || self.is_nested(graph, b)
            }
            Node::Unary(Unary::Neg, a) => self.is_nested(graph, a),
            _ => false,
        });
        self.nested.insert(id, is_nested);
        is_nested
    }

    fn fraction(&mut self, graph: &mut Graph, id: NodeId) -> Fraction {
        if let Some(fraction) = self.fractions.get(&id) {
            return fraction.clone();
        }
        let fraction = recurse(|| self.combined(graph, id));
        self.fractions.insert(id, fraction.clone());
        fraction
    }

    fn combined(&mut self, graph: &mut Graph, id: NodeId) -> Fraction {
        if graph.is_coefficient(id) {
            return Fraction::plain(id);
        }
        let is_exponential = self.exponentials.contains(&id);
        let fraction = if is_exponential { None } else { self.of_operands(graph, id) };
        fraction.unwrap_or_else(|| {
            let value = self.applied(graph, id);
            Fraction { grows: self.grows(graph, id), ..Fraction::plain(value) }
        })
    }

    /// Returns the fraction of a sum or product, or `None` if it is computed like any other node.
    fn of_operands(&mut self, graph: &mut Graph, id: NodeId) -> Option<Fraction> {
        let fraction = match graph.node(id) {
            Node::Unary(Unary::Neg, a) => {
                let a = self.fraction(graph, a);
                Fraction { above: graph.neg(a.above), ..a }
            }
            Node::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.fraction(graph, a), self.fraction(graph, b));
                sum(graph, f, &a, &b)?
            }
            Node::Binary(Binary::Mul, a, b) => {
                let (a, b) = (self.fraction(graph, a), self.fraction(graph, b));
                product(graph, &a, &b)?
            }
            Node::Binary(Binary::Div, a, b) => {
                let (a, b) = (self.fraction(graph, a), self.fraction(graph, b));
                let inverse = self.inverse(graph, b);
                product(graph, &a, &inverse)?
            }
            _ => return None,
        };
        Some(fraction)
    }

    /// Returns whether an expression contains exponentials.
    fn grows(&self, graph: &Graph, id: NodeId) -> bool {
        let mut grows = false;
        graph.visit_ids(id, &mut |id| grows |= self.exponentials.contains(&id));
        grows
    }

    /// Returns the reciprocal of a fraction.
    fn inverse(&mut self, graph: &mut Graph, of: Fraction) -> Fraction {
        let one = graph.constant(1.0);
        if graph.is_coefficient(of.above) {
            let above = graph.div(one, of.above);
            return Fraction { times: of.below, below: of.times, ..Fraction::plain(above) };
        }
        let above = if of.is_merged { of.above } else { self.limited.apply(graph, of.above) };
        Fraction {
            times: of.below,
            below: [vec![above], of.times].concat(),
            is_limited: above != of.above,
            ..Fraction::plain(one)
        }
    }
}

impl Fraction {
    const fn plain(above: NodeId) -> Self {
        Self {
            above,
            times: Vec::new(),
            below: Vec::new(),
            is_merged: false,
            grows: false,
            is_limited: false,
        }
    }
}

fn times(graph: &mut Graph, above: NodeId, factors: &[NodeId]) -> NodeId {
    factors.iter().fold(above, |product, factor| graph.mul(product, *factor))
}

/// Returns the value of a fraction.
fn whole(graph: &mut Graph, of: &Fraction) -> NodeId {
    let above = times(graph, of.above, &of.times);
    match of.below.split_first() {
        Some((first, rest)) => {
            let below = times(graph, *first, rest);
            graph.div(above, below)
        }
        None => above,
    }
}

/// Returns a product, or `None` if a factor that is negligible where its denominator is limited is multiplied by an exponential.
fn product(graph: &mut Graph, a: &Fraction, b: &Fraction) -> Option<Fraction> {
    if (a.grows && b.is_limited) || (b.grows && a.is_limited) {
        return None;
    }
    let above = graph.mul(a.above, b.above);
    let (mut times, mut below) = ([&a.times[..], &b.times].concat(), [&a.below[..], &b.below].concat());
    times.retain(|factor| {
        let cancels = below.iter().position(|divisor| divisor == factor);
        cancels.map(|at| below.remove(at)).is_none()
    });
    if below.len() > MOST {
        return None;
    }
    Some(Fraction {
        above,
        times,
        below,
        is_merged: a.is_merged || b.is_merged,
        grows: a.grows || b.grows,
        is_limited: a.is_limited || b.is_limited,
    })
}

/// Returns a sum or difference, or `None` if it would have too many denominators.
fn sum(graph: &mut Graph, f: Binary, x: &Fraction, y: &Fraction) -> Option<Fraction> {
    // The denominators that one of the terms lacks.
    let lacking = |of: &[NodeId], other: &[NodeId]| {
        let mut rest = other.to_vec();
        for divisor in of {
            if let Some(at) = rest.iter().position(|d| d == divisor) {
                rest.remove(at);
            }
        }
        rest
    };
    let (more_x, more_y) = (lacking(&x.below, &y.below), lacking(&y.below, &x.below));
    let below = [&x.below[..], &more_x].concat();
    if below.len() > MOST {
        return None;
    }
    let above = |graph: &mut Graph, of: &Fraction, more: &[NodeId]| {
        let above = times(graph, of.above, &of.times);
        times(graph, above, more)
    };
    let (a, b) = (above(graph, x, &more_x), above(graph, y, &more_y));
    let is_merged = !below.is_empty();
    Some(Fraction {
        above: graph.binary(f, a, b),
        times: Vec::new(),
        below,
        is_merged,
        grows: x.grows || y.grows,
        is_limited: x.is_limited || y.is_limited,
    })
}

#[cfg(test)]
mod tests;

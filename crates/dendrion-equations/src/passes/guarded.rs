//! Derivatives that apply only if a branch was taken.
//!
//! The derivative through `where`, `min` or `max` is 0 for the branch that was not taken. If this 0 were multiplied by
//! the slopes of that branch, one infinite or NaN slope would make the result NaN (`0 * inf`). A [`Guarded`]
//! derivative therefore stores its plain value and its condition separately, and the condition is applied last:
//!
//! ```text
//! select(c, bar, 0) * slope     NaN where c fails and the slope is infinite
//! select(c, bar * slope, 0)     0 there
//! ```
//!
//! Both expressions are equal if the slope is finite, because cotangents are propagated by linear maps.

use crate::graph::{Graph, NodeId};

/// The condition that a node is not 0 (`holds`) or that it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(crate) node: NodeId,
    pub(crate) holds: bool,
}

impl Guard {
    /// The condition that the node is not 0.
    pub(crate) const fn holds(node: NodeId) -> Self {
        Self { node, holds: true }
    }

    /// The condition that the node is 0.
    pub(crate) const fn fails(node: NodeId) -> Self {
        Self { node, holds: false }
    }

    /// Returns `value` if the condition is met, else 0.
    fn select(self, graph: &mut Graph, value: NodeId) -> NodeId {
        let zero = graph.constant(0.0);
        let (yes, no) = if self.holds { (value, zero) } else { (zero, value) };
        graph.select(self.node, yes, no)
    }

    /// Returns the conjunction of both conditions.
    fn and(self, graph: &mut Graph, other: Self) -> Self {
        if self == other {
            return self;
        }
        let one = graph.constant(1.0);
        // `select(c, d, 0)` is non-zero exactly where c and d both are; d may be any number, not only 0 or 1.
        let other = if other.holds { other.node } else { other.select(graph, one) };
        Self::holds(self.select(graph, other))
    }
}

/// A derivative that is `value` if the condition of the guard is met, else 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guarded {
    pub(crate) value: NodeId,
    pub(crate) guard: Option<Guard>,
}

impl Guarded {
    /// Creates a derivative without a condition.
    pub(crate) const fn plain(value: NodeId) -> Self {
        Self { value, guard: None }
    }

    /// Creates a derivative that has no influence if it is exactly 0, even if it is multiplied by infinity or NaN.
    pub(crate) const fn unless_zero(value: NodeId) -> Self {
        Self { value, guard: Some(Guard::holds(value)) }
    }

    /// Returns another value with the same condition.
    pub(crate) const fn with(self, value: NodeId) -> Self {
        Self { value, ..self }
    }

    /// Returns the derivative with an additional condition.
    pub(crate) fn only(self, graph: &mut Graph, guard: Guard) -> Self {
        // Conditions that are constant when the graph is built are resolved here.
        match graph.as_const(guard.node) {
            Some(c) if (c != 0.0) == guard.holds => self,
            Some(_) => Self::plain(graph.constant(0.0)),
            None => {
                let guard = self.guard.map_or(guard, |outer| outer.and(graph, guard));
                Self { guard: Some(guard), ..self }
            }
        }
    }

    /// Applies the condition and returns the result as one node.
    pub(crate) fn applied(self, graph: &mut Graph) -> NodeId {
        self.guard.map_or(self.value, |guard| guard.select(graph, self.value))
    }

    /// Returns whether the derivative is always 0.
    pub(crate) fn is_zero(self, graph: &Graph) -> bool {
        graph.as_const(self.value) == Some(0.0)
    }

    /// Returns the sum of two derivatives. If neither condition is met, the sum is exactly 0 and has no
    /// influence either.
    pub(crate) fn plus(self, graph: &mut Graph, other: Self) -> Self {
        if self.is_zero(graph) {
            return other;
        }
        if other.is_zero(graph) {
            return self;
        }
        if self.guard == other.guard {
            return self.with(graph.add(self.value, other.value));
        }
        // Different guards cannot be combined in one value, so both are applied. If both derivatives had a guard,
        // the sum is guarded by itself.
        let (a, b) = (self.applied(graph), other.applied(graph));
        let sum = graph.add(a, b);
        if self.guard.is_some() && other.guard.is_some() { Self::unless_zero(sum) } else { Self::plain(sum) }
    }

    /// Returns the difference of two derivatives.
    pub(crate) fn minus(self, graph: &mut Graph, other: Self) -> Self {
        if self.guard == other.guard {
            return self.with(graph.sub(self.value, other.value));
        }
        let other = other.with(graph.neg(other.value));
        self.plus(graph, other)
    }
}

//! Derivatives that count only where a branch was taken.
//!
//! A derivative that comes through `where`, `min` or `max` is 0 on the side that was not taken. Writing that 0 down first
//! and multiplying it by the slopes of that side gives NaN as soon as one slope is infinite or NaN: `0 * inf`. A [`Guarded`]
//! derivative therefore keeps the plain value and its condition apart, and the condition selects last:
//!
//! ```text
//! select(c, bar, 0) * slope     NaN where c fails and the slope is infinite
//! select(c, bar * slope, 0)     0 there
//! ```
//!
//! The two are equal wherever the slope is finite, since a derivative is passed on by linear maps only.

use crate::graph::{Graph, NodeId};

/// A condition: whether a node is not 0 (`holds`), or whether it is.
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

    /// `value` where the condition is met, else 0.
    fn select(self, graph: &mut Graph, value: NodeId) -> NodeId {
        let zero = graph.constant(0.0);
        let (yes, no) = if self.holds { (value, zero) } else { (zero, value) };
        graph.select(self.node, yes, no)
    }

    /// Both conditions.
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

/// A derivative: `value` where the guard's condition is met, else 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guarded {
    pub(crate) value: NodeId,
    pub(crate) guard: Option<Guard>,
}

impl Guarded {
    /// A derivative that counts everywhere.
    pub(crate) const fn plain(value: NodeId) -> Self {
        Self { value, guard: None }
    }

    /// A derivative that has no influence where it is exactly 0, whatever it is multiplied by.
    pub(crate) const fn unless_zero(value: NodeId) -> Self {
        Self { value, guard: Some(Guard::holds(value)) }
    }

    /// The same condition for another value.
    pub(crate) const fn with(self, value: NodeId) -> Self {
        Self { value, ..self }
    }

    /// The derivative where a further condition is met, else 0.
    pub(crate) fn only(self, graph: &mut Graph, guard: Guard) -> Self {
        // Conditions on parameters that are known while the graph is built disappear here.
        match graph.as_const(guard.node) {
            Some(c) if (c != 0.0) == guard.holds => self,
            Some(_) => Self::plain(graph.constant(0.0)),
            None => {
                let guard = self.guard.map_or(guard, |outer| outer.and(graph, guard));
                Self { guard: Some(guard), ..self }
            }
        }
    }

    /// One node for it: the condition is applied.
    pub(crate) fn applied(self, graph: &mut Graph) -> NodeId {
        self.guard.map_or(self.value, |guard| guard.select(graph, self.value))
    }

    /// Whether it is 0 everywhere.
    pub(crate) fn is_zero(self, graph: &Graph) -> bool {
        graph.as_const(self.value) == Some(0.0)
    }

    /// The sum of two. Where neither counts, the sum is exactly 0 and does not count either.
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
        // Different guards cannot be kept apart in one value, so both are applied. If both had one, the sum is guarded by itself.
        let (a, b) = (self.applied(graph), other.applied(graph));
        let sum = graph.add(a, b);
        if self.guard.is_some() && other.guard.is_some() { Self::unless_zero(sum) } else { Self::plain(sum) }
    }

    /// The difference of two.
    pub(crate) fn minus(self, graph: &mut Graph, other: Self) -> Self {
        if self.guard == other.guard {
            return self.with(graph.sub(self.value, other.value));
        }
        let other = other.with(graph.neg(other.value));
        self.plus(graph, other)
    }
}

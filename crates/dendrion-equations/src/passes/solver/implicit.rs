//! Linearly implicit methods on the compartment tree.
//!
//! A step solves (1 - θ h J) Δ = h f(y) with the exact J = ∂f/∂y, and y + Δ is the state at the end of the
//! step. This is one Newton step of the implicit method, or the one-stage Rosenbrock method of Hairer &
//! Wanner (1996, IV.7). θ = 1 is implicit Euler, order 1; θ = 1/2 is Crank-Nicolson, order 2.
//!
//! ```text
//! for each strongly connected component of "reads", in topological order:
//!     substitute y + θ Δ for the states solved so far
//!     M = 1 - θ h J,  b = h f                   J within the component only
//!     while rows are left: eliminate the row with the fewest entries
//!     back-substitute for Δ
//! ```
//!
//! States that depend on each other (the potentials of coupled compartments) form one component and are
//! solved together. States on which they depend (gates) come earlier and enter with their values at `t_n` + θ
//! h. On a tree, elimination from the tips to the root creates no new entries (Hines 1984), so the cost is
//! linear in the number of compartments. Choosing the row with the fewest entries reproduces that order and
//! also handles states that are attached to a compartment. Expressions that depend only on parameters are
//! computed in the prologue.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::writer::{Pivot, Solve, Unknown, Writer};
use crate::graph::{Node, NodeId};
use crate::passes::derivative::derivative;
use crate::passes::substitute::Substitution;

/// Returns the next states.
pub(super) fn step(w: &mut Writer<'_>, theta: f64) -> Vec<NodeId> {
    let derivatives: BTreeMap<usize, NodeId> = w.derivatives().into_iter().collect();
    let reads = reads(w, &derivatives);
    let mut next = HashMap::new();
    let mut seen = HashMap::new();
    for circle in circles(&reads) {
        // Later components use the intermediate values of earlier components, which makes the whole step one
        // block-triangular solve.
        let mut substitution = Substitution::new(seen.clone());
        let f: BTreeMap<usize, NodeId> =
            circle.iter().map(|i| (*i, substitution.apply(w.graph, derivatives[i]))).collect();
        for (i, change) in Block::new(w, theta, &f, &reads).solve(w, theta) {
            let y = w.state(i);
            let part = w.graph.constant(theta);
            let part = w.graph.mul(part, change);
            // The intermediate value of a single state is a coefficient times the previous value, which is
            // cheaper than its own row.
            let middle = w.graph.add(y, part);
            seen.insert(y, if circle.len() > 1 { w.local(middle) } else { middle });
            next.insert(i, w.graph.add(y, change));
        }
    }
    w.collect(|i| next[&i])
}

/// For each state with a derivative, returns the other states with a derivative that its derivative reads.
pub(super) fn reads(
    w: &Writer<'_>,
    derivatives: &BTreeMap<usize, NodeId>,
) -> BTreeMap<usize, BTreeSet<usize>> {
    let of = |f: &NodeId| {
        let mut found = BTreeSet::new();
        w.graph.visit(*f, &mut |node| {
            if let Node::State(i) = node
                && derivatives.contains_key(&(i as usize))
            {
                found.insert(i as usize);
            }
        });
        found
    };
    derivatives.iter().map(|(i, f)| (*i, of(f))).collect()
}

/// Returns the strongly connected components of the states, each after the components on which it depends
/// (Kosaraju's algorithm with two sweeps).
pub(super) fn circles(reads: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<Vec<usize>> {
    let mut read_by: BTreeMap<usize, BTreeSet<usize>> = reads.keys().map(|i| (*i, BTreeSet::new())).collect();
    for (i, of) in reads {
        for j in of {
            read_by.entry(*j).or_default().insert(*i);
        }
    }
    let mut finished = Vec::new();
    let mut visited = BTreeSet::new();
    // The first sweep, along reversed edges, orders the states by their finishing times. The second sweep, along
    // the edges and in the opposite order, collects one component per start.
    reads.keys().for_each(|i| sweep(&read_by, *i, &mut visited, &mut finished));
    let mut visited = BTreeSet::new();
    let mut circles = Vec::new();
    for i in finished.into_iter().rev() {
        let mut circle = Vec::new();
        sweep(reads, i, &mut visited, &mut circle);
        if !circle.is_empty() {
            circle.sort_unstable();
            circles.push(circle);
        }
    }
    circles
}

/// Depth-first search that appends the states newly reached from `start`, each after all states reached through it.
fn sweep(
    edges: &BTreeMap<usize, BTreeSet<usize>>,
    start: usize,
    visited: &mut BTreeSet<usize>,
    out: &mut Vec<usize>,
) {
    let mut stack = vec![(start, false)];
    while let Some((i, done)) = stack.pop() {
        if done {
            out.push(i);
        } else if visited.insert(i) {
            stack.push((i, true));
            stack.extend(edges[&i].iter().filter(|j| !visited.contains(j)).map(|j| (*j, false)));
        }
    }
}

/// The linear system of a component during its elimination.
#[derive(Clone)]
pub(super) struct Block {
    /// Nonzero entries of 1 - θ h J, by row and column.
    entries: BTreeMap<usize, BTreeMap<usize, NodeId>>,
    right: BTreeMap<usize, NodeId>,
    /// The original right-hand side, h f.
    given: BTreeMap<usize, NodeId>,
}

impl Block {
    /// Returns the system with another right-hand side.
    pub(super) fn with(&self, w: &mut Writer<'_>, right: &BTreeMap<usize, NodeId>) -> Self {
        let is_single = right.len() == 1;
        let rows = right.iter().map(|(i, r)| (*i, if is_single { *r } else { w.local(*r) })).collect();
        Self { right: rows, given: right.clone(), ..self.clone() }
    }

    /// Creates the system of states with the derivatives `f`.
    pub(super) fn new(
        w: &mut Writer<'_>,
        theta: f64,
        f: &BTreeMap<usize, NodeId>,
        reads: &BTreeMap<usize, BTreeSet<usize>>,
    ) -> Self {
        let (zero, one) = (w.graph.constant(0.0), w.graph.constant(1.0));
        let (mut entries, mut right, mut given) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (i, slope) in f {
            let mut row = BTreeMap::new();
            for j in reads[i].iter().filter(|j| f.contains_key(j)) {
                let y = w.state(*j);
                let slope = derivative(w.graph, *slope, y);
                let entry = if j == i { one } else { zero };
                let entry = w.plus_step(entry, -theta, slope);
                // A structural zero must not become an entry, or elimination would fill the matrix.
                if w.graph.as_const(entry) != Some(0.0) {
                    row.insert(*j, w.local(entry));
                }
            }
            row.entry(*i).or_insert(one);
            entries.insert(*i, row);
            let change = w.graph.mul(w.h, *slope);
            given.insert(*i, change);
            // With a single unknown, the right-hand side is used once, in Δ = b/m, and needs no row.
            right.insert(*i, if f.len() > 1 { w.local(change) } else { change });
        }
        Self { entries, right, given }
    }

    /// Returns the changes of all states.
    pub(super) fn solve(mut self, w: &mut Writer<'_>, theta: f64) -> BTreeMap<usize, NodeId> {
        let mut left: BTreeSet<usize> = self.entries.keys().copied().collect();
        let rows = self.entries.clone();
        let mut pivots = Vec::new();
        // There is no numerical pivoting: M is diagonally dominant for passive membranes, and an order without
        // fill-in is more important.
        while let Some(pivot) = self.least_connected(&left) {
            left.remove(&pivot);
            pivots.push(self.eliminate(w, pivot, &left));
        }
        let alone = pivots.len() == 1;
        let mut changes = BTreeMap::new();
        for pivot in pivots.iter().rev() {
            // Back substitution, in the reverse order of the elimination.
            let mut sum = self.right[&pivot.state];
            for (j, entry) in &pivot.upper {
                let part = w.graph.mul(*entry, changes[j]);
                sum = w.graph.sub(sum, part);
            }
            let change = w.graph.mul(pivot.inverse, sum);
            changes.insert(pivot.state, if alone { change } else { w.local(change) });
        }
        if !alone {
            // The changes are assigned their own consecutive locals, so that every user of one of them comes
            // after all of them. The adjoint uses the consecutive numbers to recognize when all cotangents of
            // the system are complete.
            let numbers: Vec<u32> = changes.values().map(|change| w.another(*change)).collect();
            for (change, number) in changes.values_mut().zip(&numbers) {
                *change = w.graph.intern(Node::Local(*number));
            }
            let mut unknowns = Vec::new();
            for ((state, published), change) in changes.iter().zip(numbers) {
                let y = w.state(*state);
                let end = w.graph.add(y, *published);
                let row = rows[state].iter().map(|(j, entry)| (*j, *entry)).collect();
                unknowns.push(Unknown { state: *state, change, right: self.given[state], row, end });
            }
            w.solves.push(Solve { theta, unknowns, pivots });
        }
        changes
    }

    /// Returns the remaining row with the fewest entries. Among rows with equally many entries, the last one
    /// is chosen, which tends to be nearer to a tip.
    fn least_connected(&self, left: &BTreeSet<usize>) -> Option<usize> {
        let degree = |i: &usize| self.entries[i].keys().filter(|j| left.contains(j)).count();
        left.iter().rev().min_by_key(|i| degree(i)).copied()
    }

    /// Eliminates a pivot from all remaining rows.
    fn eliminate(&mut self, w: &mut Writer<'_>, pivot: usize, left: &BTreeSet<usize>) -> Pivot {
        let one = w.graph.constant(1.0);
        let row = self.entries[&pivot].clone();
        let inverse = w.graph.div(one, row[&pivot]);
        let inverse = w.local(inverse);
        let right = self.right[&pivot];
        // Columns that were eliminated earlier are no longer in this row.
        let upper: Vec<(usize, NodeId)> =
            row.iter().filter(|(j, _)| left.contains(j)).map(|(j, entry)| (*j, *entry)).collect();
        let mut lower = Vec::new();
        for i in left {
            let Some(entry) = self.entries.get_mut(i).and_then(|r| r.remove(&pivot)) else { continue };
            // Row i -= (m_ip/m_pp) row p, including the right-hand side. The factor is an entry of L.
            let factor = w.graph.mul(entry, inverse);
            let factor = w.local(factor);
            lower.push((*i, factor));
            let target = self.entries.entry(*i).or_default();
            for (j, of_pivot) in &upper {
                let part = w.graph.mul(factor, *of_pivot);
                let zero = w.graph.constant(0.0);
                let old = target.get(j).copied().unwrap_or(zero);
                let new = w.graph.sub(old, part);
                target.insert(*j, w.local(new));
            }
            let part = w.graph.mul(factor, right);
            let new = self.right.get(i).map_or(part, |old| w.graph.sub(*old, part));
            self.right.insert(*i, w.local(new));
        }
        Pivot { state: pivot, inverse, upper, lower }
    }
}

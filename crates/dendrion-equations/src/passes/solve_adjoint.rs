//! The adjoint of solving a linear system, (1 - θ h J) Δ = h f(y).
//!
//! Let λ be the cotangents of Δ. The cotangents of the right-hand side are μ = (1 - θ h J)^-T λ, which
//! requires one more solve with the factors L and U of the forward elimination. Δ is the root of F(y, Δ) = h
//! (f(y) + θ J(y) Δ) - Δ. By the implicit function theorem, the cotangents of all quantities that F reads are
//! obtained by differentiating F at fixed Δ, with cotangents μ (Griewank & Walther 2008, 15.4):
//!
//! ```text
//! solve U^T L^T μ = λ                                   forward through U^T, then back through L^T
//! bar[y]       += h J^T μ = (μ - λ)/θ                   y through f; no derivative is needed, because (1 - θ h J)^T μ = λ
//! bar[x]       += h μ^T ∂(f + θ J Δ)/∂x                 every other x that f reads (gates, parameters, inputs)
//! ```
//!
//! A term t of f that is affine in the states y of the system satisfies t(y) + θ (∂t/∂y) Δ = t(y + θ Δ). Such
//! a term is differentiated once, at the intermediate point y + θ Δ, instead of twice.
//!
//! The backward sweep need not solve for Δ again. Most unknowns are changed only by the step, so Δ is the
//! difference between the next state and the current state ([`known_by_the_next`]), and both are recorded.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::adjoint::Sweep;
use super::derivative::derivative;
use super::guarded::Guarded;
use super::normal::Normal;
use super::solver::{Solve, Step, Unknown};
use super::substitute::Substitution;
use crate::graph::{Graph, Node, NodeId};
use crate::system::{Spread, System};

/// Returns whether anything other than the solve changes a state before the next step begins.
fn is_changed(system: &System, step: &Step, unknown: &Unknown) -> bool {
    let state = unknown.state;
    // The possible causes are noise, flushing to zero, an arriving spike and the reset.
    step.next[state] != unknown.end
        || system.states[state].decays
        || system.receives.iter().any(|r| r.state == state)
        || system.event.as_ref().is_some_and(|e| e.then.iter().any(|a| a.state == state))
}

/// Replaces the changes Δ with differences of the recorded states. If one unknown cannot be determined in
/// this way (such as V of a soma that is reset), it is computed from the other unknowns and its row of the
/// system. If there are several such unknowns, the elimination is repeated.
pub(super) fn known_by_the_next(system: &mut System, step: &Step, locals: &mut [NodeId]) {
    for solve in &step.solves {
        let (hidden, seen): (Vec<&Unknown>, Vec<&Unknown>) =
            solve.unknowns.iter().partition(|u| is_changed(system, step, u));
        let graph = &mut system.graph;
        let changes: BTreeMap<usize, NodeId> =
            seen.iter().map(|u| (u.state, difference(graph, u.state, &system.spreads))).collect();
        for unknown in seen {
            locals[unknown.change as usize] = changes[&unknown.state];
        }
        let [unknown] = hidden[..] else { continue };
        // Row i of the system, solved for its unknown: Δ_i = (h f_i - Σ_j≠i m_ij Δ_j)/m_ii.
        let (mut sum, mut own) = (unknown.right, graph.constant(1.0));
        for (j, entry) in &unknown.row {
            if let Some(change) = changes.get(j) {
                let part = graph.mul(*entry, *change);
                sum = graph.sub(sum, part);
            } else {
                own = *entry;
            }
        }
        locals[unknown.change as usize] = graph.div(sum, own);
    }
}

/// Returns the next value of a state minus its current one. If the state then diffuses, its value before is kept in another
/// state.
fn difference(graph: &mut Graph, state: usize, spreads: &[Spread]) -> NodeId {
    let y = graph.intern(Node::State(state as u32));
    let end = spreads.iter().find(|s| s.state == state).map_or(state, |s| s.before);
    let next = graph.intern(Node::Next(end as u32));
    graph.sub(next, y)
}

impl Sweep<'_> {
    /// Propagates the cotangents of all unknowns of a system, which are complete at this point.
    pub(super) fn solve(&mut self, graph: &mut Graph, solve: &Solve) {
        let mut lambda = BTreeMap::new();
        for unknown in &solve.unknowns {
            let change = graph.intern(Node::Local(unknown.change));
            if let Some(bar) = self.bars.remove(&change) {
                let bar = bar.applied(graph);
                lambda.insert(unknown.state, self.row(graph, bar));
            }
        }
        let mu = self.transposed(graph, solve, &lambda);
        let (zero, one, theta) = (graph.constant(0.0), graph.constant(1.0), graph.constant(solve.theta));
        let inverse = graph.div(one, theta);
        for unknown in &solve.unknowns {
            let Some(mu) = mu.get(&unknown.state) else { continue };
            let y = graph.intern(Node::State(unknown.state as u32));
            let part = graph.mul(inverse, *mu);
            self.add(graph, y, Guarded::plain(part));
            // -λ/θ is added separately: with θ = 1 it cancels the λ that arrived through y + Δ, symbolically.
            let own = lambda.get(&unknown.state).copied().unwrap_or(zero);
            let part = graph.mul(inverse, own);
            let part = graph.neg(part);
            self.add(graph, y, Guarded::plain(part));
        }
        self.right(graph, solve, &mu);
    }

    /// Returns the solution μ of U^T L^T μ = λ, by state.
    fn transposed(
        &mut self,
        graph: &mut Graph,
        solve: &Solve,
        lambda: &BTreeMap<usize, NodeId>,
    ) -> BTreeMap<usize, NodeId> {
        let zero = graph.constant(0.0);
        // U^T z = λ by forward substitution: U^T is lower triangular in the order of the elimination.
        let mut sums = lambda.clone();
        let mut mu: BTreeMap<usize, NodeId> = BTreeMap::new();
        for pivot in &solve.pivots {
            let Some(sum) = sums.get(&pivot.state).copied() else { continue };
            let sum = self.row(graph, sum);
            let scaled = graph.mul(pivot.inverse, sum);
            let scaled = self.row(graph, scaled);
            mu.insert(pivot.state, scaled);
            for (j, entry) in &pivot.upper {
                let part = graph.mul(*entry, scaled);
                let before = sums.get(j).copied().unwrap_or(zero);
                sums.insert(*j, graph.sub(before, part));
            }
        }
        // L^T μ = z by back substitution, in place.
        for pivot in solve.pivots.iter().rev() {
            let mut sum = mu.get(&pivot.state).copied().unwrap_or(zero);
            for (i, factor) in &pivot.lower {
                if let Some(mu) = mu.get(i) {
                    let part = graph.mul(*factor, *mu);
                    sum = graph.sub(sum, part);
                }
            }
            // No code is emitted for unknowns without influence on the loss.
            if graph.as_const(sum) == Some(0.0) {
                mu.remove(&pivot.state);
            } else {
                let whole = if graph.is_coefficient(sum) { sum } else { self.local(graph, sum) };
                mu.insert(pivot.state, whole);
            }
        }
        mu
    }

    /// Differentiates h (f(y) + θ J Δ) at fixed Δ, except for the contribution of y through f alone.
    fn right(&mut self, graph: &mut Graph, solve: &Solve, mu: &BTreeMap<usize, NodeId>) {
        let theta = graph.constant(solve.theta);
        let (mut middles, mut fixed) = (HashMap::new(), HashSet::new());
        let mut changes = Vec::new();
        for unknown in &solve.unknowns {
            let y = graph.intern(Node::State(unknown.state as u32));
            let change = graph.intern(Node::Local(unknown.change));
            let middle = self.middle(graph, solve.theta, unknown);
            middles.insert(y, middle);
            changes.push((y, change));
            fixed.extend([y, middle]);
        }
        let mut at_the_middle = Substitution::new(middles);
        let mut seeds = Vec::new();
        for unknown in &solve.unknowns {
            let Some(mu) = mu.get(&unknown.state) else { continue };
            // Each term of h f is processed separately, because affine terms are cheaper.
            for term in Normal::new(graph).terms(unknown.right) {
                let mut slopes: Vec<(NodeId, NodeId)> =
                    changes.iter().map(|(y, change)| (derivative(graph, term, *y), *change)).collect();
                slopes.retain(|(slope, _)| graph.as_const(*slope) != Some(0.0));
                let varies = |slope: NodeId| {
                    let mut found = false;
                    graph.visit_ids(slope, &mut |id| found |= changes.iter().any(|(y, _)| *y == id));
                    found
                };
                // If no derivative depends on the states y of the unknowns, the term is affine in them.
                if !slopes.iter().any(|(slope, _)| varies(*slope)) {
                    seeds.push((at_the_middle.apply(graph, term), *mu));
                    continue;
                }
                // Otherwise the term is differentiated at y, and θ (∂t/∂y) Δ is differentiated as a separate
                // expression.
                seeds.push((term, *mu));
                for (slope, change) in slopes {
                    let slope = Normal::new(graph).whole(slope);
                    let part = graph.mul(*mu, change);
                    let part = graph.mul(theta, part);
                    self.add(graph, slope, Guarded::plain(part));
                }
            }
        }
        self.with_fixed(graph, seeds, &fixed);
    }

    /// Returns the recorded end of an unknown, if its change is known from it.
    fn seen_end(&self, graph: &mut Graph, unknown: &Unknown) -> Option<NodeId> {
        let y = graph.intern(Node::State(unknown.state as u32));
        let change = self.locals[unknown.change as usize];
        let node = graph.node(change);
        let next = node.operands().find(|id| matches!(graph.node(*id), Node::Next(_)))?;
        (graph.sub(next, y) == change).then_some(next)
    }

    /// Returns y + θ Δ in its own row.
    fn middle(&mut self, graph: &mut Graph, theta: f64, unknown: &Unknown) -> NodeId {
        let y = graph.intern(Node::State(unknown.state as u32));
        let middle = if let (Some(next), true) = (self.seen_end(graph, unknown), theta == 1.0) {
            next
        } else {
            let change = graph.intern(Node::Local(unknown.change));
            let theta = graph.constant(theta);
            let part = graph.mul(theta, change);
            graph.add(y, part)
        };
        self.local(graph, middle)
    }

    /// Propagates cotangents as [`Sweep`] does, but stops at the nodes in `fixed`, because `solve` has already
    /// added the contribution of y through f.
    fn with_fixed(&mut self, graph: &mut Graph, seeds: Vec<(NodeId, NodeId)>, fixed: &HashSet<NodeId>) {
        // A nested sweep processes only the nodes that these seeds reach, so that `fixed` does not affect other
        // paths.
        let others = std::mem::take(&mut self.bars);
        for (node, bar) in seeds {
            self.add(graph, node, Guarded::plain(bar));
        }
        let mut reached = Vec::new();
        while let Some((id, bar)) = self.bars.pop_last() {
            if fixed.contains(&id) {
                continue;
            }
            if self.is_leaf(graph, id) {
                reached.push((id, bar));
            } else {
                let bar = self.guarded_row(graph, bar);
                self.node(graph, id, bar);
            }
        }
        self.bars = others;
        for (id, bar) in reached {
            self.add(graph, id, bar);
        }
    }
}

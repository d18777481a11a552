//! The joint linearly implicit step of placed mechanisms and the potential of their CVs.
//!
//! The step of gates y and potential V of a cell solves one linear system (see [`super::implicit`]). Its part for the
//! mechanisms of one CV is eliminated here, before the tree is solved. With F = ∂f/∂y and the step ΔV,
//!
//! ```text
//! (1 - θ h F) Δy = h f + θ h ∂f/∂V ΔV          so  Δy = a + b ΔV
//! C ΔV/h = I + θ (∂I/∂V ΔV + ∂I/∂y Δy) + ...   so  the current is I + θ ∂I/∂y a, and the conductance -(∂I/∂V + ∂I/∂y b)
//! ```
//!
//! The first part of the step computes the current and the conductance, and the second part the states, once ΔV is known. As
//! in the joint step, states that do not depend on V come first, and enter with their values at `t_n` + θ h. States on
//! which the current does not depend come last, with V + θ ΔV.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::implicit::{Block, circles, reads};
use super::writer::Writer;
use crate::graph::{Node, NodeId};
use crate::passes::derivative::derivative;
use crate::passes::substitute::Substitution;
use crate::phase::Phase;

/// The rows of the current and of the conductance.
pub(super) struct Outputs {
    pub(super) current: usize,
    pub(super) slope: usize,
}

/// Returns the next states of a part of the step.
pub(super) fn step(w: &mut Writer<'_>, theta: f64, outputs: &Outputs, phase: Phase) -> Vec<NodeId> {
    let derivatives: BTreeMap<usize, NodeId> = w.derivatives().into_iter().collect();
    let reads = reads(w, &derivatives);
    let order = circles(&reads);
    let v = w.graph.intern(Node::Input(0));
    let change = w.graph.intern(Node::Input(1));
    let current = w.update(outputs.current);
    let moved = depend_on_v(w, &derivatives, &reads);
    let felt = felt_by(w, current, &derivatives, &reads);
    let solves = w.solves.len();
    let mut system = Eliminated { theta, seen: HashMap::new(), a: BTreeMap::new(), b: BTreeMap::new() };
    let mut next: HashMap<usize, NodeId> = HashMap::new();
    for circle in order.iter().filter(|c| !c.iter().any(|i| moved.contains(i))) {
        next.extend(system.alone(w, circle, (&derivatives, &reads)));
    }
    for circle in order.iter().filter(|c| c.iter().any(|i| moved.contains(i) && felt.contains(i))) {
        system.together(w, circle, (&derivatives, &reads), v);
    }
    // The adjoint of these systems is that of the operations of their elimination.
    w.solves.truncate(solves);
    if phase == Phase::Currents {
        let (current, slope) = system.outputs(w, current, v);
        let mut next: Vec<NodeId> = (0..w.rules.len()).map(|i| w.state(i)).collect();
        (next[outputs.current], next[outputs.slope]) = (current, slope);
        return next;
    }
    for (i, a) in &system.a {
        let part = w.graph.mul(system.b[i], change);
        let all = w.graph.add(*a, part);
        let y = w.state(*i);
        let half = w.graph.constant(theta);
        let half = w.graph.mul(half, all);
        let middle = w.graph.add(y, half);
        system.seen.insert(y, w.local(middle));
        next.insert(*i, w.graph.add(y, all));
    }
    let half = w.graph.constant(theta);
    let half = w.graph.mul(half, change);
    let middle = w.graph.add(v, half);
    system.seen.insert(v, w.local(middle));
    for circle in order.iter().filter(|c| c.iter().any(|i| moved.contains(i) && !felt.contains(i))) {
        next.extend(system.alone(w, circle, (&derivatives, &reads)));
    }
    let mut all = w.collect(|i| next[&i]);
    for row in [outputs.current, outputs.slope] {
        all[row] = w.state(row);
    }
    all
}

type Equations<'e> = (&'e BTreeMap<usize, NodeId>, &'e BTreeMap<usize, BTreeSet<usize>>);

/// The eliminated states.
struct Eliminated {
    theta: f64,
    /// Values at `t_n` + θ h of the states that are already known.
    seen: HashMap<NodeId, NodeId>,
    /// Δy = a + b ΔV
    a: BTreeMap<usize, NodeId>,
    b: BTreeMap<usize, NodeId>,
}

impl Eliminated {
    /// Advances states that depend only on known states. Returns their next values.
    fn alone(
        &mut self,
        w: &mut Writer<'_>,
        circle: &[usize],
        (derivatives, reads): Equations<'_>,
    ) -> Vec<(usize, NodeId)> {
        let mut substitution = Substitution::new(self.seen.clone());
        let f = circle.iter().map(|i| (*i, substitution.apply(w.graph, derivatives[i]))).collect();
        let mut next = Vec::new();
        for (i, change) in Block::new(w, self.theta, &f, reads).solve(w, self.theta) {
            let y = w.state(i);
            let part = w.graph.constant(self.theta);
            let part = w.graph.mul(part, change);
            let middle = w.graph.add(y, part);
            self.seen.insert(y, w.local(middle));
            next.push((i, w.graph.add(y, change)));
        }
        next
    }

    /// Eliminates states on which the current depends.
    fn together(
        &mut self,
        w: &mut Writer<'_>,
        circle: &[usize],
        (derivatives, reads): Equations<'_>,
        v: NodeId,
    ) {
        let mut substitution = Substitution::new(self.seen.clone());
        let f: BTreeMap<usize, NodeId> =
            circle.iter().map(|i| (*i, substitution.apply(w.graph, derivatives[i]))).collect();
        let (mut of_a, mut of_b) = (BTreeMap::new(), BTreeMap::new());
        for (i, f) in &f {
            let (mut a, mut b) = (*f, derivative(w.graph, *f, v));
            for (j, known) in &self.a {
                let y = w.state(*j);
                let slope = derivative(w.graph, *f, y);
                let theta = w.graph.constant(self.theta);
                let part = w.graph.mul(slope, *known);
                let part = w.graph.mul(theta, part);
                a = w.graph.add(a, part);
                let part = w.graph.mul(slope, self.b[j]);
                b = w.graph.add(b, part);
            }
            let theta = w.graph.constant(self.theta);
            let b = w.graph.mul(theta, b);
            of_a.insert(*i, w.graph.mul(w.h, a));
            of_b.insert(*i, w.graph.mul(w.h, b));
        }
        let block = Block::new(w, self.theta, &f, reads);
        let a = block.with(w, &of_a).solve(w, self.theta);
        let b = block.with(w, &of_b).solve(w, self.theta);
        for i in circle {
            self.a.insert(*i, w.local(a[i]));
            self.b.insert(*i, w.local(b[i]));
        }
    }

    /// Returns the current and the conductance.
    fn outputs(&self, w: &mut Writer<'_>, current: NodeId, v: NodeId) -> (NodeId, NodeId) {
        let current = Substitution::new(self.seen.clone()).apply(w.graph, current);
        let mut sum = current;
        let mut slope = derivative(w.graph, current, v);
        for (i, a) in &self.a {
            let y = w.state(*i);
            let d = derivative(w.graph, current, y);
            let d = w.local(d);
            let theta = w.graph.constant(self.theta);
            let part = w.graph.mul(d, *a);
            let part = w.graph.mul(theta, part);
            sum = w.graph.add(sum, part);
            let part = w.graph.mul(d, self.b[i]);
            slope = w.graph.add(slope, part);
        }
        (sum, w.graph.neg(slope))
    }
}

/// Returns the states that depend on V, directly or through other states.
fn depend_on_v(
    w: &Writer<'_>,
    derivatives: &BTreeMap<usize, NodeId>,
    reads: &BTreeMap<usize, BTreeSet<usize>>,
) -> BTreeSet<usize> {
    let reads_v = |f: NodeId| {
        let mut found = false;
        w.graph.visit(f, &mut |node| found |= matches!(node, Node::Input(0)));
        found
    };
    let mut found: BTreeSet<usize> =
        derivatives.iter().filter(|(_, f)| reads_v(**f)).map(|(i, _)| *i).collect();
    loop {
        let more: Vec<usize> = (reads.iter())
            .filter(|(i, of)| !found.contains(i) && of.iter().any(|j| found.contains(j)))
            .map(|(i, _)| *i)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Returns the states on which the current depends, directly or through other states.
fn felt_by(
    w: &Writer<'_>,
    current: NodeId,
    derivatives: &BTreeMap<usize, NodeId>,
    reads: &BTreeMap<usize, BTreeSet<usize>>,
) -> BTreeSet<usize> {
    let mut stack = Vec::new();
    w.graph.visit(current, &mut |node| {
        if let Node::State(i) = node {
            stack.push(i as usize);
        }
    });
    let mut found = BTreeSet::new();
    while let Some(i) = stack.pop() {
        if derivatives.contains_key(&i) && found.insert(i) {
            stack.extend(&reads[&i]);
        }
    }
    found
}

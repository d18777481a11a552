//! Exponential Euler: y + h φ₁(h L) f, the exponential Rosenbrock-Euler method (Hochbruck & Ostermann 2010) with a part L of the exact
//! Jacobian J = ∂f/∂y:
//!
//! - The diagonal of J. The step is exact if f is linear in y, and it is as cheap as forward Euler if J is a
//!   coefficient, since h φ₁(h J) is then a coefficient too. The diagonal includes the derivative dB/dV of the NMDA
//!   block.
//! - **Cascades**: a coupling `J_ij` from state j to state i, if `J_ij`, `J_ii` and `J_jj` depend only on
//!   parameters and j does not depend on i in turn. The rising and the decaying stage of a receptor form such
//!   a pair. Ordered from the first to the last stage, these couplings form a triangular matrix, and linear
//!   cascades are solved exactly.
//!
//! Couplings that vary in the step (for example through V) or are part of a cycle (such as two coupled
//! compartments) are frozen: f contains their values at the beginning of the step, as is usual for
//! exponential Euler.
//!
//! The entries of φ₁ of a triangular matrix T are sums over the paths that lead from j to i (Davis 1973; Higham 2008, theorem 4.11):
//!
//! ```text
//! φ₁(T)_ij = Σ over paths i = p0, p1, ..., pk = j of  T_p0p1 T_p1p2 ...  φ₁[T_p0p0, T_p1p1, ..., T_pkpk]
//! ```
//!
//! with divided differences of φ₁, which [`super::differences`] also computes for equal arguments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dendrion_language::Unary;

use super::differences::phi1_differences;
use super::implicit::{circles, reads};
use super::writer::Writer;
use crate::graph::NodeId;
use crate::passes::derivative::derivative;

/// Maximum number of states on a path that is solved exactly. In a longer cascade, contributions along longer
/// paths are neglected, which limits the accuracy to order 5.
const LONGEST: usize = 5;

/// Returns the next states.
pub(super) fn step(w: &mut Writer<'_>) -> Vec<NodeId> {
    let derivatives: BTreeMap<usize, NodeId> = w.derivatives().into_iter().collect();
    let mut scaled = BTreeMap::new();
    for (i, f) in &derivatives {
        let y = w.state(*i);
        let j = derivative(w.graph, *f, y);
        scaled.insert(*i, w.graph.mul(w.h, j));
    }
    let cascades = Cascades { couplings: couplings(w, &derivatives, &scaled), scaled };
    let mut next = HashMap::new();
    for (i, f) in &derivatives {
        let y = w.state(*i);
        // The diagonal: h φ₁(h J_ii) f_i.
        let phi = w.graph.unary(Unary::Exprel, cascades.scaled[i]);
        let step = w.graph.mul(w.h, phi);
        let change = w.graph.mul(step, *f);
        let mut sum = w.graph.add(y, change);
        // The cascades: h φ₁(h J)_ij f_j for each stage j that drives i.
        for (j, entry) in cascades.entries(w, *i) {
            let step = w.graph.mul(w.h, entry);
            let change = w.graph.mul(step, derivatives[&j]);
            sum = w.graph.add(sum, change);
        }
        next.insert(*i, sum);
    }
    w.collect(|i| next[&i])
}

/// For each state, returns the couplings h `J_ij` that are part of a cascade.
fn couplings(
    w: &mut Writer<'_>,
    derivatives: &BTreeMap<usize, NodeId>,
    scaled: &BTreeMap<usize, NodeId>,
) -> BTreeMap<usize, Vec<(usize, NodeId)>> {
    let reads = reads(w, derivatives);
    let circles = circles(&reads);
    let circle_of = |i: usize| circles.iter().position(|circle| circle.contains(&i));
    // Paths need constant diagonal entries: divided differences are evaluated in the prologue, once per change of
    // parameters.
    let is_constant: BTreeSet<usize> =
        scaled.iter().filter(|(_, j)| w.graph.is_coefficient(**j)).map(|(i, _)| *i).collect();
    let mut found: BTreeMap<usize, Vec<(usize, NodeId)>> = BTreeMap::new();
    for i in &is_constant {
        // Within a cycle, the matrix would not be triangular.
        for j in reads[i].intersection(&is_constant).filter(|j| circle_of(**j) != circle_of(*i)) {
            let y = w.state(*j);
            let slope = derivative(w.graph, derivatives[i], y);
            if w.graph.is_coefficient(slope) && w.graph.as_const(slope) != Some(0.0) {
                let coupling = w.graph.mul(w.h, slope);
                found.entry(*i).or_default().push((*j, coupling));
            }
        }
    }
    found
}

/// The triangular part of h J.
struct Cascades {
    couplings: BTreeMap<usize, Vec<(usize, NodeId)>>,
    /// The diagonal.
    scaled: BTreeMap<usize, NodeId>,
}

impl Cascades {
    /// Returns the entries of φ₁ in the row of a state, except for the diagonal.
    fn entries(&self, w: &mut Writer<'_>, i: usize) -> BTreeMap<usize, NodeId> {
        let mut entries = BTreeMap::new();
        let one = w.graph.constant(1.0);
        // Finds all paths that end in i by a depth-first search against the direction of the couplings. `product`
        // is the product of the couplings along the path.
        let mut stack = vec![(vec![i], one)];
        while let Some((path, product)) = stack.pop() {
            let Some(couplings) = path.last().and_then(|last| self.couplings.get(last)) else { continue };
            if path.len() == LONGEST || w.graph.is_full() {
                continue;
            }
            for (j, coupling) in couplings {
                let product = w.graph.mul(product, *coupling);
                let path = [path.as_slice(), &[*j]].concat();
                let diagonal: Vec<NodeId> = path.iter().map(|p| self.scaled[p]).collect();
                let difference = phi1_differences(w.graph, &diagonal);
                let part = w.graph.mul(product, difference);
                let entry = entries.get(j).map_or(part, |sum| w.graph.add(*sum, part));
                entries.insert(*j, entry);
                stack.push((path, product));
            }
        }
        entries
    }
}

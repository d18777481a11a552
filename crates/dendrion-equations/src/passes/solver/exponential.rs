//! Exponential Euler: y + h φ₁(h J) f, where J = ∂f/∂y is exact, from the expression graph (the exponential
//! Rosenbrock-Euler method, Hochbruck & Ostermann 2010, on the diagonal). It is exact where f is linear in y, and
//! costs no more than Euler where J is a coefficient, because h φ₁(h J) is then one too. It sees the NMDA block's
//! slope dB/dV.

use std::collections::HashMap;

use super::Writer;
use crate::graph::{NodeId, Unary};
use crate::passes::derivative::derivative;

/// The next states.
pub(super) fn step(w: &mut Writer<'_>) -> Vec<NodeId> {
    let mut next = HashMap::new();
    for (i, f) in w.derivatives() {
        let y = w.state(i);
        let j = derivative(w.graph, f, y);
        let z = w.graph.mul(w.h, j);
        let phi = w.graph.unary(Unary::Phi1, z);
        let step = w.graph.mul(w.h, phi);
        let change = w.graph.mul(step, f);
        next.insert(i, w.graph.add(y, change));
    }
    w.collect(|i| next[&i])
}

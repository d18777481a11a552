//! Explicit Runge-Kutta methods (Hairer, Norsett & Wanner 1993, II.1) in which each stage depends only on the
//! previous one: `k_i` = f(y + `a_i` h `k_(i-1)`), and the result is y + h Σ `b_i` `k_i`.

use std::collections::HashMap;

use super::writer::Writer;
use crate::graph::NodeId;
use crate::passes::substitute::Substitution;

/// The coefficients a and b of each stage.
pub(super) type Tableau = [(f64, f64)];

/// Forward Euler, order 1.
pub(super) const EULER: [(f64, f64); 1] = [(0.0, 1.0)];
/// The explicit midpoint rule, order 2.
pub(super) const MIDPOINT: [(f64, f64); 2] = [(0.0, 0.0), (0.5, 1.0)];
/// Heun's method (explicit trapezoidal rule), order 2.
pub(super) const HEUN2: [(f64, f64); 2] = [(0.0, 0.5), (1.0, 0.5)];
/// Heun's method of order 3.
pub(super) const HEUN3: [(f64, f64); 3] = [(0.0, 0.25), (1.0 / 3.0, 0.0), (2.0 / 3.0, 0.75)];
/// The classical Runge-Kutta method, order 4.
pub(super) const RK4: [(f64, f64); 4] =
    [(0.0, 1.0 / 6.0), (0.5, 1.0 / 3.0), (0.5, 1.0 / 3.0), (1.0, 1.0 / 6.0)];

/// Returns the next states. Rows are needed only for the states of a stage, its k and the partial sum,
/// regardless of the number of stages.
pub(super) fn step(w: &mut Writer<'_>, tableau: &Tableau) -> Vec<NodeId> {
    let derivatives = w.derivatives();
    let states: Vec<NodeId> = derivatives.iter().map(|(i, _)| w.state(*i)).collect();
    let mut sums = states.clone();
    let mut k: Vec<NodeId> = Vec::new();
    let last = tableau.len() - 1;
    for (stage, (a, b)) in tableau.iter().enumerate() {
        let mut at = HashMap::new();
        for (y, k) in states.iter().zip(&k) {
            let moved = w.plus_step(*y, *a, *k);
            // Stage values are assigned rows, since several derivatives read each of them.
            at.insert(*y, w.local(moved));
        }
        let mut substitution = Substitution::new(at);
        k.clear();
        for (_, f) in &derivatives {
            let slope = substitution.apply(w.graph, *f);
            // The last stage is read only by the sum and needs no row.
            k.push(if stage < last { w.local(slope) } else { slope });
        }
        // The weighted sum is accumulated stage by stage, so that earlier k need not be kept.
        for (sum, k) in sums.iter_mut().zip(&k).filter(|_| *b != 0.0) {
            *sum = w.plus_step(*sum, *b, *k);
            if stage < last {
                *sum = w.local(*sum);
            }
        }
    }
    let next: HashMap<usize, NodeId> = derivatives.iter().map(|(i, _)| *i).zip(sums).collect();
    w.collect(|i| next[&i])
}

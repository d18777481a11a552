//! Divided differences of φ₁(z) = (e^z - 1)/z, for arguments that may be equal, nearly equal or far apart.
//!
//! Since φ₁(z) = exp[0, z], the divided differences of φ₁ are those of the exponential with the argument 0 added.
//! They are positive and smooth (an integral of exp over a simplex; Hermite & Genocchi). With sorted arguments, for
//! each run s0 ≤ ... ≤ sm of neighbors (`McCurdy`, Ng and Parlett, Math. Comp. 43:501, 1984):
//!
//! ```text
//! one         exp[s0]         = e^s0
//! two         exp[s0, s1]     = e^s0 φ₁(s1 - s0)
//! more, apart exp[s0 ... sm]  = (exp[s1 ... sm] - exp[s0 ... sm-1])/(sm - s0)        loses a digit at most
//! more, close exp[s0 ... sm]  = e^s0 Σ_n h_n(s1 - s0, ..., sm - s0)/(n + m)!         a sum of positive terms
//! ```
//!
//! `h_n` is the sum of all products of n factors (the complete homogeneous symmetric polynomial). All of these
//! values depend only on parameters and are recomputed when parameters change.

use dendrion_language::{Binary, Unary};

use crate::graph::{Graph, NodeId};

/// Minimum distance at which arguments count as apart.
const APART: f64 = 0.5;
/// Number of terms of the series. The first omitted term is less than 1e-17 of the sum.
const TERMS: usize = 16;

/// Returns φ₁[z₀, z₁, ...] for at least two arguments.
pub(super) fn phi1_differences(graph: &mut Graph, arguments: &[NodeId]) -> NodeId {
    let zero = graph.constant(0.0);
    let mut sorted = arguments.to_vec();
    sorted.push(zero);
    sort(graph, &mut sorted);
    // Runs of one argument, then of two, and so on. A run of length n + 1 is computed from two runs of length
    // n.
    let mut runs: Vec<NodeId> = sorted.iter().map(|s| graph.unary(Unary::Exp, *s)).collect();
    for length in 2..=sorted.len() {
        runs = sorted
            .windows(length)
            .enumerate()
            .map(|(k, run)| widen(graph, run, (runs[k], runs[k + 1])))
            .collect();
    }
    runs[0]
}

/// Returns exp[s0 ... sm] of a sorted run, computed from the values for the run without its last argument and
/// for the run without its first argument.
fn widen(graph: &mut Graph, run: &[NodeId], (without_last, without_first): (NodeId, NodeId)) -> NodeId {
    let (first, last) = (run[0], run[run.len() - 1]);
    let spread = graph.sub(last, first);
    let scale = graph.unary(Unary::Exp, first);
    if run.len() == 2 {
        let phi = graph.unary(Unary::Exprel, spread);
        // There is no cancellation for any distance, since phi1 is accurate near 0.
        return graph.mul(scale, phi);
    }
    let (apart, one) = (graph.constant(APART), graph.constant(1.0));
    let is_apart = graph.binary(Binary::GreaterEqual, spread, apart);
    let rise = graph.sub(without_first, without_last);
    // Both branches are computed for all lanes. A divisor of 1 keeps the unused branch finite.
    let below = graph.select(is_apart, spread, one);
    let quotient = graph.div(rise, below);
    let from_first: Vec<NodeId> = run[1..].iter().map(|s| graph.sub(*s, first)).collect();
    let series = series(graph, &from_first);
    let close = graph.mul(scale, series);
    graph.select(is_apart, quotient, close)
}

/// Returns the sum over n of `h_n(x1 ... xm)/(n + m)!`.
fn series(graph: &mut Graph, x: &[NodeId]) -> NodeId {
    let one = graph.constant(1.0);
    // h_n of the first k arguments is h_n of the first k - 1 plus the last argument times h_(n-1) of all k.
    // After pass n, `products[k]` is h_n(x1 ... x_(k+1)).
    let mut products = vec![one; x.len()];
    let mut factorial: f64 = (1..=x.len()).map(|k| k as f64).product();
    let mut sum = graph.constant(1.0 / factorial);
    for n in 1..TERMS {
        let mut less = graph.constant(0.0);
        for (x, product) in x.iter().zip(&mut products) {
            let longer = graph.mul(*x, *product);
            *product = graph.add(less, longer);
            less = *product;
        }
        factorial *= (n + x.len()) as f64;
        let weight = graph.constant(1.0 / factorial);
        let term = graph.mul(weight, less);
        sum = graph.add(sum, term);
    }
    sum
}

/// Sorts in ascending order by exchanging neighbors. One condition selects both sides of an exchange, so that
/// equal arguments remain distinct: with `min` and `max`, one argument would receive the derivatives of both.
fn sort(graph: &mut Graph, values: &mut [NodeId]) {
    for end in (1..values.len()).rev() {
        for i in 0..end {
            let (a, b) = (values[i], values[i + 1]);
            let exchanged = graph.binary(Binary::Greater, a, b);
            values[i] = graph.select(exchanged, b, a);
            values[i + 1] = graph.select(exchanged, a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Env, evaluate};
    use crate::graph::Node;
    use crate::passes::adjoint::parameter_adjoint;

    /// φ₁[z₀ ... `z_k`] as the corner of the exponential of a bidiagonal matrix, with z and 0 on the diagonal
    /// and 1 above it (Opitz 1964). The exponential is computed by scaling and squaring. After a shift to
    /// non-negative numbers, all sums have only positive terms.
    fn reference(z: &[f64]) -> f64 {
        let mut d = z.to_vec();
        d.push(0.0);
        let n = d.len();
        let shift = d.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = d.iter().map(|v| v - shift).fold(1.0, f64::max);
        let halvings = largest.log2().ceil() as i32 + 2;
        let scale = 0.5_f64.powi(halvings);
        let t = |i: usize, j: usize| match j {
            _ if j == i => (d[i] - shift) * scale,
            _ if j == i + 1 => scale,
            _ => 0.0,
        };
        let unit = |i: usize, j: usize| f64::from(u8::from(i == j));
        let mut term: Vec<f64> = (0..n * n).map(|k| unit(k / n, k % n)).collect();
        let mut sum = term.clone();
        let times = |a: &[f64], b: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            let entry = |k: usize| (0..n).map(|l| a[k / n * n + l] * b(l, k % n)).sum::<f64>();
            (0..n * n).map(entry).collect()
        };
        for k in 1..30 {
            term = times(&term, &|i, j| t(i, j) / f64::from(k));
            sum.iter_mut().zip(&term).for_each(|(s, t)| *s += t);
        }
        for _ in 0..halvings {
            let square = sum.clone();
            sum = times(&sum, &|i, j| square[i * n + j]);
        }
        sum[n - 1] * shift.exp()
    }

    fn cases() -> Vec<Vec<f64>> {
        let mut cases = Vec::new();
        for a in [-1e-4, -0.002, -0.2, -1.0, -1.0 - 1e-9, -2.0, -20.0, 0.0, 0.3] {
            for b in [-0.002, -0.002_000_1, -0.2, -0.45, -0.55, -1.0, -20.0, -20.3] {
                cases.push(vec![a, b]);
                for c in [-0.002, -0.21, -1.0, -20.1] {
                    cases.push(vec![a, b, c]);
                }
            }
        }
        cases.push(vec![-0.1, -0.1, -0.1, -0.1]);
        cases.push(vec![-0.1, -3.0, -0.1, -3.0, -0.5]);
        cases
    }

    fn arguments(graph: &mut Graph, n: usize) -> Vec<NodeId> {
        (0..n as u32).map(|k| graph.intern(Node::Param(k))).collect()
    }

    #[test]
    fn differences_agree_with_the_matrix_exponential() {
        for z in cases() {
            let mut graph = Graph::default();
            let arguments = arguments(&mut graph, z.len());
            let root = phi1_differences(&mut graph, &arguments);
            let got = evaluate(&graph, root, Env { params: &z, ..Env::default() })[root.index()];
            let expected = reference(&z);
            assert!((got / expected - 1.0).abs() < 1e-13, "{z:?}: {got} and {expected}");
        }
    }

    /// ∂φ₁[z₀ ... `z_k`]/`∂z_i` is the divided difference that contains `z_i` twice.
    #[test]
    fn derivatives_are_differences_with_an_argument_twice() {
        for z in cases() {
            let mut graph = Graph::default();
            let arguments = arguments(&mut graph, z.len());
            let root = phi1_differences(&mut graph, &arguments);
            let slopes = parameter_adjoint(&mut graph, &[root]);
            for (i, slope) in slopes {
                let env = Env { params: &z, cotangents: &[1.0], ..Env::default() };
                let got = evaluate(&graph, slope, env)[slope.index()];
                let expected = reference(&[z.as_slice(), &[z[i]]].concat());
                assert!((got / expected - 1.0).abs() < 1e-9, "{z:?} {i}: {got} and {expected}");
            }
        }
    }
}

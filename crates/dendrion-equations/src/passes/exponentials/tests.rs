#![allow(clippy::unwrap_used, reason = "a test")]

use dendrion_language::{Binary, Unary};

use super::{Purpose, share};
use crate::evaluate::{Env, evaluate_one};
use crate::graph::{Graph, Node, NodeId};
use crate::passes::solver::Step;

/// A graph with the exponentials of a (x - o) for pairs of a and o.
fn exponentials(graph: &mut Graph, f: Unary, lines: &[(f64, f64)]) -> Vec<NodeId> {
    let x = graph.intern(Node::Input(0));
    let one = |graph: &mut Graph, (a, o): (f64, f64)| {
        let (a, o) = (graph.constant(a), graph.constant(o));
        let difference = graph.sub(x, o);
        let z = graph.mul(a, difference);
        graph.unary(f, z)
    };
    lines.iter().map(|line| one(graph, *line)).collect()
}

fn step_of(next: Vec<NodeId>) -> Step {
    Step { locals: Vec::new(), next, solves: Vec::new(), slopes: Vec::new() }
}

/// Returns the next values of a step for an input.
pub(crate) fn values(graph: &Graph, step: &Step, x: f64, states: &[f64]) -> Vec<f64> {
    let mut locals = Vec::new();
    for id in &step.locals {
        locals.push(evaluate_one(
            graph,
            *id,
            Env { inputs: &[x], states, locals: &locals, ..Env::default() },
        ));
    }
    let env = Env { inputs: &[x], states, locals: &locals, ..Env::default() };
    step.next.iter().map(|id| evaluate_one(graph, *id, env)).collect()
}

/// Returns the number of exponentials that a step computes.
fn count(graph: &Graph, step: &Step) -> usize {
    let mut found = Vec::new();
    for root in step.locals.iter().chain(&step.next) {
        graph.visit_ids(*root, &mut |id| found.push(id));
    }
    found.sort_unstable();
    found.dedup();
    let is_exponential =
        |id: &&NodeId| matches!(graph.node(**id), Node::Unary(Unary::Exp | Unary::Exprel, _));
    found.iter().filter(is_exponential).count()
}

#[test]
fn the_rates_of_hodgkin_and_huxley_have_three_exponentials() {
    let mut graph = Graph::default();
    let lines = [(-0.1, -40.0), (-0.1, -35.0), (-1.0 / 18.0, -65.0), (-0.05, -65.0), (-0.0125, -65.0)];
    let mut next = exponentials(&mut graph, Unary::Exp, &lines);
    next.extend(exponentials(&mut graph, Unary::Exprel, &[(-0.1, -40.0), (-0.1, -55.0)]));
    let mut step = step_of(next);
    let found = share(&mut graph, &mut step, Purpose::Step);
    assert_eq!(count(&graph, &step), 3);
    assert_eq!(found.len(), 7);
}

#[test]
fn exponentials_with_other_slopes_and_of_other_variables_are_kept() {
    let mut graph = Graph::default();
    // The ratio is no integer or almost one, the sign differs, the power is too high, and the origin is too far away.
    let ratio = std::f64::consts::SQRT_2;
    let lines = [(0.1, 0.0), (0.1 * ratio, 0.0), (0.2001, 0.0), (-0.1, 0.0), (0.4, 0.0), (0.2, 400.0)];
    let mut next = exponentials(&mut graph, Unary::Exp, &lines);
    let (y, a) = (graph.intern(Node::State(0)), graph.constant(0.2));
    let z = graph.mul(a, y);
    next.push(graph.unary(Unary::Exp, z));
    let mut step = step_of(next.clone());
    share(&mut graph, &mut step, Purpose::Step);
    assert_eq!(step.next, next);
    assert!(step.locals.is_empty());
}

#[test]
fn exponentials_from_which_a_number_is_subtracted_are_kept() {
    for is_negated in [false, true] {
        let mut graph = Graph::default();
        let e = exponentials(&mut graph, Unary::Exp, &[(-0.1, -40.0), (-0.1, -65.0), (-0.2, -65.0)]);
        let one = graph.constant(1.0);
        let difference = if is_negated {
            let opposite = graph.neg(e[0]);
            graph.add(one, opposite)
        } else {
            graph.sub(e[0], one)
        };
        let mut step = step_of(vec![difference, e[1], e[2]]);
        share(&mut graph, &mut step, Purpose::Step);
        assert_eq!(count(&graph, &step), 2);
        assert_eq!(step.next[0], difference);
        // 0 exactly, as in the original.
        assert_eq!(values(&graph, &step, -40.0, &[])[0], 0.0);
    }
}

#[test]
fn values_of_families_stay_in_the_range_of_single_precision() {
    // Beyond exp(16), the power of a family could overflow although the exponential does not.
    let mut graph = Graph::default();
    let mut shared = |distance: f64| {
        let next = exponentials(&mut graph, Unary::Exp, &[(0.2, 0.0), (0.2, distance)]);
        let mut step = step_of(next);
        share(&mut graph, &mut step, Purpose::Step);
        count(&graph, &step) == 1
    };
    assert!(shared(79.0) && shared(-79.0));
    assert!(!shared(81.0) && !shared(-81.0));
}

#[test]
fn powers_are_accurate() {
    let mut graph = Graph::default();
    // Arguments without rounding errors.
    let slopes: Vec<f64> = (1..=3).map(|n| -f64::from(n) / 128.0).collect();
    let lines: Vec<(f64, f64)> = slopes.iter().map(|a| (*a, -64.0)).collect();
    let next = exponentials(&mut graph, Unary::Exp, &lines);
    let mut step = step_of(next);
    share(&mut graph, &mut step, Purpose::Step);
    assert_eq!(count(&graph, &step), 1);
    let mut most = [0.0_f64; 3];
    for k in -20_000..20_000 {
        let x = f64::from(k) / 32.0;
        for ((found, a), most) in values(&graph, &step, x, &[]).iter().zip(&slopes).zip(&mut most) {
            let expected = (a * (x + 64.0)).exp();
            let ulp = f64::from_bits(expected.to_bits() + 1) - expected;
            *most = most.max((found - expected).abs() / ulp);
        }
    }
    // Units in the last place.
    assert!(most.iter().all(|most| *most <= 4.0), "{most:?}");
}

#[test]
fn exprel_is_accurate_everywhere() {
    let mut graph = Graph::default();
    let next = exponentials(&mut graph, Unary::Exprel, &[(1.0, 0.0)]);
    let mut step = step_of(next);
    share(&mut graph, &mut step, Purpose::Step);
    let points = (-4000..4000).map(|k| f64::from(k) * 0.01 + 1e-3);
    let special =
        [0.0, 1e-300, -1e-300, 1e-12, -1e-9, 1.0, -1.0, 1.0 + 1e-15, -1.0 - 1e-15, 700.0, -700.0, -1e9];
    for z in points.chain(special) {
        let found = values(&graph, &step, z, &[])[0];
        let expected = if z == 0.0 { 1.0 } else { z.exp_m1() / z };
        assert!((found / expected - 1.0).abs() < 6.0 * f64::EPSILON, "{z}: {found} {expected}");
    }
    assert!(values(&graph, &step, f64::NAN, &[])[0].is_nan());
}

#[test]
fn exprel_with_a_shared_exponential_is_accurate() {
    let mut graph = Graph::default();
    // The first one uses the cube of the family's exponential.
    let next = exponentials(&mut graph, Unary::Exprel, &[(0.375, 0.0), (0.125, 0.0)]);
    let mut step = step_of(next);
    share(&mut graph, &mut step, Purpose::Step);
    assert_eq!(count(&graph, &step), 1);
    for k in -8000_i32..8000 {
        let z = 0.375 * f64::from(k) / 256.0;
        let found = values(&graph, &step, f64::from(k) / 256.0, &[])[0];
        let expected = if k == 0 { 1.0 } else { z.exp_m1() / z };
        assert!((found / expected - 1.0).abs() < 6.0 * f64::EPSILON, "{z}: {found} {expected}");
    }
}

/// y = z/(exp(z) - 1) and its derivative, by series near 0.
fn inverse(z: f64) -> (f64, f64) {
    if z.abs() < 0.1 {
        let s = z * z;
        let value =
            1.0 - z / 2.0 + s * (1.0 / 12.0 - s * (1.0 / 720.0 - s * (1.0 / 30_240.0 - s / 1_209_600.0)));
        let slope = -0.5 + z * (1.0 / 6.0 - s * (1.0 / 180.0 - s * (1.0 / 5_040.0 - s / 151_200.0)));
        return (value, slope);
    }
    let value = z / z.exp_m1();
    // y' = y/z - y (y + z)/z
    (value, value * (1.0 - value - z) / z)
}

#[test]
fn a_reverse_knows_the_derivative_of_the_inverse_of_exprel() {
    let mut graph = Graph::default();
    let phi = exponentials(&mut graph, Unary::Exprel, &[(1.0, 0.0)])[0];
    let three = graph.constant(3.0);
    let rate = graph.binary(Binary::Div, three, phi);
    let mut step = step_of(vec![rate]);
    share(&mut graph, &mut step, Purpose::Reverse);
    assert_eq!((count(&graph, &step), step.slopes.len()), (1, 1));
    step.next.push(step.slopes[0].slope);
    let special = [0.0, 1e-300, -1e-9, 1.0, -1.0, 1.0 + 1e-15, -1.0 - 1e-15, 700.0, -700.0, 800.0, -1e9];
    for z in (-4000..4000).map(|k| f64::from(k) * 0.01 + 1e-3).chain(special) {
        let found = values(&graph, &step, z, &[]);
        let (value, slope) = inverse(z);
        assert!(
            (found[0] - 3.0 * value).abs() <= 2e-15 * (3.0 * value).max(1e-290),
            "{z}: {found:?} {value}"
        );
        // Where y' is small, it is a difference of larger numbers.
        assert!((found[1] - slope).abs() < 4e-15 * (1.0 + z.abs()), "{z}: {found:?} {slope}");
    }
}

#[test]
fn a_reverse_keeps_an_exprel_that_divides_nothing() {
    let mut graph = Graph::default();
    let next = exponentials(&mut graph, Unary::Exprel, &[(1.0, 0.0)]);
    let mut step = step_of(next.clone());
    share(&mut graph, &mut step, Purpose::Reverse);
    assert_eq!(step.next, next);
}

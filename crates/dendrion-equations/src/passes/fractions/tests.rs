use dendrion_language::{Binary, Unary};

use super::clear;
use crate::evaluate::{Env, evaluate_one};
use crate::graph::{Graph, Node, NodeId};
use crate::passes::exponentials::{Purpose, share};
use crate::passes::solver::Step;

/// How the rates of a gate depend on V.
#[derive(Clone, Copy, Debug)]
enum Rates {
    /// 1/exprel(-(V + 40)/10) and 4 exp(-(V + 65)/18)
    Sodium,
    /// 0.07 exp(-(V + 65)/20) and 1/(1 + exp(-(V + 35)/10))
    Inactivation,
    /// 1/exprel(-(V + 40)/10) and 1/(1 + exp((V + 35)/2))
    Both,
}

fn exponential(graph: &mut Graph, f: Unary, a: f64, o: f64) -> NodeId {
    let v = graph.intern(Node::Input(0));
    let (a, o) = (graph.constant(a), graph.constant(o));
    let difference = graph.sub(v, o);
    let z = graph.mul(a, difference);
    graph.unary(f, z)
}

/// The Crank-Nicolson step of a gate (state 0).
fn gate(graph: &mut Graph, rates: Rates) -> NodeId {
    let one = graph.constant(1.0);
    let logistic = |graph: &mut Graph, a: f64, o: f64| {
        let e = exponential(graph, Unary::Exp, a, o);
        let below = graph.add(one, e);
        graph.div(one, below)
    };
    let scaled = |graph: &mut Graph, c: f64, id: NodeId| {
        let c = graph.constant(c);
        graph.mul(c, id)
    };
    let quotient = |graph: &mut Graph| {
        let below = exponential(graph, Unary::Exprel, -0.1, -40.0);
        graph.div(one, below)
    };
    let (a, b) = match rates {
        Rates::Sodium => {
            let e = exponential(graph, Unary::Exp, -1.0 / 18.0, -65.0);
            (quotient(graph), scaled(graph, 4.0, e))
        }
        Rates::Inactivation => {
            let e = exponential(graph, Unary::Exp, -0.05, -65.0);
            (scaled(graph, 0.07, e), logistic(graph, -0.1, -35.0))
        }
        Rates::Both => (quotient(graph), logistic(graph, 0.5, -35.0)),
    };
    let x = graph.intern(Node::State(0));
    let rest = graph.sub(one, x);
    let (opening, closing) = (graph.mul(a, rest), graph.mul(b, x));
    let f = graph.sub(opening, closing);
    let sum = graph.add(a, b);
    let half = scaled(graph, 0.0125, sum);
    let below = graph.add(one, half);
    let (inverse, f) = (graph.div(one, below), scaled(graph, 0.025, f));
    let change = graph.mul(inverse, f);
    graph.add(x, change)
}

fn cleared(graph: &mut Graph, next: NodeId) -> Step {
    let mut step = Step { locals: Vec::new(), next: vec![next], solves: Vec::new(), slopes: Vec::new() };
    let exponentials = share(graph, &mut step, Purpose::Step);
    clear(graph, &mut step, &exponentials);
    step
}

fn value(graph: &Graph, step: &Step, v: f64, x: f64) -> f64 {
    let mut locals = Vec::new();
    for id in &step.locals {
        let env = Env { inputs: &[v], states: &[x], locals: &locals, ..Env::default() };
        locals.push(evaluate_one(graph, *id, env));
    }
    evaluate_one(graph, step.next[0], Env { inputs: &[v], states: &[x], locals: &locals, ..Env::default() })
}

#[test]
fn a_gate_takes_one_division() {
    for rates in [Rates::Sodium, Rates::Inactivation, Rates::Both] {
        let mut graph = Graph::default();
        let next = gate(&mut graph, rates);
        let step = cleared(&mut graph, next);
        let mut count = 0;
        graph.visit(step.next[0], &mut |node| {
            let is_division = matches!(node, Node::Binary(Binary::Div, _, b) if !graph.is_coefficient(b));
            count += usize::from(is_division);
        });
        assert_eq!(count, 1, "{rates:?}");
    }
}

#[test]
fn values_stay_the_same() {
    for rates in [Rates::Sodium, Rates::Inactivation, Rates::Both] {
        let mut graph = Graph::default();
        let next = gate(&mut graph, rates);
        let step = cleared(&mut graph, next);
        for k in -3000_i32..3000 {
            let (v, x) = (f64::from(k) * 0.1, f64::from(k.rem_euclid(97)) / 97.0);
            let env = Env { inputs: &[v], states: &[x], ..Env::default() };
            let expected = evaluate_one(&graph, next, env);
            let found = value(&graph, &step, v, x);
            assert!((found - expected).abs() < 1e-14, "{rates:?}: {v} {x}: {found} {expected}");
        }
    }
}

#[test]
fn exponentials_do_not_overflow() {
    for rates in [Rates::Sodium, Rates::Inactivation, Rates::Both] {
        let mut graph = Graph::default();
        let next = gate(&mut graph, rates);
        let step = cleared(&mut graph, next);
        for v in [-5000.0, -1500.0, 1500.0, 5000.0, 1e6] {
            let expected = evaluate_one(&graph, next, Env { inputs: &[v], states: &[0.5], ..Env::default() });
            let found = value(&graph, &step, v, 0.5);
            assert!((found - expected).abs() < 1e-12, "{rates:?}: {v}: {found} {expected}");
        }
    }
}

#[test]
fn quotients_of_exponentials_are_accurate_beyond_the_limit() {
    let mut graph = Graph::default();
    let one = graph.constant(1.0);
    let e = exponential(&mut graph, Unary::Exp, 0.5, -35.0);
    let above_one = graph.add(one, e);
    let rates = [graph.div(e, above_one), {
        let inverse = graph.div(one, above_one);
        graph.mul(inverse, e)
    }];
    for rate in rates {
        let x = graph.intern(Node::State(0));
        let half = graph.constant(0.5);
        let sum = graph.add(half, rate);
        let next = graph.div(x, sum);
        let mut step =
            Step { locals: Vec::new(), next: vec![next, rate], solves: Vec::new(), slopes: Vec::new() };
        let exponentials = share(&mut graph, &mut step, Purpose::Step);
        clear(&mut graph, &mut step, &exponentials);
        for v in [-100.0, -35.0, 0.0, 40.0, 50.0, 100.0, 500.0, 1000.0] {
            let found = value(&graph, &step, v, 0.5);
            let expected = evaluate_one(
                &graph,
                next,
                Env { inputs: &[v], states: &[0.5], locals: &[], ..Env::default() },
            );
            assert!((found / expected - 1.0).abs() < 1e-14, "{v}: {found} {expected}");
        }
    }
}

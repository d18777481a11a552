//! Symbolic differentiation: the exact derivative of an expression with respect to a leaf.

use std::collections::HashMap;

use crate::graph::{Binary, Graph, Node, NodeId, Unary};

/// ∂`of` / ∂`by`, as a node of the same graph. Conditions are taken as constant where they do not switch.
pub fn derivative(graph: &mut Graph, of: NodeId, by: NodeId) -> NodeId {
    let mut known = HashMap::new();
    known.insert(by, graph.constant(1.0));
    // Operands come before their users, so one ascending sweep finds every operand's derivative known.
    let mut reached = Vec::new();
    graph.visit_ids(of, &mut |id| reached.push(id));
    reached.sort_unstable();
    for id in reached {
        if !known.contains_key(&id) {
            let d = rule(graph, id, &known);
            known.insert(id, d);
        }
    }
    known[&of]
}

fn rule(g: &mut Graph, id: NodeId, known: &HashMap<NodeId, NodeId>) -> NodeId {
    match g.node(id) {
        Node::Const(_)
        | Node::Param(_)
        | Node::State(_)
        | Node::Input(_)
        | Node::Noise(_)
        | Node::Next(_)
        | Node::Spike
        | Node::Cotangent(_)
        | Node::Local(_) => g.constant(0.0),
        Node::Unary(f, a) => {
            let slope = unary_slope(g, f, a, id);
            g.mul(slope, known[&a])
        }
        Node::Binary(f, a, b) => binary_rule(g, f, (a, b), id, (known[&a], known[&b])),
        Node::Select(c, a, b) => g.select(c, known[&a], known[&b]),
    }
}

/// f'(a), where `value` is f(a).
pub(super) fn unary_slope(g: &mut Graph, f: Unary, a: NodeId, value: NodeId) -> NodeId {
    let one = g.constant(1.0);
    match f {
        Unary::Neg => g.constant(-1.0),
        Unary::Abs => {
            let (zero, minus) = (g.constant(0.0), g.constant(-1.0));
            let positive = g.binary(Binary::GreaterEqual, a, zero);
            g.select(positive, one, minus)
        }
        Unary::Sqrt => {
            let twice = g.add(value, value);
            g.div(one, twice)
        }
        Unary::Exp => value,
        Unary::Exp2 => {
            let ln_2 = g.constant(std::f64::consts::LN_2);
            g.mul(ln_2, value)
        }
        Unary::Expm1 => g.add(value, one),
        Unary::Log => g.div(one, a),
        Unary::Log1p => {
            let b = g.add(one, a);
            g.div(one, b)
        }
        Unary::Phi1 => phi1_slope(g, a, value),
        Unary::Tanh => {
            let square = g.mul(value, value);
            g.sub(one, square)
        }
        Unary::LogisticSlope => {
            // -tanh(a/2) times itself
            let half = g.constant(-0.5);
            let half = g.mul(half, a);
            let bend = g.unary(Unary::Tanh, half);
            g.mul(bend, value)
        }
    }
}

/// φ₁' = (e^a - φ₁)/a, and its series 1/2 + a/3 + a²/8 + a³/30 near 0, where that cancels.
fn phi1_slope(g: &mut Graph, a: NodeId, value: NodeId) -> NodeId {
    let size = g.unary(Unary::Abs, a);
    let (limit, one) = (g.constant(1e-3), g.constant(1.0));
    let near = g.binary(Binary::Greater, limit, size);
    let away = g.select(near, one, a);
    let e = g.unary(Unary::Exp, a);
    let rise = g.sub(e, value);
    let quotient = g.div(rise, away);
    let mut series = g.constant(1.0 / 144.0);
    for c in [1.0 / 30.0, 1.0 / 8.0, 1.0 / 3.0, 1.0 / 2.0] {
        let c = g.constant(c);
        let next = g.mul(series, a);
        series = g.add(c, next);
    }
    g.select(near, series, quotient)
}

fn binary_rule(
    g: &mut Graph,
    f: Binary,
    (a, b): (NodeId, NodeId),
    value: NodeId,
    (da, db): (NodeId, NodeId),
) -> NodeId {
    match f {
        Binary::Add => g.add(da, db),
        Binary::Sub => g.sub(da, db),
        Binary::Mul => {
            let (x, y) = (g.mul(da, b), g.mul(a, db));
            g.add(x, y)
        }
        Binary::Div => {
            let (x, y) = (g.div(da, b), g.mul(value, db));
            let y = g.div(y, b);
            g.sub(x, y)
        }
        Binary::Min => {
            let first = g.binary(Binary::Greater, b, a);
            g.select(first, da, db)
        }
        Binary::Max => {
            let first = g.binary(Binary::Greater, a, b);
            g.select(first, da, db)
        }
        Binary::Pow => pow_rule(g, (a, b), value, (da, db)),
        Binary::Greater | Binary::GreaterEqual => g.constant(0.0),
    }
}

/// d(a^b) = b a^(b-1) da + a^b log(a) db
fn pow_rule(g: &mut Graph, (a, b): (NodeId, NodeId), value: NodeId, (da, db): (NodeId, NodeId)) -> NodeId {
    let one = g.constant(1.0);
    let less = g.sub(b, one);
    let power = g.binary(Binary::Pow, a, less);
    let slope = g.mul(b, power);
    let by_base = g.mul(slope, da);
    if g.as_const(db) == Some(0.0) {
        return by_base;
    }
    let log = g.unary(Unary::Log, a);
    let slope = g.mul(value, log);
    let by_exponent = g.mul(slope, db);
    g.add(by_base, by_exponent)
}

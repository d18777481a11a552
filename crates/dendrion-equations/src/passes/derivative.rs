//! Symbolic differentiation: the exact derivative of an expression with respect to a leaf, in forward mode over the graph.
//!
//! Solvers use it for Jacobians, and [`super::solve_adjoint`] for the derivatives of their entries. Shared
//! subexpressions are differentiated only once.

use std::collections::HashMap;

use dendrion_language::{Binary, Unary};

use super::guarded::{Guard, Guarded};
use crate::graph::{Graph, Node, NodeId};

/// Returns ∂`of` / ∂`by` as a node of the same graph. Conditions are treated as piecewise constant. A branch of
/// `where`, `min` or `max` that is not taken does not contribute, even if its derivative is infinite or NaN.
pub fn derivative(graph: &mut Graph, of: NodeId, by: NodeId) -> NodeId {
    let mut known = HashMap::new();
    known.insert(by, Guarded::plain(graph.constant(1.0)));
    // Operands come before their users, so in an ascending sweep, the derivatives of all operands are known
    // when a node is reached.
    let mut reached = Vec::new();
    graph.visit_ids(of, &mut |id| reached.push(id));
    reached.sort_unstable();
    for id in reached {
        if !known.contains_key(&id) {
            let d = rule(graph, id, &known);
            known.insert(id, d);
        }
    }
    known[&of].applied(graph)
}

fn rule(g: &mut Graph, id: NodeId, known: &HashMap<NodeId, Guarded>) -> Guarded {
    match g.node(id) {
        Node::Const(_)
        | Node::Param(_)
        | Node::State(_)
        | Node::Input(_)
        | Node::Noise(_)
        | Node::Next(_)
        | Node::Spike
        | Node::Cotangent(_)
        | Node::Local(_) => Guarded::plain(g.constant(0.0)),
        Node::Unary(f, a) => {
            let slope = unary_slope(g, f, a, id);
            let da = known[&a];
            da.with(g.mul(slope, da.value))
        }
        Node::Binary(f, a, b) => binary_rule(g, f, (a, b), id, (known[&a], known[&b])),
        Node::Select(c, a, b) => select_rule(g, c, (known[&a], known[&b])),
    }
}

/// Returns the derivative of the branch that is taken.
fn select_rule(g: &mut Graph, c: NodeId, (da, db): (Guarded, Guarded)) -> Guarded {
    if db.is_zero(g) {
        // One branch is constant. The guard prevents an infinite derivative of the other branch from becoming 0 *
        // inf.
        return da.only(g, Guard::holds(c));
    }
    if da.is_zero(g) {
        return db.only(g, Guard::fails(c));
    }
    let (yes, no) = (da.applied(g), db.applied(g));
    let value = g.select(c, yes, no);
    let is_guarded = da.guard.is_some() || db.guard.is_some();
    if is_guarded { Guarded::unless_zero(value) } else { Guarded::plain(value) }
}

/// Returns f'(a), where `value` is f(a).
pub(crate) fn unary_slope(g: &mut Graph, f: Unary, a: NodeId, value: NodeId) -> NodeId {
    let one = g.constant(1.0);
    match f {
        Unary::Neg => g.constant(-1.0),
        Unary::Abs => {
            let (zero, minus) = (g.constant(0.0), g.constant(-1.0));
            let positive = g.binary(Binary::GreaterEqual, a, zero);
            g.select(positive, one, minus)
        }
        Unary::Sqrt => {
            // 1/(2 √a)
            let twice = g.add(value, value);
            g.div(one, twice)
        }
        Unary::Exp => value,
        Unary::Exp2 => {
            let ln_2 = g.constant(std::f64::consts::LN_2);
            g.mul(ln_2, value)
        }
        // e^a = (e^a - 1) + 1
        Unary::Expm1 => g.add(value, one),
        Unary::Log => g.div(one, a),
        Unary::Log1p => {
            let b = g.add(one, a);
            g.div(one, b)
        }
        Unary::Exprel => phi1_slope(g, a, value),
        Unary::Tanh => {
            // 1 - tanh²a
            let square = g.mul(value, value);
            g.sub(one, square)
        }
        // A step function, whose derivative is 0 wherever it exists.
        Unary::Round => g.constant(0.0),
        Unary::LogisticSlope => {
            // -tanh(a/2) times the function itself
            let half = g.constant(-0.5);
            let half = g.mul(half, a);
            let bend = g.unary(Unary::Tanh, half);
            g.mul(bend, value)
        }
    }
}

/// Magnitude below which φ₁' is computed by its series: 1e-3 as a single-precision number. Mechanisms are not
/// expected to contain exactly this number, so it identifies the condition ([`is_series_switch`]).
const SERIES_BELOW: f64 = 0.001_f32 as f64;

/// Returns whether a condition selects between the series of φ₁' and its quotient. Both are finite for finite
/// arguments, so the branch that is not taken needs no guard.
pub(crate) fn is_series_switch(g: &Graph, condition: NodeId) -> bool {
    match g.node(condition) {
        Node::Binary(Binary::Greater, limit, size) => {
            g.as_const(limit) == Some(SERIES_BELOW) && matches!(g.node(size), Node::Unary(Unary::Abs, _))
        }
        _ => false,
    }
}

/// Returns φ₁' = (e^a - φ₁)/a, or its series 1/2 + a/3 + a²/8 + a³/30 near 0, where the quotient would suffer
/// from cancellation.
fn phi1_slope(g: &mut Graph, a: NodeId, value: NodeId) -> NodeId {
    let size = g.unary(Unary::Abs, a);
    let (limit, one) = (g.constant(SERIES_BELOW), g.constant(1.0));
    let near = g.binary(Binary::Greater, limit, size);
    // The quotient is also computed near 0, where a divisor of 1 keeps it finite.
    let away = g.select(near, one, a);
    let e = g.unary(Unary::Exp, a);
    let rise = g.sub(e, value);
    let quotient = g.div(rise, away);
    // Horner's scheme, in which coefficient n is 1/((n + 2) n!).
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
    (da, db): (Guarded, Guarded),
) -> Guarded {
    match f {
        Binary::Add => da.plus(g, db),
        Binary::Sub => da.minus(g, db),
        Binary::Mul => {
            let (x, y) = (da.with(g.mul(da.value, b)), db.with(g.mul(a, db.value)));
            x.plus(g, y)
        }
        Binary::Div => {
            let x = da.with(g.div(da.value, b));
            // (a/b)' = a'/b - (a/b) b'/b
            let y = g.mul(value, db.value);
            let y = db.with(g.div(y, b));
            x.minus(g, y)
        }
        Binary::Min => {
            let first = g.binary(Binary::Greater, b, a);
            select_rule(g, first, (da, db))
        }
        Binary::Max => {
            let first = g.binary(Binary::Greater, a, b);
            select_rule(g, first, (da, db))
        }
        Binary::Pow => {
            let (by_base, by_exponent) = power_slopes(g, (a, b), value);
            let (x, y) = (da.with(g.mul(by_base, da.value)), db.with(g.mul(by_exponent, db.value)));
            x.plus(g, y)
        }
        Binary::Greater | Binary::GreaterEqual => Guarded::plain(g.constant(0.0)),
    }
}

/// Returns the derivatives of `value` = a^b with respect to a, which is b a^(b-1), and to b, which is a^b log(a).
/// The first is 0 if b is 0, and the second is 0 if a^b is 0, although a^(b-1) or log(a) is infinite there.
pub(crate) fn power_slopes(g: &mut Graph, (a, b): (NodeId, NodeId), value: NodeId) -> (NodeId, NodeId) {
    let (zero, one) = (g.constant(0.0), g.constant(1.0));
    let less = g.sub(b, one);
    let power = g.binary(Binary::Pow, a, less);
    let slope = g.mul(b, power);
    // `select` treats any nonzero number as true, so b and the value are used as conditions themselves.
    let by_base = g.select(b, slope, zero);
    let log = g.unary(Unary::Log, a);
    let slope = g.mul(value, log);
    (by_base, g.select(value, slope, zero))
}

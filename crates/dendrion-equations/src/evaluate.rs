//! Evaluation of expressions in f64, node by node. It is used for constant folding and as the reference interpreter
//! for compiled programs.

use crate::graph::{Graph, Node, NodeId};

/// The values of leaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Env<'a> {
    /// Value of each parameter.
    pub params: &'a [f64],
    /// Value of each state.
    pub states: &'a [f64],
    /// Value of each input.
    pub inputs: &'a [f64],
    /// Value of each standard normal random number.
    pub noises: &'a [f64],
    /// Value of each state at the beginning of the next step.
    pub next: &'a [f64],
    /// Whether the neuron spikes in the step (1 or 0).
    pub spike: Option<f64>,
    /// Value of each local.
    pub locals: &'a [f64],
    /// Value of each cotangent.
    pub cotangents: &'a [f64],
}

/// Returns the value of one node. Each node is evaluated only once even if it is used several times, so the time is
/// linear in the number of nodes.
pub fn evaluate_one(graph: &Graph, id: NodeId, env: Env<'_>) -> f64 {
    let mut ids = Vec::new();
    graph.visit_ids(id, &mut |id| ids.push(id));
    // Operands come before their users.
    ids.sort_unstable();
    let mut values = Vec::with_capacity(ids.len());
    for &id in &ids {
        let of = |a: NodeId| ids.binary_search(&a).map_or(f64::NAN, |k| values[k]);
        let value = match graph.node(id) {
            Node::Unary(f, a) => f.evaluate(of(a)),
            Node::Binary(f, a, b) => f.evaluate(of(a), of(b)),
            Node::Select(c, a, b) => of(if of(c) == 0.0 { b } else { a }),
            node => leaf(node, env),
        };
        values.push(value);
    }
    values.last().copied().unwrap_or(f64::NAN)
}

/// Returns the value of a leaf, or NaN if `env` does not contain it.
fn leaf(node: Node, env: Env<'_>) -> f64 {
    let at = |slice: &[f64], i: u32| slice.get(i as usize).copied().unwrap_or(f64::NAN);
    match node {
        Node::Const(bits) => f64::from_bits(bits),
        Node::Param(i) => at(env.params, i),
        Node::State(i) => at(env.states, i),
        Node::Input(i) => at(env.inputs, i),
        Node::Noise(i) => at(env.noises, i),
        Node::Next(i) => at(env.next, i),
        Node::Spike => env.spike.unwrap_or(f64::NAN),
        Node::Local(i) => at(env.locals, i),
        Node::Cotangent(i) => at(env.cotangents, i),
        Node::Unary(..) | Node::Binary(..) | Node::Select(..) => f64::NAN,
    }
}

/// Returns the values of all nodes up to `last`, indexed by position. A leaf missing from `env` is NaN.
pub fn evaluate(graph: &Graph, last: NodeId, env: Env<'_>) -> Vec<f64> {
    let ids: Vec<NodeId> = graph.ids().take(last.index() + 1).collect();
    evaluate_only(graph, &ids, env)
}

/// Returns the values of some nodes, indexed by position; all other values are NaN. `ids` must be ascending and
/// contain all operands of its nodes.
pub(crate) fn evaluate_only(graph: &Graph, ids: &[NodeId], env: Env<'_>) -> Vec<f64> {
    let mut values = vec![f64::NAN; ids.last().map_or(0, |last| last.index() + 1)];
    for &id in ids {
        let v = |id: NodeId| values[id.index()];
        let value = match graph.node(id) {
            Node::Unary(f, a) => f.evaluate(v(a)),
            Node::Binary(f, a, b) => f.evaluate(v(a), v(b)),
            Node::Select(c, a, b) => {
                if v(c) == 0.0 {
                    v(b)
                } else {
                    v(a)
                }
            }
            node => leaf(node, env),
        };
        values[id.index()] = value;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::{Env, evaluate_one};
    use dendrion_language::Binary;

    use crate::graph::{Graph, Node};

    /// Evaluating shared nodes once per use would take 2^200 operations.
    #[test]
    fn shared_nodes_are_computed_once() {
        let mut graph = Graph::default();
        let mut x = graph.intern(Node::Param(0));
        for _ in 0..200 {
            x = graph.binary(Binary::Mul, x, x);
        }
        assert_eq!(evaluate_one(&graph, x, Env { params: &[1.0], ..Env::default() }), 1.0);
    }
}

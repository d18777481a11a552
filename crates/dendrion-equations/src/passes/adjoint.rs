//! The adjoint of a step, computed node by node (reverse-mode differentiation; Griewank & Walther 2008, ch. 3).
//!
//! Given the cotangents λ' of the states at the end of a step, the reverse computes the cotangents at the
//! beginning of the step, `λ_i` = Σ `λ'_j` ∂`next_j`/∂`y_i`, and the contributions of the step to the
//! cotangents of the coefficients and current inputs that it reads. Each node is differentiated by the rule
//! of its function, and the solution of a linear system has its own rule ([`super::solve_adjoint`]), so no
//! rules are needed for solvers and mechanisms. The result is the exact derivative of the discrete step for
//! every solver.
//!
//! ```text
//! bar[result_j] = λ'_j  for each result
//! for each node n with a cotangent, from the largest id to the smallest:
//!     leaf:      keep bar[n]
//!     local:     bar[its expression] += bar[n]
//!     f(a, b):   bar[a] += bar[n] ∂f/∂a,  bar[b] += bar[n] ∂f/∂b
//! ```
//!
//! Ids ascend from operands to users, and a local's node has a larger id than its expression. One sweep down the ids therefore
//! reaches every node after all its users.

use std::collections::BTreeMap;

use dendrion_language::{Binary, Unary};

use super::derivative::{is_series_switch, power_slopes, unary_slope};
use super::guarded::{Guard, Guarded};
use super::solve_adjoint::known_by_the_next;
use super::solver::{Slope, Solve, Step};
use super::spike::{Spike, SpikeDerivative, threshold};
use crate::graph::{Graph, Node, NodeId};
use crate::system::System;

/// The reverse of a step. Its leaves are the leaves of the step, [`Node::Next`], [`Node::Spike`], and a
/// [`Node::Cotangent`] for each state at the end of the step.
#[derive(Clone, Debug)]
pub struct Adjoint {
    /// The expressions of all [`Node::Local`]s: those of the step, followed by those of its reverse.
    pub locals: Vec<NodeId>,
    /// The cotangent of each state at the beginning of the step.
    pub states: Vec<NodeId>,
    /// The cotangent of each current input of the step.
    pub currents: Vec<NodeId>,
    /// The coefficients that the step reads, each with the step's contribution to its cotangent.
    pub coefficients: Vec<(NodeId, NodeId)>,
}

/// Returns the reverse of a step of a system. With a derivative of the spike, the threshold is part of the step: the
/// cotangents are those of the states after the reset, and [`Node::Cotangent`] number `states` is that of the
/// spike itself. Without one, the cotangents are those of the states after integration.
pub fn adjoint(system: &mut System, step: &Step, derivative: Option<&SpikeDerivative<'_>>) -> Adjoint {
    let (states, currents) = (system.states.len(), system.currents);
    let event = system.event.clone();
    let mut locals = step.locals.clone();
    known_by_the_next(system, step, &mut locals);
    let mut results = step.next.clone();
    // The results become the states after the reset.
    let spike =
        event.zip(derivative).map(|(event, of)| threshold(system, &event, of, &mut locals, &mut results));
    let graph = &mut system.graph;
    let cotangent = |(i, result)| (result, Guarded::plain(graph.intern(Node::Cotangent(i))));
    let mut seeds: Vec<(NodeId, Guarded)> = (0..).zip(results).map(cotangent).collect();
    if let Some(spike) = &spike {
        // The spike is another output, whose cotangent comes from its targets and from probes.
        let of_spike = graph.intern(Node::Cotangent(states as u32));
        seeds.push((graph.intern(Node::Spike), spike.cotangent(graph, of_spike)));
    }
    backwards(graph, (locals, &step.solves, &step.slopes), seeds, spike, (states, currents))
}

/// Returns the reverse of recording `value` from the states at the beginning of a step, as for observables. The
/// cotangent of the value is [`Node::Cotangent`] number `states`.
pub(crate) fn value_adjoint(system: &mut System, value: NodeId) -> Adjoint {
    let states = system.states.len();
    let cotangent = system.graph.intern(Node::Cotangent(states as u32));
    let seeds = vec![(value, Guarded::plain(cotangent))];
    backwards(&mut system.graph, (Vec::new(), &[], &[]), seeds, None, (states, system.currents))
}

/// Sweeps from results to the leaves of a step. Each result is accompanied by its cotangent.
fn backwards(
    graph: &mut Graph,
    (locals, solves, slopes): (Vec<NodeId>, &[Solve], &[Slope]),
    seeds: Vec<(NodeId, Guarded)>,
    spike: Option<Spike<'_>>,
    (states, currents): (usize, usize),
) -> Adjoint {
    let mut sweep =
        Sweep { locals, solves, slopes, stops_at_coefficients: true, bars: BTreeMap::new(), spike };
    for (result, cotangent) in seeds {
        // A result may be listed twice (if two states have the same expression). Its cotangents then add up.
        sweep.add(graph, result, cotangent);
    }
    let leaves = sweep.run(graph);
    let zero = graph.constant(0.0);
    let mut found = Adjoint {
        locals: sweep.locals,
        states: vec![zero; states],
        currents: vec![zero; currents],
        coefficients: Vec::new(),
    };
    for (leaf, bar) in leaves {
        match graph.node(leaf) {
            Node::State(i) => found.states[i as usize] = bar,
            Node::Input(i) => found.currents[i as usize] = bar,
            _ if graph.is_coefficient(leaf) => found.coefficients.push((leaf, bar)),
            _ => {}
        }
    }
    found
}

/// Returns the numbers of the parameters and their cotangents, computed from the cotangents of `outputs`,
/// which must depend on parameters only. [`Node::Cotangent`] number k is the cotangent of `outputs[k]`.
/// Parameters on which no output depends are omitted.
pub fn parameter_adjoint(graph: &mut Graph, outputs: &[NodeId]) -> Vec<(usize, NodeId)> {
    let seed = |(output, k): (&NodeId, u32)| (*output, graph.intern(Node::Cotangent(k)));
    let seeds = outputs.iter().zip(0..).map(seed).collect();
    seeded_adjoint(graph, seeds)
}

/// As [`parameter_adjoint`], but with an explicit cotangent for each output. If a cotangent is exactly 0, the
/// derivatives of its output are ignored: a coefficient that no step has used may have infinite derivatives.
pub(crate) fn seeded_adjoint(graph: &mut Graph, seeds: Vec<(NodeId, NodeId)>) -> Vec<(usize, NodeId)> {
    let mut sweep = Sweep {
        locals: Vec::new(),
        solves: &[],
        slopes: &[],
        stops_at_coefficients: false,
        bars: BTreeMap::new(),
        spike: None,
    };
    for (output, seed) in seeds {
        sweep.add(graph, output, Guarded::unless_zero(seed));
    }
    let mut found: Vec<(usize, NodeId)> = (sweep.run(graph).into_iter())
        .filter_map(|(leaf, bar)| match graph.node(leaf) {
            Node::Param(p) => Some((p as usize, bar)),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found
}

/// A sweep from results to leaves.
pub(super) struct Sweep<'f> {
    pub(super) locals: Vec<NodeId>,
    solves: &'f [Solve],
    slopes: &'f [Slope],
    /// Whether coefficients are leaves: a step reads coefficients, and its reverse accumulates their cotangents.
    stops_at_coefficients: bool,
    /// Cotangents of the nodes that have been reached but not processed yet.
    pub(super) bars: BTreeMap<NodeId, Guarded>,
    pub(super) spike: Option<Spike<'f>>,
}

impl Sweep<'_> {
    /// Adds `part` to the cotangent of a node.
    pub(super) fn add(&mut self, graph: &mut Graph, node: NodeId, part: Guarded) {
        // Constants have no cotangent. Zeros are omitted, so that no code is emitted for them.
        if graph.as_const(node).is_some() || part.is_zero(graph) {
            return;
        }
        let bar = match self.bars.get(&node) {
            Some(bar) => bar.plus(graph, part),
            None => part,
        };
        self.bars.insert(node, bar);
    }

    /// Returns the cotangents of all leaves.
    fn run(&mut self, graph: &mut Graph) -> BTreeMap<NodeId, NodeId> {
        let mut leaves: BTreeMap<NodeId, Guarded> = BTreeMap::new();
        while let Some((id, bar)) = self.bars.pop_last() {
            // The graph has reached its limit; the caller reports it.
            if graph.is_full() {
                break;
            }
            // If the local is an unknown of a linear system, the sweep has now met all users of all unknowns
            // of that system, because their locals have consecutive ids and the largest comes first.
            if let Node::Local(i) = graph.node(id) {
                let solve = self.solves.iter().find(|s| s.unknowns.iter().any(|u| u.change == i));
                if let Some(solve) = solve {
                    // `solve` takes the cotangents of all unknowns together, including this one.
                    self.bars.insert(id, bar);
                    self.solve(graph, solve);
                } else if let Some(known) = self.slopes.iter().find(|known| known.local == i) {
                    let bar = self.guarded_row(graph, bar);
                    let part = bar.with(graph.mul(bar.value, known.slope));
                    self.add(graph, known.argument, part);
                } else {
                    let bar = self.guarded_row(graph, bar);
                    self.add(graph, self.locals[i as usize], bar);
                }
            } else if let (Node::Spike, Some(spike)) = (graph.node(id), &self.spike) {
                let condition = spike.condition;
                let bar = self.guarded_row(graph, bar);
                self.add(graph, condition, bar);
            } else if self.is_leaf(graph, id) {
                // A node on which a linear system depends may be reached again after it was processed.
                let sum = match leaves.get(&id) {
                    Some(sum) => sum.plus(graph, bar),
                    None => bar,
                };
                leaves.insert(id, sum);
            } else {
                let bar = self.guarded_row(graph, bar);
                self.node(graph, id, bar);
            }
        }
        leaves.into_iter().map(|(leaf, bar)| (leaf, bar.applied(graph))).collect()
    }

    pub(super) fn is_leaf(&self, graph: &Graph, id: NodeId) -> bool {
        graph.node(id).operands().next().is_none() || (self.stops_at_coefficients && graph.is_coefficient(id))
    }

    /// Assigns a row to a sum or a product of varying factors, if several products will use it.
    pub(super) fn row(&mut self, graph: &mut Graph, bar: NodeId) -> NodeId {
        // A product with a coefficient remains an expression, because the normal form merges the coefficient
        // with other coefficients at no cost.
        let is_used_often = match graph.node(bar) {
            Node::Binary(Binary::Add | Binary::Sub | Binary::Div, ..) => true,
            Node::Binary(Binary::Mul, a, b) => !graph.is_coefficient(a) && !graph.is_coefficient(b),
            _ => false,
        };
        if self.stops_at_coefficients && is_used_often { self.local(graph, bar) } else { bar }
    }

    /// As [`Self::row`]. A guard that is the value itself becomes the same row.
    pub(super) fn guarded_row(&mut self, graph: &mut Graph, bar: Guarded) -> Guarded {
        let value = self.row(graph, bar.value);
        let guard = bar.guard.map(|g| if g.node == bar.value { Guard { node: value, ..g } } else { g });
        Guarded { value, guard }
    }

    pub(super) fn local(&mut self, graph: &mut Graph, value: NodeId) -> NodeId {
        self.locals.push(value);
        graph.intern(Node::Local((self.locals.len() - 1) as u32))
    }

    /// Propagates the cotangent of a node to its operands.
    pub(super) fn node(&mut self, graph: &mut Graph, id: NodeId, bar: Guarded) {
        match graph.node(id) {
            Node::Unary(f, a) => {
                // The node itself is passed too, since many derivatives, such as that of exp, reuse its value.
                let slope = unary_slope(graph, f, a, id);
                let part = bar.with(graph.mul(bar.value, slope));
                self.add(graph, a, part);
            }
            // min and max select one of their operands. If both are equal, the second operand receives the
            // cotangent.
            Node::Binary(f @ (Binary::Min | Binary::Max), a, b) => {
                let (larger, smaller) = if f == Binary::Max { (a, b) } else { (b, a) };
                let first = graph.binary(Binary::Greater, larger, smaller);
                self.choice(graph, first, (a, b), bar);
            }
            Node::Binary(Binary::Mul, a, b) if is_risky_jump(graph, a, b) => self.jump(graph, (a, b), bar),
            Node::Binary(f, a, b) => self.binary(graph, f, (a, b), id, bar),
            Node::Select(c, a, b) => self.choice(graph, c, (a, b), bar),
            _ => {}
        }
    }

    /// Propagates a cotangent to the branch that was taken.
    fn choice(&mut self, graph: &mut Graph, c: NodeId, (a, b): (NodeId, NodeId), bar: Guarded) {
        let (mut yes, mut no) = (bar.only(graph, Guard::holds(c)), bar.only(graph, Guard::fails(c)));
        if is_series_switch(graph, c) && bar.guard.is_none() {
            // Selecting first is cheaper.
            (yes, no) = (Guarded::plain(yes.applied(graph)), Guarded::plain(no.applied(graph)));
        }
        self.add(graph, a, yes);
        self.add(graph, b, no);
    }

    /// Propagates a cotangent to the spike and to the change that the spike causes. Without a spike, the
    /// change may be infinite or NaN. In that case, the change is not differentiated, and its product with
    /// the surrogate derivative is omitted.
    fn jump(&mut self, graph: &mut Graph, (a, b): (NodeId, NodeId), bar: Guarded) {
        let (spike, jump) = if graph.node(a) == Node::Spike { (a, b) } else { (b, a) };
        let changed = bar.only(graph, Guard::holds(spike));
        self.add(graph, jump, changed);
        // The value has to be finite even in single precision, so that both types omit the same terms.
        let (size, largest) = (graph.unary(Unary::Abs, jump), graph.constant(f64::from(f32::MAX)));
        let is_finite = graph.binary(Binary::GreaterEqual, largest, size);
        let to_spike = bar.with(graph.mul(bar.value, jump)).only(graph, Guard::holds(is_finite));
        self.add(graph, spike, to_spike);
    }

    fn binary(
        &mut self,
        graph: &mut Graph,
        f: Binary,
        (a, b): (NodeId, NodeId),
        value: NodeId,
        guarded: Guarded,
    ) {
        let bar = guarded.value;
        let (to_a, to_b) = match f {
            Binary::Add => (bar, bar),
            Binary::Sub => (bar, graph.neg(bar)),
            Binary::Mul => (graph.mul(bar, b), graph.mul(bar, a)),
            Binary::Div => {
                // v = a/b: ∂v/∂a = 1/b and ∂v/∂b = -v/b, which reuses the quotient.
                let part = graph.div(bar, b);
                let other = graph.mul(part, value);
                (part, graph.neg(other))
            }
            Binary::Pow => {
                let (by_base, by_exponent) = power_slopes(graph, (a, b), value);
                (graph.mul(bar, by_base), graph.mul(bar, by_exponent))
            }
            // Only the threshold is differentiated. Other comparisons are piecewise constant.
            Binary::Greater => return self.reach(graph, (a, b), guarded),
            // `node` handles min and max.
            Binary::Min | Binary::Max | Binary::GreaterEqual => return,
        };
        self.add(graph, a, guarded.with(to_a));
        self.add(graph, b, guarded.with(to_b));
    }
}

/// Returns whether a product is the change that a spike causes, and may be infinite or NaN without a spike.
fn is_risky_jump(graph: &Graph, a: NodeId, b: NodeId) -> bool {
    let jump = match (graph.node(a), graph.node(b)) {
        (Node::Spike, _) => b,
        (_, Node::Spike) => a,
        _ => return false,
    };
    let mut is_risky = false;
    graph.visit(jump, &mut |node| {
        is_risky |= match node {
            // Functions that are finite for finite arguments are safe. All other functions may overflow or
            // have poles.
            Node::Unary(f, _) => !matches!(f, Unary::Neg | Unary::Abs | Unary::Tanh),
            Node::Binary(f, ..) => matches!(f, Binary::Div | Binary::Pow),
            _ => false,
        };
    });
    is_risky
}

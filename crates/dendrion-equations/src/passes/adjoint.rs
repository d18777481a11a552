//! The adjoint: from a step to its reverse, node by node (reverse-mode differentiation; Griewank & Walther 2008, ch. 3).
//!
//! With cotangents λ' of the states at the end of a step, the reverse gives those at its beginning, `λ_i` = Σ `λ'_j`
//! ∂`next_j`/∂`y_i`, and what the step adds to the cotangents of the coefficients and current inputs it read. Each node's
//! rule is that of its function; the solution of a linear system has a rule too ([`super::solve_adjoint`]). No solver and no
//! mechanism needs a rule of its own. The result is the exact derivative of the discrete step, whatever the solver.
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

use std::collections::{BTreeMap, HashMap};

use super::derivative::{is_series_switch, power_slopes, unary_slope};
use super::guarded::{Guard, Guarded};
use super::solve_adjoint::known_by_the_next;
use super::solver::{Solve, Step};
use super::substitute::Substitution;
use crate::graph::{Binary, Graph, Node, NodeId, Unary};
use crate::system::{Event, System};

/// The reverse of a step. Its leaves are those of the step, [`Node::Next`], [`Node::Spike`], and [`Node::Cotangent`] of each state at the step's end.
#[derive(Clone, Debug)]
pub struct Adjoint {
    /// What each [`Node::Local`] stands for: those of the step, then those of its reverse.
    pub locals: Vec<NodeId>,
    /// The cotangent of each state at the step's beginning.
    pub states: Vec<NodeId>,
    /// The cotangent of each current input of the step.
    pub currents: Vec<NodeId>,
    /// Coefficients that the step reads, and what the step adds to the cotangent of each.
    pub coefficients: Vec<(NodeId, NodeId)>,
}

/// Writes a derivative at an argument.
type Derivative<'f> = &'f dyn Fn(&mut Graph, NodeId) -> NodeId;

/// How a spike is differentiated, which is a step and has no derivative of its own (Neftci, Mostafa & Zenke 2019).
pub struct Surrogate<'f> {
    /// The surrogate derivative of the spike with respect to its argument x.
    pub derivative: Derivative<'f>,
    /// 1/(`V_th` - `V_reset`) if x = (V - `V_th`)/(`V_th` - `V_reset`); without it x = V - `V_th`.
    pub scale: Option<NodeId>,
    /// Whether the derivative of the reset of V with respect to the spike is left out.
    pub detach_reset: bool,
}

/// The reverse of a step of a system. With a surrogate the threshold is part of the step: then the cotangents are those of
/// the states after the reset, and [`Node::Cotangent`] number `states` is that of the spike itself. Without, they are those
/// of the states after integration.
pub fn adjoint(system: &mut System, step: &Step, surrogate: Option<&Surrogate<'_>>) -> Adjoint {
    let (states, currents) = (system.states.len(), system.currents);
    let event = system.event.clone();
    let mut locals = step.locals.clone();
    known_by_the_next(system, step, &mut locals);
    let graph = &mut system.graph;
    let mut results = step.next.clone();
    let spike = event.zip(surrogate).map(|(event, surrogate)| {
        // The results become the states after the reset, plus the spike as one more result.
        let condition = threshold(graph, &event, surrogate, &mut locals, &mut results);
        Spike { condition, derivative: surrogate.derivative, scale: surrogate.scale }
    });
    let seeds = (0..).zip(results).map(|(i, result)| (result, i)).collect();
    backwards(graph, (locals, &step.solves), seeds, spike, (states, currents))
}

/// The reverse of reading `value` from the states at the beginning of a step, as observables are; its cotangent is
/// [`Node::Cotangent`] number `states`.
pub(crate) fn value_adjoint(system: &mut System, value: NodeId) -> Adjoint {
    let states = system.states.len();
    let seeds = vec![(value, states as u32)];
    backwards(&mut system.graph, (Vec::new(), &[]), seeds, None, (states, system.currents))
}

/// Sweeps from results, each with the number of its cotangent, to the leaves of a step.
fn backwards(
    graph: &mut Graph,
    (locals, solves): (Vec<NodeId>, &[Solve]),
    seeds: Vec<(NodeId, u32)>,
    spike: Option<Spike<'_>>,
    (states, currents): (usize, usize),
) -> Adjoint {
    let mut sweep = Sweep { locals, solves, stops_at_coefficients: true, bars: BTreeMap::new(), spike };
    for (result, cotangent) in seeds {
        let seed = graph.intern(Node::Cotangent(cotangent));
        // A result may be listed twice (two states with one expression); its cotangents then add up.
        sweep.add(graph, result, Guarded::plain(seed));
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

/// Replaces the states after integration by those after the threshold, and appends the spike; returns its condition. Whether
/// the neuron spiked is as it was in the step, whatever the rounding of what is computed again.
fn threshold(
    graph: &mut Graph,
    event: &Event,
    surrogate: &Surrogate<'_>,
    locals: &mut Vec<NodeId>,
    results: &mut Vec<NodeId>,
) -> NodeId {
    let mut after = HashMap::new();
    for (i, result) in results.iter_mut().enumerate() {
        // A local keeps the expression of the state in one piece: the condition and the reset read it several times.
        locals.push(*result);
        *result = graph.intern(Node::Local((locals.len() - 1) as u32));
        after.insert(graph.intern(Node::State(i as u32)), *result);
    }
    let mut substitution = Substitution::new(after);
    let after = substitution.apply(graph, event.condition);
    let condition = Event { condition: after, ..event.clone() }.whole(graph, locals);
    let fired = graph.intern(Node::Spike);
    for assignment in &event.then {
        let value = substitution.apply(graph, assignment.value);
        let result = &mut results[assignment.state];
        // y' = y + S (r - y) has the derivative (r - y) with respect to the spike S. `select` has the same value and none.
        *result = if surrogate.detach_reset && assignment.resets {
            graph.select(fired, value, *result)
        } else {
            let jump = graph.sub(value, *result);
            let jump = graph.mul(fired, jump);
            graph.add(*result, jump)
        };
    }
    // Number `states`: the spike is an output, and its cotangent comes from the targets and probes.
    results.push(fired);
    condition
}

/// The cotangents of the parameters, by their number, from those of `outputs`, which depend on parameters alone:
/// [`Node::Cotangent`] number k is that of `outputs[k]`. Parameters that none depends on are left out.
pub fn parameter_adjoint(graph: &mut Graph, outputs: &[NodeId]) -> Vec<(usize, NodeId)> {
    let seed = |(output, k): (&NodeId, u32)| (*output, graph.intern(Node::Cotangent(k)));
    let seeds = outputs.iter().zip(0..).map(seed).collect();
    seeded_adjoint(graph, seeds)
}

/// As [`parameter_adjoint`], from outputs each with its cotangent. Where a cotangent is exactly 0, the output's derivatives do not
/// matter: a coefficient that no step has used may have infinite ones.
pub(crate) fn seeded_adjoint(graph: &mut Graph, seeds: Vec<(NodeId, NodeId)>) -> Vec<(usize, NodeId)> {
    let mut sweep = Sweep {
        locals: Vec::new(),
        solves: &[],
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

/// What [`Node::Spike`] stands for.
struct Spike<'f> {
    condition: NodeId,
    /// The surrogate derivative of a comparison.
    derivative: Derivative<'f>,
    /// What the difference is multiplied with to become the surrogate's argument.
    scale: Option<NodeId>,
}

/// A sweep from results to leaves.
pub(super) struct Sweep<'f> {
    pub(super) locals: Vec<NodeId>,
    solves: &'f [Solve],
    /// Whether a coefficient is a leaf: a step reads coefficients, and its reverse gathers their cotangents.
    stops_at_coefficients: bool,
    /// Cotangents of the nodes met so far whose turn is yet to come.
    pub(super) bars: BTreeMap<NodeId, Guarded>,
    spike: Option<Spike<'f>>,
}

impl Sweep<'_> {
    /// Adds to the cotangent of a node.
    pub(super) fn add(&mut self, graph: &mut Graph, node: NodeId, part: Guarded) {
        // Constants have no cotangent. Zeros are left out so that no code is written for them.
        if graph.as_const(node).is_some() || part.is_zero(graph) {
            return;
        }
        let bar = match self.bars.get(&node) {
            Some(bar) => bar.plus(graph, part),
            None => part,
        };
        self.bars.insert(node, bar);
    }

    /// The cotangents of all leaves.
    fn run(&mut self, graph: &mut Graph) -> BTreeMap<NodeId, NodeId> {
        let mut leaves: BTreeMap<NodeId, Guarded> = BTreeMap::new();
        while let Some((id, bar)) = self.bars.pop_last() {
            // The graph has reached its limit; the caller reports it.
            if graph.is_full() {
                break;
            }
            // A local that is an unknown of a linear system: the sweep has now met all users of all unknowns of
            // that system, because their locals have consecutive ids and the largest comes first.
            if let Node::Local(i) = graph.node(id) {
                let solve = self.solves.iter().find(|s| s.unknowns.iter().any(|u| u.change == i));
                if let Some(solve) = solve {
                    // `solve` takes the cotangents of all unknowns together, this one among them.
                    self.bars.insert(id, bar);
                    self.solve(graph, solve);
                } else {
                    let bar = self.guarded_row(graph, bar);
                    self.add(graph, self.locals[i as usize], bar);
                }
            } else if let (Node::Spike, Some(spike)) = (graph.node(id), &self.spike) {
                let condition = spike.condition;
                let bar = self.guarded_row(graph, bar);
                self.add(graph, condition, bar);
            } else if self.is_leaf(graph, id) {
                // What a linear system depends on may come again after its turn.
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

    /// A row of its own for a sum, or a product of what varies, that several products will use.
    pub(super) fn row(&mut self, graph: &mut Graph, bar: NodeId) -> NodeId {
        // A product with a coefficient stays an expression: normal form merges the coefficient with others at no cost.
        let is_used_often = match graph.node(bar) {
            Node::Binary(Binary::Add | Binary::Sub | Binary::Div, ..) => true,
            Node::Binary(Binary::Mul, a, b) => !graph.is_coefficient(a) && !graph.is_coefficient(b),
            _ => false,
        };
        if self.stops_at_coefficients && is_used_often { self.local(graph, bar) } else { bar }
    }

    /// As [`Self::row`]; a guard that is the value itself becomes that row too.
    pub(super) fn guarded_row(&mut self, graph: &mut Graph, bar: Guarded) -> Guarded {
        let value = self.row(graph, bar.value);
        let guard = bar.guard.map(|g| if g.node == bar.value { Guard { node: value, ..g } } else { g });
        Guarded { value, guard }
    }

    pub(super) fn local(&mut self, graph: &mut Graph, value: NodeId) -> NodeId {
        self.locals.push(value);
        graph.intern(Node::Local((self.locals.len() - 1) as u32))
    }

    /// Hands a node's cotangent on to its operands.
    pub(super) fn node(&mut self, graph: &mut Graph, id: NodeId, bar: Guarded) {
        match graph.node(id) {
            Node::Unary(f, a) => {
                // The node itself is passed too: many slopes, such as that of exp, reuse the value.
                let slope = unary_slope(graph, f, a, id);
                let part = bar.with(graph.mul(bar.value, slope));
                self.add(graph, a, part);
            }
            // min and max are choices between their operands. At a tie the second operand takes the cotangent.
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

    /// Hands a cotangent on to the side that was taken.
    fn choice(&mut self, graph: &mut Graph, c: NodeId, (a, b): (NodeId, NodeId), bar: Guarded) {
        let (mut yes, mut no) = (bar.only(graph, Guard::holds(c)), bar.only(graph, Guard::fails(c)));
        if is_series_switch(graph, c) && bar.guard.is_none() {
            // To select first costs less.
            (yes, no) = (Guarded::plain(yes.applied(graph)), Guarded::plain(no.applied(graph)));
        }
        self.add(graph, a, yes);
        self.add(graph, b, no);
    }

    /// Hands a cotangent on to the spike and to what the spike changes. Without a spike that may be infinite or NaN: then it is
    /// not differentiated, and the spike has no surrogate derivative through it.
    fn jump(&mut self, graph: &mut Graph, (a, b): (NodeId, NodeId), bar: Guarded) {
        let (spike, jump) = if graph.node(a) == Node::Spike { (a, b) } else { (b, a) };
        let changed = bar.only(graph, Guard::holds(spike));
        self.add(graph, jump, changed);
        // Finite in single precision too, so that both types leave out the same terms.
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
            Binary::Greater => {
                // Only the threshold is differentiated, by the surrogate. Other comparisons are constant where they do not switch.
                let Some(spike) = &self.spike else { return };
                let (derivative, scale) = (spike.derivative, spike.scale);
                let above = graph.sub(a, b);
                let argument = scale.map_or(above, |scale| graph.mul(above, scale));
                let slope = derivative(graph, argument);
                let part = graph.mul(bar, slope);
                if let Some(scale) = scale {
                    // The chain rule through the scale reaches V_th and V_reset.
                    let part = self.row(graph, part);
                    let (to_above, to_scale) = (graph.mul(part, scale), graph.mul(part, above));
                    self.add(graph, scale, guarded.with(to_scale));
                    (to_above, graph.neg(to_above))
                } else {
                    (part, graph.neg(part))
                }
            }
            // `node` handles min and max.
            Binary::Min | Binary::Max | Binary::GreaterEqual => return,
        };
        self.add(graph, a, guarded.with(to_a));
        self.add(graph, b, guarded.with(to_b));
    }
}

/// Whether a product is what a spike changes, and that need not be finite without a spike.
fn is_risky_jump(graph: &Graph, a: NodeId, b: NodeId) -> bool {
    let jump = match (graph.node(a), graph.node(b)) {
        (Node::Spike, _) => b,
        (_, Node::Spike) => a,
        _ => return false,
    };
    let mut is_risky = false;
    graph.visit(jump, &mut |node| {
        is_risky |= match node {
            // Functions that stay finite for finite arguments are safe; all others may overflow or have poles.
            Node::Unary(f, _) => !matches!(f, Unary::Neg | Unary::Abs | Unary::Tanh),
            Node::Binary(f, ..) => matches!(f, Binary::Div | Binary::Pow),
            _ => false,
        };
    });
    is_risky
}

//! The derivative of a spike: by a surrogate, or by the time at which V crosses the threshold.
//!
//! A spike is a step function of V - `V_th`, which has no useful derivative. A surrogate replaces this derivative with
//! a function of V - `V_th` (Neftci, Mostafa & Zenke 2019), in every step.
//!
//! The alternative differentiates the times of the spikes that occurred (`EventProp`; Wunderlich & Pehle 2021, Sci Rep
//! 11:12829). Let F = V - `V_th` be `F_n` at the beginning of a step and F' at its end, before the reset. F crosses 0
//! at the fraction θ of the step, by linear interpolation:
//!
//! ```text
//! θ = F_n / (F_n - F'),    ∂θ/∂F' = -θ/(F' - F_n),    ∂θ/∂F_n = -(1 - θ)/(F' - F_n)
//! ```
//!
//! A state y that a spike sets to r(y) follows its derivative f before and after the time of the spike, so
//!
//! ```text
//! ∂y_(n+1)/∂θ = dt (∂r/∂y f_before - f_after),    dt f_before = y' - y_n,    f_after = f(r)
//! ```
//!
//! A state that the spike does not set, but whose derivative reads a state that it sets, follows another derivative from
//! then on. An example is the potential of a dendrite, whose current from the soma changes when V of the soma is reset:
//!
//! ```text
//! ∂y_(n+1)/∂θ = dt (f(y') - f(r))
//! ```
//!
//! The cotangent of θ is the sum of these contributions and of those of the connections and probes, which receive the
//! spike later if θ increases; the backward sweep of the engine computes the latter.

use std::collections::HashMap;

use dendrion_language::Binary;

use super::adjoint::Sweep;
use super::derivative::derivative;
use super::guarded::{Guard, Guarded};
use super::substitute::Substitution;
use crate::graph::{Graph, Node, NodeId};
use crate::system::{Assignment, Event, Rule, System};

/// Writes the derivative of a function at an argument.
type Derivative<'f> = &'f dyn Fn(&mut Graph, NodeId) -> NodeId;

/// How a spike is differentiated.
pub struct SpikeDerivative<'f> {
    /// The surrogate; `None` to differentiate spike times.
    pub surrogate: Option<Surrogate<'f>>,
    /// Whether the derivative of the reset of V with respect to the spike is omitted.
    pub detach_reset: bool,
}

/// The surrogate derivative of a spike.
#[derive(Clone, Copy)]
pub struct Surrogate<'f> {
    /// The derivative of the spike with respect to its argument x.
    pub derivative: Derivative<'f>,
    /// 1/(`V_th` - `V_reset`) if x = (V - `V_th`)/(`V_th` - `V_reset`); `None` if x = V - `V_th`.
    pub scale: Option<NodeId>,
}

/// The derivative of [`Node::Spike`].
pub(super) struct Spike<'f> {
    pub(super) condition: NodeId,
    rule: DerivativeRule<'f>,
}

enum DerivativeRule<'f> {
    Surrogate(Surrogate<'f>),
    Time {
        /// Replaces the states after integration with those at the beginning of the step.
        start: HashMap<NodeId, NodeId>,
        /// States that the spike sets, and those whose derivatives read them, each with its derivative with respect to θ.
        jumps: Vec<(usize, NodeId)>,
    },
}

impl Spike<'_> {
    /// Returns the cotangent of the spike or of its time, where `bar` is the contribution of its targets and of probes.
    pub(super) fn cotangent(&self, graph: &mut Graph, bar: NodeId) -> Guarded {
        let DerivativeRule::Time { jumps, .. } = &self.rule else { return Guarded::plain(bar) };
        let mut sum = bar;
        for (state, jump) in jumps {
            let of_state = graph.intern(Node::Cotangent(*state as u32));
            let part = graph.mul(of_state, *jump);
            sum = graph.add(sum, part);
        }
        let fired = graph.intern(Node::Spike);
        Guarded::plain(sum).only(graph, Guard::holds(fired))
    }
}

/// Replaces the states after integration with those after the threshold, and returns the derivative of the spike.
/// Whether the neuron spiked is taken from the recorded step, so it is not affected by rounding in recomputed values.
pub(super) fn threshold<'f>(
    system: &mut System,
    event: &Event,
    of: &SpikeDerivative<'f>,
    locals: &mut Vec<NodeId>,
    results: &mut [NodeId],
) -> Spike<'f> {
    let graph = &mut system.graph;
    let mut after = HashMap::new();
    let mut start = HashMap::new();
    for (i, result) in results.iter_mut().enumerate() {
        // A local keeps the expression of the state as a single value, since the condition and the reset read it
        // several times.
        locals.push(*result);
        *result = graph.intern(Node::Local((locals.len() - 1) as u32));
        let state = graph.intern(Node::State(i as u32));
        after.insert(state, *result);
        start.insert(*result, state);
    }
    let mut substitution = Substitution::new(after.clone());
    let condition = substitution.apply(graph, event.condition);
    let condition = Event { condition, ..event.clone() }.whole(graph, locals);
    let fired = graph.intern(Node::Spike);
    for assignment in &event.then {
        let value = substitution.apply(graph, assignment.value);
        let result = &mut results[assignment.state];
        // y' = y + S (r - y) has the derivative (r - y) with respect to the spike S. `select` has the same value
        // but no derivative.
        *result = if of.surrogate.is_none() || of.detach_reset && assignment.resets {
            graph.select(fired, value, *result)
        } else {
            let jump = graph.sub(value, *result);
            let jump = graph.mul(fired, jump);
            graph.add(*result, jump)
        };
    }
    let rule = if let Some(surrogate) = of.surrogate {
        DerivativeRule::Surrogate(surrogate)
    } else {
        let mut set = Vec::new();
        for assignment in &event.then {
            let value = substitution.apply(graph, assignment.value);
            set.push((graph.intern(Node::State(assignment.state as u32)), value));
        }
        DerivativeRule::Time { start, jumps: jumps(system, event, of.detach_reset, (&after, &set)) }
    };
    Spike { condition, rule }
}

/// Returns the derivatives with respect to θ of all states that depend on it. `after` are the states after integration, and
/// `set` those that the spike sets.
fn jumps(
    system: &mut System,
    event: &Event,
    detach_reset: bool,
    (after, set): (&HashMap<NodeId, NodeId>, &[(NodeId, NodeId)]),
) -> Vec<(usize, NodeId)> {
    let counted = event.then.iter().zip(set).filter(|(a, _)| !(detach_reset && a.resets));
    let (states, moved): (Vec<Assignment>, Vec<(NodeId, NodeId)>) = counted.map(|(a, b)| (*a, *b)).unzip();
    let of_state = |a: &Assignment| (a.state, jump(system, a, after, set));
    let mut jumps: Vec<(usize, NodeId)> = states.iter().map(of_state).collect();
    jumps.extend(followers(system, event, after, &moved));
    jumps
}

/// Returns the derivative with respect to θ of a state that a spike sets. `after` are the states after integration, and
/// `set` those that the spike sets.
fn jump(
    system: &mut System,
    assignment: &Assignment,
    after: &HashMap<NodeId, NodeId>,
    set: &[(NodeId, NodeId)],
) -> NodeId {
    let graph = &mut system.graph;
    let mut sum = graph.constant(0.0);
    let mut read = Vec::new();
    graph.visit(assignment.value, &mut |node| {
        if let Node::State(j) = node {
            read.push(j);
        }
    });
    read.sort_unstable();
    read.dedup();
    let mut substitution = Substitution::new(after.clone());
    for j in read {
        let state = graph.intern(Node::State(j));
        let slope = derivative(graph, assignment.value, state);
        let slope = substitution.apply(graph, slope);
        let change = graph.sub(after[&state], state);
        let part = graph.mul(slope, change);
        sum = graph.add(sum, part);
    }
    // Update rules count steps, so they do not depend on the time of the spike within a step.
    let Rule::Derivative(f) = system.states[assignment.state].rule else { return sum };
    let mut substitution = Substitution::new(after.clone());
    set.iter().for_each(|(state, value)| substitution.set(*state, *value));
    let f = substitution.apply(graph, f);
    let dt = graph.intern(Node::Param(System::DT as u32));
    let change = graph.mul(dt, f);
    graph.sub(sum, change)
}

/// Returns the derivatives with respect to θ of the states that the spike does not set but whose derivatives read states
/// that it sets, such as the potentials of compartments next to the soma. `after` are the states after integration, and
/// `moved` those that the spike sets.
fn followers(
    system: &mut System,
    event: &Event,
    after: &HashMap<NodeId, NodeId>,
    moved: &[(NodeId, NodeId)],
) -> Vec<(usize, NodeId)> {
    let mut before = Substitution::new(after.clone());
    let mut later = Substitution::new(after.clone());
    moved.iter().for_each(|(state, value)| later.set(*state, *value));
    let graph = &mut system.graph;
    let dt = graph.intern(Node::Param(System::DT as u32));
    let mut found = Vec::new();
    for (i, state) in system.states.iter().enumerate() {
        let Rule::Derivative(f) = state.rule else { continue };
        let mut reads = false;
        graph.visit_ids(f, &mut |id| reads |= moved.iter().any(|(set, _)| *set == id));
        if !reads || event.then.iter().any(|assignment| assignment.state == i) {
            continue;
        }
        let (old, new) = (before.apply(graph, f), later.apply(graph, f));
        let change = graph.sub(old, new);
        found.push((i, graph.mul(dt, change)));
    }
    found
}

impl Sweep<'_> {
    /// Propagates the cotangent of the spike to the values that the threshold compares, a > b.
    pub(super) fn reach(&mut self, graph: &mut Graph, (a, b): (NodeId, NodeId), bar: Guarded) {
        match self.spike.as_ref().map(|spike| &spike.rule) {
            None => {}
            Some(DerivativeRule::Surrogate(surrogate)) => {
                let surrogate = *surrogate;
                self.by_surrogate(graph, surrogate, (a, b), bar);
            }
            Some(DerivativeRule::Time { start, .. }) => {
                let mut start = Substitution::new(start.clone());
                let before = (start.apply(graph, a), start.apply(graph, b));
                self.by_time(graph, before, (a, b), bar);
            }
        }
    }

    fn by_surrogate(
        &mut self,
        graph: &mut Graph,
        Surrogate { derivative, scale }: Surrogate<'_>,
        (a, b): (NodeId, NodeId),
        guarded: Guarded,
    ) {
        let above = graph.sub(a, b);
        let argument = scale.map_or(above, |scale| graph.mul(above, scale));
        let slope = derivative(graph, argument);
        let part = graph.mul(guarded.value, slope);
        let to_above = if let Some(scale) = scale {
            // By the chain rule, the scale contributes derivatives with respect to V_th and V_reset.
            let part = self.row(graph, part);
            let (to_above, to_scale) = (graph.mul(part, scale), graph.mul(part, above));
            self.add(graph, scale, guarded.with(to_scale));
            to_above
        } else {
            part
        };
        let to_b = graph.neg(to_above);
        self.add(graph, a, guarded.with(to_above));
        self.add(graph, b, guarded.with(to_b));
    }

    /// Propagates the cotangent of θ. `before` contains a and b at the beginning of the step.
    fn by_time(
        &mut self,
        graph: &mut Graph,
        before: (NodeId, NodeId),
        (a, b): (NodeId, NodeId),
        guarded: Guarded,
    ) {
        // Without a crossing (V was above the threshold at the beginning, for example at the end of the refractory time),
        // the time of the spike does not depend on V.
        let crosses = graph.binary(Binary::GreaterEqual, before.1, before.0);
        let guarded = guarded.only(graph, Guard::holds(crosses));
        let (end, start) = (graph.sub(a, b), graph.sub(before.0, before.1));
        let rise = graph.sub(end, start);
        let rise = self.row(graph, rise);
        let part = graph.div(guarded.value, rise);
        let part = self.row(graph, part);
        let theta = graph.div(start, rise);
        // θ = -start/rise.
        let to_end = graph.mul(part, theta);
        let both = graph.add(part, to_end);
        let to_start = graph.neg(both);
        for ((a, b), to_a) in [((a, b), to_end), (before, to_start)] {
            let to_b = graph.neg(to_a);
            self.add(graph, a, guarded.with(to_a));
            self.add(graph, b, guarded.with(to_b));
        }
    }
}

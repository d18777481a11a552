//! Emits events: the test of the threshold, and the resulting changes of states.

use dendrion_kernels::{Op, Slot};

use dendrion_language::Binary;

use super::emit::Emitter;
use crate::graph::{Graph, Node, NodeId};
use crate::system::{Event, Reaction};

/// Emits the code at the end of a step, which tests the threshold, makes lanes fire, and sets the states that
/// this and other events change. All conditions and values refer to the states before these changes. If
/// several events set the same state, the last one takes precedence.
pub(crate) fn emit(emitter: &mut Emitter<'_>, threshold: Option<&Event>, reactions: &[Reaction]) {
    // The common case is a single operation: compare, set the bit, select.
    if let (Some(event), true) = (threshold, reactions.is_empty())
        && let Some(fired) = Plain::of(emitter.graph, event)
    {
        let args =
            [Some(fired.threshold), fired.reset].into_iter().flatten().map(|id| emitter.coef(id)).collect();
        let op = if fired.reset.is_some() { Op::FireReset } else { Op::FireSubtract };
        emitter.push(op, args, Some(Slot::State(fired.state as u16)));
        return;
    }
    // Values computed before the update of the states are stale, except locals, which belong to the step.
    let graph = emitter.graph;
    emitter.ready.retain(|id, slot| matches!((graph.node(*id), slot), (Node::Local(_), Slot::Scratch(_))));
    let mut settings: Vec<(Slot, usize, Slot)> = Vec::new();
    for event in threshold.into_iter().chain(reactions.iter().map(|r| &r.event)) {
        let mask = emitter.value(event.condition);
        // Only the threshold makes a neuron spike; other events change states without a spike.
        if settings.is_empty() && threshold.is_some_and(|t| std::ptr::eq(t, event)) {
            emitter.push(Op::Fire, vec![mask], None);
        }
        for assignment in &event.then {
            settings.push((mask, assignment.state, emitter.value(assignment.value)));
        }
    }
    let set: Vec<Slot> = settings.iter().map(|(_, state, _)| Slot::State(*state as u16)).collect();
    // A value that is itself a state is copied first, since the state may be set before the value is used.
    for (i, (_, _, value)) in settings.iter_mut().enumerate() {
        if set[..i].contains(value) {
            let kept = emitter.temp();
            emitter.push(Op::Copy, vec![*value], Some(kept));
            *value = kept;
        }
    }
    // All conditions and values have been computed, so states may be changed now.
    for ((mask, _, value), row) in settings.into_iter().zip(set) {
        emitter.push(Op::Select, vec![mask, value, row], Some(row));
    }
}

/// The common case, which has its own operation: if v exceeds a coefficient, v is set to a value, or the
/// threshold is subtracted from it.
struct Plain {
    state: usize,
    threshold: NodeId,
    reset: Option<NodeId>,
}

impl Plain {
    fn of(graph: &Graph, event: &Event) -> Option<Self> {
        let Node::Binary(Binary::Greater, v, threshold) = graph.node(event.condition) else {
            return None;
        };
        let [assignment] = event.then[..] else { return None };
        let Node::State(state) = graph.node(v) else {
            return None;
        };
        if state as usize != assignment.state || !graph.is_coefficient(threshold) {
            return None;
        }
        let state = state as usize;
        if graph.is_coefficient(assignment.value) {
            return Some(Self { state, threshold, reset: Some(assignment.value) });
        }
        let subtracts = graph.node(assignment.value) == Node::Binary(Binary::Sub, v, threshold);
        subtracts.then_some(Self { state, threshold, reset: None })
    }
}

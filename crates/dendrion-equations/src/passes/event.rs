//! Events: where a threshold fires, and what then changes.

use dendrion_lanes::{Op, Slot};

use super::emit::Emitter;
use crate::graph::{Binary, Graph, Node, NodeId};
use crate::system::Event;

/// Code for a threshold: tests it, lets lanes fire, and sets the states it changes. Assignments take effect together.
pub(crate) fn emit(emitter: &mut Emitter<'_>, event: &Event) {
    if let Some(fired) = Plain::of(emitter.graph, event) {
        let args =
            [Some(fired.threshold), fired.reset].into_iter().flatten().map(|id| emitter.coef(id)).collect();
        let op = if fired.reset.is_some() { Op::FireReset } else { Op::FireSubtract };
        emitter.push(op, args, Some(Slot::State(fired.state as u16)));
        return;
    }
    // What was computed before the update of the states is stale.
    emitter.ready.clear();
    let mask = emitter.value(event.condition);
    emitter.push(Op::Fire, vec![mask], None);
    let values: Vec<Slot> = event.then.iter().map(|a| emitter.value(a.value)).collect();
    for (assignment, value) in event.then.iter().zip(values) {
        let row = Slot::State(assignment.state as u16);
        emitter.push(Op::Select, vec![mask, value, row], Some(row));
    }
}

/// The common case that has operations of its own: v above a coefficient sets v, or subtracts the threshold from it.
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

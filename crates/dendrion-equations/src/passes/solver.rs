//! Solvers: from derivatives to the states one step later.
//!
//! With f the derivative of a state y, h the step, and everything else at its value of `t_n`:
//!
//! - forward Euler: y + h f;
//! - exponential Euler: y + h φ₁(h J) f, where J = ∂f/∂y is exact, from the expression graph (the exponential
//!   Rosenbrock-Euler method, Hochbruck & Ostermann 2010, on the diagonal). It is exact where f is linear in y, and
//!   costs no more than Euler where J is a coefficient, because h φ₁(h J) is then one too. It sees the NMDA block's
//!   slope dB/dV.

use dendrion_model::OdeMethod;

use super::derivative::derivative;
use crate::graph::{Graph, Node, NodeId, Unary};
use crate::system::{Rule, System};

/// The states one step of `dt` later, by `method`: a node for each state, in their order.
pub fn advance(system: &mut System, method: OdeMethod) -> Vec<NodeId> {
    let graph = &mut system.graph;
    let h = graph.intern(Node::Param(System::DT as u32));
    (system.states.iter().enumerate())
        .map(|(i, state)| match state.rule {
            Rule::Update(next) => next,
            Rule::Derivative(f) => {
                let y = graph.intern(Node::State(i as u32));
                let step = match method {
                    OdeMethod::Euler => h,
                    OdeMethod::ExpEuler => exponential_step(graph, f, y, h),
                };
                let change = graph.mul(step, f);
                graph.add(y, change)
            }
        })
        .collect()
}

/// h φ₁(h J)
fn exponential_step(graph: &mut Graph, f: NodeId, y: NodeId, h: NodeId) -> NodeId {
    let j = derivative(graph, f, y);
    let z = graph.mul(h, j);
    let phi = graph.unary(Unary::Phi1, z);
    graph.mul(h, phi)
}

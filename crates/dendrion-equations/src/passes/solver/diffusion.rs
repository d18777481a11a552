//! The noise of a step: b ξ √h in the Euler-Maruyama method, plus ½ b b' h (ξ² - 1) in Milstein's method
//! (Kloeden & Platen 1992, 10.2 and 10.3), with the exact derivative b' = ∂b/∂y. The noise is added to the
//! step of the drift. Each state has its own process, so Milstein's method has strong order 1 without double
//! integrals.

use dendrion_language::Unary;
use dendrion_model::SdeMethod;

use crate::graph::{Graph, Node, NodeId};
use crate::passes::derivative::derivative;
use crate::system::{Diffusion, System};

/// Adds the noise of a step to the next states.
pub(super) fn add(system: &mut System, method: SdeMethod, next: &mut [NodeId]) {
    let graph = &mut system.graph;
    let h = graph.intern(Node::Param(System::DT as u32));
    let root = graph.unary(Unary::Sqrt, h);
    for diffusion in &system.diffusions {
        let y = graph.intern(Node::State(diffusion.state as u32));
        let xi = graph.intern(Node::Noise(diffusion.noise as u32));
        let (amplitude, slope) = amplitude_and_slope(graph, diffusion, y);
        let kick = graph.mul(root, amplitude);
        let mut change = graph.mul(kick, xi);
        if method == SdeMethod::Milstein {
            let (half, one) = (graph.constant(0.5), graph.constant(1.0));
            let square = graph.mul(xi, xi);
            let excess = graph.sub(square, one);
            let weight = graph.mul(half, h);
            let weight = graph.mul(weight, slope);
            let correction = graph.mul(weight, excess);
            change = graph.add(change, correction);
        }
        let end = &mut next[diffusion.state];
        *end = graph.add(*end, change);
    }
}

/// Returns b, and b b' computed as ½ ∂(b²)/∂y, which avoids a division by a root that may be 0.
fn amplitude_and_slope(graph: &mut Graph, diffusion: &Diffusion, y: NodeId) -> (NodeId, NodeId) {
    if let [b] = diffusion.amplitudes[..] {
        let slope = derivative(graph, b, y);
        return (b, graph.mul(b, slope));
    }
    // Independent processes of one state are equivalent to one process with b² = Σ b_k².
    let mut variance = graph.constant(0.0);
    for b in &diffusion.amplitudes {
        let square = graph.mul(*b, *b);
        variance = graph.add(variance, square);
    }
    let half = graph.constant(0.5);
    let slope = derivative(graph, variance, y);
    (graph.unary(Unary::Sqrt, variance), graph.mul(half, slope))
}

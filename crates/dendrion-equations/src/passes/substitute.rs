//! Substitution of leaves in expressions.

use std::collections::HashMap;

use crate::graph::{Graph, Node, NodeId};

/// Replaces leaves with other nodes, and caches rewritten nodes.
pub(crate) struct Substitution {
    known: HashMap<NodeId, NodeId>,
}

impl Substitution {
    /// Creates a substitution that replaces each key with its value.
    pub(crate) const fn new(by: HashMap<NodeId, NodeId>) -> Self {
        Self { known: by }
    }

    /// Replaces a node, also within expressions that were not rewritten yet.
    pub(crate) fn set(&mut self, id: NodeId, by: NodeId) {
        self.known.insert(id, by);
    }

    /// Returns the expression after all replacements.
    pub(crate) fn apply(&mut self, graph: &mut Graph, id: NodeId) -> NodeId {
        // Operands come before their users, so an ascending sweep has rewritten all operands of a node before the
        // node itself.
        let mut reached = Vec::new();
        graph.visit_ids(id, &mut |id| reached.push(id));
        reached.sort_unstable();
        for id in reached {
            // Results are kept between calls, since the expressions of one step share most of their nodes.
            if !self.known.contains_key(&id) {
                let new = self.rewritten(graph, id);
                self.known.insert(id, new);
            }
        }
        self.known[&id]
    }

    fn rewritten(&self, graph: &mut Graph, id: NodeId) -> NodeId {
        let at = |a: NodeId| self.known[&a];
        match graph.node(id) {
            Node::Unary(f, a) => graph.unary(f, at(a)),
            Node::Binary(f, a, b) => graph.binary(f, at(a), at(b)),
            Node::Select(c, a, b) => graph.select(at(c), at(a), at(b)),
            _ => id,
        }
    }
}

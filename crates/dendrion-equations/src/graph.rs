//! The expression graph. It is in single-assignment form and hash-consed, so equal expressions are the same node.

use std::collections::HashMap;

use dendrion_language::{Binary, Unary};
use dendrion_model::Error;

/// Maximum number of nodes of a graph. A neuron with 1,000 compartments has about 100,000 nodes.
const MOST_NODES: usize = 1 << 21;
/// Maximum number of operations on a path from a node to a leaf.
const DEEPEST: u32 = 100_000;

/// Identifies a node of a [`Graph`]. Operands have smaller ids than their users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Returns the position of the node in its graph.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A number, stored as its bits.
    Const(u64),
    /// A parameter of the system, which is constant during a run.
    Param(u32),
    /// A state of the system at the beginning of the step; in the expressions of an event, the state after
    /// integration.
    State(u32),
    /// An input of this step, such as an injected current.
    Input(u32),
    /// A standard normal number drawn for this step.
    Noise(u32),
    /// In the reverse of a step: a state of the system at the beginning of the next step.
    Next(u32),
    /// In the reverse of a step: whether the neuron spiked in the step (1 or 0).
    Spike,
    /// In the reverse of a step: the cotangent of a result of the step.
    Cotangent(u32),
    /// An intermediate value of a solver. Its expression is stored in the solver's list of locals.
    Local(u32),
    /// A function of one argument.
    Unary(Unary, NodeId),
    /// A function of two arguments.
    Binary(Binary, NodeId, NodeId),
    /// The second operand if the first is not 0, else the third.
    Select(NodeId, NodeId, NodeId),
}

impl Node {
    /// Returns the operands in order.
    pub fn operands(self) -> impl Iterator<Item = NodeId> {
        let (a, b, c) = match self {
            Self::Const(_)
            | Self::Param(_)
            | Self::State(_)
            | Self::Input(_)
            | Self::Noise(_)
            | Self::Next(_)
            | Self::Spike
            | Self::Cotangent(_)
            | Self::Local(_) => (None, None, None),
            Self::Unary(_, a) => (Some(a), None, None),
            Self::Binary(_, a, b) => (Some(a), Some(b), None),
            Self::Select(a, b, c) => (Some(a), Some(b), Some(c)),
        };
        [a, b, c].into_iter().flatten()
    }
}

/// The expressions of a system.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
    /// Whether each node depends on anything other than parameters and therefore has to be computed in every
    /// step.
    varies: Vec<bool>,
    /// Maximum number of operations on a path from each node to a leaf.
    depths: Vec<u32>,
    /// Number of times that each node is used as an operand.
    users: Vec<u32>,
    /// The limit that was reached, if any.
    full: Option<(&'static str, usize)>,
}

impl Graph {
    /// Returns whether a limit was reached. From then on, no new nodes are created. Requests for new nodes
    /// return an arbitrary existing node, so nothing computed from the graph is valid.
    pub(crate) const fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// Records that the number of `quantity` reached `limit`.
    pub(crate) fn fill(&mut self, quantity: &'static str, limit: usize) {
        self.full.get_or_insert((quantity, limit));
    }

    /// Returns an error if a limit was reached.
    ///
    /// # Errors
    /// Returns [`Error::Limit`] for the module at `path`.
    pub(crate) fn check(&self, path: &str) -> Result<(), Error> {
        self.full.map_or(Ok(()), |(quantity, limit)| {
            Err(Error::Limit { module: path.into(), quantity, needed: None, limit })
        })
    }

    /// Returns the node `id`.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes[id.index()]
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the ids of all nodes, with operands before their users.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Returns whether the graph has no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns whether the node depends only on parameters and numbers, so that it is a coefficient.
    pub fn is_coefficient(&self, id: NodeId) -> bool {
        !self.varies[id.index()]
    }

    /// Returns the value of the node if it is a number.
    pub fn as_const(&self, id: NodeId) -> Option<f64> {
        match self.node(id) {
            Node::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// Returns whether a node is used as an operand more than once.
    pub(crate) fn is_shared(&self, id: NodeId) -> bool {
        self.users[id.index()] > 1
    }

    /// Returns the id of an equal existing node, or adds the node.
    pub fn intern(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let depth = node.operands().map(|a| self.depths[a.index()] + 1).max().unwrap_or(0);
        if self.nodes.len() >= MOST_NODES || depth > DEEPEST {
            let is_deep = depth > DEEPEST;
            let (quantity, limit) =
                if is_deep { ("nested operations", DEEPEST as usize) } else { ("operations", MOST_NODES) };
            self.fill(quantity, limit);
            return NodeId(0);
        }
        let id = NodeId(self.nodes.len() as u32);
        let fixed = matches!(node, Node::Const(_) | Node::Param(_));
        let varies =
            (!fixed && node.operands().next().is_none()) || node.operands().any(|a| self.varies[a.index()]);
        self.nodes.push(node);
        self.varies.push(varies);
        self.depths.push(depth);
        self.users.push(0);
        node.operands().for_each(|a| self.users[a.index()] += 1);
        self.ids.insert(node, id);
        id
    }

    /// Returns a number.
    pub fn constant(&mut self, v: f64) -> NodeId {
        self.intern(Node::Const((v + 0.0).to_bits()))
    }

    /// Applies a function of one argument. The result is simplified where this is exact.
    pub fn unary(&mut self, f: Unary, a: NodeId) -> NodeId {
        match (f, self.node(a), self.as_const(a)) {
            (Unary::Neg, Node::Unary(Unary::Neg, inner), _) => inner,
            (_, _, Some(v)) => self.constant(f.evaluate(v)),
            _ => self.intern(Node::Unary(f, a)),
        }
    }

    /// Applies a function of two arguments. The result is simplified where this is exact.
    pub fn binary(&mut self, f: Binary, a: NodeId, b: NodeId) -> NodeId {
        let (x, y) = (self.as_const(a), self.as_const(b));
        if let (Some(x), Some(y)) = (x, y) {
            return self.constant(f.evaluate(x, y));
        }
        match (f, x, y) {
            (Binary::Add, Some(0.0), _) | (Binary::Mul, Some(1.0), _) => b,
            (Binary::Add | Binary::Sub, _, Some(0.0)) | (Binary::Mul | Binary::Div, _, Some(1.0)) => a,
            (Binary::Mul | Binary::Div, Some(0.0), _) | (Binary::Mul, _, Some(0.0)) => self.constant(0.0),
            (Binary::Mul, _, Some(-1.0)) => self.unary(Unary::Neg, a),
            (Binary::Mul, Some(-1.0), _) | (Binary::Sub, Some(0.0), _) => self.unary(Unary::Neg, b),
            (Binary::Sub, ..) if a == b => self.constant(0.0),
            // The operands of commutative functions are sorted, so that a + b and b + a are the same node.
            (Binary::Add | Binary::Mul, ..) if b < a => self.intern(Node::Binary(f, b, a)),
            _ => self.intern(Node::Binary(f, a, b)),
        }
    }

    /// Returns the second operand if the first is not 0, else the third.
    pub fn select(&mut self, condition: NodeId, yes: NodeId, no: NodeId) -> NodeId {
        match self.as_const(condition) {
            Some(c) => {
                if c == 0.0 {
                    no
                } else {
                    yes
                }
            }
            None if yes == no => yes,
            None => self.intern(Node::Select(condition, yes, no)),
        }
    }

    /// Returns `a + b`.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Add, a, b)
    }

    /// Returns `a - b`.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Sub, a, b)
    }

    /// Returns `a * b`.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Mul, a, b)
    }

    /// Returns `a / b`.
    pub fn div(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Div, a, b)
    }

    /// Returns `-a`.
    pub fn neg(&mut self, a: NodeId) -> NodeId {
        self.unary(Unary::Neg, a)
    }

    /// Returns the parameters on which a node depends, in ascending order.
    pub fn parameters_of(&self, id: NodeId) -> Vec<usize> {
        let mut found = Vec::new();
        self.visit(id, &mut |node| {
            if let Node::Param(p) = node {
                found.push(p as usize);
            }
        });
        found.sort_unstable();
        found
    }

    /// Calls `f` once for the node and for each node on which it depends.
    pub fn visit(&self, id: NodeId, f: &mut impl FnMut(Node)) {
        self.visit_ids(id, &mut |id| f(self.node(id)));
    }

    /// Calls `f` once with the id of the node and of each node on which it depends.
    pub fn visit_ids(&self, id: NodeId, f: &mut impl FnMut(NodeId)) {
        let mut seen = vec![false; id.index() + 1];
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                f(id);
                stack.extend(self.node(id).operands());
            }
        }
    }
}

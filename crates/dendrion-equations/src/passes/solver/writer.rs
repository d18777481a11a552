//! The graph of a step that is being written, and its result.

use std::collections::HashMap;

use crate::graph::{Graph, Node, NodeId};
use crate::system::{Rule, System};

/// A step of a system: intermediate values, and the states at the end of the step.
#[derive(Clone, Debug)]
pub struct Step {
    /// The expression of each [`Node::Local`], which may refer to earlier locals.
    pub locals: Vec<NodeId>,
    /// The next value of each state.
    pub next: Vec<NodeId>,
    /// The linear systems that the step solves.
    pub solves: Vec<Solve>,
    /// Locals whose derivative is known.
    pub slopes: Vec<Slope>,
}

/// The derivative of a local with respect to the only expression on which it depends.
#[derive(Clone, Copy, Debug)]
pub struct Slope {
    /// Number of the local.
    pub local: u32,
    /// The expression on which it depends.
    pub argument: NodeId,
    /// The derivative.
    pub slope: NodeId,
}

/// A linear system (1 - θ h J) Δ = h f(y) with J = ∂f/∂y, and its elimination.
#[derive(Clone, Debug)]
pub struct Solve {
    /// θ
    pub theta: f64,
    /// The unknowns.
    pub unknowns: Vec<Unknown>,
    /// The elimination steps, in order.
    pub pivots: Vec<Pivot>,
}

/// The change Δ of one state in a [`Solve`].
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The state.
    pub state: usize,
    /// Number of the [`Node::Local`] that contains its Δ. The locals of a system are consecutive.
    pub change: u32,
    /// h f
    pub right: NodeId,
    /// The nonzero entries in the row of 1 - θ h J, by state.
    pub row: Vec<(usize, NodeId)>,
    /// y + Δ
    pub end: NodeId,
}

/// An elimination step: the row of U and the column of L that belong to one state, where 1 - θ h J = L U.
#[derive(Clone, Debug)]
pub struct Pivot {
    /// The state.
    pub state: usize,
    /// 1 / diagonal entry of U
    pub inverse: NodeId,
    /// The other entries of U in the row, by state.
    pub upper: Vec<(usize, NodeId)>,
    /// The entries of L in the column below the diagonal, by state.
    pub lower: Vec<(usize, NodeId)>,
}

/// The graph and the locals of a step that is being written.
pub(super) struct Writer<'s> {
    pub(super) graph: &'s mut Graph,
    /// The step in ms.
    pub(super) h: NodeId,
    pub(super) locals: Vec<NodeId>,
    local_of: HashMap<NodeId, NodeId>,
    pub(super) rules: Vec<Rule>,
    pub(super) solves: Vec<Solve>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(system: &'s mut System) -> Self {
        let rules = system.states.iter().map(|s| s.rule).collect();
        let h = system.graph.intern(Node::Param(System::DT as u32));
        Self {
            graph: &mut system.graph,
            h,
            locals: Vec::new(),
            local_of: HashMap::new(),
            rules,
            solves: Vec::new(),
        }
    }

    /// Returns the states that have a derivative, with their derivatives.
    pub(super) fn derivatives(&self) -> Vec<(usize, NodeId)> {
        let of = |(i, rule): (usize, &Rule)| match rule {
            Rule::Derivative(f) => Some((i, *f)),
            Rule::Update(_) => None,
        };
        self.rules.iter().enumerate().filter_map(of).collect()
    }

    /// Returns the next states. `of` provides the next value of each state that has a derivative.
    pub(super) fn collect(&self, mut of: impl FnMut(usize) -> NodeId) -> Vec<NodeId> {
        let next = |(i, rule): (usize, &Rule)| match rule {
            Rule::Derivative(_) => of(i),
            Rule::Update(next) => *next,
        };
        self.rules.iter().enumerate().map(next).collect()
    }

    /// Returns the update rule of a state, or the state itself if it has a derivative.
    pub(super) fn update(&mut self, i: usize) -> NodeId {
        match self.rules[i] {
            Rule::Update(next) => next,
            Rule::Derivative(_) => self.state(i),
        }
    }

    pub(super) fn state(&mut self, i: usize) -> NodeId {
        self.graph.intern(Node::State(i as u32))
    }

    /// Assigns a local to an expression that is used several times. Returns the expression itself if it needs
    /// no local.
    pub(super) fn local(&mut self, id: NodeId) -> NodeId {
        // Leaves have a row already, and coefficients are in the table.
        let is_leaf = self.graph.node(id).operands().next().is_none();
        if is_leaf || self.graph.is_coefficient(id) {
            return id;
        }
        *self.local_of.entry(id).or_insert_with(|| {
            self.locals.push(id);
            self.graph.intern(Node::Local((self.locals.len() - 1) as u32))
        })
    }

    /// Adds a local for an expression, even if there already is one, and returns its number.
    pub(super) fn another(&mut self, id: NodeId) -> u32 {
        self.locals.push(id);
        (self.locals.len() - 1) as u32
    }

    /// Returns a + c h b.
    pub(super) fn plus_step(&mut self, a: NodeId, c: f64, b: NodeId) -> NodeId {
        let c = self.graph.constant(c);
        let by = self.graph.mul(c, self.h);
        let change = self.graph.mul(by, b);
        self.graph.add(a, change)
    }
}

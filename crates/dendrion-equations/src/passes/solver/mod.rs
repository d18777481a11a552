//! Solvers: compute the states one step later from the derivatives.
//!
//! f is the derivative of the states y, h is the time step, and inputs are held at their values at `t_n`.
//! States with their own update rule (such as a refractory counter) are constant while the other states are
//! integrated. Noise is added to the result of the drift method ([`diffusion`]).

mod coupled;
mod differences;
mod diffusion;
mod explicit;
mod exponential;
mod implicit;

use std::collections::HashMap;

use dendrion_model::{OdeMethod, SdeMethod};

use crate::graph::{Graph, Node, NodeId};
use crate::placed::{CURRENT, SLOPE};
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

/// Returns the step of `dt` that advances all states, with the drift computed by `ode` and the diffusion by
/// `sde`.
pub fn advance(system: &mut System, ode: OdeMethod, sde: SdeMethod) -> Step {
    let coupled = system.coupled.and_then(|phase| {
        let (current, slope) = (system.state(CURRENT)?, system.state(SLOPE)?);
        Some((coupled::Outputs { current, slope }, phase))
    });
    let mut writer = Writer::new(system);
    let mut next = match ode {
        OdeMethod::CrankNicolson | OdeMethod::ImplicitEuler if coupled.is_some() => {
            let theta = if ode == OdeMethod::CrankNicolson { 0.5 } else { 1.0 };
            let coupled = coupled.map(|(outputs, phase)| coupled::step(&mut writer, theta, &outputs, phase));
            coupled.unwrap_or_default()
        }
        OdeMethod::Euler => explicit::step(&mut writer, &explicit::EULER),
        OdeMethod::Midpoint => explicit::step(&mut writer, &explicit::MIDPOINT),
        OdeMethod::Heun2 => explicit::step(&mut writer, &explicit::HEUN2),
        OdeMethod::Heun3 => explicit::step(&mut writer, &explicit::HEUN3),
        OdeMethod::Rk4 => explicit::step(&mut writer, &explicit::RK4),
        OdeMethod::ExpEuler => exponential::step(&mut writer),
        OdeMethod::ImplicitEuler => implicit::step(&mut writer, 1.0),
        OdeMethod::CrankNicolson => implicit::step(&mut writer, 0.5),
    };
    let (locals, solves) = (writer.locals, writer.solves);
    diffusion::add(system, sde, &mut next);
    Step { locals, next, solves }
}

/// The graph and the locals of a step that is being written.
struct Writer<'s> {
    graph: &'s mut Graph,
    /// The step in ms.
    h: NodeId,
    locals: Vec<NodeId>,
    local_of: HashMap<NodeId, NodeId>,
    rules: Vec<Rule>,
    solves: Vec<Solve>,
}

impl<'s> Writer<'s> {
    fn new(system: &'s mut System) -> Self {
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
    fn derivatives(&self) -> Vec<(usize, NodeId)> {
        let of = |(i, rule): (usize, &Rule)| match rule {
            Rule::Derivative(f) => Some((i, *f)),
            Rule::Update(_) => None,
        };
        self.rules.iter().enumerate().filter_map(of).collect()
    }

    /// Returns the next states. `of` provides the next value of each state that has a derivative.
    fn collect(&self, mut of: impl FnMut(usize) -> NodeId) -> Vec<NodeId> {
        let next = |(i, rule): (usize, &Rule)| match rule {
            Rule::Derivative(_) => of(i),
            Rule::Update(next) => *next,
        };
        self.rules.iter().enumerate().map(next).collect()
    }

    /// Returns the update rule of a state, or the state itself if it has a derivative.
    fn update(&mut self, i: usize) -> NodeId {
        match self.rules[i] {
            Rule::Update(next) => next,
            Rule::Derivative(_) => self.state(i),
        }
    }

    fn state(&mut self, i: usize) -> NodeId {
        self.graph.intern(Node::State(i as u32))
    }

    /// Assigns a local to an expression that is used several times. Returns the expression itself if it needs
    /// no local.
    fn local(&mut self, id: NodeId) -> NodeId {
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
    fn another(&mut self, id: NodeId) -> u32 {
        self.locals.push(id);
        (self.locals.len() - 1) as u32
    }

    /// Returns a + c h b.
    fn plus_step(&mut self, a: NodeId, c: f64, b: NodeId) -> NodeId {
        let c = self.graph.constant(c);
        let by = self.graph.mul(c, self.h);
        let change = self.graph.mul(by, b);
        self.graph.add(a, change)
    }
}

//! Equations of neurons, and the passes that compile them to programs.
//!
//! The data flow through this crate is linear:
//!
//! 1. [`neuron`] collects the equations of all mechanisms (`mechanisms/`, one file per mechanism) in a
//!    [`System`]: parameters, states with their derivatives, and the effects of threshold crossings and
//!    arriving spikes. Expressions are stored in a hash-consed [`Graph`], so equal expressions are computed
//!    once.
//! 2. `passes/solver` replaces derivatives with the states one step later, according to the numerical method.
//! 3. `passes/normal` rewrites each new state as a sum of products. Factors that depend only on parameters
//!    are combined into coefficients.
//! 4. `passes/emit` and `passes/fuse` select instructions for the products, `passes/schedule` orders them so that
//!    states are updated in place, and `passes/rows` assigns rows. The result is the
//!    [`Program`](dendrion_kernels::Program) of a step. The expressions of the coefficients become the **prologue**, a
//!    program that computes the coefficients from the parameters. Together they form a [`Tape`].

mod evaluate;
mod exchange;
mod expr;
mod graph;
mod infinite;
mod library;
mod mechanisms;
mod neuron;
mod parameters;
mod passes;
mod phase;
mod placed;
mod rates;
mod reverse;
mod system;
mod tape;
mod written;

pub use dendrion_language::{Binary, Unary};
pub use evaluate::{Env, evaluate, evaluate_one};
pub use exchange::{Exchange, Received, Sent, Traded};
pub use expr::{Expr, Workbook};
pub use graph::{Graph, Node, NodeId};
pub use infinite::{InfiniteSlope, infinite_slope};
pub use library::{LIBRARY, library};
pub use mechanisms::surrogate::surrogate_values;
pub use neuron::{Wiring, neuron};
pub use parameters::{Parameter, Parameters};
pub use passes::adjoint::{Adjoint, adjoint, parameter_adjoint};
pub use passes::derivative::derivative;
pub use passes::solver::{Pivot, Slope, Solve, Step, Unknown, advance};
pub use passes::spike::{SpikeDerivative, Surrogate};
pub use phase::{CURRENT, Phase, Pools, SLOPE};
pub use rates::{Rate, rates};
pub use reverse::{Demand, Gather, Reverse};
pub use system::{
    Assignment, Diffusion, Event, Exported, Imported, Observable, Reaction, Receive, Rule, Spread, StateVar,
    StepCount, System,
};
pub use tape::{Leaf, Tape};

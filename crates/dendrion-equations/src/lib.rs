//! What a neuron means: mechanisms as equations, and the passes that turn them into programs.
//!
//! The way through this crate is one direction:
//!
//! 1. [`neuron`] asks each mechanism (`mechanisms/`, one file each) for its equations and gathers them in a
//!    [`System`]: parameters, states with their derivatives, what a threshold does, what an arriving spike does.
//!    Expressions live in a hash-consed [`Graph`], so what is written twice is computed once.
//! 2. `passes/solver` turns derivatives into the states one step later, by the method asked for.
//! 3. `passes/normal` brings each of them to a sum of products, with everything that depends on parameters alone
//!    gathered into coefficients.
//! 4. `passes/lower` chooses operations for the products, orders them so that states are updated in place, and
//!    allots rows: the step's [`Program`](dendrion_kernels::Program). What the coefficients are made of becomes the
//!    **prologue**, a program from parameters to coefficients. Together they are a [`Tape`].

mod evaluate;
mod expr;
mod graph;
mod infinite;
mod library;
mod mechanisms;
mod neuron;
mod passes;
mod rates;
mod reverse;
mod system;
mod tape;
mod written;

pub use evaluate::{Env, evaluate, evaluate_one};
pub use expr::{Expr, Workbook};
pub use graph::{Binary, Graph, Node, NodeId, Unary};
pub use infinite::{InfiniteSlope, infinite_slope};
pub use library::{LIBRARY, library};
pub use neuron::{Wiring, neuron};
pub use passes::adjoint::{Adjoint, Surrogate, adjoint, parameter_adjoint};
pub use passes::derivative::derivative;
pub use passes::solver::{Pivot, Solve, Step, Unknown, advance};
pub use rates::{Rate, rates};
pub use reverse::{Demand, Gather, Reverse};
pub use system::{
    Assignment, Diffusion, Event, Observable, Parameter, Reaction, Receive, Rule, StateVar, StepCount, System,
};
pub use tape::{Leaf, Tape};

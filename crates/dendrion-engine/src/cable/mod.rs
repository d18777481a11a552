//! Detailed cells: populations that are advanced together, step by step.
//!
//! A group of detailed cells consists of the populations of its cells, of its membrane and of its placed mechanisms
//! (`dendrion_model::Role`). The shards with the same cells form a *cluster*, which one thread advances:
//!
//! ```text
//! for each block of cells, for each step of the epoch:
//!     mechanisms: from V, the currents and conductances of each CV        (stage.rs: programs; step.rs)
//!     membrane: the sums of both, the solution of the tree, the new V     (dendrion_kernels::Tree)
//!     cells: spikes and resets
//!     staggered mechanisms: gates, from the new V
//!     ions: diffusion (diffusion.rs)
//! ```
//!
//! In all populations of a group, a block contains the same cells. Its lanes are sorted by site and then by
//! cell, so the values of a CV for all cells of the block are adjacent.

mod arrange;
mod contribute;
mod diffuse;
mod diffusion;
mod exchange;
mod geometry;
mod members;
mod rows;
mod slots;
mod stage;
mod step;

pub(crate) use arrange::{arrange, of_members};
pub(crate) use contribute::gather;
pub(crate) use diffusion::{Diffusing, Half, Paths};
pub(crate) use geometry::{Geometry, axial, value_of};
pub(crate) use members::Sources;
pub(crate) use rows::{Rows, to_lanes, to_members};
pub(crate) use slots::{After, Moment, Plan, Span, Trade, clear, collect, cover, import, scatter};
pub(crate) use stage::{Shape, Stage, StageError};
pub(crate) use step::{difference, inject, run, to_currents};

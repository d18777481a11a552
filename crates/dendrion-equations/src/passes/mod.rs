//! Passes that compile equations to programs.

pub(crate) mod adjoint;
pub(crate) mod derivative;
pub(crate) mod emit;
pub(crate) mod event;
pub(crate) mod exponentials;
pub(crate) mod fractions;
pub(crate) mod fuse;
pub(crate) mod guarded;
pub(crate) mod normal;
pub(crate) mod rows;
pub(crate) mod schedule;
pub(crate) mod solve_adjoint;
pub(crate) mod solver;
pub(crate) mod spike;
pub(crate) mod substitute;

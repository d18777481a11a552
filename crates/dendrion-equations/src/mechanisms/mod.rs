//! Mechanisms: each is its equations, one short file each.

pub(crate) mod ampa;
pub(crate) mod axial;
pub(crate) mod gaba;
pub(crate) mod gate;
pub(crate) mod geometry;
pub(crate) mod membrane;
pub(crate) mod nmda;
pub(crate) mod noise;
pub(crate) mod surrogate;
pub(crate) mod threshold;

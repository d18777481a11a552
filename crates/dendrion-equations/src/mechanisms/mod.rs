//! The equations of the built-in mechanisms, with one file per mechanism.

pub(crate) mod axial;
pub(crate) mod geometry;
pub(crate) mod membrane;
pub(crate) mod noise;
pub(crate) mod receptor;
pub(crate) mod surrogate;
pub(crate) mod threshold;

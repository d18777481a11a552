//! Construction of a network that is ready to run from a model.

pub(crate) mod assemble;
pub(crate) mod budget;
pub(crate) mod layout;
pub(crate) mod parameters;

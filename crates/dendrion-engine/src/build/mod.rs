//! From a model to a network that is ready to run.

pub(crate) mod assemble;
pub(crate) mod budget;
pub(crate) mod layout;

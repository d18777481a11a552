//! Claims about whole networks that need more than users can see.
#![allow(clippy::unwrap_used)]

mod cuts;
mod forget;
pub(crate) mod network;
mod replace;

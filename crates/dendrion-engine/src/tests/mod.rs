//! Claims about whole networks that need more than users can see.
#![allow(clippy::unwrap_used)]

mod cuts;
pub(crate) mod network;

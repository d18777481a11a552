//! Claims about whole networks that need more than users can see.
#![allow(clippy::unwrap_used)]

mod clear;
mod cuts;
mod interrupts;
pub(crate) mod network;
mod replace;
mod states;

//! Tests of whole networks that need more than the public interface.
#![allow(clippy::unwrap_used)]

mod clear;
mod cuts;
mod interrupts;
pub(crate) mod network;
mod pace;
mod parameters;
mod replace;
mod shortages;
mod states;

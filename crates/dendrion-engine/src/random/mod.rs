//! Random numbers that depend on what they are for and on nothing else.

mod philox;
mod stream;

pub(crate) use stream::{Purpose, Stream};

//! Random numbers that depend on what they are for and on nothing else.

mod counts;
mod philox;
mod stream;

pub(crate) use counts::{binomial, hypergeometric};
pub(crate) use stream::{Purpose, Stream};

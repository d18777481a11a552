//! Random numbers that depend only on their purpose: the seed, the module, its member and the draw.

mod counts;
mod philox;
mod stream;

pub(crate) use counts::{binomial, hypergeometric};
pub(crate) use stream::{Purpose, Stream};

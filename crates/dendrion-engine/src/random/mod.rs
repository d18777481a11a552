//! Random numbers that depend only on the seed, the module, the purpose, the member and the number of the
//! draw.

mod counts;
mod philox;
mod stream;

pub(crate) use counts::{binomial, hypergeometric};
pub(crate) use stream::{Purpose, Stream};

//! A run: threads that own shards, meeting once an epoch.

mod barrier;
mod board;
mod crew;
mod pool;

pub(crate) use barrier::Barrier;
pub(crate) use board::Board;
pub(crate) use crew::{Course, Crew, Route, work};
pub(crate) use pool::Pool;

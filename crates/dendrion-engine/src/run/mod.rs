//! A run: threads that own shards, meeting once an epoch.

mod barrier;
mod board;
mod conduct;
mod crew;
mod deal;
mod in_order;
mod pool;

pub(crate) use barrier::Barrier;
pub(crate) use board::Board;
pub(crate) use conduct::{Parts, Sample, Stage, conduct};
pub(crate) use crew::{Course, Crew, Route, Watch, work};
pub(crate) use deal::{deal, gather};
pub(crate) use pool::Pool;

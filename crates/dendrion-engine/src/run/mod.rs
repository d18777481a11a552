//! A run: threads that own shards and meet once an epoch.

mod barrier;
mod exchange;
mod executor;
mod in_order;
mod partition;
mod pool;
mod worker;

pub(crate) use barrier::Barrier;
pub(crate) use exchange::SpikeExchange;
pub(crate) use executor::{Parts, Sample, Stage, execute};
pub(crate) use partition::{gather, partition};
pub(crate) use pool::team;
pub(crate) use worker::{Route, RunPlan, Watch, Worker, run_worker};

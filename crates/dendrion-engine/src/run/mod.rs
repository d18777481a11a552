//! Execution of a run by threads that own shards and synchronize once per epoch.

mod barrier;
mod exchange;
mod executor;
mod in_order;
mod mail;
mod member;
mod pace;
mod partition;
mod pool;
mod worker;

pub(crate) use barrier::Barrier;
pub(crate) use exchange::{Exchange, Route, SpikeExchange};
pub(crate) use executor::{Stage, Treatment, execute};
pub(crate) use member::Member;
pub(crate) use pace::Pace;
pub(crate) use partition::Observed;
pub(crate) use worker::Alarm;
pub(crate) use worker::{RunPlan, Shared, Watch, Worker};

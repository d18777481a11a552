//! The stages through which a sample passes in a run with a trace and in the reverse run.
//!
//! A stage carries out one entry of the checkpoint schedule (`schedule.rs`) for all shards and source blocks of a
//! worker.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::schedule::ScheduleStep;
use super::shard_trace::GradientObserver;
use super::sweep::{Shared, sweep};
use crate::refused::Shortage;
use crate::run::{Alarm, Barrier, Member, RunPlan, Stage, Watch, Worker};

/// A stage of the schedule, performed by all workers of a sample together.
#[derive(Debug)]
pub(crate) enum GradientStage<'c, T: Scalar> {
    /// Saves a snapshot. If there is no memory for it, the next `Run` ends after one epoch.
    Save,
    /// Restores the last snapshot.
    Restore,
    /// Runs steps, with or without recording them.
    Run { plan: Box<RunPlan<T>>, keep: bool },
    /// Reverses the recorded steps.
    Sweep { shared: Arc<Shared<'c, T>>, barrier: Arc<Barrier>, begin: u64, end: u64 },
}

/// Converts a schedule to stages. `sweep` creates the stage that reverses steps, or `None` during the forward run.
pub(super) fn stages<'c, T: Scalar>(
    schedule: &[ScheduleStep],
    plan: impl Fn(u64, u64) -> RunPlan<T>,
    sweep: impl Fn(u64, u64) -> Option<GradientStage<'c, T>>,
) -> Vec<GradientStage<'c, T>> {
    let stage = |step: &ScheduleStep| match *step {
        ScheduleStep::Save => Some(GradientStage::Save),
        ScheduleStep::Restore => Some(GradientStage::Restore),
        ScheduleStep::Run { begin, end, track } => {
            Some(GradientStage::Run { plan: Box::new(plan(begin, end)), keep: track })
        }
        ScheduleStep::Sweep { begin, end } => sweep(begin, end),
    };
    schedule.iter().filter_map(stage).collect()
}

/// Adds the purpose of the memory to an error about the states of a segment.
#[cold]
fn states(error: Error) -> Error {
    error.needed_for("the states that a gradient needs")
}

impl<T: Scalar> Stage<T, GradientObserver> for GradientStage<'_, T> {
    fn perform(&self, worker: &mut Worker<T, GradientObserver>, watch: Watch<'_>) -> bool {
        match self {
            Self::Save => {
                for Member { part, observer, .. } in &mut worker.shards {
                    let done = observer.save(part).map_err(states);
                    Shortage::note(&mut part.shortage, worker.reached, done);
                }
                for Member { part, observer, .. } in &mut worker.sources {
                    let done = observer.save(part).map_err(states);
                    Shortage::note(&mut part.shortage, worker.reached, done);
                }
                true
            }
            Self::Restore => {
                worker.shards.iter_mut().for_each(|m| m.observer.restore(&mut m.part));
                worker.sources.iter_mut().for_each(|m| m.observer.restore(&mut m.part));
                true
            }
            Self::Run { plan, keep } => {
                for Member { part, observer, .. } in &mut worker.shards {
                    if *keep {
                        let done = observer.keep(part, (plan.begin, plan.end), plan.epoch).map_err(states);
                        Shortage::note(&mut part.shortage, plan.begin, done);
                    } else {
                        observer.keep_nothing();
                    }
                }
                worker.sources.iter_mut().for_each(|m| m.observer.keep(*keep));
                plan.perform(worker, watch)
            }
            Self::Sweep { shared, barrier, begin, end } => {
                // If this worker panics or stops, the others must not wait for it at the barrier.
                let alarm = Alarm(barrier);
                let through = sweep(worker, shared, barrier, (*begin, *end), watch);
                if through {
                    // The barrier stays intact unless the sweep was stopped or panicked.
                    std::mem::forget(alarm);
                }
                through
            }
        }
    }
}

//! The executor: takes samples through their stages on the threads of a pool.
//!
//! A single sample has all threads: its shards are partitioned among them. Each sample of a batch has one thread, and threads take
//! one sample after the other. So threads of a batch never wait for each other, and results do not depend on which thread took
//! which sample.
//!
//! A *stage* is something that all workers of a sample do together. A plain run has one stage, to follow its plan; a gradient has
//! many (see `gradient::stage`).

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use dendrion_kernels::Scalar;

use super::in_order::InOrder;
use super::partition::{Observed, gather, partition};
use super::pool::team;
use super::worker::{RunPlan, Watch, Worker};
use crate::runtime::observer::Observer;
use crate::runtime::shard::Shard;

/// What all workers of a sample do together.
pub(crate) trait Stage<T: Scalar, O: Observer<T>>: Sync {
    /// Does one worker's part. False if it ended early.
    fn perform(&self, worker: &mut Worker<T, O>, watch: Watch<'_>) -> bool;
}

impl<T: Scalar, O: Observer<T>> Stage<T, O> for RunPlan<T> {
    fn perform(&self, worker: &mut Worker<T, O>, watch: Watch<'_>) -> bool {
        worker.follow(self, Some(watch));
        worker.reached >= self.end
    }
}

/// Takes a worker through stages; false if one ended early.
fn perform<T: Scalar, O: Observer<T>>(
    worker: &mut Worker<T, O>,
    stages: &[impl Stage<T, O>],
    watch: Watch<'_>,
) -> bool {
    stages.iter().all(|stage| stage.perform(worker, &mut *watch))
}

/// How samples are treated.
pub(crate) struct Treatment<Stages, Finish> {
    /// The stages of a sample that so many workers share; may prepare the sample first.
    pub(crate) stages: Stages,
    /// What a sample leaves, given whether it went through all stages.
    pub(crate) finish: Finish,
    /// How many samples may be finished before an earlier one is.
    pub(crate) ahead: usize,
}

/// Takes samples through their stages. What each of them leaves is passed to `take`, in the order of the samples. A sample of a
/// batch is prepared by the thread that takes it, so at most one per thread is prepared at a time. `None` if a thread was lost.
pub(crate) fn execute<T: Scalar, O: Observer<T>, S: Stage<T, O>, R: Send>(
    samples: Vec<Observed<T, O>>,
    threads: usize,
    cost: impl Fn(&Shard<T>) -> usize,
    treatment: &Treatment<
        impl Fn(usize, &mut Observed<T, O>, usize) -> Vec<S> + Sync,
        impl Fn(usize, Observed<T, O>, bool) -> R + Sync,
    >,
    watch: Watch<'_>,
    mut take: impl FnMut(usize, R) + Send,
) -> Option<()> {
    if samples.len() != 1 {
        return each(samples, threads, treatment, watch, take);
    }
    let mut sample = samples.into_iter().next()?;
    let team = team(threads.min(sample.of_shards.len()));
    let stages = (treatment.stages)(0, &mut sample, team.threads());
    let workers = partition(sample, team.threads(), cost);
    let done = team.run(
        workers,
        |mut worker| (perform(&mut worker, &stages, watch), worker),
        |mut worker| (perform(&mut worker, &stages, &mut |_| ControlFlow::Continue(())), worker),
    )?;
    // Stages hold buffers of the size of the sample, which are not needed any more.
    drop(stages);
    let through = done.iter().all(|(through, _)| *through);
    let sample = gather(done.into_iter().map(|(_, worker)| worker));
    take(0, (treatment.finish)(0, sample, through));
    Some(())
}

/// Several samples, each by one thread.
fn each<T: Scalar, O: Observer<T>, S: Stage<T, O>, R: Send>(
    samples: Vec<Observed<T, O>>,
    threads: usize,
    treatment: &Treatment<
        impl Fn(usize, &mut Observed<T, O>, usize) -> Vec<S> + Sync,
        impl Fn(usize, Observed<T, O>, bool) -> R + Sync,
    >,
    watch: Watch<'_>,
    take: impl FnMut(usize, R) + Send,
) -> Option<()> {
    let count = samples.len();
    let waiting: Vec<Mutex<Option<Observed<T, O>>>> =
        samples.into_iter().map(|s| Mutex::new(Some(s))).collect();
    let results = InOrder::new(treatment.ahead, take);
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let one_after_another = |watch: Watch<'_>| loop {
        let _guard = results.guard();
        // Samples are taken in ascending order, as `InOrder` requires. The counter orders nothing else.
        let i = next.fetch_add(1, Ordering::Relaxed);
        let Some(sample) = waiting.get(i) else { return };
        let sample = sample.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut sample) = sample else { return };
        let stages = (treatment.stages)(i, &mut sample, 1);
        let mut worker = sample.into_worker();
        let mut reached = 0;
        let through = perform(&mut worker, &stages, &mut |now| {
            reached = now;
            watch(now)
        });
        drop(stages);
        let result = (treatment.finish)(i, gather(std::iter::once(worker)), through);
        results.give(i, result, &mut || {
            let _ = watch(reached);
        });
    };
    // Only the calling thread may ask the watch (it may be a Python function); the others follow its answer.
    let flow = |stop: bool| if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let first = |()| {
        one_after_another(&mut |now| {
            if watch(now).is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
            flow(stopped.load(Ordering::Relaxed))
        });
    };
    let team = team(threads.min(count));
    let all = vec![(); team.threads()];
    team.run(all, first, |()| one_after_another(&mut |_| flow(stopped.load(Ordering::Relaxed))))?;
    (results.taken() == count).then_some(())
}

//! The executor takes samples through their stages on the threads of a pool.
//!
//! A single sample uses all threads, and its shards are partitioned among them. In a batch each sample uses
//! one thread, and each thread processes one sample after another. Threads of a batch therefore never wait
//! for each other, and results do not depend on which thread processes which sample.
//!
//! A *stage* is a part of the work that all workers of a sample do together. A plain run has one stage, which
//! follows its plan. Recording and reversing a run for a gradient takes many (see `gradient::stage`).

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

/// A part of the work that all workers of a sample do together.
pub(crate) trait Stage<T: Scalar, O: Observer<T>>: Sync {
    /// Does one worker's share. Returns `false` if it ended early.
    fn perform(&self, worker: &mut Worker<T, O>, watch: Watch<'_>) -> bool;
}

impl<T: Scalar, O: Observer<T>> Stage<T, O> for RunPlan<T> {
    fn perform(&self, worker: &mut Worker<T, O>, watch: Watch<'_>) -> bool {
        worker.follow(self, Some(watch));
        worker.reached >= self.end
    }
}

/// Takes a worker through its stages. Returns `false` if one of them ended early.
fn perform<T: Scalar, O: Observer<T>>(
    worker: &mut Worker<T, O>,
    stages: &[impl Stage<T, O>],
    watch: Watch<'_>,
) -> bool {
    stages.iter().all(|stage| stage.perform(worker, &mut *watch))
}

/// The functions that process a sample.
pub(crate) struct Treatment<Stages, Finish> {
    /// Prepares a sample and returns its stages, given its index and the number of workers that share it.
    pub(crate) stages: Stages,
    /// Converts a processed sample to its result, given whether it completed all stages.
    pub(crate) finish: Finish,
    /// Number of samples that may finish before an earlier one.
    pub(crate) ahead: usize,
}

/// Takes samples through their stages and passes their results to `take`, in the order of the samples. A sample of a
/// batch is prepared by the thread that processes it, so at most one sample per thread is prepared at a time. Returns
/// `None` if a thread was lost.
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
    if team.threads() == 1 {
        // A single worker needs no partition. Runs of one step spend most of their time in this function.
        let mut worker = sample.into_worker();
        let through = perform(&mut worker, &stages, watch);
        drop(stages);
        take(0, (treatment.finish)(0, Observed::from_worker(worker), through));
        return Some(());
    }
    let workers = partition(sample, team.threads(), cost);
    // The first closure runs on the calling thread, which alone may call the watch.
    let done = team.run(
        workers,
        |mut worker| (perform(&mut worker, &stages, watch), worker),
        |mut worker| (perform(&mut worker, &stages, &mut |_| ControlFlow::Continue(())), worker),
    )?;
    // Stages hold buffers as large as the sample, so they are dropped before the result is built.
    drop(stages);
    let through = done.iter().all(|(through, _)| *through);
    let sample = gather(done.into_iter().map(|(_, worker)| worker));
    take(0, (treatment.finish)(0, sample, through));
    Some(())
}

/// Processes several samples, each on one thread.
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
        // If this thread panics, its result never arrives, and the guard releases the threads that wait for it.
        let _guard = results.guard();
        // Threads take samples in ascending order, as `InOrder` requires. No other data depend on the counter, so
        // relaxed ordering is sufficient.
        let i = next.fetch_add(1, Ordering::Relaxed);
        let Some(sample) = waiting.get(i) else { return };
        let sample = sample.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut sample) = sample else { return };
        let stages = (treatment.stages)(i, &mut sample, 1);
        let mut worker = sample.into_worker();
        // While this thread waits for earlier samples, it still calls the watch, with the last step that it reached.
        let mut reached = 0;
        let through = perform(&mut worker, &stages, &mut |now| {
            reached = now;
            watch(now)
        });
        drop(stages);
        let result = (treatment.finish)(i, Observed::from_worker(worker), through);
        results.give(i, result, &mut || {
            let _ = watch(reached);
        });
    };
    // Only the calling thread may call the watch, which may be a Python function. The other threads stop if
    // the watch returns `Break`.
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
    // Fewer results than samples mean that a thread was lost.
    (results.taken() == count).then_some(())
}

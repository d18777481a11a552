//! Samples, and the stages each of them goes through: forward, to and fro, or backward.
//!
//! One sample has all threads, which share its shards; of several each has one thread, and threads take one after the other.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dendrion_kernels::Scalar;

use super::barrier::Barrier;
use super::in_order::InOrder;
use super::partition::{gather, partition};
use super::pool::team;
use super::worker::{Alarm, RunPlan, Watch, Worker, run_worker};
use crate::gradient::{Shared, sweep};
use crate::inputs::SourceBlock;
use crate::runtime::shard::Shard;

/// Everything of a network that moves.
#[derive(Debug)]
pub(crate) struct Sample<T: Scalar> {
    pub(crate) shards: Vec<Shard<T>>,
    pub(crate) source_blocks: Vec<SourceBlock>,
}

/// What all workers of a sample do together.
#[derive(Debug)]
pub(crate) enum Stage<'c, T: Scalar> {
    /// Puts the state on a pile.
    Save,
    /// Takes one from it.
    Restore,
    /// Runs steps, and keeps them where that is said.
    Run(Box<RunPlan<T>>, bool),
    /// Reverses steps.
    Sweep { shared: Arc<Shared<'c, T>>, barrier: Arc<Barrier>, begin: u64, end: u64 },
}

/// Goes through the stages; false where one ended early.
fn perform<T: Scalar>(mut worker: Worker<T>, stages: &[Stage<'_, T>], watch: Watch<'_>) -> (Worker<T>, bool) {
    for stage in stages {
        match stage {
            Stage::Save => {
                worker.shards.iter_mut().for_each(|(_, s)| s.save());
                worker.source_blocks.iter_mut().for_each(|(_, c)| c.save());
            }
            Stage::Restore => {
                worker.shards.iter_mut().for_each(|(_, s)| s.restore());
                worker.source_blocks.iter_mut().for_each(|(_, c)| c.restore());
            }
            Stage::Run(plan, track) => {
                for (_, shard) in &mut worker.shards {
                    if *track {
                        shard.track(plan.begin, plan.end, plan.epoch);
                    } else {
                        shard.untrack();
                    }
                }
                worker.source_blocks.iter_mut().for_each(|(_, c)| c.kept = track.then(Vec::new));
                let reached;
                (worker, reached) = run_worker(worker, plan, Some(watch));
                if reached < plan.end {
                    return (worker, false);
                }
            }
            Stage::Sweep { shared, barrier, begin, end } => {
                let alarm = Alarm(barrier);
                if !sweep(&mut worker, shared, barrier, (*begin, *end), watch) {
                    return (worker, false);
                }
                std::mem::forget(alarm);
            }
        }
    }
    (worker, true)
}

/// What is done with each sample.
pub(crate) struct Parts<Stages, Finish> {
    /// The stages of a sample that so many threads share, which may prepare the sample first.
    pub(crate) stages: Stages,
    /// What a sample leaves, given whether it went through all stages.
    pub(crate) finish: Finish,
    /// How many samples may be finished before an earlier one is.
    pub(crate) ahead: usize,
}

/// Leads samples through their stages. What each of them leaves is passed to `take`, in the order of the samples. Of a batch,
/// each thread prepares a sample when it begins it, so no more samples are prepared at a time than there are threads. `None`
/// where a thread was lost.
pub(crate) fn execute<'c, T: Scalar, R: Send>(
    samples: Vec<Sample<T>>,
    threads: usize,
    cost: impl Fn(&Shard<T>) -> usize,
    parts: &Parts<
        impl Fn(usize, &mut Sample<T>, usize) -> Vec<Stage<'c, T>> + Sync,
        impl Fn(usize, Sample<T>, bool) -> R + Sync,
    >,
    watch: Watch<'_>,
    mut take: impl FnMut(usize, R) + Send,
) -> Option<()> {
    if samples.len() != 1 {
        return each(samples, threads, parts, watch, take);
    }
    let mut sample = samples.into_iter().next()?;
    let team = team(threads.min(sample.shards.len()));
    let stages = (parts.stages)(0, &mut sample, team.threads());
    let workers = partition(sample.shards, sample.source_blocks, team.threads(), cost);
    let done = team.run(
        workers,
        |worker| perform(worker, &stages, watch),
        |worker| perform(worker, &stages, &mut |_| ControlFlow::Continue(())),
    )?;
    drop(stages);
    let through = done.iter().all(|(_, through)| *through);
    let (shards, source_blocks) = gather(done.into_iter().map(|(worker, _)| worker));
    take(0, (parts.finish)(0, Sample { shards, source_blocks }, through));
    Some(())
}

/// Several samples, each by one thread.
fn each<'c, T: Scalar, R: Send>(
    samples: Vec<Sample<T>>,
    threads: usize,
    parts: &Parts<
        impl Fn(usize, &mut Sample<T>, usize) -> Vec<Stage<'c, T>> + Sync,
        impl Fn(usize, Sample<T>, bool) -> R + Sync,
    >,
    watch: Watch<'_>,
    take: impl FnMut(usize, R) + Send,
) -> Option<()> {
    let count = samples.len();
    let waiting: Vec<Mutex<Option<Sample<T>>>> = samples.into_iter().map(|s| Mutex::new(Some(s))).collect();
    let results = InOrder::new(parts.ahead, take);
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let one_after_another = |watch: Watch<'_>| loop {
        let _guard = results.guard();
        let i = next.fetch_add(1, Ordering::Relaxed);
        let Some(sample) = waiting.get(i) else { return };
        let sample = sample.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut sample) = sample else { return };
        let stages = (parts.stages)(i, &mut sample, 1);
        let Sample { shards, source_blocks } = sample;
        let worker = Worker::new(
            shards.into_iter().enumerate().collect(),
            source_blocks.into_iter().enumerate().collect(),
        );
        let mut reached = 0;
        let (worker, through) = perform(worker, &stages, &mut |now| {
            reached = now;
            watch(now)
        });
        drop(stages);
        let (shards, source_blocks) = gather(std::iter::once(worker));
        let result = (parts.finish)(i, Sample { shards, source_blocks }, through);
        results.give(i, result, &mut || {
            let _ = watch(reached);
        });
    };
    let heed =
        |_| if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let first = |()| {
        one_after_another(&mut |now| {
            let flow = watch(now);
            if flow.is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
            if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { flow }
        });
    };
    let team = team(threads.min(count));
    let each = vec![(); team.threads()];
    team.run(each, first, |()| one_after_another(&mut |now| heed(now)))?;
    (results.taken() == count).then_some(())
}

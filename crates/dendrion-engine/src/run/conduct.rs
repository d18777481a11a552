//! Samples, and the stages each of them goes through: forward, to and fro, or backward.
//!
//! One sample has all threads, which share its shards; of several each has one thread, and threads take one after the other.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dendrion_lanes::Scalar;

use super::barrier::Barrier;
use super::crew::{Alarm, Course, Crew, Watch, work};
use super::deal::{deal, gather};
use super::pool::Pool;
use crate::generate::Chunk;
use crate::gradient::{Shared, unwind};
use crate::shard::Shard;

/// Everything of a network that moves.
#[derive(Debug)]
pub(crate) struct Sample<T: Scalar> {
    pub(crate) shards: Vec<Shard<T>>,
    pub(crate) chunks: Vec<Chunk>,
}

/// What all crews of a sample do together.
#[derive(Debug)]
pub(crate) enum Stage<'c, T: Scalar> {
    /// Puts the state on a pile.
    Save,
    /// Takes one from it.
    Restore,
    /// Runs steps, and keeps them where that is said.
    Run(Box<Course<T>>, bool),
    /// Reverses steps.
    Unwind { shared: Arc<Shared<'c, T>>, barrier: Arc<Barrier>, begin: u64, end: u64 },
}

/// Goes through the stages; false where one ended early.
fn perform<T: Scalar>(mut crew: Crew<T>, stages: &[Stage<'_, T>], watch: Watch<'_>) -> (Crew<T>, bool) {
    for stage in stages {
        match stage {
            Stage::Save => {
                crew.shards.iter_mut().for_each(|(_, s)| s.save());
                crew.chunks.iter_mut().for_each(|(_, c)| c.save());
            }
            Stage::Restore => {
                crew.shards.iter_mut().for_each(|(_, s)| s.restore());
                crew.chunks.iter_mut().for_each(|(_, c)| c.restore());
            }
            Stage::Run(course, track) => {
                for (_, shard) in &mut crew.shards {
                    if *track {
                        shard.track(course.begin, course.end, course.epoch);
                    } else {
                        shard.untrack();
                    }
                }
                crew.chunks.iter_mut().for_each(|(_, c)| c.kept = track.then(Vec::new));
                let reached;
                (crew, reached) = work(crew, course, Some(watch));
                if reached < course.end {
                    return (crew, false);
                }
            }
            Stage::Unwind { shared, barrier, begin, end } => {
                let alarm = Alarm(barrier);
                if !unwind(&mut crew, shared, barrier, (*begin, *end), watch) {
                    return (crew, false);
                }
                std::mem::forget(alarm);
            }
        }
    }
    (crew, true)
}

/// Leads samples through their stages, and each to its end by `finish`, which is told whether it got through. Answers come
/// in the order of the samples; `None` where a thread was lost.
pub(crate) fn conduct<'c, T: Scalar, R: Send>(
    samples: Vec<Sample<T>>,
    (pool, threads): (&Pool, usize),
    cost: impl Fn(&Shard<T>) -> usize,
    stages: impl Fn(usize, usize) -> Vec<Stage<'c, T>> + Sync,
    watch: Watch<'_>,
    finish: impl Fn(usize, Sample<T>, bool) -> R + Sync,
) -> Option<Vec<R>> {
    if samples.len() != 1 {
        return each(samples, (pool, threads), &stages, watch, &finish);
    }
    let sample = samples.into_iter().next()?;
    let team = pool.team(threads.min(sample.shards.len()));
    let stages = stages(0, team.threads());
    let crews = deal(sample.shards, sample.chunks, team.threads(), cost);
    let done = team.run(
        crews,
        |crew| perform(crew, &stages, watch),
        |crew| perform(crew, &stages, &mut |_| ControlFlow::Continue(())),
    )?;
    let through = done.iter().all(|(_, through)| *through);
    let (shards, chunks) = gather(done.into_iter().map(|(crew, _)| crew));
    Some(vec![finish(0, Sample { shards, chunks }, through)])
}

/// Several samples, each by one thread.
fn each<'c, T: Scalar, R: Send>(
    samples: Vec<Sample<T>>,
    (pool, threads): (&Pool, usize),
    stages: &(impl Fn(usize, usize) -> Vec<Stage<'c, T>> + Sync),
    watch: Watch<'_>,
    finish: &(impl Fn(usize, Sample<T>, bool) -> R + Sync),
) -> Option<Vec<R>> {
    let count = samples.len();
    let waiting: Vec<Mutex<Option<Sample<T>>>> = samples.into_iter().map(|s| Mutex::new(Some(s))).collect();
    let answers: Vec<Mutex<Option<R>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let one_after_another = |watch: Watch<'_>| loop {
        let i = next.fetch_add(1, Ordering::Relaxed);
        let Some(sample) = waiting.get(i) else { return };
        let sample = sample.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Sample { shards, chunks }) = sample else { return };
        let crew =
            Crew::new(shards.into_iter().enumerate().collect(), chunks.into_iter().enumerate().collect());
        let (crew, through) = perform(crew, &stages(i, 1), watch);
        let (shards, chunks) = gather(std::iter::once(crew));
        let answer = finish(i, Sample { shards, chunks }, through);
        *answers[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
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
    let team = pool.team(threads.min(count));
    let each = vec![(); team.threads()];
    team.run(each, first, |()| one_after_another(&mut |now| heed(now)))?;
    answers.into_iter().map(|a| a.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

//! One thread's part of a run.
//!
//! An epoch is at most the shortest delay between neurons, so nothing that happens in it can reach another block before
//! its end. In epoch k a thread delivers the spikes that neurons sent in epoch k-1 and generators send in epoch k, runs its
//! blocks, leaves their spikes and those its generators will send in epoch k+1 on the board, and meets the others. Where
//! nothing is connected, threads meet now and then only, to stop together.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dendrion_kernels::Scalar;

use super::barrier::Barrier;
use super::board::Board;
use crate::generate::{Chunk, Current, StandIns};
use crate::population::Engine;
use crate::shard::{Sent, Shard, View};
use crate::spikes::Spikes;

/// Where a projection's spikes are on the board.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Shards of a population.
    Shards(std::ops::Range<usize>),
    /// Chunks of the generator of that number.
    Chunks(usize, std::ops::Range<usize>),
}

/// What all threads of a run share.
#[derive(Debug)]
pub(crate) struct Course<T: Scalar> {
    pub(crate) engines: Vec<Arc<Engine<T>>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    /// For each projection.
    pub(crate) routes: Arc<Vec<Route>>,
    /// What stands in for generators, by index.
    pub(crate) given: StandIns<T>,
    pub(crate) board: Arc<Board>,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Steps of an epoch.
    pub(crate) epoch: u64,
    /// Epochs from one meeting of the threads to the next: where nothing is connected they meet only to stop together.
    pub(crate) meeting: u64,
    /// Of all that the threads do together: where one breaks off, none waits any more.
    pub(crate) barrier: Arc<Barrier>,
    /// The last epoch to run, where something ends the run early.
    pub(crate) last: AtomicU64,
}

impl<T: Scalar> Course<T> {
    /// Whether threads meet at the end of an epoch, which is at step `next`.
    const fn meets(&self, epoch: u64, next: u64) -> bool {
        epoch.is_multiple_of(self.meeting) || next >= self.end
    }
}

/// What one thread owns during a run; numbers are places on the board.
#[derive(Debug)]
pub(crate) struct Crew<T: Scalar> {
    pub(crate) shards: Vec<(usize, Shard<T>)>,
    pub(crate) chunks: Vec<(usize, Chunk)>,
    spare: Spikes,
}

/// Called between epochs with the steps done.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

impl<T: Scalar> Crew<T> {
    pub(crate) fn new(shards: Vec<(usize, Shard<T>)>, chunks: Vec<(usize, Chunk)>) -> Self {
        Self { shards, chunks, spare: Spikes::default() }
    }

    fn generate(&mut self, course: &Course<T>, epoch: u64, begin: u64) {
        let steps = course.epoch.min(course.end - begin) as usize;
        for (place, chunk) in &mut self.chunks {
            chunk.generate(begin, steps, &mut self.spare);
            course.board.put_chunk(epoch, *place, &mut self.spare);
        }
    }

    fn run(&mut self, course: &Course<T>, epoch: u64, begin: u64, steps: usize) {
        for (place, shard) in &mut self.shards {
            let engine = &course.engines[shard.population];
            let view = View { engine, currents: &course.currents, given: &course.given };
            shard.run(&view, begin, steps);
            if shard.fault.is_some() {
                course.last.fetch_min(epoch, Ordering::AcqRel);
            }
            course.board.put_shard(epoch, *place, &mut shard.spikes);
        }
    }

    /// Delivers what generators send in the epoch that begins at `begin`, and what stands in for them.
    fn deliver_generated(&mut self, course: &Course<T>, epoch: u64, begin: u64) {
        if course.routes.is_empty() {
            return;
        }
        let guards = course.board.chunks(epoch);
        let spikes: Vec<&Spikes> = guards.iter().map(|g| &**g).collect();
        let steps = course.epoch.min(course.end.saturating_sub(begin)) as usize;
        if spikes.iter().all(|s| s.is_empty()) && course.given.iter().all(Option::is_none) {
            return;
        }
        self.deliver(begin, steps, |projection| match &course.routes[projection] {
            Route::Chunks(generator, range) => Some(match course.given.get(*generator) {
                Some(Some(given)) => Sent::Given(given),
                _ => Sent::Spikes(&spikes[range.clone()]),
            }),
            Route::Shards(_) => None,
        });
    }

    /// Delivers what neurons sent in the epoch that began at `begin`.
    fn deliver_fired(&mut self, course: &Course<T>, epoch: u64, begin: u64) {
        if course.routes.is_empty() {
            return;
        }
        let guards = course.board.shards(epoch);
        let spikes: Vec<&Spikes> = guards.iter().map(|g| &**g).collect();
        if spikes.iter().all(|s| s.is_empty()) {
            return;
        }
        let steps = spikes.iter().map(|s| s.steps()).max().unwrap_or(0);
        self.deliver(begin, steps, |projection| match &course.routes[projection] {
            Route::Shards(range) => Some(Sent::Spikes(&spikes[range.clone()])),
            Route::Chunks(..) => None,
        });
    }

    fn deliver<'a>(&mut self, begin: u64, steps: usize, from: impl Fn(usize) -> Option<Sent<'a, T>>) {
        for (_, shard) in &mut self.shards {
            shard.deliver(begin, steps, &from);
        }
    }
}

/// Runs one thread's crew through the course; returns it with the step reached. `watch` is the calling thread's.
pub(crate) fn work<T: Scalar>(
    mut crew: Crew<T>,
    course: &Course<T>,
    mut watch: Option<Watch<'_>>,
) -> (Crew<T>, u64) {
    let alarm = Alarm(&course.barrier);
    // Sides of the board alternate; "the epoch before the first" shares its side with the second.
    let (mut epoch, mut begin) = (1, course.begin);
    crew.generate(course, epoch - 1, begin);
    let mut going = course.barrier.wait();
    while going {
        let steps = course.epoch.min(course.end - begin);
        crew.deliver_generated(course, epoch - 1, begin);
        crew.run(course, epoch, begin, steps as usize);
        let next = begin + steps;
        if next < course.end {
            crew.generate(course, epoch, next);
        }
        if watch.as_mut().is_some_and(|watch| watch(next).is_break()) {
            course.last.fetch_min(epoch, Ordering::AcqRel);
        }
        let meets = course.meets(epoch, next);
        going = !meets || course.barrier.wait();
        crew.deliver_fired(course, epoch, begin);
        crew.shards.iter_mut().for_each(|(_, shard)| shard.learn(next));
        begin = next;
        let stopped = meets && course.last.load(Ordering::Acquire) <= epoch;
        if stopped && begin < course.end && going && course.given.is_empty() {
            // These are sent already; generators will not send them again.
            crew.deliver_generated(course, epoch, begin);
        }
        going &= begin < course.end && !stopped;
        epoch += 1;
    }
    std::mem::forget(alarm);
    (crew, begin)
}

/// Frees the other threads where this one unwinds.
pub(super) struct Alarm<'a>(pub(super) &'a Barrier);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

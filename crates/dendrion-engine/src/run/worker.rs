//! One thread's part of a run.
//!
//! An epoch is at most the shortest delay between neurons, so nothing that happens in it can reach another block before
//! its end. In epoch k a thread delivers the spikes that neurons sent in epoch k-1 and generators send in epoch k, runs its
//! blocks, leaves their spikes and those its generators will send in epoch k+1 on the exchange, and meets the others. Where
//! nothing is connected, threads meet now and then only, to stop together.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dendrion_kernels::Scalar;

use super::barrier::Barrier;
use super::exchange::SpikeExchange;
use crate::inputs::{Current, SourceBlock, StandIns};
use crate::runtime::population::Engine;
use crate::runtime::shard::{Sent, Shard, View};
use crate::runtime::spikes::Spikes;

/// Where a projection's spikes are on the exchange.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Shards of a population.
    Shards(std::ops::Range<usize>),
    /// Sources of the generator of that number.
    Sources(usize, std::ops::Range<usize>),
}

/// What all threads of a run share.
#[derive(Debug)]
pub(crate) struct RunPlan<T: Scalar> {
    pub(crate) engines: Vec<Arc<Engine<T>>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    /// For each projection.
    pub(crate) routes: Arc<Vec<Route>>,
    /// What stands in for generators, by index.
    pub(crate) given: StandIns<T>,
    pub(crate) exchange: Arc<SpikeExchange>,
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

impl<T: Scalar> RunPlan<T> {
    /// Whether threads meet at the end of an epoch, which is at step `next`.
    const fn meets(&self, epoch: u64, next: u64) -> bool {
        epoch.is_multiple_of(self.meeting) || next >= self.end
    }
}

/// What one thread owns during a run; numbers are places on the exchange.
#[derive(Debug)]
pub(crate) struct Worker<T: Scalar> {
    pub(crate) shards: Vec<(usize, Shard<T>)>,
    pub(crate) source_blocks: Vec<(usize, SourceBlock)>,
    spare: Spikes,
}

/// Called between epochs with the steps done.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

impl<T: Scalar> Worker<T> {
    pub(crate) fn new(shards: Vec<(usize, Shard<T>)>, source_blocks: Vec<(usize, SourceBlock)>) -> Self {
        Self { shards, source_blocks, spare: Spikes::default() }
    }

    fn generate(&mut self, plan: &RunPlan<T>, epoch: u64, begin: u64) {
        let steps = plan.epoch.min(plan.end - begin) as usize;
        for (place, source_block) in &mut self.source_blocks {
            source_block.generate(begin, steps, &mut self.spare);
            plan.exchange.put_source_block(epoch, *place, &mut self.spare);
        }
    }

    fn run(&mut self, plan: &RunPlan<T>, epoch: u64, begin: u64, steps: usize) {
        for (place, shard) in &mut self.shards {
            let engine = &plan.engines[shard.population];
            let view = View { engine, currents: &plan.currents, given: &plan.given };
            shard.run(&view, begin, steps);
            if shard.fault.is_some() {
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            plan.exchange.put_shard(epoch, *place, &mut shard.spikes);
        }
    }

    /// Delivers what generators send in the epoch that begins at `begin`, and what stands in for them.
    fn deliver_generated(&mut self, plan: &RunPlan<T>, epoch: u64, begin: u64) {
        if plan.routes.is_empty() {
            return;
        }
        let guards = plan.exchange.source_blocks(epoch);
        let spikes: Vec<&Spikes> = guards.iter().map(|g| &**g).collect();
        let steps = plan.epoch.min(plan.end.saturating_sub(begin)) as usize;
        if spikes.iter().all(|s| s.is_empty()) && plan.given.iter().all(Option::is_none) {
            return;
        }
        self.deliver(begin, steps, |projection| match &plan.routes[projection] {
            Route::Sources(generator, range) => Some(match plan.given.get(*generator) {
                Some(Some(given)) => Sent::Given(given),
                _ => Sent::Spikes(&spikes[range.clone()]),
            }),
            Route::Shards(_) => None,
        });
    }

    /// Delivers what neurons sent in the epoch that began at `begin`.
    fn deliver_spikes(&mut self, plan: &RunPlan<T>, epoch: u64, begin: u64) {
        if plan.routes.is_empty() {
            return;
        }
        let guards = plan.exchange.shards(epoch);
        let spikes: Vec<&Spikes> = guards.iter().map(|g| &**g).collect();
        if spikes.iter().all(|s| s.is_empty()) {
            return;
        }
        let steps = spikes.iter().map(|s| s.steps()).max().unwrap_or(0);
        self.deliver(begin, steps, |projection| match &plan.routes[projection] {
            Route::Shards(range) => Some(Sent::Spikes(&spikes[range.clone()])),
            Route::Sources(..) => None,
        });
    }

    fn deliver<'a>(&mut self, begin: u64, steps: usize, from: impl Fn(usize) -> Option<Sent<'a, T>>) {
        for (_, shard) in &mut self.shards {
            shard.deliver(begin, steps, &from);
        }
    }
}

/// Takes one worker through a run; returns it with the step reached. `watch` is the calling thread's.
pub(crate) fn run_worker<T: Scalar>(
    mut worker: Worker<T>,
    plan: &RunPlan<T>,
    mut watch: Option<Watch<'_>>,
) -> (Worker<T>, u64) {
    let alarm = Alarm(&plan.barrier);
    // Sides of the exchange alternate; "the epoch before the first" shares its side with the second.
    let (mut epoch, mut begin) = (1, plan.begin);
    worker.generate(plan, epoch - 1, begin);
    let mut going = plan.barrier.wait();
    while going {
        let steps = plan.epoch.min(plan.end - begin);
        worker.deliver_generated(plan, epoch - 1, begin);
        worker.run(plan, epoch, begin, steps as usize);
        let next = begin + steps;
        if next < plan.end {
            worker.generate(plan, epoch, next);
        }
        if watch.as_mut().is_some_and(|watch| watch(next).is_break()) {
            plan.last.fetch_min(epoch, Ordering::AcqRel);
        }
        let meets = plan.meets(epoch, next);
        going = !meets || plan.barrier.wait();
        worker.deliver_spikes(plan, epoch, begin);
        worker.shards.iter_mut().for_each(|(_, shard)| shard.learn(next));
        begin = next;
        let stopped = meets && plan.last.load(Ordering::Acquire) <= epoch;
        if stopped && begin < plan.end && going && plan.given.is_empty() {
            // These are sent already; generators will not send them again.
            worker.deliver_generated(plan, epoch, begin);
        }
        going &= begin < plan.end && !stopped;
        epoch += 1;
    }
    std::mem::forget(alarm);
    (worker, begin)
}

/// Frees the other threads where this one unwinds.
pub(super) struct Alarm<'a>(pub(super) &'a Barrier);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

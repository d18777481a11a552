//! One thread's part of a run.
//!
//! An epoch is at most the shortest delay between neurons, so no spike of an epoch reaches another neuron before the epoch ends.
//! Within an epoch, therefore, each block runs all its steps at once, and threads need each other only between epochs (the
//! scheme of Morrison et al. 2005). In epoch k, each worker
//!
//! ```text
//! delivers the spikes that generators send in epoch k      (they were left in the exchange during epoch k - 1)
//! runs its blocks, and leaves their spikes in the exchange
//! generates the spikes of its source blocks for epoch k + 1, and leaves them in the exchange
//! waits for the other workers
//! delivers the spikes that neurons sent in epoch k
//! decides the weights that can be decided                  (plasticity)
//! ```
//!
//! One wait per epoch is enough because the exchange has two sides: epoch k + 1 writes to the side that nobody reads in
//! epoch k. If nothing is connected, workers wait for each other only now and then, so that they can stop together.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dendrion_kernels::Scalar;

use super::barrier::Barrier;
use super::exchange::{Route, SpikeExchange};
use super::pace::Pace;
use crate::inputs::{Current, SourceBlock, StandIns};
use crate::runtime::delivery::Sent;
use crate::runtime::input_ports::View;
use crate::runtime::observer::{Observer, SourceObserver};
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// What all threads of a run share.
#[derive(Debug)]
pub(crate) struct RunPlan<T: Scalar> {
    pub(crate) engines: Vec<Arc<Engine<T>>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    /// For each projection.
    pub(crate) routes: Arc<Vec<Route>>,
    /// Values given in place of what generators would send, by generator.
    pub(crate) given: StandIns<T>,
    pub(crate) exchange: Arc<SpikeExchange>,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Steps of an epoch, at most.
    pub(crate) epoch: u64,
    /// Steps of each of them.
    pub(crate) pace: Arc<Pace>,
    /// Epochs from one meeting of the threads to the next; more than one if nothing is connected.
    pub(crate) meeting: u64,
    /// Shared by everything that the threads do together: if one panics, none waits any longer.
    pub(crate) barrier: Arc<Barrier>,
    /// The last epoch to run, if a watch or a fault ends the run early.
    pub(crate) last: AtomicU64,
}

impl<T: Scalar> RunPlan<T> {
    /// Whether threads meet at the end of an epoch, which is at step `next`.
    const fn meets(&self, epoch: u64, next: u64) -> bool {
        epoch.is_multiple_of(self.meeting) || next >= self.end
    }
}

/// A shard or a source block that a worker owns.
#[derive(Debug)]
pub(crate) struct Member<P, O> {
    /// Its place in the spike exchange.
    pub(crate) place: usize,
    pub(crate) part: P,
    pub(crate) observer: O,
}

/// What one thread owns during a run.
#[derive(Debug)]
pub(crate) struct Worker<T: Scalar, O: Observer<T>> {
    pub(crate) shards: Vec<Member<Shard<T>, O::Shard>>,
    pub(crate) sources: Vec<Member<SourceBlock, O::Sources>>,
    /// The step that the last run reached.
    pub(crate) reached: u64,
    /// Memory that goes round with the exchange.
    spare: Spikes,
}

/// Called between epochs with the step reached. It stops the run by `Break`.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

impl<T: Scalar, O: Observer<T>> Worker<T, O> {
    pub(crate) fn new(
        shards: Vec<Member<Shard<T>, O::Shard>>,
        sources: Vec<Member<SourceBlock, O::Sources>>,
    ) -> Self {
        Self { shards, sources, reached: 0, spare: Spikes::default() }
    }

    /// Sends what generators send in the epoch of `length` steps that begins at `begin`.
    fn generate(&mut self, plan: &RunPlan<T>, epoch: u64, (begin, length): (u64, u64)) {
        let steps = length.min(plan.end - begin) as usize;
        for Member { place, part, observer } in &mut self.sources {
            part.generate(begin, steps, &mut self.spare);
            observer.spikes(begin, &self.spare);
            plan.exchange.put_source_block(epoch, *place, &mut self.spare);
        }
    }

    fn run(&mut self, plan: &RunPlan<T>, epoch: u64, begin: u64, steps: usize) {
        for Member { place, part: shard, observer } in &mut self.shards {
            let engine = &plan.engines[shard.place.population];
            let view = View { engine, currents: &plan.currents, given: &plan.given };
            shard.run(&view, begin, steps, observer);
            if shard.fault.is_some() {
                // The others stop after this epoch too.
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            plan.exchange.put_shard(epoch, *place, &mut shard.output.spikes);
        }
    }

    /// Delivers what generators send in the epoch of `length` steps that begins at `begin`, and values given in their place.
    fn deliver_generated(&mut self, plan: &RunPlan<T>, epoch: u64, (begin, length): (u64, u64)) {
        if plan.routes.is_empty() {
            return;
        }
        let guards = plan.exchange.source_blocks(epoch);
        let spikes: Vec<&Spikes> = guards.iter().map(|g| &**g).collect();
        let steps = length.min(plan.end.saturating_sub(begin)) as usize;
        // Most epochs of sparse networks are silent; visiting every projection would cost more than the steps.
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
        // The steps of that epoch; the last one of a run is shorter.
        let steps = spikes.iter().map(|s| s.steps()).max().unwrap_or(0);
        self.deliver(begin, steps, |projection| match &plan.routes[projection] {
            Route::Shards(range) => Some(Sent::Spikes(&spikes[range.clone()])),
            Route::Sources(..) => None,
        });
    }

    fn deliver<'a>(&mut self, begin: u64, steps: usize, from: impl Fn(usize) -> Option<Sent<'a, T>>) {
        for member in &mut self.shards {
            member.part.delivery.deliver(begin, steps, &from);
        }
    }

    /// Runs from the beginning of the plan to its end, or to the end of the epoch in which a watch or a fault ends the run. `watch` is
    /// given to one worker only.
    pub(crate) fn follow(&mut self, plan: &RunPlan<T>, mut watch: Option<Watch<'_>>) {
        let alarm = Alarm(&plan.barrier);
        // Epochs count from 1, so that the spikes of generators for the first epoch can be left "in epoch 0".
        let (mut epoch, mut begin) = (1, plan.begin);
        // Of this epoch and the next.
        let mut lengths = [plan.pace.get(0); 2];
        self.generate(plan, epoch - 1, (begin, lengths[0]));
        let mut going = plan.barrier.wait();
        while going {
            let (clock, steps) = (Instant::now(), lengths[0].min(plan.end - begin));
            self.deliver_generated(plan, epoch - 1, (begin, steps));
            self.run(plan, epoch, begin, steps as usize);
            let next = begin + steps;
            // Before the barrier, so that all find these spikes after it.
            if next < plan.end {
                self.generate(plan, epoch, (next, lengths[1]));
            }
            if watch.as_mut().is_some_and(|watch| watch(next).is_break()) {
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            let (meets, meeting) = (plan.meets(epoch, next), epoch / plan.meeting);
            if watch.is_some() && meets {
                plan.pace.set(meeting, steps, clock.elapsed());
            }
            going = !meets || plan.barrier.wait();
            lengths = [lengths[1], if meets { plan.pace.get(meeting) } else { lengths[1] }];
            // After the barrier: now all have left the spikes of this epoch.
            self.deliver_spikes(plan, epoch, begin);
            for Member { part, .. } in &mut self.shards {
                part.delivery.learn(next, part.place.lanes_of_all());
            }
            begin = next;
            // All workers decide alike: a worker that is ahead can only have written the number of a later epoch.
            let stopped = meets && plan.last.load(Ordering::Acquire) <= epoch;
            if stopped && begin < plan.end && going && plan.given.is_empty() {
                // The spikes of the next epoch are sent already, and generators do not send them again in the next run.
                self.deliver_generated(plan, epoch, (begin, lengths[0]));
            }
            going &= begin < plan.end && !stopped;
            epoch += 1;
        }
        // Nothing panicked.
        std::mem::forget(alarm);
        self.reached = begin;
    }
}

/// Releases the other threads from the barrier if this one panics.
pub(crate) struct Alarm<'a>(pub(crate) &'a Barrier);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

//! One thread's share of a run.
//!
//! An epoch is at most as long as the shortest delay between neurons, so no spike reaches another neuron
//! within the epoch in which it is sent. Each block can therefore run all steps of an epoch without
//! interruption, and threads synchronize only between epochs (the scheme of Morrison et al. 2005). In epoch
//! k, each worker
//!
//! ```text
//! for each of its shards:
//!     delivers the spikes that neurons sent in epoch k - 1
//!     decides the weights that can be decided                  (plasticity)
//!     delivers the spikes that generators send in epoch k      (they were left in the exchange during epoch k - 1)
//!     runs the blocks
//! leaves the spikes of its shards in the exchange
//! generates the spikes of its source blocks for epoch k + 1, and leaves them in the exchange
//! waits for the other workers
//! ```
//!
//! The inputs of a shard are delivered immediately before its blocks read them, so they are still in the cache. After
//! the last epoch of a run, the spikes of neurons are delivered too.
//!
//! One wait per epoch is sufficient because the exchange has two sides: epoch k + 1 writes to the side that is not
//! read in epoch k. If there are no connections, workers wait for each other only once every few epochs, so that they
//! stop at the same step.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use dendrion_kernels::Scalar;

use super::barrier::Barrier;
use super::exchange::{Route, SpikeExchange};
use super::mail::Mail;
use super::member::Member;
use super::pace::Pace;
use crate::cable::{self, Sources};
use crate::inputs::{Current, SourceBlock, StandIns};
use crate::refused::Shortage;
use crate::runtime::input_ports::View;
use crate::runtime::observer::{Observer, SourceObserver};
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;
use crate::runtime::spikes::Spikes;

/// The data that all threads of a run share.
#[derive(Debug)]
pub(crate) struct RunPlan<T: Scalar> {
    pub(crate) engines: Vec<Arc<Engine<T>>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    /// The places of each projection's spikes in the exchange.
    pub(crate) routes: Arc<Vec<Route>>,
    /// Values that replace the output of generators, by generator.
    pub(crate) given: StandIns<T>,
    pub(crate) exchange: Arc<SpikeExchange>,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Maximum number of steps in an epoch.
    pub(crate) epoch: u64,
    /// The length of each epoch.
    pub(crate) pace: Arc<Pace>,
    /// Number of epochs between two barriers. It exceeds 1 only if there are no connections.
    pub(crate) meeting: u64,
    /// Shared by all stages of a run: if one thread panics, the other threads stop waiting.
    pub(crate) barrier: Arc<Barrier>,
    /// The last epoch to run if a watch or a fault ends the run early.
    pub(crate) last: AtomicU64,
    /// Whether threads that generate spikes should stop, because the watch returned `Break` while its thread was waiting
    /// for them.
    pub(crate) hurry: AtomicBool,
}

/// The parts that all plans of a sample share.
#[derive(Debug)]
pub(crate) struct Shared<T: Scalar> {
    pub(crate) given: StandIns<T>,
    pub(crate) exchange: Arc<SpikeExchange>,
    pub(crate) barrier: Arc<Barrier>,
    /// The length of all epochs, if it is fixed.
    pub(crate) fixed: Option<(u64, Arc<Pace>)>,
}

impl<T: Scalar> RunPlan<T> {
    /// Returns whether threads synchronize at the end of an epoch, which is at step `next`.
    const fn meets(&self, epoch: u64, next: u64) -> bool {
        epoch.is_multiple_of(self.meeting) || next >= self.end
    }
}

/// The shards and source blocks that one thread owns during a run.
#[derive(Debug)]
pub(crate) struct Worker<T: Scalar, O: Observer<T>> {
    pub(crate) shards: Vec<Member<Shard<T>, O::Shard>>,
    pub(crate) sources: Vec<Member<SourceBlock, O::Sources>>,
    /// The step that the last run reached.
    pub(crate) reached: u64,
    /// A buffer that is swapped with those of the exchange.
    spare: Spikes,
}

/// A function that is called with the step reached: between epochs, and while the spikes of many sources are generated.
/// It stops the run by returning `Break`.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

impl<T: Scalar, O: Observer<T>> Worker<T, O> {
    pub(crate) fn new(
        shards: Vec<Member<Shard<T>, O::Shard>>,
        sources: Vec<Member<SourceBlock, O::Sources>>,
        reached: u64,
    ) -> Self {
        let mut shards = shards;
        // The shards of a cluster are advanced together.
        shards.sort_by_key(|member| (member.part.place.cluster, member.place));
        Self { shards, sources, reached, spare: Spikes::default() }
    }

    /// Generates the spikes of the epoch of `length` steps that begins at `begin`, and stores them in the exchange. If the
    /// next barrier ends the run (`meets`), the watch may stop this; all threads then stop after epoch `epoch`, and a
    /// later run generates the other spikes.
    fn generate(
        &mut self,
        plan: &RunPlan<T>,
        (epoch, meets): (u64, bool),
        (begin, length): (u64, u64),
        watch: &mut Option<Watch<'_>>,
    ) {
        let steps = length.min(plan.end - begin) as usize;
        // Source blocks that were stopped and those that were not differ by one step at most. This does not matter for a
        // run that cannot continue.
        let can_stop = plan.pace.is_fixed() || meets && steps == 1;
        let mut goes_on = || {
            if !can_stop {
                return true;
            }
            if plan.last.load(Ordering::Acquire) <= epoch {
                return false;
            }
            let is_over = plan.hurry.load(Ordering::Acquire);
            if is_over || watch.as_mut().is_some_and(|watch| watch(begin).is_break()) {
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            plan.last.load(Ordering::Acquire) > epoch
        };
        let (end, mut has_begun) = (begin + steps as u64, false);
        for Member { place, part, observer } in &mut self.sources {
            // Each thread makes progress, so that a run that is stopped again and again ends.
            if has_begun && part.shortage.is_none() && !goes_on() {
                part.arrive(begin, end);
                self.spare.clear();
            } else if part.shortage.is_none() {
                has_begun |= part.is_behind(end);
                let sent = part.generate(begin, steps, &mut self.spare, &mut goes_on);
                let kept = sent.and_then(|_| observer.spikes(begin, &self.spare));
                Shortage::note(&mut part.shortage, begin, kept);
            }
            if part.shortage.is_some() {
                // The source block sends nothing until all threads stop.
                self.spare.clear();
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            plan.exchange.put_source_block(epoch, *place, &mut self.spare);
        }
    }

    /// Runs all shards for epoch `epoch`, which has `steps` steps from `begin` on. Each cluster of shards first receives the
    /// spikes of generators and those that neurons sent in the previous epoch (from step `sent` on, if there was one), so
    /// its blocks read the inputs while these are in the cache.
    fn run(&mut self, plan: &RunPlan<T>, epoch: u64, sent: Option<u64>, (begin, steps): (u64, u64)) {
        let fired = sent.and_then(|sent| Mail::of_neurons(plan, epoch - 1, sent));
        let generated = Mail::of_generators(plan, epoch - 1, (begin, steps));
        let steps = steps as usize;
        for cluster in self.shards.chunk_by_mut(|a, b| a.part.place.cluster == b.part.place.cluster) {
            for Member { part, .. } in &mut *cluster {
                if sent.is_some() {
                    receive(part, fired.as_ref(), begin);
                }
                deliver(part, generated.as_ref());
            }
            match cluster {
                [Member { part: shard, observer, .. }] => {
                    let engine = &plan.engines[shard.place.population];
                    let view = View { engine, currents: &plan.currents, given: &plan.given };
                    if shard.shortage.is_none() {
                        let done = shard.run(&view, begin, steps, observer);
                        Shortage::note(&mut shard.shortage, begin, done);
                    }
                }
                members if members.iter().all(|m| m.part.shortage.is_none()) => {
                    let sources =
                        Sources { engines: &plan.engines, currents: &plan.currents, given: &plan.given };
                    let done = cable::run(members, &sources, begin, steps);
                    Shortage::note(&mut members[0].part.shortage, begin, done);
                }
                _ => {}
            }
        }
        for Member { place, part: shard, .. } in &mut self.shards {
            if shard.shortage.is_some() {
                shard.output.spikes.clear();
            }
            if shard.fault.is_some() || shard.shortage.is_some() {
                // `last` makes the other workers stop after this epoch as well. All of them read it after the
                // barrier.
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            plan.exchange.put_shard(epoch, *place, &mut shard.output.spikes);
        }
    }

    /// Delivers the spikes of the last epoch, `epoch`, which neurons sent from step `sent` on, and the spikes that
    /// generators send in the steps `early`, which follow.
    fn finish(&mut self, plan: &RunPlan<T>, epoch: u64, (sent, next): (u64, u64), early: Option<u64>) {
        let fired = Mail::of_neurons(plan, epoch, sent);
        let generated = early.and_then(|length| Mail::of_generators(plan, epoch, (next, length)));
        for Member { part, .. } in &mut self.shards {
            receive(part, fired.as_ref(), next);
            deliver(part, generated.as_ref());
        }
    }

    /// Runs from the beginning of the plan to its end, or to the end of the epoch in which a watch or a fault ends
    /// the run. Only one worker gets a `watch`.
    pub(crate) fn follow(&mut self, plan: &RunPlan<T>, mut watch: Option<Watch<'_>>) {
        let alarm = Alarm(&plan.barrier);
        // Epochs are numbered from 1, so that the spikes that generators send in the first epoch can be stored as
        // those of epoch 0.
        let (mut epoch, mut begin) = (1, plan.begin);
        // Lengths of this epoch and the next. Generators need the length of the next one, because they are one epoch
        // ahead.
        let mut lengths = [plan.pace.get(0); 2];
        self.generate(plan, (epoch - 1, true), (begin, lengths[0]), &mut watch);
        let mut going = meet(plan, &mut watch, (0, begin));
        if going && plan.last.load(Ordering::Acquire) == 0 {
            // The run was stopped before its first step. As below, the spikes that were sent are not sent again.
            if plan.given.is_empty() {
                let generated = Mail::of_generators(plan, 0, (begin, lengths[0]));
                self.shards.iter_mut().for_each(|shard| deliver(&mut shard.part, generated.as_ref()));
            }
            going = false;
        }
        // The first step of the previous epoch, whose spikes have not been delivered yet.
        let mut sent = None;
        while going {
            let (clock, steps) = (Instant::now(), lengths[0].min(plan.end - begin));
            self.run(plan, epoch, sent, (begin, steps));
            let next = begin + steps;
            let (meets, meeting) = (plan.meets(epoch, next), epoch / plan.meeting);
            // The spikes of the next epoch are stored before the barrier, so that all workers find them after
            // it.
            if next < plan.end {
                self.generate(plan, (epoch, meets), (next, lengths[1]), &mut watch);
            }
            // A watch that has returned `Break` is not called again.
            if let Some(watch) = &mut watch
                && plan.last.load(Ordering::Acquire) > epoch
                && (plan.hurry.load(Ordering::Acquire) || watch(next).is_break())
            {
                plan.last.fetch_min(epoch, Ordering::AcqRel);
            }
            // Only the worker with the watch measures time, so that all workers use the same lengths.
            if watch.is_some() && meets {
                plan.pace.set(meeting, steps, clock.elapsed());
            }
            // Workers that do not synchronize continue to use the last length that all of them know.
            going = !meets || meet(plan, &mut watch, (epoch, next));
            lengths = [lengths[1], if meets { plan.pace.get(meeting) } else { lengths[1] }];
            // After the barrier, all spikes of this epoch are in the exchange. The next epoch delivers them.
            sent = Some(begin);
            begin = next;
            // All workers make the same decision: a worker that is ahead can only have stored the number of a
            // later epoch.
            let stopped = meets && plan.last.load(Ordering::Acquire) <= epoch;
            let continues = going && !stopped && begin < plan.end;
            if !continues {
                // Generators have already sent the spikes of the next epoch and do not send them again in the next
                // run.
                let is_early = stopped && begin < plan.end && going && plan.given.is_empty();
                self.finish(plan, epoch, (next - steps, next), is_early.then_some(lengths[0]));
            }
            going = continues;
            epoch += 1;
        }
        // No thread panicked, so the barrier stays intact.
        std::mem::forget(alarm);
        self.reached = begin;
    }
}

/// Delivers spikes to a shard.
fn deliver<T: Scalar>(shard: &mut Shard<T>, mail: Option<&Mail<'_, T>>) {
    if let Some(mail) = mail {
        let done = mail.deliver(&mut shard.delivery);
        Shortage::note(&mut shard.shortage, mail.first(), done);
    }
}

/// Delivers the spikes that neurons sent before step `next`. Now that the postsynaptic spikes before it are known, more
/// weights can be decided.
fn receive<T: Scalar>(shard: &mut Shard<T>, fired: Option<&Mail<'_, T>>, next: u64) {
    deliver(shard, fired);
    let done = shard.delivery.learn(next, shard.place.input_lanes());
    // All threads stop after a later epoch, in which the shortage is noticed.
    Shortage::note(&mut shard.shortage, next, done);
}

/// Waits at the barrier. Meanwhile, the thread with the watch calls it. `plan.last` must not change here, because other
/// threads may already have passed the barrier; the threads that have not reached it yet are told to hurry.
fn meet<T: Scalar>(plan: &RunPlan<T>, watch: &mut Option<Watch<'_>>, (epoch, reached): (u64, u64)) -> bool {
    let Some(watch) = watch else { return plan.barrier.wait() };
    plan.barrier.wait_and(Some(&mut || {
        let is_over = plan.hurry.load(Ordering::Acquire) || plan.last.load(Ordering::Acquire) <= epoch;
        if !is_over && watch(reached).is_break() {
            plan.hurry.store(true, Ordering::Release);
        }
    }))
}

/// Breaks the barrier if this thread panics, so that the other threads do not wait for it.
pub(crate) struct Alarm<'a>(pub(crate) &'a Barrier);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

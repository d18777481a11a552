//! The reverse run: epochs, and the steps in them, from the last to the first.
//!
//! What a spike is worth is pulled from the ports it reaches, at most the longest delay later; since no spike reaches a
//! neuron within the epoch it was sent in, a whole epoch's worths are known before any of its steps are reversed. So threads
//! meet twice an epoch: when all have pulled, and when all have reversed.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use dendrion_kernels::{Fanout, Ring, Scalar};

use super::backward::Backward;
use super::tally::Tally;
use crate::generate::{Current, Given, StandIns};
use crate::run::{Barrier, Crew, Route, Watch};
use crate::shard::View;

/// Connections of one projection onto one shard, as spikes' worths are pulled from them.
#[derive(Debug)]
pub(crate) struct Link<T: Scalar> {
    pub(crate) projection: usize,
    /// Place of the shard.
    pub(crate) target: usize,
    pub(crate) port: usize,
    pub(crate) fanout: Arc<Fanout<T>>,
    /// Whether its weights' cotangents are wanted.
    pub(crate) wanted: bool,
}

/// What all threads share while one sample is reversed.
#[derive(Debug)]
pub(crate) struct Shared<'c, T: Scalar> {
    pub(crate) backwards: Vec<Arc<Backward<T>>>,
    pub(crate) engines: Vec<Arc<crate::population::Engine<T>>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    pub(crate) given: StandIns<T>,
    pub(crate) routes: Arc<Vec<Route>>,
    /// By projection, then target.
    pub(crate) links: Vec<Link<T>>,
    /// For each shard and port, what arrivals are worth.
    pub(crate) worths: Vec<RwLock<Vec<Ring<T>>>>,
    /// Cotangents of what probes recorded.
    pub(crate) tables: Vec<&'c [f64]>,
    /// The first step of the run.
    pub(crate) begin: u64,
    pub(crate) epoch: u64,
}

impl<T: Scalar> Shared<'_, T> {
    /// What arrivals are worth, where anything is connected: threads that do not meet must not wait for each other here.
    fn worths(&self) -> Vec<RwLockReadGuard<'_, Vec<Ring<T>>>> {
        let connected = if self.is_connected() { &self.worths[..] } else { &[] };
        connected.iter().map(|w| w.read().unwrap_or_else(PoisonError::into_inner)).collect()
    }

    /// Whether what threads do depends on each other.
    const fn is_connected(&self) -> bool {
        !self.links.is_empty()
    }

    /// The links of the projections from a population's shard, or a generator's chunk, at that place.
    pub(crate) fn links_from(&self, shards: bool, place: usize) -> impl Iterator<Item = &Link<T>> {
        self.links.iter().filter(move |link| match &self.routes[link.projection] {
            Route::Shards(range) => shards && range.contains(&place),
            Route::Chunks(_, range) => !shards && range.contains(&place),
        })
    }
}

/// Reverses the steps from `begin` to `end`, which the crew's shards keep; false where a watch stopped it.
pub(crate) fn unwind<T: Scalar>(
    crew: &mut Crew<T>,
    shared: &Shared<'_, T>,
    barrier: &Barrier,
    (begin, end): (u64, u64),
    watch: Watch<'_>,
) -> bool {
    let meets = shared.is_connected();
    let mut until = end;
    while until > begin {
        let from = begin + (until - 1 - begin) / shared.epoch * shared.epoch;
        if watch(until).is_break() {
            barrier.break_off();
        }
        if barrier.is_broken() {
            return false;
        }
        pull_fired(crew, shared, from..until);
        if meets && !barrier.wait() {
            return false;
        }
        reverse(crew, shared, from..until);
        if meets && !barrier.wait() {
            return false;
        }
        pull_generated(crew, shared, from..until);
        until = from;
    }
    true
}

type Steps = std::ops::Range<u64>;

/// What the epoch's spikes of neurons are worth, and what they add to the cotangents of weights.
fn pull_fired<T: Scalar>(crew: &mut Crew<T>, shared: &Shared<'_, T>, steps: Steps) {
    let worths = shared.worths();
    for (place, shard) in &mut crew.shards {
        let Some(mut reversal) = shard.reversal.take() else { continue };
        let is_heard = shared.links_from(true, *place).next().is_some();
        reversal.begin_epoch(shard, (&shared.tables, is_heard), steps.clone());
        let (neurons, lanes) = (shard.neurons.clone(), shard.lanes_of_all());
        for link in shared.links_from(true, *place) {
            let ring = &worths[link.target][link.port];
            for step in steps.clone() {
                let row = &mut reversal.spikes[(step - steps.start) as usize * lanes..][..neurons.len()];
                link.fanout.pull(neurons.clone(), step, ring, row);
            }
            let (true, Some(history)) = (link.wanted, &shard.tracked) else { continue };
            let sum = reversal.tally.weights(link, neurons.clone());
            for step in steps.clone() {
                for source in history.spikes_at(step) {
                    link.fanout.correlate(neurons.clone(), (*source, 1.0), step, ring, sum);
                }
            }
        }
        shard.reversal = Some(reversal);
    }
}

/// Reverses the epoch's steps of all neurons.
fn reverse<T: Scalar>(crew: &mut Crew<T>, shared: &Shared<'_, T>, steps: Steps) {
    for (place, shard) in &mut crew.shards {
        let population = shard.population;
        let engine = &shared.engines[population];
        let view = View { engine, currents: &shared.currents, given: &shared.given };
        let Some(mut reversal) = shard.reversal.take() else { continue };
        let mut worths = shared.worths[*place].write().unwrap_or_else(PoisonError::into_inner);
        let given = (&mut worths[..], &shared.tables[..]);
        reversal.run(shard, &view, &shared.backwards[population], given, steps.clone());
        shard.reversal = Some(reversal);
    }
}

/// What the epoch's spikes of generators add to the cotangents of weights, and what stands in for generators is worth.
fn pull_generated<T: Scalar>(crew: &mut Crew<T>, shared: &Shared<'_, T>, steps: Steps) {
    let worths = shared.worths();
    for (place, chunk) in &mut crew.chunks {
        let Some(mut tally) = chunk.tally.take() else { continue };
        let sources = tally.sources.clone();
        for link in shared.links_from(false, *place) {
            let ring = &worths[link.target][link.port];
            match shared.given.get(chunk.generator) {
                Some(Some(given)) => pull_given(&mut tally, link, ring, given, (shared.begin, steps.clone())),
                _ if link.wanted => {
                    let kept = chunk.kept.as_deref().unwrap_or_default();
                    let at = |step: u64| kept.partition_point(|(s, _)| *s < step);
                    let sum = tally.weights(link, sources.clone());
                    for (step, source) in &kept[at(steps.start)..at(steps.end)] {
                        link.fanout.correlate(sources.clone(), (*source, 1.0), *step, ring, sum);
                    }
                }
                _ => {}
            }
        }
        chunk.tally = Some(tally);
    }
}

fn pull_given<T: Scalar>(
    tally: &mut Tally,
    link: &Link<T>,
    ring: &Ring<T>,
    given: &Given<T>,
    (begin, steps): (u64, Steps),
) {
    let sources = tally.sources.clone();
    for step in steps {
        if let Some(inputs) = &mut tally.inputs {
            let out = &mut inputs[(step - begin) as usize * sources.len()..][..sources.len()];
            link.fanout.pull(sources.clone(), step, ring, out);
        }
        if link.wanted {
            let values = given.row(step);
            let sum = tally.weights(link, sources.clone());
            for source in sources.clone() {
                let value = values.get(source).map_or(0.0, |v| v.to_f64());
                if value != 0.0 {
                    link.fanout.correlate(sources.clone(), (source as u32, value), step, ring, sum);
                }
            }
        }
    }
}

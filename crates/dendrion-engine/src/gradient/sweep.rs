//! The backward sweep: epochs and their steps, from the last to the first.
//!
//! A spike of source i at step n adds a weight w to a delivery ring of its target, at step n + d. The reverse of this
//! sum is
//!
//! ```text
//! adjoint of the spike of i at n  =  sum over its connections of  w * (adjoint of the arrival at n + d)
//! adjoint of w                   +=  adjoint of the arrival at n + d, for each spike
//! ```
//!
//! The sweep therefore *pulls* spike adjoints through the same connections, in the order in which the forward
//! run adds spikes, so that results do not depend on threads. Arrivals are at least one epoch later than the
//! spike, so the adjoints of all arrivals that an epoch needs are known before any of its steps are reversed:
//!
//! ```text
//! for each epoch, from the last to the first:
//!     pull the adjoints of the epoch's spikes, and add to the adjoints of weights
//!     wait for the other workers       (all have read; adjoints of this epoch's arrivals may now be written)
//!     reverse the steps of the epoch, which leaves the adjoints of its arrivals
//!     wait for the other workers       (all have written)
//!     pull in the same way for generators, whose spikes may arrive in the epoch in which they are sent
//! ```
//!
//! With `EventProp`, the adjoint of a spike is that of its time. A spike at the fraction θ of a step would be delivered as
//! w (1 - θ) at n + d and w θ at n + d + 1 (linear interpolation), so the sum above contains the difference between the
//! adjoints of these two arrivals, and only the connections of spikes that occurred are visited.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use dendrion_kernels::{Ring, Scalar};
use dendrion_model::Error;

use super::backward::Backward;
use super::cluster;
use super::reverse_edge::ReverseEdge;
use super::shard_trace::{GradientObserver, ShardTrace};
use super::weight_accumulator::WeightAccumulator;
use crate::inputs::{Current, Given, StandIns};
use crate::refused::Shortage;
use crate::run::{Barrier, Member, Route, Watch, Worker};
use crate::runtime::input_ports::View;
use crate::runtime::pending::{Transit, rows};
use crate::runtime::shard::Shard;

/// The data that all threads share while one sample is reversed.
#[derive(Debug)]
pub(crate) struct Shared<'c, T: Scalar> {
    pub(crate) backwards: Vec<Arc<Backward<T>>>,
    pub(crate) engines: Vec<Arc<crate::runtime::population::Engine<T>>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    pub(crate) given: StandIns<T>,
    pub(crate) routes: Arc<Vec<Route>>,
    /// Connections, sorted by projection and then by target.
    pub(crate) edges: Vec<ReverseEdge<T>>,
    /// The adjoints of arrivals, by shard and port.
    pub(crate) spike_adjoints: Vec<RwLock<Vec<Ring<T>>>>,
    /// The given cotangents of recordings.
    pub(crate) tables: Vec<&'c [f64]>,
    /// For each population, whether the cotangents of the coefficients of a tree are wanted.
    pub(crate) tree_sums: Vec<bool>,
    /// The first step of the run.
    pub(crate) begin: u64,
    pub(crate) epoch: u64,
    /// The ports of which the adjoints of input in transit at the beginning of the run are wanted.
    pub(crate) transits: Vec<Transit>,
}

impl<T: Scalar> Shared<'_, T> {
    /// Returns the adjoints of arrivals. The result is empty if there are no connections, because workers
    /// that do not synchronize at the barrier must not wait for each other's locks either.
    fn spike_adjoints(&self) -> Vec<SpikeAdjoints<'_, T>> {
        let connected = if self.is_connected() { &self.spike_adjoints[..] } else { &[] };
        connected.iter().map(|w| w.read().unwrap_or_else(PoisonError::into_inner)).collect()
    }

    /// Returns whether the work of one thread depends on the work of other threads.
    const fn is_connected(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Returns the connections from the shard (or the source block, if `shards` is false) with index `place`.
    pub(crate) fn edges_from(&self, shards: bool, place: usize) -> impl Iterator<Item = &ReverseEdge<T>> {
        self.edges.iter().filter(move |edge| match &self.routes[edge.projection] {
            Route::Shards(range) => shards && range.contains(&place),
            Route::Sources(_, range) => !shards && range.contains(&place),
        })
    }
}

/// Reverses the recorded steps from `begin` to `end`. Returns `false` if the watch stopped the sweep, an
/// allocation failed, or another worker stopped or was lost.
pub(crate) fn sweep<T: Scalar>(
    worker: &mut Worker<T, GradientObserver>,
    shared: &Shared<'_, T>,
    barrier: &Barrier,
    (begin, end): (u64, u64),
    watch: Watch<'_>,
) -> bool {
    // Without connections, workers do not depend on each other, so they do not wait.
    let meets = shared.is_connected();
    let mut until = end;
    while until > begin {
        // Epochs are counted from the beginning of the segment, as in the forward run. The last epoch may be
        // shorter.
        let from = begin + (until - 1 - begin) / shared.epoch * shared.epoch;
        // Only the first worker's watch can stop the sweep. It then breaks the barrier, so that the other
        // workers stop at their next block or wait.
        let mut goes_on = || {
            if watch(until).is_break() {
                barrier.break_off();
            }
            !barrier.is_broken()
        };
        if !goes_on() {
            return false;
        }
        if !pull_spikes(worker, shared, from..until, &mut goes_on)
            || is_short(worker)
            || meets && !barrier.wait()
        {
            return false;
        }
        if !reverse(worker, shared, from..until, &mut goes_on) {
            return false;
        }
        if meets && !barrier.wait() {
            return false;
        }
        if !pull_generated(worker, shared, from..until, &mut goes_on) || is_short(worker) {
            return false;
        }
        until = from;
    }
    if begin == shared.begin && !shared.transits.is_empty() {
        keep_transits(worker, shared);
        return !is_short(worker);
    }
    true
}

/// Copies the adjoints of input that was in transit at the beginning of the run. Only the rings of the worker's own shards
/// are read.
fn keep_transits<T: Scalar>(worker: &mut Worker<T, GradientObserver>, shared: &Shared<'_, T>) {
    for Member { place, part: shard, observer } in &mut worker.shards {
        let Some(reversal) = &mut observer.reversal else { continue };
        let rings = shared.spike_adjoints[*place].read().unwrap_or_else(PoisonError::into_inner);
        let mine = shared.transits.iter().filter(|transit| transit.population == shard.place.population);
        let kept = mine.map(|transit| {
            rows(&rings[transit.port], shared.begin, (transit.steps, shard.place.neurons.len()))
        });
        let kept = kept.collect::<Result<Vec<_>, Error>>().map(|kept| reversal.transits = kept);
        Shortage::note(&mut shard.shortage, shared.begin, kept);
    }
}

/// Returns whether an allocation of this worker failed. The worker then leaves the sweep, which breaks the
/// barrier just as a stop does.
fn is_short<T: Scalar>(worker: &Worker<T, GradientObserver>) -> bool {
    worker.shards.iter().any(|m| m.part.shortage.is_some())
        || worker.sources.iter().any(|m| m.part.shortage.is_some())
}

/// Number of generated spikes between two calls to the watch.
const SPIKES: usize = 1 << 12;

type Steps = std::ops::Range<u64>;
/// Adjoints of the arrivals at a shard, by port.
type SpikeAdjoints<'s, T> = RwLockReadGuard<'s, Vec<Ring<T>>>;

/// Pulls the adjoints of the spikes that neurons sent in the epoch, and adds the contributions of these
/// spikes to the cotangents of weights. Returns `false` if `goes_on`, which is called for each step and projection,
/// returned `false`.
fn pull_spikes<T: Scalar>(
    worker: &mut Worker<T, GradientObserver>,
    shared: &Shared<'_, T>,
    steps: Steps,
    goes_on: &mut dyn FnMut() -> bool,
) -> bool {
    let spike_adjoints = shared.spike_adjoints();
    worker.shards.iter_mut().all(|member| {
        let done = pull_spikes_of(member, shared, &spike_adjoints, steps.clone(), goes_on);
        let is_through = !matches!(done, Ok(false));
        Shortage::note(&mut member.part.shortage, steps.start, done.map(drop));
        is_through
    })
}

fn pull_spikes_of<T: Scalar>(
    Member { place, part: shard, observer }: &mut Member<Shard<T>, ShardTrace<T>>,
    shared: &Shared<'_, T>,
    spike_adjoints: &[SpikeAdjoints<'_, T>],
    steps: Steps,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<bool, Error> {
    let ShardTrace { history: Some(history), reversal: Some(reversal), .. } = observer else {
        return Ok(true);
    };
    // Spikes that are neither received nor recorded have no adjoints, so the program uses zeros.
    let is_received = shared.edges_from(true, *place).next().is_some();
    let is_by_time = shared.backwards[shard.place.population].is_by_time;
    let (given, steps_of) = ((&shared.tables[..], is_by_time), (shared.begin, steps.clone()));
    if !reversal.sent.begin_epoch(shard, given, is_received, steps_of, goes_on)? {
        return Ok(false);
    }
    let (neurons, lanes) = (shard.place.neurons.clone(), shard.place.lanes_of_all());
    for edge in shared.edges_from(true, *place) {
        let ring = &spike_adjoints[edge.target][edge.port];
        for step in steps.clone() {
            if !goes_on() {
                return Ok(false);
            }
            let row = &mut reversal.sent.rows[(step - steps.start) as usize * lanes..][..neurons.len()];
            if is_by_time {
                for source in history.spikes_at(step) {
                    let Some(out) = row.get_mut((*source as usize).wrapping_sub(neurons.start)) else {
                        continue;
                    };
                    edge.fanout.pull_time(neurons.clone(), *source, step, ring, out);
                }
            } else {
                edge.fanout.pull(neurons.clone(), step, ring, row);
            }
        }
        if !edge.wanted {
            continue;
        }
        let sum = reversal.accumulator.weights(edge, neurons.clone())?;
        for step in steps.clone() {
            if !goes_on() {
                return Ok(false);
            }
            for source in history.spikes_at(step) {
                // The weight was added once per spike, so each spike contributes the adjoint of its arrival.
                edge.fanout.correlate(neurons.clone(), (*source, 1.0), step, ring, sum);
            }
        }
    }
    Ok(true)
}

/// Reverses the steps of the epoch for all neurons. Returns `false` if `goes_on` returned `false` or an
/// allocation failed.
fn reverse<T: Scalar>(
    worker: &mut Worker<T, GradientObserver>,
    shared: &Shared<'_, T>,
    steps: Steps,
    goes_on: &mut dyn FnMut() -> bool,
) -> bool {
    for cluster in worker.shards.chunk_by_mut(|a, b| a.part.place.cluster == b.part.place.cluster) {
        let [Member { place, part: shard, observer }] = cluster else {
            let done = cluster::reverse(cluster, shared, steps.clone(), goes_on);
            let is_through = matches!(done, Ok(true));
            Shortage::note(&mut cluster[0].part.shortage, steps.start, done.map(drop));
            if !is_through {
                return false;
            }
            continue;
        };
        let ShardTrace { history: Some(history), reversal: Some(reversal), .. } = observer else { continue };
        let population = shard.place.population;
        let engine = &shared.engines[population];
        let view = View { engine, currents: &shared.currents, given: &shared.given };
        // Only this worker writes to the ring of its shard, and no worker reads it between the two barriers.
        let mut spike_adjoints =
            shared.spike_adjoints[*place].write().unwrap_or_else(PoisonError::into_inner);
        let given = (&mut spike_adjoints[..], &shared.tables[..]);
        let backward = &shared.backwards[population];
        let done = reversal.run((shard, history), &view, backward, given, steps.clone(), goes_on);
        let is_through = matches!(done, Ok(true));
        Shortage::note(&mut shard.shortage, steps.start, done.map(drop));
        if !is_through {
            return false;
        }
    }
    true
}

/// Pulls the adjoints of values that replaced the output of generators, and adds the contribution of the epoch's
/// generated spikes to the cotangents of weights. Returns `false` if `goes_on` returned `false`.
fn pull_generated<T: Scalar>(
    worker: &mut Worker<T, GradientObserver>,
    shared: &Shared<'_, T>,
    steps: Steps,
    goes_on: &mut dyn FnMut() -> bool,
) -> bool {
    let mut is_through = true;
    let spike_adjoints = shared.spike_adjoints();
    for Member { place, part: source_block, observer } in &mut worker.sources {
        let Some(mut accumulator) = observer.accumulator.take() else { continue };
        let sources = accumulator.sources.clone();
        let mut pull = |edge: &ReverseEdge<T>| {
            is_through = is_through && goes_on();
            if !is_through {
                return Ok(());
            }
            let ring = &spike_adjoints[edge.target][edge.port];
            match shared.given.get(source_block.generator) {
                Some(Some(given)) => {
                    pull_given(&mut accumulator, edge, ring, given, (shared.begin, steps.clone()))?;
                }
                _ if edge.wanted => {
                    let sum = accumulator.weights(edge, sources.clone())?;
                    for (k, (step, source)) in observer.spikes(steps.clone()).iter().enumerate() {
                        if k % SPIKES == SPIKES - 1 && !goes_on() {
                            is_through = false;
                            break;
                        }
                        edge.fanout.correlate(sources.clone(), (*source, 1.0), *step, ring, sum);
                    }
                }
                _ => {}
            }
            Ok(())
        };
        let done = shared.edges_from(false, *place).try_for_each(&mut pull);
        observer.accumulator = Some(accumulator);
        Shortage::note(&mut source_block.shortage, steps.start, done);
        if !is_through {
            return false;
        }
    }
    true
}

fn pull_given<T: Scalar>(
    accumulator: &mut WeightAccumulator,
    edge: &ReverseEdge<T>,
    ring: &Ring<T>,
    given: &Given<T>,
    (begin, steps): (u64, Steps),
) -> Result<(), Error> {
    let sources = accumulator.sources.clone();
    for step in steps {
        // The value was multiplied by each weight, so its adjoint is pulled like that of a spike, and each weight
        // gets the adjoint of the arrival times the value.
        if let Some(inputs) = &mut accumulator.inputs {
            let out = &mut inputs[(step - begin) as usize * sources.len()..][..sources.len()];
            edge.fanout.pull(sources.clone(), step, ring, out);
        }
        if edge.wanted {
            let values = given.row(step);
            let sum = accumulator.weights(edge, sources.clone())?;
            for source in sources.clone() {
                let value = values.get(source).map_or(0.0, |v| v.to_f64());
                if value != 0.0 {
                    edge.fanout.correlate(sources.clone(), (source as u32, value), step, ring, sum);
                }
            }
        }
    }
    Ok(())
}

//! Connections with plastic weights: the traces of sources, and spikes that have not been decided.
//!
//! A shard stores traces by source if none of its connections waits, and by connection otherwise. A file contains
//! them by source if no connection of the whole projection waits. The traces of a source are equal at all its
//! connections that do not wait.

use std::collections::{HashMap, HashSet};

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{collected, filled};
use dendrion_model::{Error, Source};

use super::container::{Reader, Writer, senseless, trace};
use crate::connect::{Order, sources};
use crate::plasticity::{Learning, Pre};
use crate::runtime::core::Core;
use crate::runtime::delivery::{Change, Incoming};
use crate::runtime::index::of_population_mut;

/// The plasticity of a projection.
pub(super) struct Learnt {
    projection: usize,
    on: bool,
    queued: Vec<(u64, u32)>,
    /// Waiting connections, numbered by source and then by target, with the step at which each is processed.
    waiting: Vec<(u64, u32)>,
    /// Traces by source, or by connection if any connection waits.
    traces: Vec<Pre>,
    order: Order,
}

/// Returns the plasticity of a projection's connections onto a shard.
fn learning<T: Scalar>(incoming: &Incoming<T>) -> Option<&Learning> {
    if let Change::Learning(learning) = &incoming.change { Some(learning) } else { None }
}

/// Returns whether any connection of a projection waits.
fn waits<T: Scalar>(core: &Core<T>, projection: usize) -> bool {
    core.ensemble.incoming(projection).any(|(shard, incoming)| {
        (0..incoming.fanout.targets().len()).any(|c| shard.delivery.wait(&incoming.fanout, c) > 0)
    })
}

/// Adds the plasticity of a projection to a file. All weights must be up to date.
pub(super) fn save<T: Scalar>(core: &Core<T>, projection: usize, out: &mut Writer) -> Result<(), Error> {
    let (waits, mut order) = (waits(core, projection), core.ensemble.order(projection)?);
    let count = if waits {
        order.total()
    } else {
        sources(&core.model.network, &core.model.network.projections[projection])
    };
    let (mut traces, mut waiting) = (filled(count, Pre::default())?, Vec::new());
    let (mut on, mut queued) = (true, Vec::new());
    for (shard, incoming) in core.ensemble.incoming(projection) {
        let Some(learning) = learning(incoming) else { continue };
        (on, queued) = (learning.is_on(), learning.queued().collect());
        // If a source spiked twice in a step, its connection is in the queue twice.
        let (mut queue, mut times) = (HashMap::new(), HashMap::new());
        for (step, c) in learning.waiting(core.clock.now) {
            let time = times.entry((step, c)).and_modify(|n| *n += 1).or_insert(0_u32);
            queue.entry(c).or_insert_with(Vec::new).push((step, *time));
        }
        order.interruptible_shard(incoming.fanout.starts(), |place, whole, source| {
            traces[if waits { whole } else { source }] = learning.trace(source, place);
            let sent = |step: u64| step - shard.delivery.wait(&incoming.fanout, place);
            let mine = queue.remove(&(place as u32)).unwrap_or_default();
            waiting
                .extend(mine.into_iter().map(|(step, time)| (step, sent(step), source, time, whole as u32)));
        })?;
    }
    waiting.sort_unstable();
    let waiting: Vec<(u64, u32)> = waiting.into_iter().map(|(step, .., whole)| (step, whole)).collect();
    let name = name(core, projection);
    out.one(&format!("{name}/on"), u8::from(on));
    out.spikes(&format!("{name}/heard"), &queued);
    out.numbers(&format!("{name}/waiting/step"), waiting.len(), waiting.iter().map(|(step, _)| *step));
    out.numbers(&format!("{name}/waiting/connection"), waiting.len(), waiting.iter().map(|(_, c)| *c));
    out.repeated(
        &format!("{name}/last"),
        &collected(traces.iter().map(|t| t.last.map_or(-1, |last| last as i64)))?,
    );
    out.repeated(&format!("{name}/trace"), &collected(traces.iter().map(|t| t.k))?);
    out.repeated(&format!("{name}/slow_trace"), &collected(traces.iter().map(|t| t.slow))?);
    Ok(())
}

impl Learnt {
    /// Reads the plasticity of a projection at step `now`.
    pub(super) fn read<T: Scalar>(
        core: &Core<T>,
        projection: usize,
        now: u64,
        file: &mut Reader<'_>,
    ) -> Result<Self, Error> {
        let (name, p) = (name(core, projection), &core.model.network.projections[projection]);
        let order = core.ensemble.order(projection)?;
        let count = if waits(core, projection) { order.total() } else { sources(&core.model.network, p) };
        let on = file.one::<u8>(&format!("{name}/on"))? != 0;
        let until = if matches!(p.pre, Source::Generator(_)) { now + core.exchange.epoch } else { now };
        let queued = file.spikes(&format!("{name}/heard"), now..until, sources(&core.model.network, p))?;
        let steps = file.array::<u64>(&format!("{name}/waiting/step"), None)?;
        let connections = file.array::<u32>(&format!("{name}/waiting/connection"), Some(steps.len()))?;
        let last = file.repeated::<i64>(&format!("{name}/last"), count)?;
        let mut traces = |what: &str| {
            let name = format!("{name}/{what}");
            file.finite_repeated::<f64>(&name, count).and_then(|values| trace(&name, values))
        };
        let (k, slow) = (traces("trace")?, traces("slow_trace")?);
        if last.iter().any(|last| *last >= now as i64) {
            return Err(senseless(&name, "spikes of sources that are out of range"));
        }
        let left = |i: usize| Pre { last: u64::try_from(last[i]).ok(), k: k[i], slow: slow[i] };
        let waiting = steps.into_iter().zip(connections).collect();
        let learnt = Self { projection, on, queued, waiting, traces: (0..count).map(left).collect(), order };
        if !learnt.waiting_fits(core, now)? {
            return Err(senseless(
                &name,
                "waiting connections that do not match the spikes of their sources",
            ));
        }
        Ok(learnt)
    }

    /// Checks that connections wait for future steps and for spikes that were sent, and that these are not earlier
    /// than the spikes that left traces.
    fn waiting_fits<T: Scalar>(&self, core: &Core<T>, now: u64) -> Result<bool, Error> {
        let mut queue = Queue::new(&self.waiting);
        let (mut fits, mut order) = (true, self.order.copy()?);
        for (shard, incoming) in core.ensemble.incoming(self.projection) {
            order.shard(incoming.fanout.starts(), |place, whole, _| {
                let wait = shard.delivery.wait(&incoming.fanout, place);
                for step in queue.take(whole as u32) {
                    let sent = step.checked_sub(wait).filter(|sent| *sent < now && step >= now);
                    let after = |sent: u64| {
                        self.traces.get(whole).and_then(|t| t.last).is_none_or(|last| last <= sent)
                    };
                    fits &= sent.is_some_and(after);
                }
            });
        }
        Ok(fits && queue.is_empty())
    }

    /// Restores the plasticity of all shards at step `now`.
    pub(super) fn restore<T: Scalar>(mut self, core: &mut Core<T>, now: u64) {
        let by_source = !waits(core, self.projection);
        let waiting: HashSet<u32> = self.waiting.iter().map(|(_, c)| *c).collect();
        let population = core.ensemble.onto[self.projection];
        for shard in of_population_mut(&mut core.ensemble.own.shards, population) {
            let Some(incoming) = shard.delivery.incoming_of_mut(self.projection) else {
                continue;
            };
            let Change::Learning(learning) = &mut incoming.change else { continue };
            let starts = incoming.fanout.starts();
            let (mut wholes, mut places) = (vec![0; incoming.fanout.targets().len()], HashMap::new());
            self.order.shard(starts, |place, whole, _| {
                wholes[place] = whole;
                if waiting.contains(&(whole as u32)) {
                    places.insert(whole as u32, place as u32);
                }
            });
            let mine = self.waiting.iter().filter_map(|(step, c)| Some((*step, *places.get(c)?)));
            let mine: Vec<(u64, u32)> = mine.collect();
            learning.recall(now, (starts, self.on), &self.queued, &mine, |source, c| match c {
                _ if by_source => self.traces[source],
                Some(c) => self.traces[wholes[c]],
                None => Pre::default(),
            });
        }
    }
}

/// The steps of each connection. Each step is taken once.
struct Queue(HashMap<u32, Vec<u64>>);

impl Queue {
    fn new(waiting: &[(u64, u32)]) -> Self {
        let mut steps = HashMap::<u32, Vec<u64>>::new();
        waiting.iter().for_each(|(step, c)| steps.entry(*c).or_default().push(*step));
        Self(steps)
    }

    fn take(&mut self, connection: u32) -> Vec<u64> {
        if self.0.is_empty() { Vec::new() } else { self.0.remove(&connection).unwrap_or_default() }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn name<T: Scalar>(core: &Core<T>, projection: usize) -> String {
    format!("learning/{}", core.model.network.projections[projection].path)
}

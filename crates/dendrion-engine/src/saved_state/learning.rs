//! Connections with plastic weights: the traces of sources, and spikes that have not been decided.
//!
//! A shard stores traces by source if none of its connections waits, and by connection otherwise. A file contains
//! them by source if no connection of the whole projection waits. The traces of a source are equal at all its
//! connections that do not wait.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{collected, filled, reserve, room};
use dendrion_model::{Error, Source};

use super::container::{Reader, Writer, senseless, trace};
use crate::connect::{Order, sources};
use crate::plasticity::{Learning, LearningMemory, Pre};
use crate::runtime::core::Core;
use crate::runtime::delivery::{Change, Incoming};
use crate::runtime::index::of_population_mut;

/// The plasticity of a projection.
pub(super) struct Learnt {
    projection: usize,
    on: bool,
    /// The state of each shard with connections of the projection.
    of_shards: Vec<LearningMemory>,
}

/// The content of a file.
struct Content {
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
        (on, queued) = (learning.is_on(), collected(learning.queued())?);
        let queue = sorted(learning.waiting(core.clock.now))?;
        reserve(&mut waiting, queue.len())?;
        order.interruptible_shard(incoming.fanout.starts(), |place, whole, source| {
            traces[if waits { whole } else { source }] = learning.trace(source, place);
            let mine = of(&queue, place);
            for (i, (_, step)) in mine.iter().enumerate() {
                let sent = step - shard.delivery.wait(&incoming.fanout, place);
                // If a source spiked twice in a step, its connection is in the queue twice.
                let time = mine[..i].iter().filter(|(_, earlier)| earlier == step).count();
                waiting.push((*step, sent, source, time, whole as u32));
            }
        })?;
    }
    waiting.sort_unstable();
    let name = name(core, projection);
    out.one(&format!("{name}/on"), u8::from(on));
    out.spikes(&format!("{name}/heard"), &queued);
    out.numbers(&format!("{name}/waiting/step"), waiting.len(), waiting.iter().map(|(step, ..)| *step));
    out.numbers(&format!("{name}/waiting/connection"), waiting.len(), waiting.iter().map(|(.., c)| *c));
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
            return Err(senseless(&name, "has spikes of sources that are out of range"));
        }
        let left = |i: usize| Pre { last: u64::try_from(last[i]).ok(), k: k[i], slow: slow[i] };
        let waiting = collected(steps.into_iter().zip(connections))?;
        let content = Content { queued, waiting, traces: collected((0..count).map(left))?, order };
        if !content.waiting_fits(core, projection, now)? {
            return Err(senseless(
                &name,
                "has waiting connections that do not match the spikes of their sources",
            ));
        }
        Ok(Self { projection, on, of_shards: content.of_shards(core, projection)? })
    }

    /// Restores the plasticity of all shards at step `now`.
    pub(super) fn restore<T: Scalar>(self, core: &mut Core<T>, now: u64) {
        let population = core.ensemble.onto[self.projection];
        let shards = of_population_mut(&mut core.ensemble.own.shards, population).iter_mut();
        let incoming = shards.filter_map(|s| s.delivery.incoming_of_mut(self.projection));
        let learning = incoming.filter_map(|i| match &mut i.change {
            Change::Learning(learning) => Some(learning),
            _ => None,
        });
        learning.zip(self.of_shards).for_each(|(learning, memory)| learning.recall(now, self.on, memory));
    }
}

impl Content {
    /// Checks that connections wait for future steps and for spikes that were sent, and that these are not earlier
    /// than the spikes that left traces.
    fn waiting_fits<T: Scalar>(&self, core: &Core<T>, projection: usize, now: u64) -> Result<bool, Error> {
        let waiting = sorted(self.waiting.iter().copied())?;
        let (mut fits, mut found, mut order) = (true, 0, self.order.copy()?);
        for (shard, incoming) in core.ensemble.incoming(projection) {
            order.interruptible_shard(incoming.fanout.starts(), |place, whole, _| {
                let wait = shard.delivery.wait(&incoming.fanout, place);
                for (_, step) in of(&waiting, whole) {
                    found += 1;
                    let sent = step.checked_sub(wait).filter(|sent| *sent < now && *step >= now);
                    let after = |sent: u64| {
                        self.traces.get(whole).and_then(|t| t.last).is_none_or(|last| last <= sent)
                    };
                    fits &= sent.is_some_and(after);
                }
            })?;
        }
        Ok(fits && found == waiting.len())
    }

    /// Returns the state of each shard with connections of the projection.
    fn of_shards<T: Scalar>(
        mut self,
        core: &Core<T>,
        projection: usize,
    ) -> Result<Vec<LearningMemory>, Error> {
        let by_source = !waits(core, projection);
        // Waiting connections with their positions in the file, whose order must be kept.
        let waiting = sorted((0..).zip(&self.waiting).map(|(k, (_, c))| (k, *c)))?;
        let mut of_shards = Vec::new();
        for (_, incoming) in core.ensemble.incoming(projection) {
            let Some(learning) = learning(incoming) else { continue };
            let starts = incoming.fanout.starts();
            let mut wholes = filled(incoming.fanout.targets().len(), 0)?;
            let mut mine = room(waiting.len())?;
            self.order.interruptible_shard(starts, |place, whole, _| {
                wholes[place] = whole;
                mine.extend(of(&waiting, whole).iter().map(|(_, k)| (*k, place as u32)));
            })?;
            mine.sort_unstable();
            let mine = mine.into_iter().map(|(k, place)| (self.waiting[k as usize].0, place));
            of_shards.push(learning.memory(starts, &self.queued, mine, |source, c| match c {
                _ if by_source => self.traces[source],
                Some(c) => self.traces[wholes[c]],
                None => Pre::default(),
            })?);
        }
        Ok(of_shards)
    }
}

/// Returns numbers and connections, sorted by connection and then by number.
fn sorted(waiting: impl Iterator<Item = (u64, u32)>) -> Result<Vec<(u32, u64)>, Error> {
    let mut sorted = collected(waiting.map(|(number, c)| (c, number)))?;
    sorted.sort_unstable();
    Ok(sorted)
}

/// Returns the entries of a connection in a list sorted by connection.
fn of(sorted: &[(u32, u64)], connection: usize) -> &[(u32, u64)] {
    let first = sorted.partition_point(|(c, _)| (*c as usize) < connection);
    let count = sorted[first..].iter().take_while(|(c, _)| *c as usize == connection).count();
    &sorted[first..first + count]
}

fn name<T: Scalar>(core: &Core<T>, projection: usize) -> String {
    format!("learning/{}", core.model.network.projections[projection].path)
}

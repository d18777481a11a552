//! The reverse run: from the cotangents of recordings to the gradient.
//!
//! The gradient is that of the discrete simulation, not of the differential equations (the discrete adjoint: Griewank
//! & Walther 2008, chapter 3). For the loss L, a state x and its step x' = f(x, p), the cotangents are
//!
//! ```text
//! dL/dx = (df/dx)^T dL/dx' + given cotangents of probes that record x
//! dL/dp = sum over all steps of (df/dp)^T dL/dx'
//! ```
//!
//! so steps are reversed from the last to the first. Spikes couple the steps of different neurons; `sweep.rs`
//! describes their adjoints.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, RwLock};

use dendrion_equations::Phase;
use dendrion_kernels::{Ring, Scalar};
use dendrion_model::allocate::filled;
use dendrion_model::{Error, Role, check_interrupt};

use super::backward::{Asked, Backward, Reversible};
use super::collect::{self, Gradients, Total};
use super::finals::{Final, Finals};
use super::flows::Flow;
use super::growth::GROWTH_LIMIT;
use super::membrane;
use super::probe_adjoint::ProbeAdjoint;
use super::reversal::Reversal;
use super::reverse_edge::ReverseEdge;
use super::shard_trace::GradientObserver;
use super::stage::{self, GradientStage};
use super::sweep::Shared;
use super::trace::{ProbeSnapshot, Trace};
use super::wanted::Wanted;
use super::weight_accumulator::WeightAccumulator;
use crate::recording::recorder::Reads;
use crate::refused::refused;
use crate::run::{Barrier, Observed, Pace, RunPlan, SpikeExchange, Treatment, Watch, execute};
use crate::runtime::shard::Shard;

/// Cotangents of recordings, by probe. With a batch, the rows of its first sample come first, then those of
/// the second, and so on.
pub(crate) type Cotangents<'a> = [(usize, &'a [f64])];

/// Reverses the run: computes the cotangents of everything in `wanted` from the cotangents of recordings.
/// Returns `None` if the watch stopped it.
pub(crate) fn reverse_run<T: Scalar>(
    trace: &mut Trace<T>,
    cotangents: &Cotangents<'_>,
    wanted: &[String],
    watch: Watch<'_>,
) -> Result<Option<Gradients>, Error> {
    reverse_run_from(trace, (cotangents, None), wanted, watch)
}

/// Like [`reverse_run`], but also takes the cotangents of the state at the end of the run. The result then includes those
/// of input that was in transit at its beginning.
pub(crate) fn reverse_run_from<T: Scalar>(
    trace: &mut Trace<T>,
    (cotangents, finals): (&Cotangents<'_>, Option<&Final<'_>>),
    wanted: &[String],
    watch: Watch<'_>,
) -> Result<Option<Gradients>, Error> {
    if !trace.is_left() {
        let what = "was already called for this run; run the network again to compute another gradient";
        return Err(Error::run("backward", what));
    }
    let mut wanted = Wanted::of(trace, wanted)?;
    wanted.transits = finals.is_some();
    let tables =
        cotangents.iter().map(|(probe, v)| check(trace, *probe, v)).collect::<Result<Vec<_>, _>>()?;
    let probes: Vec<usize> = cotangents.iter().map(|(probe, _)| *probe).collect();
    let given = cotangents.iter().flat_map(|(_, v)| v.iter()).fold(0.0_f64, |max, v| max.max(v.abs()));
    Finals::of(trace, trace.samples.len(), finals.unwrap_or_default())?;
    let (asked, observers) = asked(trace, &probes, &wanted);
    let link = |(asked, population): (Asked, &Reversible<T>)| population.link(asked).map(Arc::new);
    let backwards = asked.into_iter().zip(&trace.populations).map(link).collect::<Result<Vec<_>, Error>>()?;
    // From here on, the trace cannot be used again, because cotangents replace its states.
    let samples = std::mem::take(&mut trace.samples);
    let (trace, batch) = (&*trace, samples.len());
    let finals = Finals::of(trace, batch, finals.unwrap_or_default())?;
    let given = given.max(finals.largest);
    // The part of each table that belongs to sample `b`.
    let tables_of = |b: usize| {
        let mine = cotangents.iter().zip(&tables);
        mine.map(|((_, v), size)| &v[b * size..(b + 1) * size]).collect()
    };
    // A sample is prepared by the thread that processes it, so at most one sample per thread has buffers at any time.
    let stages = |b: usize, sample: &mut Observed<T, GradientObserver>, workers: usize| {
        if trace.plan.is_deferred() {
            trace.spares.lend(sample.of_shards.iter_mut().rev().map(|of| &mut of.spare));
        }
        let ready =
            prepare(trace, (&mut *sample, b), &backwards, (&probes, &observers), &wanted, (given, &finals));
        match ready.and_then(|()| shared(trace, (sample, b), &backwards, &wanted, tables_of(b), &finals)) {
            Ok(shared) => stages(trace, b, workers, &Arc::new(shared)),
            Err(error) => {
                // The sample is not reversed, and `finish` returns the error.
                sample.sample.note(trace.end, error);
                Vec::new()
            }
        }
    };
    let needed = |error: Error| error.needed_by("backward", || "the backward pass".into());
    let finish = |b: usize, mut sample: Observed<T, GradientObserver>, through: bool| {
        // Only a sample's contribution to the gradient is kept. The next run reuses the memory of the sample.
        let edges = edges(&sample, &wanted);
        let part = match sample.sample.shortage().map(|(shortage, _)| shortage.error.clone()) {
            Some(error) => Some(Err(error)),
            None => through.then(|| collect::sample(trace, &mut sample, b, &backwards, &edges, &wanted)),
        };
        let part = part.map(|part| part.map_err(needed));
        sample.of_shards.iter_mut().for_each(|of| of.recycle(&trace.spares));
        part
    };
    let mut total = Total::new(trace, &wanted, batch, given);
    let executed = execute(
        samples,
        trace.threads,
        |s| s.place.neurons.len(),
        &Treatment { stages, finish, ahead: trace.threads },
        watch,
        |_, part| total.add(part),
    );
    if executed.is_none() {
        return Err(Error::run(
            "network",
            "a worker thread stopped unexpectedly during the backward pass; build the network again",
        ));
    }
    total.finish().map_err(needed)
}

/// Checks the cotangents of a probe, and returns the number of cotangents per sample.
fn check<T: Scalar>(trace: &Trace<T>, probe: usize, values: &[f64]) -> Result<usize, Error> {
    let steps = (trace.end - trace.begin) as usize;
    let size = match trace.snapshots_of_probes.get(probe) {
        Some(ProbeSnapshot::Values { every, columns, .. }) => {
            crate::recording::recorder::samples(trace.begin, trace.end, *every) as usize * columns
        }
        Some(ProbeSnapshot::Spikes { population }) => steps * trace.populations[*population].layout.size,
        _ => {
            let what = "this probe does not accept cotangents; expected a probe of a state, a current or the spikes of \
                neurons, added before the run";
            return Err(Error::run("backward", what));
        }
    };
    if values.len() != size * trace.samples.len() {
        let (given, expected) = (format!("array of length {}", values.len()), size * trace.samples.len());
        return Err(Error::parameter("backward", "cotangent", given, format!("length {expected}")));
    }
    let Some(wrong) = values.iter().position(|v| !T::from_f64(*v).is_finite()) else { return Ok(size) };
    let what = format!("cotangent[{wrong}]");
    let accepted = if values[wrong].is_finite() {
        "a number within the range of dtype float32"
    } else {
        "a finite number"
    };
    Err(Error::parameter("backward", &what, values[wrong], accepted))
}

/// Determines the reverse that each population needs, and the numbers that its observers had in the run. Unused
/// observers are not computed.
fn asked<T: Scalar>(trace: &Trace<T>, probes: &[usize], wanted: &Wanted) -> (Vec<Asked>, Vec<Vec<usize>>) {
    let mut read: Vec<(Vec<usize>, Vec<usize>)> = vec![Default::default(); trace.populations.len()];
    for probe in probes {
        if let Some(ProbeSnapshot::Values { population, places, .. }) = trace.snapshots_of_probes.get(*probe)
        {
            for (_, reads, _) in places {
                match reads {
                    Reads::State(state) => read[*population].0.push(*state),
                    Reads::Observer(o) => read[*population].1.push(*o),
                    Reads::Weights => {}
                }
            }
        }
    }
    for all in read.iter_mut().flat_map(|(states, observers)| [states, observers]) {
        // The reverse has one port per state, no matter how many probes record it.
        all.sort_unstable();
        all.dedup();
    }
    let shards = trace.samples.first().map_or(&[][..], |s| s.sample.shards.as_slice());
    let one = |(p, (states, observers)): (usize, (Vec<usize>, Vec<usize>))| Asked {
        parameters: wanted.of_population(trace, p),
        currents: match trace.populations[p].role {
            // The inputs of placed mechanisms and of cells are V and its change.
            Role::Placed { .. } | Role::Cells(_) => vec![true; trace.populations[p].system.currents],
            _ => (shards.iter().find(|s| s.place.population == p).into_iter())
                .flat_map(|s| s.inputs.currents.iter().map(|(g, _)| wanted.generators.contains(g)))
                .collect(),
        },
        states,
        observables: observers.iter().map(|o| trace.populations[p].observed[*o].clone()).collect(),
        phase: Phase::Whole,
    };
    let observers = read.iter().map(|(_, observers)| observers.clone()).collect();
    (read.into_iter().enumerate().map(one).collect(), observers)
}

/// Prepares a sample's shards and source blocks for the reverse run.
fn prepare<T: Scalar>(
    trace: &Trace<T>,
    (sample, b): (&mut Observed<T, GradientObserver>, usize),
    backwards: &[Arc<Backward<T>>],
    (probes, observers): (&[usize], &[Vec<usize>]),
    wanted: &Wanted,
    (given, finals): (f64, &Finals<'_>),
) -> Result<(), Error> {
    let shards = sample.sample.shards.iter().zip(&mut sample.of_shards);
    for (place, (shard, of_shard)) in shards.enumerate() {
        check_interrupt()?;
        let (mut probe_adjoints, mut spikes) = (Vec::new(), Vec::new());
        for (table, probe) in probes.iter().enumerate() {
            match &trace.snapshots_of_probes[*probe] {
                ProbeSnapshot::Values { every, columns, places, .. } => {
                    let mine = places.iter().filter(|(at, ..)| *at == place);
                    let (times, table) = ((*every, trace.begin), (table, *columns));
                    let observers = &observers[shard.place.population];
                    // Unused observers are dropped, so those that remain get new numbers.
                    let now = |reads: &Reads| match reads {
                        Reads::Observer(o) => observers.iter().position(|u| u == o).map(Reads::Observer),
                        other => Some(*other),
                    };
                    probe_adjoints.extend(mine.filter_map(|(_, reads, lanes)| {
                        Some(ProbeAdjoint::new(now(reads)?, times, lanes.clone(), table))
                    }));
                }
                ProbeSnapshot::Spikes { population } if *population == shard.place.population => {
                    spikes.push((table, trace.populations[*population].layout.size));
                }
                _ => {}
            }
        }
        let flows = shard.inputs.currents.iter().map(|(g, _)| flow(trace, *g, b, shard, wanted));
        let flows = flows.collect::<Result<_, Error>>()?;
        let backward = &backwards[shard.place.population];
        let limits = limits(trace, shard.place.population, given);
        let mut reversal =
            Reversal::new(shard, backward, trace.begin, spikes, probe_adjoints, flows, limits)?;
        finals.start(shard, b, &mut reversal);
        of_shard.reversal = Some(Box::new(reversal));
    }
    let source_blocks = sample.sample.source_blocks.iter().zip(&mut sample.of_sources);
    for (source_block, of_sources) in source_blocks {
        let size = trace.generators[source_block.generator].1;
        let stood_in = trace.given[b].get(source_block.generator).is_some_and(Option::is_some);
        let inputs = (stood_in && wanted.inputs.contains(&source_block.generator))
            .then_some((trace.end - trace.begin) as usize);
        // The values that replace a generator's output form one table for all of its source blocks.
        let sources = source_block.sources(size);
        // The first source block gets the whole table, and the others get nothing.
        let sources = match (stood_in, sources.start) {
            (true, 0) => 0..size,
            (true, _) => 0..0,
            _ => sources,
        };
        of_sources.accumulator = Some(Box::new(WeightAccumulator::new(sources, inputs)?));
    }
    Ok(())
}

/// Returns, for each state, the largest cotangent that causes no warning. The limit of potentials is relative
/// to the largest given cotangent.
fn limits<T: Scalar>(trace: &Trace<T>, population: usize, given: f64) -> Vec<f64> {
    let states = trace.populations[population].system.states.iter();
    states.map(|s| if s.unit == "mV" { GROWTH_LIMIT * given } else { f64::MAX }).collect()
}

fn flow<T: Scalar>(
    trace: &Trace<T>,
    generator: usize,
    b: usize,
    shard: &Shard<T>,
    wanted: &Wanted,
) -> Result<Option<Flow>, Error> {
    if !wanted.generators.contains(&generator) {
        return Ok(None);
    }
    let size = trace.generators[generator].1;
    let (slots, shared) = match (trace.given[b].get(generator), trace.currents.get(generator)) {
        (Some(Some(_)), _) => ((trace.end - trace.begin) as usize, size == 1),
        (_, Some(Some(current))) => (current.slots(), size == 1 || current.is_shared()),
        _ => return Ok(None),
    };
    let is_flat = matches!(trace.populations[shard.place.population].role, Role::Neurons);
    let place = &shard.place;
    let width = if shared && is_flat { place.blocks.len() } else { place.neurons.len() / place.sites };
    Ok(Some(Flow { sums: filled(slots.saturating_mul(width), 0.0)?, width, shared }))
}

/// Returns the connections of a sample, sorted by projection and then by target.
fn edges<T: Scalar>(sample: &Observed<T, GradientObserver>, wanted: &Wanted) -> Vec<ReverseEdge<T>> {
    let mut edges = Vec::new();
    for (target, shard) in sample.sample.shards.iter().enumerate() {
        edges.extend(shard.delivery.incoming.iter().map(|incoming| ReverseEdge {
            projection: incoming.projection,
            target,
            port: incoming.port,
            fanout: incoming.fanout.clone(),
            wanted: wanted.weights.contains(&incoming.projection),
        }));
    }
    // This is the order in which the forward run adds spikes: by projection and then by target.
    edges.sort_by_key(|edge| (edge.projection, edge.target));
    edges
}

fn shared<'c, T: Scalar>(
    trace: &Trace<T>,
    (sample, b): (&Observed<T, GradientObserver>, usize),
    backwards: &[Arc<Backward<T>>],
    wanted: &Wanted,
    tables: Vec<&'c [f64]>,
    finals: &Finals<'_>,
) -> Result<Shared<'c, T>, Error> {
    let rings = |s: &Shard<T>| {
        // The adjoints that are read range from the first step of an epoch to the longest delay after its
        // last step, while the adjoints of the next epoch are being written.
        let slots = |r: &Ring<T>| r.slots() + 2 * trace.epoch as usize;
        let rings = s.delivery.rings.iter().map(|r| Ring::new(s.place.input_lanes(), slots(r)));
        let mut rings = rings.collect::<Result<Vec<_>, _>>().map_err(refused)?;
        finals.arrive(s, (b, trace.end), &mut rings);
        Ok::<_, Error>(RwLock::new(rings))
    };
    Ok(Shared {
        backwards: backwards.to_vec(),
        engines: trace.engines.clone(),
        currents: trace.currents.clone(),
        given: trace.given[b].clone(),
        routes: trace.routes.clone(),
        edges: edges(sample, wanted),
        spike_adjoints: sample.sample.shards.iter().map(rings).collect::<Result<_, Error>>()?,
        tables,
        tree_sums: (trace.populations.iter().enumerate())
            .map(|(p, population)| membrane::is_wanted(population, &wanted.of_population(trace, p)))
            .collect(),
        begin: trace.begin,
        epoch: trace.epoch,
        transits: if wanted.transits { trace.transits.clone() } else { Vec::new() },
    })
}

fn stages<'c, T: Scalar>(
    trace: &Trace<T>,
    b: usize,
    workers: usize,
    shared: &Arc<Shared<'c, T>>,
) -> Vec<GradientStage<'c, T>> {
    let exchange = Arc::new(SpikeExchange::new(trace.places.0, trace.places.1));
    let barrier = Arc::new(Barrier::new(workers));
    // Segments are rerun with epochs of the same constant length as in the recorded run.
    let plan = |begin, end| RunPlan {
        engines: trace.engines.clone(),
        currents: trace.currents.clone(),
        routes: trace.routes.clone(),
        given: trace.given[b].clone(),
        exchange: exchange.clone(),
        begin,
        end,
        epoch: trace.epoch,
        pace: Arc::new(Pace::fixed(trace.epoch)),
        meeting: trace.meeting,
        barrier: barrier.clone(),
        last: AtomicU64::new(u64::MAX),
        hurry: AtomicBool::new(false),
    };
    let sweep = |begin, end| {
        Some(GradientStage::Sweep { shared: shared.clone(), barrier: barrier.clone(), begin, end })
    };
    stage::stages(&trace.plan.backward(), plan, sweep)
}

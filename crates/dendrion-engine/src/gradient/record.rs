//! Recording of a run so that it can be reversed.
//!
//! The run is an ordinary run with an observer (`shard_trace.rs`) that follows a checkpoint schedule
//! (`schedule.rs`). At the end, the recorded states are moved to a [`Trace`], together with shared pointers
//! to all parameters, so that later changes to the network do not affect the gradient.

use dendrion_kernels::Scalar;
use dendrion_model::{Error, Owner, Population};

use super::backward::Reversible;
use super::schedule::{Batch, CheckpointSchedule};
use super::shard_trace::{GradientObserver, ShardTrace, SourceTrace};
use super::stage::stages;
use super::store::Store;
use super::trace::{ProbeSnapshot, Trace};
use crate::inputs::SourceBlock;
use crate::recording::probe::{Probe, What};
use crate::recording::recorder::Reads;
use crate::run::{Observed, Watch};
use crate::runtime::core::{Core, RunEnd};
use crate::runtime::index::of_population;
use crate::runtime::model::Model;
use crate::runtime::pending::transits;
use crate::runtime::population::Cells;
use crate::runtime::run::{Begun, RunOptions};
use crate::runtime::sample::Sample;
use crate::runtime::shard::Shard;

/// Runs `steps` steps and records them. The recording uses at most `budget` bytes, unless every possible
/// schedule needs more. Returns no trace if the watch stops the run.
pub(crate) fn record<T: Scalar>(
    core: &mut Core<T>,
    store: &mut Store<T>,
    (steps, options, budget): (u64, &RunOptions, usize),
    watch: Watch<'_>,
) -> Result<(RunEnd, Option<Trace<T>>), Error> {
    let is_cheap: Vec<bool> = core.model.cells.iter().map(Cells::is_cheap).collect();
    // No spikes arrive at a shard without rings, so its steps can be recomputed from its state alone.
    let keeps_epochs = |shard: &Shard<T>| shard.delivery.rings.is_empty() && is_cheap[shard.place.population];
    record_with(core, store, (steps, options, budget), keeps_epochs, watch)
}

/// Like [`record`], but `keeps_epochs` selects the shards that keep only the states at the beginning of
/// epochs.
pub(super) fn record_with<T: Scalar>(
    core: &mut Core<T>,
    store: &mut Store<T>,
    (steps, options, budget): (u64, &RunOptions, usize),
    keeps_epochs: impl Fn(&Shard<T>) -> bool,
    watch: Watch<'_>,
) -> Result<(RunEnd, Option<Trace<T>>), Error> {
    core.check_run(steps, options)?;
    core.model.refuse_plastic("gradients do not support plasticity", |_| true)?;
    refuse_events(core)?;
    let (mut run, samples) = core.begin_run(steps, options)?;
    let epoch = run.fix_epoch(core);
    let observe = |sample: Sample<T>| Observed {
        of_shards: sample.shards.iter().map(|s| ShardTrace::new(keeps_epochs(s))).collect(),
        of_sources: sample.source_blocks.iter().map(|_| SourceTrace::default()).collect(),
        sample,
        reached: run.begin,
    };
    let mut samples: Vec<Observed<T, GradientObserver>> = samples.into_iter().map(observe).collect();
    let schedule = schedule(&run, epoch, &samples, budget);
    // The order is reversed because memory was returned shard by shard and is taken from the end: each shard then
    // gets a buffer of its own size.
    let places = samples.iter_mut().rev().flat_map(|s| s.of_shards.iter_mut().rev().map(|of| &mut of.spare));
    // A deferred schedule records no steps during the run, so it needs no buffers yet.
    store.spares.hand_out(places, if schedule.is_deferred() { 0 } else { schedule.bytes() });
    let forward = schedule.forward();
    let (mut samples, through) =
        core.execute(&run, samples, |_, plan| stages(&forward, plan, |_, _| None), watch)?;
    let trace = through.then(|| leave((core, store), (&run, epoch), &mut samples, schedule)).transpose();
    let samples = samples.into_iter().map(|observed| observed.sample).collect();
    let end = core.end_run(&run, samples, (run.end, through))?;
    // The run itself is complete even if its trace does not fit into memory.
    let trace = trace.map_err(|error| error.needed_by("network", || "the trace of a run".into()))?;
    Ok((end, trace))
}

/// Rejects mechanisms whose threshold events have no derivative, instead of returning zero gradients, and relative
/// surrogates without a positive distance from `V_reset` to `V_th`.
fn refuse_events<T: Scalar>(core: &Core<T>) -> Result<(), Error> {
    let Model { cells, network, parameters, .. } = &core.model;
    for (i, (cells, population)) in cells.iter().zip(&network.populations).enumerate() {
        let values = parameters.of_system(i)?;
        let value = |name| cells.system.parameters.number(Owner::Population, name).map(|k| &values[k]);
        if let (Some(v_th), Some(v_reset)) = (value("V_th"), value("V_reset")) {
            population.check_relative_surrogate(v_th, v_reset)?;
        }
        if let Some(name) = cells.system.without_derivative() {
            let what = format!(
                "{name} uses threshold events, which have no derivative; gradients are not available"
            );
            return Err(Error::run(&cells.path, what));
        }
    }
    Ok(())
}

/// Determines how the run is divided into segments.
fn schedule<T: Scalar>(
    run: &Begun<T>,
    epoch: u64,
    samples: &[Observed<T, GradientObserver>],
    budget: usize,
) -> CheckpointSchedule {
    // All samples have the same size, so measuring the first one is sufficient.
    let first = samples.first();
    let shards = first.into_iter().flat_map(|s| s.sample.shards.iter().zip(&s.of_shards));
    let mut bytes: super::schedule::Bytes = shards.map(|(shard, of)| of.bytes(shard)).sum();
    bytes.saved += first.map_or(0, |s| s.sample.source_blocks.iter().map(SourceBlock::bytes).sum());
    let batch = Batch { samples: samples.len(), at_a_time: run.threads.clamp(1, samples.len().max(1)) };
    CheckpointSchedule::new((run.begin, run.end), epoch, bytes, batch, budget)
}

/// Moves the data needed for reversing the run from the samples to a trace.
fn leave<T: Scalar>(
    (core, store): (&Core<T>, &mut Store<T>),
    (run, epoch): (&Begun<T>, u64),
    samples: &mut [Observed<T, GradientObserver>],
    plan: CheckpointSchedule,
) -> Result<Trace<T>, Error> {
    let level = core.model.level;
    let compiled = store.compiled(core.model.cells.len());
    let of_population = |(i, cells): (usize, &Cells<T>)| {
        let p: &Population = &core.model.network.populations[i];
        Ok(Reversible {
            path: cells.path.clone(),
            layout: cells.layout,
            system: cells.system.clone(),
            parameters: core.model.parameters.of_system(i)?,
            methods: (cells.step_method(), p.sde),
            spike: (p.surrogate.clone(), p.detach_reset),
            observed: cells.observed_names(),
            fresh: core.ensemble.fresh[i].clone(),
            compiled: compiled[i].clone(),
            level,
            role: cells.role.clone(),
            shape: cells.shape.clone(),
        })
    };
    let populations = core.model.cells.iter().enumerate().map(of_population).collect::<Result<_, Error>>()?;
    let shards = samples.first().map_or(&[][..], |s| s.sample.shards.as_slice());
    // Probes are copied, so that probes added or removed later do not change the gradient.
    let snapshots_of_probes = core.probes.0.iter().enumerate();
    let snapshots_of_probes = snapshots_of_probes
        .map(|(number, probe)| probe_snapshot(number, probe, shards, core.clock.now))
        .collect();
    // The network continues with the samples, so the trace gets copies of them and the recorded states.
    let copy = |observed: &mut Observed<T, GradientObserver>| {
        let Sample { shards, source_blocks } = &mut observed.sample;
        let shards = shards.iter_mut().map(Shard::clone_without_state).collect::<Result<_, Error>>()?;
        let source_blocks = source_blocks.iter().map(SourceBlock::copy_unrecorded);
        let source_blocks = source_blocks.collect::<Result<_, Error>>()?;
        Ok(Observed {
            sample: Sample { shards, source_blocks },
            of_shards: observed.of_shards.iter_mut().map(ShardTrace::take).collect(),
            of_sources: observed.of_sources.iter_mut().map(std::mem::take).collect(),
            reached: observed.reached,
        })
    };
    Ok(Trace {
        populations,
        engines: core.model.cells.iter().map(|c| c.engine.clone()).collect(),
        parameters: core.model.parameters.clone(),
        generators: core.model.generators.clone(),
        currents: core.model.currents.clone(),
        given: run.given.clone(),
        routes: core.exchange.routes.clone(),
        snapshots_of_probes,
        samples: samples.iter_mut().map(copy).collect::<Result<_, Error>>()?,
        plan,
        begin: run.begin,
        end: run.end,
        epoch,
        meeting: core.meeting(),
        threads: run.threads,
        places: core.exchange.spikes.places(),
        spares: store.spares.clone(),
        transits: transits(core),
    })
}

/// Describes a probe in a run that began at step `begin`.
fn probe_snapshot<T: Scalar>(number: usize, probe: &Probe, shards: &[Shard<T>], begin: u64) -> ProbeSnapshot {
    match &probe.what {
        What::Values { every, columns } => {
            let mut places = Vec::new();
            let mut steps = *every;
            let first = shards.partition_point(|s| s.place.population < probe.population);
            for (place, shard) in (first..).zip(of_population(shards, probe.population)) {
                let recorder = shard.recorder_of(number).filter(|r| r.reads != Reads::Weights);
                if let Some(recorder) = recorder {
                    let (every, lanes) = recorder.places();
                    steps = every;
                    places.push((place, recorder.reads, lanes));
                }
            }
            // A probe that started after the beginning of the run did not record all of it.
            if places.is_empty() || probe.begin > begin {
                return ProbeSnapshot::Other;
            }
            let (population, columns) = (probe.population, *columns);
            ProbeSnapshot::Values { population, every: steps, columns, places }
        }
        What::Spikes { .. } => ProbeSnapshot::Spikes { population: probe.population },
        What::Generated { .. } | What::Removed => ProbeSnapshot::Other,
    }
}

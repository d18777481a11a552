//! A trace: what a run left behind so that it can be reversed.

use std::sync::{Arc, RwLock};

use dendrion_equations::System;
use dendrion_kernels::{Ring, Scalar};
use dendrion_model::Error;

use super::backward::{Asked, Backward, Reversible};
use super::collect::{self, Gradients, Total, Wanted};
use super::growth::{GROWTH_LIMIT, Growth, Peak};
use super::probe_adjoint::ProbeAdjoint;
use super::reversal::{Flow, Reversal};
use super::schedule::{CheckpointSchedule, ScheduleStep};
use super::sweep::{ReverseEdge, Shared};
use super::weight_accumulator::WeightAccumulator;
use crate::gradient::history::Spares;
use crate::inputs::{Current, StandIns};
use crate::recording::recorder::{Lanes, Reads};
use crate::run::{Barrier, Parts, Route, RunPlan, Sample, SpikeExchange, Stage, Watch, execute};
use crate::runtime::parameters::{Targets, full_name};
use crate::runtime::population::Engine;
use crate::runtime::shard::{Shard, is_finite};

/// A probe at the time of a run.
#[derive(Clone, Debug)]
pub(crate) enum ProbeSnapshot {
    /// Values: of the population's shards, by place, what was read and which lanes went to which columns.
    Values { population: usize, every: u64, columns: usize, places: Vec<Place> },
    /// Spikes of a population.
    Spikes { population: usize },
    /// Something that has no cotangent.
    Other,
}

/// Place of a shard, what is read in it, and the lanes recorded with their columns.
type Place = (usize, Reads, Arc<Lanes>);

/// What a run left behind so that it can be reversed, once.
#[derive(Debug)]
pub(crate) struct Trace<T: Scalar> {
    pub(crate) populations: Vec<Reversible<T>>,
    pub(crate) engines: Vec<Arc<Engine<T>>>,
    pub(crate) targets: Arc<Targets>,
    /// How many values each of them has, where it is not one for all; of weights nothing.
    pub(crate) shapes: Vec<Option<usize>>,
    /// Path and size of each generator.
    pub(crate) generators: Arc<Vec<(String, usize)>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    pub(crate) given: Vec<StandIns<T>>,
    pub(crate) routes: Arc<Vec<Route>>,
    pub(crate) snapshots_of_probes: Vec<ProbeSnapshot>,
    pub(crate) samples: Vec<Sample<T>>,
    pub(crate) plan: CheckpointSchedule,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) epoch: u64,
    /// Epochs from one meeting of threads to the next.
    pub(crate) meeting: u64,
    pub(crate) threads: usize,
    /// Shards and source blocks of a sample.
    pub(crate) places: (usize, usize),
    pub(crate) spares: Spares<T>,
}

/// Cotangents of what a probe recorded: for each sample of the batch its rows in turn.
pub(crate) type Cotangents<'a> = [(usize, &'a [f64])];

impl<T: Scalar> Trace<T> {
    /// Reverses the run: from the cotangents of probes to those of what is wanted. `None` where the watch stopped it.
    pub(crate) fn backward(
        &mut self,
        cotangents: &Cotangents<'_>,
        wanted: &[String],
        watch: Watch<'_>,
    ) -> Result<Option<Gradients>, Error> {
        if !self.is_left() {
            let what = "this run was reversed before; expected one that was not: run again for a gradient";
            return Err(Error::structure("backward", what));
        }
        let wanted = Wanted::of(self, wanted)?;
        let tables =
            cotangents.iter().map(|(probe, v)| self.check(*probe, v)).collect::<Result<Vec<_>, _>>()?;
        let probes: Vec<usize> = cotangents.iter().map(|(probe, _)| *probe).collect();
        let given = cotangents.iter().flat_map(|(_, v)| v.iter()).fold(0.0_f64, |max, v| max.max(v.abs()));
        let (asked, observers) = self.asked(&probes, &wanted);
        let link = |(asked, population): (Asked, &Reversible<T>)| population.link(asked).map(Arc::new);
        let backwards =
            asked.into_iter().zip(&self.populations).map(link).collect::<Result<Vec<_>, Error>>()?;
        let samples = std::mem::take(&mut self.samples);
        let (this, batch) = (&*self, samples.len());
        // Of each probe its sample's part.
        let tables_of = |b: usize| {
            let mine = cotangents.iter().zip(&tables);
            mine.map(|((_, v), size)| &v[b * size..(b + 1) * size]).collect()
        };
        let stages = |b: usize, sample: &mut Sample<T>, workers: usize| {
            if this.plan.is_deferred() {
                this.spares.lend(sample.shards.iter_mut().rev());
            }
            this.prepare((sample, b), &backwards, (&probes, &observers), &wanted, given);
            let shared = this.shared(sample, b, &backwards, &wanted, tables_of(b));
            this.stages(b, workers, &Arc::new(shared))
        };
        let finish = |b: usize, mut sample: Sample<T>, through: bool| {
            let edges = Self::edges(&sample, &wanted);
            let part = through.then(|| collect::sample(this, &mut sample, b, &backwards, &edges, &wanted));
            sample.shards.iter_mut().for_each(|s| s.recycle(&this.spares));
            part
        };
        let mut total = Total::new(this, &wanted, batch, given);
        let executed = execute(
            samples,
            self.threads,
            |s| s.neurons.len(),
            &Parts { stages, finish, ahead: self.threads },
            watch,
            |_, part| total.add(part),
        );
        if executed.is_none() {
            return Err(Error::structure("network", "a worker thread was lost in the reverse run"));
        }
        total.finish()
    }

    /// Bytes of the states that the run and its reverse keep at a time, at most, in all samples.
    pub(crate) const fn memory(&self) -> u64 {
        self.plan.bytes()
    }

    /// Whether it can still be reversed.
    pub(crate) const fn is_left(&self) -> bool {
        !self.samples.is_empty()
    }

    /// Checks a probe's cotangents; the number of them for each sample.
    fn check(&self, probe: usize, values: &[f64]) -> Result<usize, Error> {
        let steps = (self.end - self.begin) as usize;
        let size = match self.snapshots_of_probes.get(probe) {
            Some(ProbeSnapshot::Values { every, columns, .. }) => {
                crate::recording::recorder::samples(self.begin, self.end, *every) as usize * columns
            }
            Some(ProbeSnapshot::Spikes { population }) => steps * self.populations[*population].layout.size,
            _ => {
                let what = "a probe without cotangents; expected one of a state, a current or spikes of neurons, \
                    made before the run";
                return Err(Error::structure("backward", what));
            }
        };
        if values.len() != size * self.samples.len() {
            let (given, expected) = (format!("{} values", values.len()), size * self.samples.len());
            return Err(Error::parameter("backward", "cotangent", given, format!("{expected} values")));
        }
        if is_finite(values) {
            return Ok(size);
        }
        let wrong = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
        let what = format!("cotangent[{wrong}]");
        Err(Error::parameter("backward", &what, values[wrong], "finite numbers"))
    }

    /// What each population's reverse is asked for, and the numbers that those observers had in the run which it is asked
    /// for: nothing is computed for the others.
    fn asked(&self, probes: &[usize], wanted: &Wanted) -> (Vec<Asked>, Vec<Vec<usize>>) {
        let mut read: Vec<(Vec<usize>, Vec<usize>)> = vec![Default::default(); self.populations.len()];
        for probe in probes {
            if let Some(ProbeSnapshot::Values { population, places, .. }) =
                self.snapshots_of_probes.get(*probe)
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
            all.sort_unstable();
            all.dedup();
        }
        let shards = self.samples.first().map_or(&[][..], |s| s.shards.as_slice());
        let one = |(p, (states, observers)): (usize, (Vec<usize>, Vec<usize>))| Asked {
            parameters: wanted.of_population(self, p),
            currents: (shards.iter().find(|s| s.population == p).into_iter())
                .flat_map(|s| s.currents.iter().map(|(g, _)| wanted.generators.contains(g)))
                .collect(),
            states,
            observables: observers.iter().map(|o| self.populations[p].observed[*o].clone()).collect(),
        };
        let observers = read.iter().map(|(_, observers)| observers.clone()).collect();
        (read.into_iter().enumerate().map(one).collect(), observers)
    }

    /// Gives a sample's shards and source blocks what they need to be reversed.
    fn prepare(
        &self,
        (sample, b): (&mut Sample<T>, usize),
        backwards: &[Arc<Backward<T>>],
        (probes, observers): (&[usize], &[Vec<usize>]),
        wanted: &Wanted,
        given: f64,
    ) {
        for (place, shard) in sample.shards.iter_mut().enumerate() {
            let (mut probe_adjoints, mut spikes) = (Vec::new(), Vec::new());
            for (table, probe) in probes.iter().enumerate() {
                match &self.snapshots_of_probes[*probe] {
                    ProbeSnapshot::Values { every, columns, places, .. } => {
                        let mine = places.iter().filter(|(at, ..)| *at == place);
                        let (times, table) = ((*every, self.begin), (table, *columns));
                        let observers = &observers[shard.population];
                        let now = |reads: &Reads| match reads {
                            Reads::Observer(o) => observers.iter().position(|u| u == o).map(Reads::Observer),
                            other => Some(*other),
                        };
                        probe_adjoints.extend(mine.filter_map(|(_, reads, lanes)| {
                            Some(ProbeAdjoint::new(now(reads)?, times, lanes.clone(), table))
                        }));
                    }
                    ProbeSnapshot::Spikes { population } if *population == shard.population => {
                        spikes.push((table, self.populations[*population].layout.size));
                    }
                    _ => {}
                }
            }
            let flows = shard.currents.iter().map(|(g, _)| self.flow(*g, b, shard, wanted)).collect();
            let backward = &backwards[shard.population];
            let limits = self.limits(shard.population, given);
            let reversal = Reversal::new(shard, backward, self.begin, spikes, probe_adjoints, flows, limits);
            shard.reversal = Some(Box::new(reversal));
        }
        for source_block in &mut sample.source_blocks {
            let size = self.generators[source_block.generator].1;
            let stood_in = self.given[b].get(source_block.generator).is_some_and(Option::is_some);
            let inputs = (stood_in && wanted.inputs.contains(&source_block.generator))
                .then_some((self.end - self.begin) as usize);
            // What stands in for a generator is one table, whatever its source blocks.
            let sources = source_block.sources(size);
            let sources = match (stood_in, sources.start) {
                (true, 0) => 0..size,
                (true, _) => 0..0,
                _ => sources,
            };
            source_block.accumulator = Some(Box::new(WeightAccumulator::new(sources, inputs)));
        }
    }

    /// For each state of a population, the largest cotangent within reason: of potentials, relative to the largest one given.
    fn limits(&self, population: usize, given: f64) -> Vec<f64> {
        let states = self.populations[population].system.states.iter();
        states.map(|s| if s.unit == "mV" { GROWTH_LIMIT * given } else { f64::MAX }).collect()
    }

    /// What is said of a cotangent that has grown.
    pub(super) fn growth(
        &self,
        (population, peak): (usize, Peak),
        sample: Option<usize>,
        given: f64,
    ) -> Growth {
        let of = &self.populations[population];
        let attached = |p: &&Reversible<T>| {
            !p.spike.1 && p.system.event.as_ref().is_some_and(|e| e.then.iter().any(|a| a.resets))
        };
        let through = Some(of).filter(attached).or_else(|| self.populations.iter().find(attached));
        let dt = of.system.parameters[System::DT].values.get(0);
        Growth {
            state: full_name(&of.path, &of.system.states[peak.state].name),
            neuron: peak.neuron,
            sample,
            time: (peak.step as f64 * dt * 1e9).round() / 1e9,
            value: peak.value,
            given,
            through_reset_of: through.map(|p| p.path.clone()),
        }
    }

    fn flow(&self, generator: usize, b: usize, shard: &Shard<T>, wanted: &Wanted) -> Option<Flow> {
        if !wanted.generators.contains(&generator) {
            return None;
        }
        let size = self.generators[generator].1;
        let (slots, shared) = match (self.given[b].get(generator), self.currents.get(generator)) {
            (Some(Some(_)), _) => ((self.end - self.begin) as usize, size == 1),
            (_, Some(Some(current))) => (current.slots(), size == 1 || current.is_shared()),
            _ => return None,
        };
        let width = if shared { shard.blocks.len() } else { shard.neurons.len() };
        Some(Flow { sums: vec![0.0; slots * width], shared })
    }

    /// The connections of a sample, by projection, then target.
    fn edges(sample: &Sample<T>, wanted: &Wanted) -> Vec<ReverseEdge<T>> {
        let mut edges = Vec::new();
        for (target, shard) in sample.shards.iter().enumerate() {
            edges.extend(shard.incoming.iter().map(|incoming| ReverseEdge {
                projection: incoming.projection,
                target,
                port: incoming.port,
                fanout: incoming.fanout.clone(),
                wanted: wanted.weights.contains(&incoming.projection),
            }));
        }
        edges.sort_by_key(|edge| (edge.projection, edge.target));
        edges
    }

    fn shared<'c>(
        &self,
        sample: &Sample<T>,
        b: usize,
        backwards: &[Arc<Backward<T>>],
        wanted: &Wanted,
        tables: Vec<&'c [f64]>,
    ) -> Shared<'c, T> {
        let rings = |s: &Shard<T>| {
            // What is read reaches from an epoch's first step to the longest delay after its last, and the next
            // epoch is written meanwhile.
            let slots = |r: &Ring<T>| r.slots() + 2 * self.epoch as usize;
            RwLock::new(s.rings.iter().map(|r| Ring::new(s.lanes_of_all(), slots(r))).collect())
        };
        Shared {
            backwards: backwards.to_vec(),
            engines: self.engines.clone(),
            currents: self.currents.clone(),
            given: self.given[b].clone(),
            routes: self.routes.clone(),
            edges: Self::edges(sample, wanted),
            spike_adjoints: sample.shards.iter().map(rings).collect(),
            tables,
            begin: self.begin,
            epoch: self.epoch,
        }
    }

    fn stages<'c>(&self, b: usize, workers: usize, shared: &Arc<Shared<'c, T>>) -> Vec<Stage<'c, T>> {
        let exchange = Arc::new(SpikeExchange::new(self.places.0, self.places.1));
        let barrier = Arc::new(Barrier::new(workers));
        let plan = |begin, end| RunPlan {
            engines: self.engines.clone(),
            currents: self.currents.clone(),
            routes: self.routes.clone(),
            given: self.given[b].clone(),
            exchange: exchange.clone(),
            begin,
            end,
            epoch: self.epoch,
            meeting: self.meeting,
            barrier: barrier.clone(),
            last: std::sync::atomic::AtomicU64::new(u64::MAX),
        };
        let sweep =
            |begin, end| Stage::Sweep { shared: shared.clone(), barrier: barrier.clone(), begin, end };
        stages(&self.plan.backward(), plan, sweep)
    }
}

/// The stages of a schedule.
pub(crate) fn stages<'c, T: Scalar>(
    schedule: &[ScheduleStep],
    plan: impl Fn(u64, u64) -> RunPlan<T>,
    sweep: impl Fn(u64, u64) -> Stage<'c, T>,
) -> Vec<Stage<'c, T>> {
    let stage = |step: &ScheduleStep| match *step {
        ScheduleStep::Save => Stage::Save,
        ScheduleStep::Restore => Stage::Restore,
        ScheduleStep::Run { begin, end, track } => Stage::Run(Box::new(plan(begin, end)), track),
        ScheduleStep::Sweep { begin, end } => sweep(begin, end),
    };
    schedule.iter().map(stage).collect()
}

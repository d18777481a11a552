//! Runs with something special: a batch of samples, something that stands in for generators, or a trace to be reversed.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use crate::gradient::{Batch, CheckpointSchedule, ProbeSnapshot, Reversible, ScheduleStep, Trace, stages};
use crate::inputs::{Given, SourceBlock, StandIns};
use crate::run::{Barrier, Parts, RunPlan, Sample, SpikeExchange, Stage, Watch, execute};
use crate::runtime::core::{Core, RunEnd};
use crate::runtime::shard::Shard;

/// What a run is to be.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Samples to run side by side, each from the present state; none: the network itself.
    pub batch: Option<usize>,
    /// By the path of a generator, what stands in for it: a value per step and member, sample after sample.
    pub inputs: Vec<(String, Vec<f64>)>,
    /// Keeps the states that a gradient needs, of all samples together, in at most so many bytes. Where the smallest plan needs
    /// more, that plan is used; [`Trace::memory`](crate::Trace::memory) returns what it needs.
    pub trace: Option<usize>,
}

impl<T: Scalar> Core<T> {
    /// Runs `steps` steps as the options say.
    pub(crate) fn run_with(
        &mut self,
        steps: u64,
        options: &RunOptions,
        watch: Watch<'_>,
    ) -> Result<(RunEnd, Option<Trace<T>>), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.check_batch(options.batch)?;
        if options.trace.is_some() {
            self.refuse_plastic("a gradient", |_| true)?;
            self.refuse_events()?;
        }
        let given = self.given(steps, options)?;
        if let Some(batch) = options.batch {
            self.make_samples(batch)?;
        }
        let (begin, end) = (self.now, self.now + steps);
        // Samples of a batch meet nobody.
        let threads = if options.batch.is_some() { self.threads } else { self.worthwhile_threads() };
        let mut samples = match options.batch {
            Some(_) => std::mem::take(&mut self.samples),
            None => vec![Sample {
                shards: std::mem::take(&mut self.shards),
                source_blocks: std::mem::take(&mut self.source_blocks),
            }],
        };
        Self::mute(&mut samples, &given, true);
        let plan = self.plan(&samples, threads, (begin, end), options.trace);
        if let Some(plan) = &plan {
            let shards = samples.iter_mut().rev().flat_map(|s| s.shards.iter_mut().rev());
            self.spares.hand_out(shards, if plan.is_deferred() { 0 } else { plan.bytes() });
        }
        let schedule = plan.as_ref().map_or_else(
            || vec![ScheduleStep::Run { begin, end, track: false }],
            CheckpointSchedule::forward,
        );
        let this = &*self;
        let mut done = Vec::with_capacity(samples.len());
        let executed = execute(
            samples,
            threads,
            |s| this.cells[s.population].cost(s.neurons.len()),
            &Parts {
                stages: |b: usize, _: &mut Sample<T>, workers| this.stages_of(&schedule, &given[b], workers),
                finish: |_, sample, through| (sample, through),
                ahead: usize::MAX,
            },
            &mut |now| watch(now.saturating_sub(begin)),
            |_, sample| done.push(sample),
        );
        if executed.is_none() {
            let lost = Error::structure("network", "a worker thread was lost; make the network anew");
            self.broken = Some(lost.clone());
            return Err(lost);
        }
        let through = done.iter().all(|(_, through)| *through);
        let mut samples: Vec<Sample<T>> = done.into_iter().map(|(sample, _)| sample).collect();
        Self::mute(&mut samples, &given, false);
        let trace = match (plan, through) {
            (Some(plan), true) => {
                let trace = self.trace(&mut samples, plan, given, (begin, end));
                Some(Trace { threads, ..trace })
            }
            _ => None,
        };
        samples.iter_mut().flat_map(|s| &mut s.shards).for_each(|s| {
            (s.tracked, s.spare, s.snapshots) = (None, None, Vec::new());
        });
        self.take_back(samples, options.batch.is_some(), end, through).map(|end| (end, trace))
    }

    /// Takes samples back after a run to step `end`.
    fn take_back(
        &mut self,
        mut samples: Vec<Sample<T>>,
        batch: bool,
        end: u64,
        through: bool,
    ) -> Result<RunEnd, Error> {
        self.fresh.iter_mut().for_each(|rows| rows.fill(false));
        let faults = (samples.iter().enumerate())
            .flat_map(|(b, s)| s.shards.iter().filter_map(move |shard| Some((shard.fault?, b))));
        let fault = faults.min();
        if batch {
            self.samples = samples;
        } else if let Some(sample) = samples.pop() {
            (self.shards, self.source_blocks) = (sample.shards, sample.source_blocks);
        }
        if let Some((fault, sample)) = fault {
            return Err(self.fail(fault, batch.then_some(sample)));
        }
        self.reach(end);
        if through {
            return Ok(RunEnd::Finished);
        }
        let what = "a run of a batch, with inputs or for a gradient was stopped on its way; reset() lets the network run again";
        self.broken = Some(Error::structure("network", what));
        Ok(RunEnd::Stopped)
    }

    fn check_batch(&self, batch: Option<usize>) -> Result<(), Error> {
        let accepted = match (batch, self.samples.len()) {
            (Some(0), _) => "a whole number >= 1".to_string(),
            (None, n) if n > 0 => format!("batch={n}: the network has run with a batch; reset() ends it"),
            (Some(b), n) if n > 0 && b != n => format!("{n}, as in the run before; reset() ends it"),
            _ => return Ok(()),
        };
        let given = batch.map_or_else(|| "None".to_string(), |b| b.to_string());
        Err(Error::parameter("network", "batch", given, accepted))
    }

    /// Refuses a gradient of mechanisms whose threshold events have no derivative, rather than take it for 0, and of relative
    /// surrogates without a positive distance from `V_reset` to `V_th`.
    fn refuse_events(&self) -> Result<(), Error> {
        for (cells, population) in self.cells.iter().zip(&self.network.populations) {
            let value = |key: &str| cells.system.parameters.iter().find(|p| p.key == key).map(|p| &p.values);
            if let (Some(v_th), Some(v_reset)) = (value("V_th"), value("V_reset")) {
                population.check_relative_surrogate(v_th, v_reset)?;
            }
            if let Some(name) = cells.system.without_derivative() {
                let what = format!(
                    "{name} acts on a threshold event, which has no derivative; a gradient does not take it"
                );
                return Err(Error::structure(&cells.path, what));
            }
        }
        Ok(())
    }

    /// Refuses plastic connections that `concerns` is true of.
    fn refuse_plastic(&self, what: &str, concerns: impl Fn(usize) -> bool) -> Result<(), Error> {
        let plastic = (self.network.projections.iter().enumerate())
            .find(|(i, p)| p.plasticity.is_some() && concerns(*i));
        match plastic {
            None => Ok(()),
            Some((_, p)) => {
                let what =
                    format!("has a plasticity, whose changes {what} does not see; make it without one");
                Err(Error::structure(&p.path, what))
            }
        }
    }

    /// Lets the network hold a batch of samples from now on, each at the present state, as a run with a batch does.
    pub(crate) fn begin_batch(&mut self, batch: usize) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.check_batch(Some(batch))?;
        self.make_samples(batch)
    }

    /// Makes the samples of a batch from the present state.
    fn make_samples(&mut self, batch: usize) -> Result<(), Error> {
        if !self.samples.is_empty() {
            return Ok(());
        }
        let learns = |i: usize| self.network.projections[i].learns();
        self.refuse_plastic("a batch, whose samples share their weights,", learns)?;
        self.samples = self.clone_samples(batch);
        Ok(())
    }

    /// The samples of a batch, at the present state of the network itself.
    pub(crate) fn clone_samples(&self, batch: usize) -> Vec<Sample<T>> {
        let one = |b: usize| {
            let mut shards: Vec<_> = self.shards.iter().map(|s| s.clone_shard(true)).collect();
            let mut source_blocks = self.source_blocks.clone();
            for shard in &mut shards {
                shard.noises.iter_mut().for_each(|n| n.become_sample(b as u32));
            }
            source_blocks.iter_mut().for_each(|c| c.become_sample(b as u32));
            Sample { shards, source_blocks }
        };
        (0..batch).map(one).collect()
    }

    /// What stands in for generators, by sample, then generator.
    fn given(&self, steps: u64, options: &RunOptions) -> Result<Vec<StandIns<T>>, Error> {
        let batch = options.batch.unwrap_or(1);
        if options.inputs.is_empty() {
            return Ok(vec![Arc::default(); batch]);
        }
        let mut given = vec![vec![None; self.network.generators.len()]; batch];
        for (path, values) in &options.inputs {
            let Some(g) = self.network.generators.iter().position(|g| g.path == *path) else {
                let known = self.network.generators.iter().map(|g| g.path.clone()).collect();
                return Err(Error::unknown("network", "generator", path, known));
            };
            let from = |i: usize| self.network.projections[i].pre == dendrion_model::Source::Generator(g);
            self.refuse_plastic("an input of real numbers", from)?;
            let width = self.network.generators[g].size;
            let size = steps as usize * width;
            if values.len() != size * batch {
                let accepted = format!("{batch} x {steps} x {width} values, by sample, step and member");
                return Err(Error::parameter(path, "input", format!("{} values", values.len()), accepted));
            }
            if let Some(v) = values.iter().find(|v| !v.is_finite()) {
                return Err(Error::parameter(path, "input", v, "finite numbers"));
            }
            for (all, mine) in given.iter_mut().zip(values.chunks(size.max(1))) {
                let values = Arc::new(mine.iter().map(|v| T::from_f64(*v)).collect());
                all[g] = Some(Given { begin: self.now, width, values });
            }
        }
        Ok(given.into_iter().map(Arc::new).collect())
    }

    fn mute(samples: &mut [Sample<T>], given: &[StandIns<T>], on: bool) {
        for (sample, given) in samples.iter_mut().zip(given) {
            for source_block in &mut sample.source_blocks {
                source_block.muted = on && given.get(source_block.generator).is_some_and(Option::is_some);
            }
        }
    }

    fn plan(
        &self,
        samples: &[Sample<T>],
        threads: usize,
        (begin, end): (u64, u64),
        budget: Option<usize>,
    ) -> Option<CheckpointSchedule> {
        let (budget, sample) = (budget?, samples.first()?);
        let bytes = sample
            .shards
            .iter()
            .map(Shard::bytes)
            .chain(sample.source_blocks.iter().map(SourceBlock::bytes))
            .sum();
        let batch = Batch { samples: samples.len(), at_a_time: threads.clamp(1, samples.len()) };
        Some(CheckpointSchedule::new((begin, end), self.epoch, bytes, batch, budget))
    }

    fn stages_of(
        &self,
        schedule: &[ScheduleStep],
        given: &StandIns<T>,
        workers: usize,
    ) -> Vec<Stage<'static, T>> {
        let exchange = Arc::new(SpikeExchange::new(self.exchange.places().0, self.exchange.places().1));
        let barrier = Arc::new(Barrier::new(workers));
        let plan = |begin, end| RunPlan {
            given: given.clone(),
            exchange: exchange.clone(),
            barrier: barrier.clone(),
            ..self.run_plan(begin, end, workers)
        };
        stages(schedule, plan, |_, _| Stage::Save)
    }

    /// What is needed to reverse a run, which the samples have kept.
    fn trace(
        &mut self,
        samples: &mut [Sample<T>],
        plan: CheckpointSchedule,
        given: Vec<StandIns<T>>,
        (begin, end): (u64, u64),
    ) -> Trace<T> {
        let shapes = self.shapes();
        let populations = self.cells.iter().zip(&self.network.populations).zip(&self.fresh);
        let reversible = |((cells, p), fresh): ((&crate::runtime::population::Cells<T>, _), &Vec<bool>)| {
            let p: &dendrion_model::Population = p;
            Reversible {
                path: cells.path.clone(),
                layout: cells.layout,
                system: cells.system.clone(),
                methods: (p.method, p.sde),
                spike: (p.surrogate.clone(), p.detach_reset),
                observed: cells.observed_names(),
                fresh: fresh.clone(),
                compiled: cells.compiled.clone(),
                level: self.level,
            }
        };
        let shards = samples.first().map_or(&[][..], |s| s.shards.as_slice());
        let snapshots_of_probes = (0..self.probes.len())
            .map(|probe| self.probe_snapshot(probe, shards))
            .collect::<Vec<ProbeSnapshot>>();
        let copies = |sample: &mut Sample<T>| Sample {
            shards: sample.shards.iter_mut().map(Shard::take_traced).collect(),
            source_blocks: sample.source_blocks.iter_mut().map(SourceBlock::take_traced).collect(),
        };
        let samples = samples.iter_mut().map(copies).collect();
        Trace {
            populations: populations.map(reversible).collect(),
            engines: self.cells.iter().map(|c| c.engine.clone()).collect(),
            targets: self.targets.clone(),
            shapes,
            generators: self.generators.clone(),
            currents: self.currents.clone(),
            given,
            routes: self.routes.clone(),
            snapshots_of_probes,
            samples,
            plan,
            begin,
            end,
            epoch: self.epoch,
            meeting: self.meeting(),
            threads: self.threads,
            places: self.exchange.places(),
            spares: self.spares.clone(),
        }
    }
}

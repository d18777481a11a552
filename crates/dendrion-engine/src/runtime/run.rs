//! A run of the network itself or of a batch of samples, with or without an observer.
//!
//! ```text
//! check_run   checks that the network can run with these options
//! begin_run   takes the samples to run out of the network
//! execute     takes them through their stages on the threads of the pool
//! end_run     puts them back, and returns how the run ended
//! ```
//!
//! [`Core::run_with`] calls all four. The recording of a trace (`gradient::record`) calls them itself, with
//! an observer.

use std::ops::ControlFlow;
use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::{collected, filled, room};

use crate::inputs::{Given, StandIns};
use crate::recording::recorder::Recordings;
use crate::run::{Barrier, Observed, Pace, RunPlan, Shared, SpikeExchange, Stage, Treatment, Watch, execute};
use crate::runtime::core::{Core, RunEnd};
use crate::runtime::memory::{check_batch_memory, check_recorded_memory, make_room};
use crate::runtime::observer::Observer;
use crate::runtime::sample::Sample;
use crate::runtime::shard::Fault;

/// Options of a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Number of samples to run in parallel, each from the current state, or `None` for the network itself.
    pub batch: Option<usize>,
    /// Values that replace the output of generators, by path: one value per step and member, sample by
    /// sample.
    pub inputs: Vec<(String, Vec<f64>)>,
    /// Maximum number of bytes for the states that a gradient needs, summed over all samples. If it is
    /// `None`, no trace is recorded. If the smallest schedule needs more, that schedule is used;
    /// [`Trace::memory`](crate::Trace::memory) returns the number of bytes that it needs.
    pub trace: Option<usize>,
}

/// A run that has begun.
#[derive(Debug)]
pub(crate) struct Begun<T: Scalar> {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// The values that replace the output of generators, by sample.
    pub(crate) given: Vec<StandIns<T>>,
    pub(crate) threads: usize,
    is_batch: bool,
    /// Whether the watch may stop the run.
    can_stop: bool,
    /// The length of all epochs in steps, if it is fixed; see [`Begun::fix_epoch`].
    epoch: Option<u64>,
}

impl<T: Scalar> Begun<T> {
    /// Fixes the length of all epochs, and returns it. The states recorded for a gradient depend on the boundaries of
    /// epochs, and the samples of a batch run one after another. If a watch stops such a run, no later run continues it.
    pub(crate) fn fix_epoch(&mut self, core: &Core<T>) -> u64 {
        *self.epoch.get_or_insert_with(|| core.stride())
    }
}

impl<T: Scalar> Core<T> {
    /// Runs `steps` steps of the network itself.
    pub(crate) fn run(&mut self, steps: u64, watch: Watch<'_>) -> Result<RunEnd, Error> {
        self.run_with(steps, &RunOptions::default(), watch)
    }

    /// Runs `steps` steps with these options. Nothing is recorded for a gradient.
    pub(crate) fn run_with(
        &mut self,
        steps: u64,
        options: &RunOptions,
        watch: Watch<'_>,
    ) -> Result<RunEnd, Error> {
        self.check_run(steps, options)?;
        if steps == 0 && options.batch.is_none() && options.inputs.is_empty() {
            return Ok(RunEnd::Finished);
        }
        let (run, samples) = self.begin_run(steps, options)?;
        self.complete(&run, samples, watch)
    }

    /// Runs `steps` steps of the network itself without interruption.
    pub(crate) fn advance(&mut self, steps: u64) -> Result<(), Error> {
        let options = RunOptions::default();
        self.check_run(steps, &options)?;
        if steps > 0 {
            let (mut run, samples) = self.begin_run(steps, &options)?;
            run.can_stop = false;
            self.complete(&run, samples, &mut |_| ControlFlow::Continue(()))?;
        }
        Ok(())
    }

    /// Takes samples through a run that has begun, without an observer.
    fn complete(
        &mut self,
        run: &Begun<T>,
        samples: Vec<Sample<T>>,
        watch: Watch<'_>,
    ) -> Result<RunEnd, Error> {
        let samples = samples.into_iter().map(Observed::from).collect();
        let (done, through) = self.execute(run, samples, |_, plan| vec![plan(run.begin, run.end)], watch)?;
        let reached = done.first().map_or(run.begin, |sample| sample.reached);
        let samples = done.into_iter().map(|done| done.sample).collect();
        self.end_run(run, samples, (reached, through))
    }

    /// Checks that the network can run this many steps with these options.
    pub(crate) fn check_run(&self, steps: u64, options: &RunOptions) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.clock.check(steps)?;
        self.check_batch(options.batch)?;
        check_recorded_memory(self, steps, options.batch.unwrap_or(1))
    }

    /// Begins a run that [`Core::check_run`] has accepted. The samples are taken out of the network until
    /// [`Core::end_run`].
    pub(crate) fn begin_run(
        &mut self,
        steps: u64,
        options: &RunOptions,
    ) -> Result<(Begun<T>, Vec<Sample<T>>), Error> {
        let given = self.given(steps, options)?;
        let (is_batch, is_new) = (options.batch.is_some(), self.ensemble.batch.is_empty());
        if let Some(batch) = options.batch {
            self.make_samples(batch)?;
        }
        if let Err(error) = make_room(self, steps) {
            // The run does not begin, so the network keeps no batch that was created for it.
            if is_new {
                self.ensemble.batch.clear();
            }
            return Err(error);
        }
        // Threads of a batch do not wait for each other, so synchronization does not limit their number.
        let threads = if is_batch { self.threads } else { self.worthwhile_threads() };
        let samples = if is_batch {
            std::mem::take(&mut self.ensemble.batch)
        } else {
            let shards = std::mem::take(&mut self.ensemble.own.shards);
            vec![Sample { shards, source_blocks: std::mem::take(&mut self.ensemble.own.source_blocks) }]
        };
        let (begin, end) = (self.clock.now, self.clock.now + steps);
        let mut run = Begun { begin, end, given, threads, is_batch, can_stop: true, epoch: None };
        if is_batch || !options.inputs.is_empty() {
            run.fix_epoch(self);
        }
        Ok((run, samples))
    }

    /// Takes samples through their stages. Returns them in order, and whether all of them completed all stages.
    /// `stages` returns the stages of sample `b`, given a function that creates the plan of a run from one step to
    /// another.
    pub(crate) fn execute<O: Observer<T>, S: Stage<T, O>>(
        &mut self,
        run: &Begun<T>,
        mut samples: Vec<Observed<T, O>>,
        stages: impl Fn(usize, &dyn Fn(u64, u64) -> RunPlan<T>) -> Vec<S> + Sync,
        watch: Watch<'_>,
    ) -> Result<(Vec<Observed<T, O>>, bool), Error>
    where
        O::Shard: Send,
        O::Sources: Send,
    {
        self.exchange.pace.begin(run.can_stop);
        mute(&mut samples, &run.given, true);
        let (this, begin) = (&*self, run.begin);
        let mut done = Vec::with_capacity(samples.len());
        let executed = execute(
            samples,
            run.threads,
            |s| this.model.cells[s.place.population].cost(s.place.neurons.len()),
            &Treatment {
                stages: |b: usize, _: &mut Observed<T, O>, workers| {
                    let fixed = run.epoch.map(|epoch| (epoch, Arc::new(Pace::fixed(epoch))));
                    let shared = Shared {
                        given: run.given[b].clone(),
                        exchange: this.exchange_of(run),
                        barrier: Arc::new(Barrier::new(workers)),
                        fixed,
                    };
                    let plan = |begin, end| this.run_plan((begin, end), &shared);
                    stages(b, &plan)
                },
                finish: |_, sample, through| (sample, through),
                ahead: usize::MAX,
            },
            &mut |now| watch(now.saturating_sub(begin)),
            |_, sample| done.push(sample),
        );
        if executed.is_none() {
            let lost = Error::run("network", "a worker thread stopped unexpectedly; build the network again");
            self.broken = Some(lost.clone());
            return Err(lost);
        }
        let through = done.iter().all(|(_, through)| *through);
        let mut samples = done.into_iter().map(|(sample, _)| sample).collect::<Vec<_>>();
        mute(&mut samples, &run.given, false);
        Ok((samples, through))
    }

    /// Returns the spike exchange of a sample. Samples of a batch run at the same time, so each sample has
    /// its own exchange.
    fn exchange_of(&self, run: &Begun<T>) -> Arc<SpikeExchange> {
        if !run.is_batch {
            return self.exchange.spikes.clone();
        }
        let (shards, source_blocks) = self.exchange.spikes.places();
        Arc::new(SpikeExchange::new(shards, source_blocks))
    }

    /// Ends a run: returns the samples to the network. `reached` is the step that they reached, and `through` whether
    /// they completed all stages.
    pub(crate) fn end_run(
        &mut self,
        run: &Begun<T>,
        mut samples: Vec<Sample<T>>,
        (reached, through): (u64, bool),
    ) -> Result<RunEnd, Error> {
        self.ensemble.fresh.iter_mut().for_each(|rows| rows.fill(false));
        let faults = (samples.iter().enumerate())
            .flat_map(|(b, s)| s.shards.iter().filter_map(move |shard| Some((shard.fault?, b))));
        let fault = faults.min();
        let shortages = samples.iter().filter_map(|s| s.shortage().map(|(s, needs)| (s.clone(), needs)));
        let shortage = shortages.min_by_key(|(shortage, _)| shortage.step);
        if run.is_batch {
            self.ensemble.batch = samples;
        } else if let Some(sample) = samples.pop() {
            self.ensemble.own = sample;
        }
        // After a failed allocation, states are wrong, so a later fault may be a consequence of it.
        let is_earlier = |fault: &Fault| shortage.as_ref().is_none_or(|(s, _)| fault.step < s.step);
        if let Some((fault, sample)) = fault.filter(|(fault, _)| is_earlier(fault)) {
            return Err(self.fail(fault, run.is_batch.then_some(sample)));
        }
        if let Some((shortage, needs)) = shortage {
            return Err(self.run_short((&shortage, needs)));
        }
        if through {
            self.clock.reach(run.end);
            return Ok(RunEnd::Finished);
        }
        if run.epoch.is_none() {
            self.clock.reach(reached);
        } else {
            // Samples may have stopped at different steps, and a gradient needs the whole run.
            self.clock.reach(run.end);
            let what =
                "a run with a batch, inputs or a gradient was interrupted; call reset() before the next run";
            self.broken = Some(Error::run("network", what));
        }
        Ok(RunEnd::Stopped)
    }

    /// Checks that the network has no batch of another size and, if it has none, that a new one fits into memory.
    fn check_batch(&self, batch: Option<usize>) -> Result<(), Error> {
        let accepted = match (batch, self.ensemble.batch.len()) {
            (Some(0), _) => "an integer >= 1".to_string(),
            (None, n) if n > 0 => format!("{n}, because the network has a batch; reset() removes it"),
            (Some(b), n) if n > 0 && b != n => {
                format!("{n}, as in the previous run; reset() removes the batch")
            }
            (Some(b), 0) => return check_batch_memory(self, b),
            _ => return Ok(()),
        };
        let given = batch.map_or_else(|| "None".to_string(), |b| b.to_string());
        Err(Error::parameter("network", "batch", given, accepted))
    }

    /// Creates a batch of samples in the current state, as a run with a batch does. The network keeps the
    /// samples.
    pub(crate) fn begin_batch(&mut self, batch: usize) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.check_batch(Some(batch))?;
        self.make_samples(batch)
    }

    /// Creates the samples of a batch in the current state.
    fn make_samples(&mut self, batch: usize) -> Result<(), Error> {
        if !self.ensemble.batch.is_empty() {
            return Ok(());
        }
        let learns = |i: usize| self.model.network.projections[i].learns();
        self.model.refuse_plastic("the samples of a batch share their weights", learns)?;
        self.ensemble.batch = self.ensemble.clone_samples(batch, Recordings::Copied)?;
        Ok(())
    }

    /// Returns the values that replace the output of generators, by sample and then by generator.
    fn given(&self, steps: u64, options: &RunOptions) -> Result<Vec<StandIns<T>>, Error> {
        let batch = options.batch.unwrap_or(1);
        if options.inputs.is_empty() {
            return filled(batch, Arc::default())
                .map_err(|error| error.needed_by("network", || format!("a batch of {batch} samples")));
        }
        let mut given = room(batch)?;
        given.resize(batch, vec![None; self.model.network.generators.len()]);
        for (path, values) in &options.inputs {
            let Some(g) = self.model.network.generators.iter().position(|g| g.path == *path) else {
                let known = self.model.network.generators.iter().map(|g| g.path.clone()).collect();
                return Err(Error::unknown("network", "generator", path, known));
            };
            let from =
                |i: usize| self.model.network.projections[i].pre == dendrion_model::Source::Generator(g);
            self.model.refuse_plastic("inputs of real numbers do not support plasticity", from)?;
            let width = self.model.network.generators[g].size;
            let size = (steps as usize).saturating_mul(width);
            if values.len() != size.saturating_mul(batch) {
                let accepted = format!(
                    "length {} ({batch} x {steps} x {width}: samples x steps x members)",
                    size.saturating_mul(batch)
                );
                return Err(Error::parameter(
                    path,
                    "input",
                    format!("array of length {}", values.len()),
                    accepted,
                ));
            }
            if let Some(v) = values.iter().find(|v| !v.is_finite()) {
                return Err(Error::parameter(path, "input", v, "a finite number"));
            }
            let dtype = self.model.network.dtype;
            if let Some(v) = values.iter().find(|v| !dtype.holds(**v)) {
                dtype.check(path, "input", &(*v).into())?;
            }
            for (all, mine) in given.iter_mut().zip(values.chunks(size.max(1))) {
                let values = collected(mine.iter().map(|v| T::from_f64(*v)));
                let values =
                    values.map_err(|error| error.needed_by(path, || "a copy of its input".into()))?;
                all[g] = Some(Given { begin: self.clock.now, width, values: Arc::new(values) });
            }
        }
        Ok(given.into_iter().map(Arc::new).collect())
    }
}

/// Mutes the generators whose output is replaced, or unmutes them.
fn mute<T: Scalar, O: Observer<T>>(samples: &mut [Observed<T, O>], given: &[StandIns<T>], on: bool) {
    for (observed, given) in samples.iter_mut().zip(given) {
        for source_block in &mut observed.sample.source_blocks {
            source_block.muted = on && given.get(source_block.generator).is_some_and(Option::is_some);
        }
    }
}

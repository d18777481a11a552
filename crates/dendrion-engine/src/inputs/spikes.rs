//! Spike generators, divided into source blocks that threads own.
//!
//! Poisson sources draw the interval to their next event instead of one number per step. The process is therefore
//! exact (a step may contain several events of a source), needs no work while the source is silent, and does not
//! depend on how a run is divided into epochs. Bernoulli sources draw the number of steps to their next spike in the
//! same way.

mod draft;
mod memory;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use dendrion_model::allocate::{collected, copied, out_of_memory, push, reserve, room};
use dendrion_model::{Error, Generator, Signal, Values, check_interrupt, steps_of};

use super::schedule::Schedule;
use crate::random::{Purpose, Stream};
use crate::recording::recorder::Recordings;
use crate::refused::Shortage;
use crate::runtime::spikes::Spikes;
use draft::Draft;
use renewal::{Renewal, gap};

pub(crate) use memory::{GeneratorMemory, Waits};

/// Number of sources in a source block.
const SOURCE_BLOCK: usize = 4096;

/// Number of steps whose spikes are drawn at a time in order to discard them.
const SKIP: u64 = 1 << 10;

/// The process that generates the spikes of a source block.
#[derive(Debug)]
enum Process {
    /// A Poisson process: times of the next events, in steps from the beginning, and rates per step.
    Poisson(Renewal),
    /// A Bernoulli process: steps of the next spikes, and probabilities per step.
    Bernoulli(Renewal),
    /// Spikes (step, source) that the model specifies, in ascending order.
    Given { spikes: Arc<Vec<(u64, u32)>> },
    /// Spikes that the caller passes during the simulation: those that have not been sent, in ascending order of
    /// steps, and the step before which all spikes have been passed.
    Pushed { spikes: VecDeque<(u64, u32)>, told: u64 },
}

/// Consecutive sources of a generator.
#[derive(Debug)]
pub(crate) struct SourceBlock {
    /// Index of the generator.
    pub(crate) generator: usize,
    first: u32,
    stream: Stream,
    process: Process,
    /// Events that have been drawn, but not sent, because the run was stopped meanwhile.
    draft: Option<Box<Draft>>,
    /// The steps in which the generator is on.
    on: Range<u64>,
    /// The step before which all spikes have been sent.
    sent: u64,
    /// The spikes that were sent last: their first step, and the events (step relative to the first step,
    /// source).
    last: (u64, Vec<(u32, u32)>),
    /// Recorded spikes (step, source), if a probe records them.
    pub(crate) log: Option<Vec<(u64, u32)>>,
    /// Whether values passed to the run replace the output of the generator.
    pub(crate) muted: bool,
    pub(crate) shortage: Option<Shortage>,
    dt: f64,
}

impl Process {
    fn copy(&self) -> Result<Self, Error> {
        Ok(match self {
            Self::Poisson(renewal) => Self::Poisson(renewal.copy()?),
            Self::Bernoulli(renewal) => Self::Bernoulli(renewal.copy()?),
            Self::Given { spikes } => Self::Given { spikes: spikes.clone() },
            Self::Pushed { spikes, told } => {
                let mut all = room(spikes.len())?;
                all.extend(spikes.iter().copied());
                Self::Pushed { spikes: all.into(), told: *told }
            }
        })
    }
}

impl SourceBlock {
    /// Creates the source blocks of a generator (already validated) in their initial state.
    pub(crate) fn of(index: usize, generator: &Generator, seed: u64, dt: f64) -> Result<Vec<Self>, Error> {
        let path = &generator.path;
        let start = steps_of(path, "start", generator.start, dt)?;
        let stop = generator.stop.map_or(Ok(u64::MAX), |t| steps_of(path, "stop", t, dt))?;
        let stream = stream(generator, seed);
        let source_block = |first: usize, on: Range<u64>, process: Process| {
            let first = first as u32;
            Self {
                generator: index,
                first,
                stream,
                process,
                draft: None,
                on,
                sent: 0,
                last: (0, Vec::new()),
                log: None,
                muted: false,
                shortage: None,
                dt,
            }
        };
        let needed = |error: Error| error.needed_by(path, || "its sources".into());
        match &generator.signal {
            Signal::Spikes { indices, times } => {
                let mut spikes = room(times.len()).map_err(needed)?;
                for (i, t) in indices.iter().zip(times) {
                    spikes.push((steps_of(path, "times", *t, dt)?, *i));
                }
                spikes.sort_unstable();
                generator.check_given(spikes.iter().map(|(step, _)| *step), dt)?;
                Ok(vec![source_block(0, start..stop, Process::Given { spikes: Arc::new(spikes) })])
            }
            Signal::Pushed => {
                let none = Process::Pushed { spikes: VecDeque::new(), told: 0 };
                Ok(vec![source_block(0, start..stop, none)])
            }
            signal => {
                let schedule = Arc::new(Schedule::of(generator, dt)?);
                // If the generator is on for a part of a step, the schedule contains that part of the rate.
                let on = schedule.window.steps();
                let firsts = (0..generator.size).step_by(SOURCE_BLOCK);
                let mut all = room(firsts.len()).map_err(needed)?;
                for first in firsts {
                    let sources = SOURCE_BLOCK.min(generator.size - first);
                    let renewal = Renewal::new(first, sources, schedule.clone()).map_err(needed)?;
                    let poisson = matches!(signal, Signal::Poisson);
                    let process =
                        if poisson { Process::Poisson(renewal) } else { Process::Bernoulli(renewal) };
                    all.push(source_block(first, on.clone(), process));
                }
                Ok(all)
            }
        }
    }

    /// Returns the sources of the block.
    pub(crate) fn sources(&self, size: usize) -> Range<usize> {
        let first = self.first as usize;
        match &self.process {
            Process::Poisson(r) | Process::Bernoulli(r) => first..first + r.next.len(),
            Process::Given { .. } | Process::Pushed { .. } => first..size,
        }
    }

    /// Draws later events from the stream of another seed.
    pub(crate) fn reseed(&mut self, generator: &Generator, seed: u64) {
        self.draft = None;
        self.stream = stream(generator, seed);
    }

    /// From now on, draws the numbers of sample `batch` of a batch. The processes have no memory, so drawing
    /// the next event again is exact.
    pub(crate) fn become_sample(&mut self, batch: u32) {
        self.draft = None;
        self.stream = self.stream.of_sample(batch);
        if let Process::Poisson(r) | Process::Bernoulli(r) = &mut self.process
            && batch > 0
        {
            r.row = None;
        }
    }

    /// Returns the number of bytes that a copy needs.
    pub(crate) fn bytes(&self) -> usize {
        let process = match &self.process {
            Process::Poisson(r) | Process::Bernoulli(r) => {
                r.next.len() * (2 * size_of::<f64>() + size_of::<u64>())
            }
            Process::Pushed { spikes, .. } => size_of::<(u64, u32)>() * spikes.len(),
            Process::Given { .. } => 0,
        };
        size_of::<Self>() + process
    }

    /// Returns a copy that records nothing.
    pub(crate) fn copy_unrecorded(&self) -> Result<Self, Error> {
        let (process, last) = (self.process.copy()?, (self.last.0, copied(&self.last.1)?));
        Ok(Self { process, draft: None, last, on: self.on.clone(), log: None, shortage: None, ..*self })
    }

    /// Returns a copy.
    pub(crate) fn copy(&self, recordings: Recordings) -> Result<Self, Error> {
        let log = self.log.as_deref().and_then(|log| recordings.of(log)).map(copied).transpose()?;
        Ok(Self { log, ..self.copy_unrecorded()? })
    }

    /// Sets rates (Hz) or probabilities from step `now` on, either with one value per time or, if `whole` is
    /// true, with one value for all times. A source whose value changes draws its next event again, which is
    /// exact because the processes have no memory.
    pub(crate) fn set(&mut self, values: &Arc<Values>, whole: bool, now: u64) {
        self.draft = None;
        if let Process::Poisson(renewal) | Process::Bernoulli(renewal) = &mut self.process {
            Arc::make_mut(&mut renewal.schedule).set(values.clone(), whole);
            if renewal.row.is_some() {
                self.take_levels(now.max(self.sent));
            }
        }
    }

    /// Allocates memory for `count` further spikes, which [`Self::push`] adds.
    pub(crate) fn make_room(&mut self, count: usize) -> Result<(), Error> {
        let Process::Pushed { spikes, .. } = &mut self.process else { return Ok(()) };
        let all = spikes.len() + count;
        spikes.try_reserve(count).map_err(|_| out_of_memory::<(u64, u32)>(all))
    }

    /// Adds spikes (step, source) of steps that have not been sent, in ascending order. After this call, all
    /// spikes before step `until` have been passed.
    pub(crate) fn push(&mut self, given: impl Iterator<Item = (u64, u32)>, until: u64) {
        if let Process::Pushed { spikes, told } = &mut self.process {
            spikes.extend(given);
            *told = until.max(*told);
        }
    }

    /// Draws the spikes of all steps before `step` and discards them, so that later spikes are those of a run from the
    /// beginning.
    pub(crate) fn skip_to(&mut self, step: u64) -> Result<(), Error> {
        match &mut self.process {
            Process::Given { .. } => {}
            Process::Pushed { spikes, told } => {
                spikes.retain(|(at, _)| *at >= step);
                *told = step.max(*told);
            }
            Process::Poisson(_) | Process::Bernoulli(_) => {
                let (log, mut out) = (self.log.take(), Spikes::default());
                while self.sent < step {
                    check_interrupt()?;
                    let steps = (step - self.sent).min(SKIP) as usize;
                    self.generate(self.sent, steps, &mut out, &mut || true)?;
                }
                self.log = log;
            }
        }
        (self.sent, self.last) = (self.sent.max(step), (step, Vec::new()));
        Ok(())
    }

    /// Returns the step before which all spikes have been passed.
    pub(crate) const fn told(&self) -> u64 {
        if let Process::Pushed { told, .. } = &self.process { *told } else { 0 }
    }

    /// Returns a record of the spikes from step `now` on that have already been sent, or `None` if the block records
    /// spikes.
    pub(crate) fn new_log(&self, now: u64) -> Result<Option<Vec<(u64, u32)>>, Error> {
        self.log.is_none().then(|| collected(self.ahead(now))).transpose()
    }

    /// Returns the factor that converts values of the schedule to values per step.
    fn unit(&self) -> f64 {
        if matches!(self.process, Process::Poisson(_)) { self.dt * 1e-3 } else { 1.0 }
    }

    /// Updates the levels to those that apply at step `now`, and draws the events that depend on them.
    fn take_levels(&mut self, now: u64) {
        let (stream, first, unit) = (self.stream, self.first, self.unit());
        let from = now.max(self.on.start) as f64;
        match &mut self.process {
            Process::Poisson(r) => {
                r.take_levels(now, from, unit, |i, draw, level| gap(stream, first + i, draw, level, true));
            }
            Process::Bernoulli(r) => {
                r.take_levels(now, from, unit, |i, draw, level| gap(stream, first + i, draw, level, false));
            }
            _ => {}
        }
    }

    /// Generates the spikes of `steps` steps from `begin` on, sorted by step and then by source. Between two sources,
    /// `goes_on` may stop this. The result is then `false`, and nothing has been sent.
    pub(crate) fn generate(
        &mut self,
        begin: u64,
        steps: usize,
        out: &mut Spikes,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        let end = begin + steps as u64;
        let from = begin.max(self.sent);
        self.arrive(begin, end);
        if !self.drafted(from..end, begin, goes_on)? {
            out.clear();
            return Ok(false);
        }
        self.sent = self.sent.max(end);
        let mut events = std::mem::take(&mut self.last.1);
        events.clear();
        let mut at = from;
        if let Some(draft) = self.draft.take() {
            let (sources, drawn) = draft.finish();
            if let Process::Poisson(renewal) | Process::Bernoulli(renewal) = &mut self.process {
                *renewal = sources;
            }
            (events, at) = (drawn, end);
        }
        while at < end {
            let until = self.next_break(at).map_or(end, |b| b.min(end));
            if self.is_at_break(at) {
                self.take_levels(at);
            }
            self.span(at.max(self.on.start), until.min(self.on.end), begin, &mut events)?;
            at = until;
        }
        if self.muted {
            events.clear();
        }
        let in_time = events.iter().map(|(step, source)| (begin + u64::from(*step), *source));
        if let Some(log) = &mut self.log {
            reserve(log, events.len())?;
            log.extend(in_time);
        }
        // The events of each source are in order, but sources repeat after each break. A stable sort would
        // allocate memory.
        events.sort_unstable_by_key(|(step, source)| (*source, *step));
        out.fill(steps, &events)?;
        self.last = (begin, events);
        Ok(true)
    }

    /// Draws the events of these steps as a draft, if there are many. Returns `false` if `goes_on` returned `false`.
    fn drafted(
        &mut self,
        steps: Range<u64>,
        begin: u64,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        let (draft, how) =
            (self.draft.take(), (self.stream, self.first, matches!(self.process, Process::Poisson(_))));
        let (Process::Poisson(renewal) | Process::Bernoulli(renewal)) = &self.process else {
            return Ok(true);
        };
        let on = steps.start.max(self.on.start)..steps.end.min(self.on.end);
        if !Draft::is_worthwhile(renewal, &steps, &on) {
            return Ok(true);
        }
        let mut draft = Draft::of(draft, renewal, on)?;
        let is_complete = draft.draw(how, begin, goes_on)?;
        self.draft = Some(draft);
        Ok(is_complete)
    }

    /// Takes the levels at the first step from `begin` on that has not been sent, if it is before `end`. The source blocks
    /// of a generator therefore use the same row of the schedule, whether or not they have sent their spikes.
    pub(crate) fn arrive(&mut self, begin: u64, end: u64) {
        let from = begin.max(self.sent);
        if from < end && self.is_at_break(from) {
            self.take_levels(from);
        }
    }

    /// Returns whether spikes before step `end` have not been sent.
    pub(crate) const fn is_behind(&self, end: u64) -> bool {
        self.sent < end
    }

    fn next_break(&self, step: u64) -> Option<u64> {
        match &self.process {
            Process::Poisson(r) | Process::Bernoulli(r) => r.schedule.next(step),
            _ => None,
        }
    }

    /// Returns whether levels change at a step.
    fn is_at_break(&self, step: u64) -> bool {
        match &self.process {
            Process::Poisson(r) | Process::Bernoulli(r) => r.row != Some(r.schedule.row(step)),
            _ => false,
        }
    }

    /// Adds the events (step relative to `begin`, source) of the steps from `from` to `until`.
    fn span(&mut self, from: u64, until: u64, begin: u64, events: &mut Vec<(u32, u32)>) -> Result<(), Error> {
        let mut done = Ok(());
        let mut event = |step: u64, source: u32| {
            if (from..until).contains(&step) && done.is_ok() {
                done = push(events, ((step - begin) as u32, source));
            }
        };
        let (stream, first) = (self.stream, self.first);
        match &mut self.process {
            Process::Given { spikes } => {
                let at = |step| spikes.partition_point(|(s, _)| *s < step);
                spikes[at(from)..at(until.max(from))].iter().for_each(|(step, i)| event(*step, *i));
            }
            Process::Pushed { spikes, .. } => {
                while let Some((step, source)) = spikes.front().copied().filter(|(step, _)| *step < until) {
                    spikes.pop_front();
                    event(step, source);
                }
            }
            Process::Poisson(r) => {
                let gap = |i, draw: &mut u64, level| gap(stream, first + i, draw, level, true);
                let mut event = |step, i| event(step, first + i);
                (0..r.next.len()).for_each(|i| r.run(i, until, 0.0, &mut event, gap));
            }
            Process::Bernoulli(r) => {
                let gap = |i, draw: &mut u64, level| gap(stream, first + i, draw, level, false);
                let mut event = |step, i| event(step, first + i);
                (0..r.next.len()).for_each(|i| r.run(i, until, 1.0, &mut event, gap));
            }
        }
        done
    }
}

/// Returns the random stream of a generator.
fn stream(generator: &Generator, seed: u64) -> Stream {
    match &generator.stream {
        Some(name) => Stream::new(seed, name, Purpose::SharedSpikes),
        None => Stream::new(seed, &generator.path, Purpose::Spikes),
    }
}

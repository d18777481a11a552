//! Spike generators, in chunks of sources that threads own.
//!
//! Poisson sources draw the gap to their next event, not a number per step: the process is exact (a step may hold
//! several events of a source), costs nothing while silent, and its draws do not depend on how a run is cut into epochs.
//! Bernoulli sources likewise draw the number of steps to their next spike.

use std::sync::Arc;

use dendrion_model::{Error, Generator, Signal, Values, steps_of};

use crate::random::{Purpose, Stream};
use crate::spikes::Spikes;

/// Sources of a chunk.
const CHUNK: usize = 4096;

/// What a chunk's sources do.
#[derive(Clone, Debug)]
enum Process {
    /// Times of the next events, in steps from the start of time, and rates per step.
    Poisson { next: Vec<f64>, rates: Vec<f64> },
    /// Steps of the next spikes, and probabilities per step.
    Bernoulli { next: Vec<f64>, probs: Vec<f64> },
    /// Steps and sources of all spikes, ascending.
    Given { spikes: Arc<Vec<(u64, u32)>> },
}

/// A run of a generator's sources.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    /// Index of the generator.
    pub(crate) generator: usize,
    first: u32,
    stream: Stream,
    /// Draws each source has made.
    draws: Vec<u64>,
    process: Process,
    /// The steps in which the generator is on.
    on: std::ops::Range<u64>,
    /// Everything before this step has been sent.
    sent: u64,
}

impl Chunk {
    /// The chunks of a generator (validated before), at the beginning of time.
    pub(crate) fn of(index: usize, generator: &Generator, seed: u64, dt: f64) -> Result<Vec<Self>, Error> {
        let path = &generator.path;
        let start = steps_of(path, "start", generator.start, dt)?;
        let stop = generator.stop.map_or(Ok(u64::MAX), |t| steps_of(path, "stop", t, dt))?;
        let stream = Stream::new(seed, path, Purpose::Spikes);
        if let Signal::Spikes { indices, times } = &generator.signal {
            let mut spikes = Vec::with_capacity(times.len());
            for (i, t) in indices.iter().zip(times) {
                spikes.push((steps_of(path, "times", *t, dt)?, *i));
            }
            spikes.sort_unstable();
            let process = Process::Given { spikes: Arc::new(spikes) };
            let on = start..stop;
            let chunk = Self { generator: index, first: 0, stream, draws: Vec::new(), process, on, sent: 0 };
            return Ok(vec![chunk]);
        }
        let firsts = (0..generator.size).step_by(CHUNK);
        Ok(firsts
            .map(|first| {
                let sources = CHUNK.min(generator.size - first);
                let (next, still) = (vec![0.0; sources], vec![0.0; sources]);
                let process = match generator.signal {
                    Signal::Poisson => Process::Poisson { next, rates: still },
                    _ => Process::Bernoulli { next, probs: still },
                };
                let draws = vec![0; sources];
                let (first, on) = (first as u32, start..stop);
                let mut chunk = Self { generator: index, first, stream, draws, process, on, sent: 0 };
                if let Some(values) =
                    generator.kind().parameters().first().and_then(|p| generator.params.get(p.name))
                {
                    chunk.set(values, 0, dt);
                }
                chunk
            })
            .collect())
    }

    /// Sets rates (Hz) or probabilities from step `now` on. A source whose value changes draws its next event anew,
    /// which is exact because the processes have no memory.
    pub(crate) fn set(&mut self, values: &Values, now: u64, dt: f64) {
        let from = now.max(self.on.start).max(self.sent);
        let first = self.first as usize;
        let (next, levels, poisson) = match &mut self.process {
            Process::Poisson { next, rates } => (next, rates, true),
            Process::Bernoulli { next, probs } => (next, probs, false),
            Process::Given { .. } => return,
        };
        for i in 0..levels.len() {
            let value = values.get(first + i);
            let level = if poisson { value * dt * 1e-3 } else { value };
            if level != levels[i] || self.draws[i] == 0 {
                levels[i] = level;
                let gap = gap(self.stream, (first + i) as u32, &mut self.draws[i], level, poisson);
                next[i] = from as f64 + gap;
            }
        }
    }

    /// Appends the spikes of `steps` steps from `begin` on, by step, then source.
    pub(crate) fn generate(&mut self, begin: u64, steps: usize, out: &mut Spikes) {
        let end = begin + steps as u64;
        let from = begin.max(self.sent).max(self.on.start);
        let until = end.min(self.on.end);
        self.sent = self.sent.max(end);
        let mut events = Vec::new();
        let mut event = |step: u64, source: u32| {
            if (from..until).contains(&step) {
                events.push(((step - begin) as u32, source));
            }
        };
        match &mut self.process {
            Process::Given { spikes } => {
                let at = |step| spikes.partition_point(|(s, _)| *s < step);
                spikes[at(from)..at(until.max(from))].iter().for_each(|(step, i)| event(*step, *i));
            }
            Process::Poisson { next, rates } => {
                for (i, next) in next.iter_mut().enumerate() {
                    let source = self.first + i as u32;
                    while *next < until as f64 {
                        event(*next as u64, source);
                        *next += gap(self.stream, source, &mut self.draws[i], rates[i], true);
                    }
                }
            }
            Process::Bernoulli { next, probs } => {
                for (i, next) in next.iter_mut().enumerate() {
                    let source = self.first + i as u32;
                    while *next < until as f64 {
                        event(*next as u64, source);
                        *next += 1.0 + gap(self.stream, source, &mut self.draws[i], probs[i], false);
                    }
                }
            }
        }
        out.fill(steps, &events);
    }
}

/// Steps to the next event: exponential for a rate per step, geometric for a probability.
fn gap(stream: Stream, source: u32, draws: &mut u64, level: f64, poisson: bool) -> f64 {
    let draw = *draws;
    *draws += 1;
    if poisson { stream.exponential(source, draw) / level } else { stream.failures(source, draw, level) }
}

//! Connections with plastic weights: when weights are updated, and with which spikes.

mod memory;

use std::collections::VecDeque;

use dendrion_kernels::{Delays, Fanout, Ring, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::{filled, out_of_memory, push};

use super::history::History;
use super::rule::{Pre, Rule};

pub(crate) use memory::LearningMemory;

/// A step before all spikes.
const NEVER: i64 = i64::MIN / 2;

/// The connections of one projection onto one shard, with the delays and spike histories that their plasticity needs.
pub(crate) struct Synapses<'a, T: Scalar> {
    pub(crate) fanout: &'a mut Fanout<T>,
    pub(crate) history: &'a History,
    /// Dendritic delays in steps, by lane.
    pub(crate) dendritic: &'a [u16],
    /// Time step in ms.
    pub(crate) dt: f64,
}

impl<T: Scalar> Synapses<'_, T> {
    /// Returns the lane of a connection, its delay, and its delay minus twice the dendritic delay.
    fn path(&self, c: usize) -> (usize, i64, i64) {
        let lane = usize::from(self.fanout.targets()[c]);
        let delay = match self.fanout.delays() {
            Delays::Uniform(d) => i64::from(*d),
            Delays::Each(d) => i64::from(d[c]),
        };
        (lane, delay, delay - 2 * i64::from(self.dendritic[lane]))
    }
}

/// The plasticity of the connections of one projection onto one shard.
#[derive(Debug)]
pub(crate) struct Learning {
    rule: Rule,
    /// Whether weights change.
    on: bool,
    /// Traces by source, or by connection if spikes wait at any connection.
    pre: Vec<Pre>,
    by_source: bool,
    /// Spikes (step, source) that have not been processed, in ascending order of steps.
    spikes: VecDeque<(u64, u32)>,
    /// Connections that wait for postsynaptic spikes, in a ring indexed by the step at which they are processed.
    waiting: Vec<Vec<u32>>,
    /// The step at which all weights were last updated.
    flushed: i64,
}

impl Learning {
    /// Creates the plasticity of `synapses` for epochs of `epoch` steps.
    pub(crate) fn new<T: Scalar>(rule: Rule, synapses: &Synapses<'_, T>, epoch: u64) -> Result<Self, Error> {
        let count = synapses.fanout.targets().len();
        let longest = (0..count).map(|c| synapses.path(c).2).max().unwrap_or(0).max(0);
        let by_source = longest == 0;
        let traces = if by_source { synapses.fanout.starts().len() - 1 } else { count };
        Ok(Self {
            rule,
            on: true,
            pre: filled(traces, Pre::default())?,
            by_source,
            spikes: VecDeque::new(),
            waiting: filled(longest as usize + epoch as usize + 1, Vec::new())?,
            flushed: NEVER,
        })
    }

    /// Replaces the rule for later updates.
    pub(crate) const fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
    }

    /// Sets whether weights change. Traces are updated in either case. Weights must already have been
    /// flushed.
    pub(crate) const fn set_on(&mut self, on: bool) {
        self.on = on;
    }

    /// Removes all spikes. Weights keep their values.
    pub(crate) fn reset(&mut self) {
        self.pre.fill(Pre::default());
        self.spikes.clear();
        self.waiting.iter_mut().for_each(Vec::clear);
        self.flushed = NEVER;
    }

    /// Enqueues the spikes of a step.
    pub(crate) fn enqueue(&mut self, step: u64, sources: &[u32]) -> Result<(), Error> {
        let count = sources.len();
        self.spikes.try_reserve(count).map_err(|_| out_of_memory::<(u64, u32)>(self.spikes.len() + count))?;
        self.spikes.extend(sources.iter().map(|source| (step, *source)));
        Ok(())
    }

    /// Processes the spikes that can be decided at step `t`: updates their weights and adds them to the delivery
    /// ring.
    pub(crate) fn decide<T: Scalar>(
        &mut self,
        t: u64,
        synapses: &mut Synapses<'_, T>,
        ring: &mut Ring<T>,
    ) -> Result<(), Error> {
        let slot = (t % self.waiting.len() as u64) as usize;
        let mut ready = std::mem::take(&mut self.waiting[slot]);
        for c in ready.drain(..) {
            let (_, _, shift) = synapses.path(c as usize);
            let n = (t as i64 - shift) as u64;
            self.transmit(c as usize, c as usize, n, synapses, ring);
            self.advance(c as usize, n, synapses.dt);
        }
        self.waiting[slot] = ready;
        while let Some((step, source)) = self.spikes.front().copied().filter(|(step, _)| *step <= t) {
            self.spikes.pop_front();
            self.spread(source as usize, step, synapses, ring)?;
        }
        Ok(())
    }

    /// Transmits a spike that can be decided at step `t` through the connections of its source, or lets it
    /// wait at connections that need later postsynaptic spikes.
    fn spread<T: Scalar>(
        &mut self,
        source: usize,
        t: u64,
        synapses: &mut Synapses<'_, T>,
        ring: &mut Ring<T>,
    ) -> Result<(), Error> {
        let starts = synapses.fanout.starts();
        let (Some(from), Some(to)) = (starts.get(source), starts.get(source + 1)) else { return Ok(()) };
        for c in *from as usize..*to as usize {
            let (_, _, shift) = synapses.path(c);
            if shift > 0 {
                let slot = (t + shift as u64) % self.waiting.len() as u64;
                push(&mut self.waiting[slot as usize], c as u32)?;
                continue;
            }
            self.transmit(c, if self.by_source { source } else { c }, t, synapses, ring);
            if !self.by_source {
                self.advance(c, t, synapses.dt);
            }
        }
        if self.by_source {
            self.advance(source, t, synapses.dt);
        }
        Ok(())
    }

    /// Updates a weight for a spike that its source sent at step `n`, and delivers the spike. `trace` is the
    /// index of the source's traces.
    fn transmit<T: Scalar>(
        &mut self,
        c: usize,
        trace: usize,
        n: u64,
        synapses: &mut Synapses<'_, T>,
        ring: &mut Ring<T>,
    ) {
        let (lane, delay, shift) = synapses.path(c);
        let arrival = n as i64 + shift;
        if self.on {
            self.catch_up(c, trace, arrival, synapses);
            let pre = &self.pre[trace];
            let k_minus = synapses.history.before(lane, arrival);
            let gap = gap(pre, n, synapses.dt);
            let weight = &mut synapses.fanout.weights_mut()[c];
            *weight = T::from_f64(self.rule.depress(weight.to_f64(), pre, gap, k_minus));
        }
        ring.add(n + delay as u64, lane, synapses.fanout.weights()[c]);
    }

    /// Applies the postsynaptic spikes after the source's last spike, up to and including step `until`.
    fn catch_up<T: Scalar>(&self, c: usize, trace: usize, until: i64, synapses: &mut Synapses<'_, T>) {
        let pre = &self.pre[trace];
        let Some(last) = pre.last else { return };
        let (lane, _, shift) = synapses.path(c);
        let last = last as i64 + shift;
        let postsynaptic = synapses.history.between(lane, last.max(self.flushed_until(shift)), until);
        let (weights, dt) = (synapses.fanout.weights_mut(), synapses.dt);
        for post in postsynaptic {
            let gap = (post.step - last) as f64 * dt;
            // The weight is rounded after each spike, so the result does not depend on when weights are updated.
            weights[c] = T::from_f64(self.rule.facilitate(weights[c].to_f64(), pre, gap, post.slow));
        }
    }

    /// Returns the latest step whose postsynaptic spikes the last flush applied.
    fn flushed_until(&self, shift: i64) -> i64 {
        self.flushed - 1 + shift.min(0)
    }

    fn advance(&mut self, trace: usize, n: u64, dt: f64) {
        let pre = &mut self.pre[trace];
        *pre = self.rule.advance(pre, n, gap(pre, n, dt));
    }

    /// Updates all weights with the spikes before step `now` whose order at the synapse is known. All spikes
    /// that could be decided before `now` must have been decided.
    pub(crate) fn flush<T: Scalar>(&mut self, now: u64, synapses: &mut Synapses<'_, T>) {
        let before = std::mem::replace(&mut self.flushed, now as i64);
        if before >= now as i64 || !self.on {
            return;
        }
        let after = std::mem::replace(&mut self.flushed, before);
        for source in 0..synapses.fanout.starts().len() - 1 {
            let row =
                synapses.fanout.starts()[source] as usize..synapses.fanout.starts()[source + 1] as usize;
            for c in row {
                let (_, _, shift) = synapses.path(c);
                let until = after - 1 + shift.min(0);
                self.catch_up(c, if self.by_source { source } else { c }, until, synapses);
            }
        }
        self.flushed = after;
    }
}

/// Returns the time since a source's last spike in ms, or 0 before its first spike, when there are no traces to
/// decay.
fn gap(pre: &Pre, n: u64, dt: f64) -> f64 {
    pre.last.map_or(0.0, |last| (n - last) as f64 * dt)
}

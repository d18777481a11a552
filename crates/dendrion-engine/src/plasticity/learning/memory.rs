//! The state of the plasticity of a projection's connections onto a shard, apart from their weights.

use std::collections::VecDeque;

use dendrion_model::Error;
use dendrion_model::allocate::{copied, filled, push};

use super::{Learning, Pre};

/// The state of a projection's connections onto a shard at a later or earlier step.
#[derive(Debug)]
pub(crate) struct LearningMemory {
    pre: Vec<Pre>,
    spikes: VecDeque<(u64, u32)>,
    waiting: Vec<Vec<u32>>,
}

impl Learning {
    /// Returns whether weights change.
    pub(crate) const fn is_on(&self) -> bool {
        self.on
    }

    /// Returns the spikes (step, source) that have not been processed.
    pub(crate) fn queued(&self) -> impl Iterator<Item = (u64, u32)> {
        self.spikes.iter().copied()
    }

    /// Returns the connections that wait, with the steps at which they are processed, in order from step `now` on.
    pub(crate) fn waiting(&self, now: u64) -> impl Iterator<Item = (u64, u32)> {
        let slots = self.waiting.len() as u64;
        let of = move |step: u64| (step, &self.waiting[(step % slots) as usize]);
        (now..now + slots).map(of).flat_map(|(step, all)| all.iter().map(move |c| (step, *c)))
    }

    /// Returns the traces of a source at connection `c`.
    pub(crate) fn trace(&self, source: usize, c: usize) -> Pre {
        self.pre.get(if self.by_source { source } else { c }).copied().unwrap_or_default()
    }

    /// Creates the state with these traces, spikes that have not been processed (step, source), and connections that
    /// wait (step, connection). `trace` returns the traces of a source, given the source and one of its connections, if
    /// it has any.
    pub(crate) fn memory(
        &self,
        starts: &[u32],
        queued: &[(u64, u32)],
        waiting: impl Iterator<Item = (u64, u32)>,
        trace: impl Fn(usize, Option<usize>) -> Pre,
    ) -> Result<LearningMemory, Error> {
        let mut memory = LearningMemory {
            pre: filled(self.pre.len(), Pre::default())?,
            spikes: copied(queued)?.into(),
            waiting: filled(self.waiting.len(), Vec::new())?,
        };
        let slots = self.waiting.len() as u64;
        for (step, c) in waiting {
            push(&mut memory.waiting[(step % slots) as usize], c)?;
        }
        for (source, row) in starts.windows(2).enumerate() {
            let mut row = row[0] as usize..row[1] as usize;
            if self.by_source {
                memory.pre[source] = trace(source, row.next());
            } else {
                row.for_each(|c| memory.pre[c] = trace(source, Some(c)));
            }
        }
        Ok(memory)
    }

    /// Restores the state at step `now`, when all weights were up to date.
    pub(crate) fn recall(&mut self, now: u64, on: bool, memory: LearningMemory) {
        (self.on, self.flushed) = (on, now as i64);
        (self.pre, self.spikes, self.waiting) = (memory.pre, memory.spikes, memory.waiting);
    }
}

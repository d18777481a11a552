//! The state of the plasticity of a projection's connections onto a shard, apart from their weights.

use super::{Learning, Pre};

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

    /// Restores the state at step `now`, when all weights were up to date. `trace` returns the traces of a
    /// source, given the source and one of its connections, if it has any.
    pub(crate) fn recall(
        &mut self,
        now: u64,
        (starts, on): (&[u32], bool),
        queued: &[(u64, u32)],
        waiting: &[(u64, u32)],
        trace: impl Fn(usize, Option<usize>) -> Pre,
    ) {
        self.reset();
        (self.on, self.flushed) = (on, now as i64);
        self.spikes.extend(queued);
        let slots = self.waiting.len() as u64;
        for (step, c) in waiting {
            self.waiting[(step % slots) as usize].push(*c);
        }
        for (source, row) in starts.windows(2).enumerate() {
            let mut row = row[0] as usize..row[1] as usize;
            if self.by_source {
                self.pre[source] = trace(source, row.next());
            } else {
                row.for_each(|c| self.pre[c] = trace(source, Some(c)));
            }
        }
    }
}

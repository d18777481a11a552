//! Sources that draw the times at which they send: Poisson and Bernoulli processes.

use std::sync::Arc;

use dendrion_model::Error;
use dendrion_model::allocate::{copied, filled};

use super::Schedule;
use crate::random::Stream;

/// Sources that draw the times at which they send.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) next: Vec<f64>,
    pub(super) levels: Vec<f64>,
    /// The sum of the levels: about how many events the sources have in a step.
    pub(super) total: f64,
    /// Number of draws of each source.
    pub(super) draws: Vec<u64>,
    pub(super) schedule: Arc<Schedule>,
    /// Index of the first of these sources in the generator.
    pub(super) offset: usize,
    /// The row of the schedule in use, or `None` before the first draw.
    pub(super) row: Option<usize>,
}

impl Renewal {
    pub(super) fn new(offset: usize, sources: usize, schedule: Arc<Schedule>) -> Result<Self, Error> {
        let (next, levels, draws) = (filled(sources, 0.0)?, filled(sources, 0.0)?, filled(sources, 0)?);
        Ok(Self { next, levels, total: 0.0, draws, schedule, offset, row: None })
    }

    pub(super) fn copy(&self) -> Result<Self, Error> {
        let (next, levels, draws) = (copied(&self.next)?, copied(&self.levels)?, copied(&self.draws)?);
        Ok(Self { next, levels, draws, schedule: self.schedule.clone(), ..*self })
    }

    /// Returns the level of source `i` in a row, times `unit`. -0 becomes 0, because a time divided by -0 would be
    /// -inf.
    pub(super) fn level(&self, row: usize, i: usize, unit: f64) -> f64 {
        self.schedule.value(row, self.offset + i) * unit + 0.0
    }

    /// Updates the levels to those that apply at step `now`, times `unit`. Sources whose level changes draw their
    /// next event from `from` on.
    pub(super) fn take_levels(
        &mut self,
        now: u64,
        from: f64,
        unit: f64,
        gap: impl Fn(u32, &mut u64, f64) -> f64,
    ) {
        let (row, first) = (self.schedule.row(now), self.row.is_none());
        for i in 0..self.levels.len() {
            let level = self.level(row, i, unit);
            if level != self.levels[i] || first {
                self.levels[i] = level;
                self.next[i] = from + gap(i as u32, &mut self.draws[i], level);
            }
        }
        self.total = self.levels.iter().sum();
        self.row = Some(row);
    }

    /// Calls `event` for every event of source `i` before step `until`. The events of a source are at least `apart` steps
    /// apart.
    #[inline]
    pub(super) fn run(
        &mut self,
        i: usize,
        until: u64,
        apart: f64,
        mut event: impl FnMut(u64, u32),
        gap: impl Fn(u32, &mut u64, f64) -> f64,
    ) {
        while self.next[i] < until as f64 {
            event(self.next[i] as u64, i as u32);
            self.next[i] += apart + gap(i as u32, &mut self.draws[i], self.levels[i]);
        }
    }
}

/// Returns the number of steps to the next event: exponentially distributed for a rate per step, geometrically
/// distributed for a probability.
pub(super) fn gap(stream: Stream, source: u32, draws: &mut u64, level: f64, poisson: bool) -> f64 {
    let draw = *draws;
    // No run makes so many draws that the counter wraps, but a saved state may contain any number.
    *draws = draw.wrapping_add(1);
    if poisson { stream.exponential(source, draw) / level } else { stream.failures(source, draw, level) }
}

//! The state of a spike generator, independent of its division into source blocks.

use std::collections::VecDeque;
use std::sync::Arc;

use dendrion_model::Error;
use dendrion_model::allocate::{append, extend};

use super::renewal::Renewal;
use super::{Process, Schedule, SourceBlock};

/// The data that a generator needs to continue, apart from its parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GeneratorMemory {
    /// The step before which all spikes have been sent.
    pub(crate) sent: u64,
    /// Spikes (step, source) that were sent ahead of time, sorted by step and then by source.
    pub(crate) ahead: Vec<(u64, u32)>,
    pub(crate) waits: Waits,
}

/// The spikes that the sources are going to send.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Waits {
    /// Nothing that changes: all spikes were specified when the network was built.
    #[default]
    Nothing,
    /// By source, the time of the next event in steps and the number of draws. `row` is the row of the schedule in
    /// use, or `None` before the first draw.
    Drawn { next: Vec<f64>, draws: Vec<u64>, row: Option<usize> },
    /// Spikes (step, source) passed by the caller, and the step before which all spikes have been passed.
    Pushed { spikes: Vec<(u64, u32)>, told: u64 },
}

impl GeneratorMemory {
    /// Collects the state of a generator from all its source blocks at step `now`.
    pub(crate) fn of<'a>(
        source_blocks: impl Iterator<Item = &'a SourceBlock>,
        now: u64,
    ) -> Result<Self, Error> {
        let mut memory = Self { sent: u64::MAX, ..Self::default() };
        for source_block in source_blocks {
            // If a run was stopped while the spikes of a step were generated, some source blocks have sent theirs. They
            // do not send them again, because their next events are later.
            memory.sent = source_block.sent.min(memory.sent);
            append(&mut memory.ahead, source_block.ahead(now))?;
            match &source_block.process {
                Process::Poisson(r) | Process::Bernoulli(r) => memory.waits.append(r)?,
                Process::Given { .. } => {}
                Process::Pushed { spikes, told } => {
                    let mut waiting = Vec::new();
                    append(&mut waiting, spikes.iter().copied())?;
                    memory.waits = Waits::Pushed { spikes: waiting, told: *told };
                }
            }
        }
        memory.ahead.sort_unstable();
        Ok(memory)
    }
}

impl Waits {
    fn append(&mut self, renewal: &Renewal) -> Result<(), Error> {
        if !matches!(self, Self::Drawn { .. }) {
            *self = Self::Drawn { next: Vec::new(), draws: Vec::new(), row: renewal.row };
        }
        if let Self::Drawn { next, draws, .. } = self {
            extend(next, &renewal.next)?;
            extend(draws, &renewal.draws)?;
        }
        Ok(())
    }
}

impl SourceBlock {
    /// Returns the spikes (step, source) sent for the steps from `now` on.
    pub(super) fn ahead(&self, now: u64) -> impl Iterator<Item = (u64, u32)> {
        let (begin, events) = &self.last;
        events
            .iter()
            .map(move |(step, source)| (begin + u64::from(*step), *source))
            .filter(move |e| e.0 >= now)
    }

    /// Returns the steps in which the generator is on.
    pub(crate) fn on(&self) -> std::ops::Range<u64> {
        self.on.clone()
    }

    /// Returns whether the sources draw the times at which they send.
    pub(crate) const fn draws(&self) -> bool {
        matches!(self.process, Process::Poisson(_) | Process::Bernoulli(_))
    }

    /// Restores the state of a generator with this schedule at step `now`. Recorded spikes are removed.
    pub(crate) fn recall(&mut self, memory: &mut GeneratorMemory, schedule: Option<&Schedule>, now: u64) {
        let unit = self.unit();
        (self.sent, self.shortage, self.draft) = (memory.sent, None, None);
        let mine = |(step, source): &(u64, u32)| Some((u32::try_from(step - now).ok()?, *source));
        let sources = self.sources(usize::MAX);
        let ahead = memory.ahead.iter().filter(|(_, source)| sources.contains(&(*source as usize)));
        self.last = (now, ahead.filter_map(mine).collect());
        if let Some(mut log) = self.log.take() {
            log.clear();
            log.extend(self.ahead(now));
            self.log = Some(log);
        }
        match (&mut self.process, &mut memory.waits) {
            (Process::Poisson(r) | Process::Bernoulli(r), Waits::Drawn { next, draws, row }) => {
                if let Some(schedule) = schedule {
                    r.schedule = Arc::new(schedule.clone());
                }
                let mine = r.offset..r.offset + r.next.len();
                r.next.copy_from_slice(&next[mine.clone()]);
                r.draws.copy_from_slice(&draws[mine.clone()]);
                r.row = *row;
                for i in 0..r.levels.len() {
                    r.levels[i] = row.map_or(0.0, |row| r.level(row, i, unit));
                }
                r.total = r.levels.iter().sum();
            }
            (Process::Pushed { spikes, told }, Waits::Pushed { spikes: all, told: until }) => {
                // A generator of this kind has one source block.
                (*spikes, *told) = (VecDeque::from(std::mem::take(all)), *until);
            }
            _ => {}
        }
    }
}

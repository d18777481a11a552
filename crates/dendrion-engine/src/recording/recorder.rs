//! Recorders store the values of probes in the shards that compute them, so threads share no memory.

use std::ops::Range;
use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::{copied, reserve};

/// The source of a recorder's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The state row with this index.
    State(usize),
    /// The observer with this number.
    Observer(usize),
    /// The weights of connections, which are indexed like lanes.
    Weights,
}

/// The recordings of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recordings {
    /// The same as those of the original.
    Copied,
    /// Recorders and logs without content.
    Empty,
    /// None: the copy does not record.
    Absent,
}

impl Recordings {
    /// Returns the part of a log that is copied, or `None` if the copy has no log.
    pub(crate) fn of<L>(self, log: &[L]) -> Option<&[L]> {
        match self {
            Self::Copied => Some(log),
            Self::Empty => Some(&[]),
            Self::Absent => None,
        }
    }
}

/// The recorded lanes of a shard (block * lanes + lane), in ascending order, each with its column in the
/// probe's table.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    places: Vec<(u32, u32)>,
    /// Whether lanes and columns are both consecutive, as those of a probe of all neurons are.
    in_order: bool,
}

impl Lanes {
    fn new(mut places: Vec<(u32, u32)>) -> Self {
        places.sort_unstable();
        let in_order = places.windows(2).all(|w| (w[0].0 + 1, w[0].1 + 1) == (w[1].0, w[1].1));
        Self { places, in_order }
    }

    /// Returns each lane with its column.
    pub(crate) fn places(&self) -> &[(u32, u32)] {
        &self.places
    }

    /// Returns whether lanes and columns are both consecutive.
    pub(crate) const fn in_order(&self) -> bool {
        self.in_order
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    fn first_column(&self) -> Option<usize> {
        self.places.first().map(|(_, column)| *column as usize)
    }

    /// Returns the recorded lanes among the `count` lanes from `first` on, as a range of `places`.
    pub(crate) fn within(&self, first: usize, count: usize) -> Range<usize> {
        let at = |lane: usize| self.places.partition_point(|(l, _)| (*l as usize) < lane);
        at(first)..at(first + count)
    }
}

/// The recording of one probe in one shard.
#[derive(Debug)]
pub(crate) struct Recorder<T: Scalar> {
    pub(crate) probe: usize,
    pub(crate) reads: Reads,
    /// Number of steps between samples.
    every: u64,
    lanes: Arc<Lanes>,
    /// Samples, in rows of `lanes` values. Rows after the valid ones are left over from before a reset.
    data: Vec<T>,
    /// Number of valid rows.
    rows: usize,
    /// Row of the first sample of this epoch.
    row: usize,
}

impl<T: Scalar> Recorder<T> {
    /// Creates a recorder that records the lanes in `columns` (lane of the shard, column of the probe) every
    /// `every` steps.
    pub(crate) fn new(probe: usize, reads: Reads, every: u64, columns: Vec<(u32, u32)>) -> Self {
        let lanes = Arc::new(Lanes::new(columns));
        Self { probe, reads, every, lanes, data: Vec::new(), rows: 0, row: 0 }
    }

    /// Returns a copy with only the valid rows, or without rows if `is_empty` is true.
    pub(crate) fn trimmed(&self, is_empty: bool) -> Result<Self, Error> {
        let rows = if is_empty { 0 } else { self.rows };
        let data = copied(&self.data[..rows * self.lanes.len()])?;
        Ok(Self { data, rows, lanes: self.lanes.clone(), ..*self })
    }

    /// Allocates memory for the samples of a run from step `begin` to `end`, so that its epochs need none.
    pub(crate) fn make_room(&mut self, begin: u64, end: u64) -> Result<(), Error> {
        let rows = self.rows.saturating_add(samples(begin, end, self.every) as usize);
        let more = rows.saturating_mul(self.lanes.len()).saturating_sub(self.data.len());
        reserve(&mut self.data, more)
    }

    /// Starts the samples of an epoch.
    pub(crate) fn begin(&mut self, begin: u64, steps: usize) {
        self.row = self.rows;
        self.rows += samples(begin, begin + steps as u64, self.every) as usize;
        if self.data.len() < self.rows * self.lanes.len() {
            self.data.resize(self.rows * self.lanes.len(), T::default());
        }
    }

    /// Returns whether the state of step `step` is recorded.
    pub(crate) const fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.every)
    }

    /// Records a sample of one block. `first` is the shard's index of the block's first lane, and `begin` the
    /// first step of the epoch.
    pub(crate) fn sample(&mut self, begin: u64, step: u64, first: usize, row: &[T]) {
        let sample = self.row + samples(begin, step, self.every) as usize;
        let columns = self.lanes.len();
        let mine = self.lanes.within(first, row.len());
        let out = &mut self.data[sample * columns..][mine.clone()];
        let places = &self.lanes.places[mine];
        if let (true, Some((lane, _))) = (self.lanes.in_order, places.first()) {
            out.copy_from_slice(&row[*lane as usize - first..][..out.len()]);
            return;
        }
        for (v, (lane, _)) in out.iter_mut().zip(places) {
            *v = row[*lane as usize - first];
        }
    }

    /// Returns the number of steps between samples, and the recorded lanes with their columns.
    pub(crate) fn places(&self) -> (u64, Arc<Lanes>) {
        (self.every, self.lanes.clone())
    }

    /// Returns the number of samples.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Removes the samples from row `rows` on.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
    }

    /// Removes all samples, and frees their memory if `release` is true.
    pub(crate) fn clear(&mut self, release: bool) {
        self.rows = 0;
        if release {
            self.data = Vec::new();
        }
    }

    /// Copies all samples to a table with `columns` columns.
    pub(crate) fn copy(&self, out: &mut [T], columns: usize) {
        let Some(first) = self.lanes.first_column() else { return };
        for (row, sample) in out.chunks_mut(columns).zip(self.data.chunks(self.lanes.len())).take(self.rows) {
            if self.lanes.in_order {
                row[first..][..sample.len()].copy_from_slice(sample);
                continue;
            }
            for (v, (_, column)) in sample.iter().zip(&self.lanes.places) {
                row[*column as usize] = *v;
            }
        }
    }
}

/// Appends the table of several recorders row by row if each has consecutive columns. Otherwise returns `false` and
/// appends nothing.
pub(crate) fn append<T: Scalar>(
    recorders: &[&Recorder<T>],
    (rows, columns): (usize, usize),
    table: &mut Vec<T>,
) -> bool {
    let mut next = 0;
    for recorder in recorders {
        let first = recorder.lanes.first_column().unwrap_or(next);
        if !recorder.lanes.in_order || first != next || recorder.rows() != rows {
            return false;
        }
        next += recorder.lanes.len();
    }
    if next != columns || columns == 0 {
        return false;
    }
    for row in 0..rows {
        for recorder in recorders {
            let lanes = recorder.lanes.len();
            table.extend_from_slice(&recorder.data[row * lanes..][..lanes]);
        }
    }
    true
}

/// Returns the number of multiples of `every` in `begin..end`.
pub(crate) const fn samples(begin: u64, end: u64, every: u64) -> u64 {
    end.div_ceil(every) - begin.div_ceil(every)
}

#[cfg(test)]
mod tests {
    use super::{Reads, Recorder, samples};

    #[test]
    fn samples_count_multiples() {
        for (begin, end, every) in [(0, 10, 1), (0, 10, 3), (4, 10, 3), (7, 9, 3), (3, 3, 3)] {
            let slow = (begin..end).filter(|s| s % every == 0).count() as u64;
            assert_eq!(samples(begin, end, every), slow);
        }
    }

    #[test]
    fn blocks_write_their_own_columns() {
        let mut recorder = Recorder::<f64>::new(0, Reads::State(0), 2, vec![(9, 0), (1, 1)]);
        recorder.begin(3, 3);
        recorder.sample(3, 4, 0, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        recorder.sample(3, 4, 8, &[8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
        let mut out = [0.0; 2];
        recorder.copy(&mut out, 2);
        assert_eq!(out, [9.0, 1.0]);
    }

    #[test]
    fn clearing_frees_memory_where_it_is_asked_to() {
        let mut recorder = Recorder::<f64>::new(0, Reads::State(0), 1, vec![(0, 0)]);
        recorder.begin(0, 1000);
        recorder.clear(false);
        assert_eq!((recorder.rows(), recorder.data.capacity() >= 1000), (0, true));
        recorder.begin(0, 1000);
        recorder.clear(true);
        assert_eq!((recorder.rows(), recorder.data.capacity()), (0, 0));
    }
}

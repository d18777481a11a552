//! Who spiked, as rows of lanes: a reverse takes this from the run rather than decide it again.

use std::ops::Range;

use dendrion_lanes::{Buffer, Scalar};

use crate::shard::Shard;

/// The spikes of one block in the steps of one epoch.
#[derive(Debug)]
pub(crate) struct Spiked<T: Scalar> {
    /// A row for each step in which one spiked: 1 for those that did.
    rows: Buffer<T>,
    /// For each step, its row.
    row_of_step: Vec<Option<usize>>,
    lanes: usize,
}

impl<T: Scalar> Spiked<T> {
    pub(crate) fn new(lanes: usize) -> Self {
        Self { rows: Buffer::zeroed(0), row_of_step: Vec::new(), lanes }
    }

    /// Takes the spikes of a block from what its shard has kept.
    pub(crate) fn fill(&mut self, shard: &Shard<T>, block: usize, steps: Range<u64>) {
        self.row_of_step.clear();
        let Some(history) = &shard.tracked else { return };
        let first = shard.neurons.start + block * self.lanes;
        let mut rows = 0;
        for step in steps {
            let all = history.spikes_at(step);
            let at = |neuron: usize| all.partition_point(|n| (*n as usize) < neuron);
            let mine = &all[at(first)..at(first + self.lanes)];
            self.row_of_step.push((!mine.is_empty()).then_some(rows));
            if mine.is_empty() {
                continue;
            }
            if self.rows.len() < (rows + 1) * self.lanes {
                let mut more = Buffer::zeroed(2 * (rows + 1) * self.lanes);
                more[..self.rows.len()].copy_from_slice(&self.rows);
                self.rows = more;
            }
            let row = &mut self.rows[rows * self.lanes..][..self.lanes];
            row.fill(T::default());
            mine.iter().for_each(|neuron| row[*neuron as usize - first] = T::from_f64(1.0));
            rows += 1;
        }
    }

    /// The row of step `i` of the epoch; empty where nobody spiked.
    pub(crate) fn row(&self, i: usize) -> &[T] {
        match self.row_of_step.get(i) {
            Some(Some(row)) => &self.rows[row * self.lanes..][..self.lanes],
            _ => &[],
        }
    }
}

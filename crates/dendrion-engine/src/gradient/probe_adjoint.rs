//! Probe adjoints: the given cotangents of recordings, as the backward sweep of one shard reads them.
//!
//! A probe copies values of some lanes into the columns of a table. Its reverse adds the cotangents of the columns to
//! the cotangents of those lanes.

use std::ops::Range;
use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use crate::inputs::input_rows::InputRows;
use crate::recording::recorder::{Lanes, Reads};

/// The cotangents of one probe's recording in one shard.
#[derive(Clone, Debug)]
pub(crate) struct ProbeAdjoint {
    pub(crate) reads: Reads,
    every: u64,
    lanes: Arc<Lanes>,
    /// Index of the table, which has rows of `columns` values.
    table: usize,
    columns: usize,
    /// The step of the first row.
    first: u64,
}

impl ProbeAdjoint {
    /// Creates the adjoint of a probe that recorded every `every` steps, in a run that began at step `begin`.
    pub(crate) fn new(
        reads: Reads,
        (every, begin): (u64, u64),
        lanes: Arc<Lanes>,
        (table, columns): (usize, usize),
    ) -> Self {
        Self { reads, every, lanes, table, columns, first: begin.div_ceil(every) * every }
    }

    /// Returns the cotangents of the values recorded at a step, or `None` if the probe did not record at that step.
    pub(crate) fn row<'t>(&self, step: u64, tables: &[&'t [f64]]) -> Option<&'t [f64]> {
        if !step.is_multiple_of(self.every) {
            return None;
        }
        let row = step.checked_sub(self.first)? / self.every;
        tables.get(self.table)?.get(row as usize * self.columns..)?.get(..self.columns)
    }

    /// Adds one row of cotangents to a row of lanes. `first` is the shard's index of the first lane.
    pub(crate) fn add<T: Scalar>(&self, values: &[f64], first: usize, row: &mut [T]) {
        for (lane, column) in &self.lanes.places()[self.lanes.within(first, row.len())] {
            let sum = &mut row[*lane as usize - first];
            *sum = sum.plus(T::from_f64(values[*column as usize]));
        }
    }

    /// Returns the column of the first of `count` lanes, if all of them are recorded and their columns are
    /// contiguous.
    fn side_by_side(&self, first: usize, count: usize) -> Option<usize> {
        let mine = &self.lanes.places()[self.lanes.within(first, count)];
        let column = mine.first().map_or(0, |(_, column)| *column as usize);
        (self.lanes.in_order() && mine.len() == count).then_some(column)
    }
}

/// Collects the given cotangents of a state of one block for the steps of an epoch. A step without cotangents
/// has no row. `first` is the shard's index of the block's first lane, and `neurons` the number of neurons in
/// the block.
pub(crate) fn given<T: Scalar>(
    rows: &mut InputRows<T>,
    state: usize,
    (probe_adjoints, tables): (&[ProbeAdjoint], &[&[f64]]),
    (first, neurons): (usize, usize),
    steps: Range<u64>,
) -> Result<(), Error> {
    let mine: Vec<(&ProbeAdjoint, Option<usize>)> = (probe_adjoints.iter())
        .filter(|r| r.reads == Reads::State(state))
        .map(|r| (r, r.side_by_side(first, neurons)))
        .collect();
    rows.clear();
    for step in steps {
        let due = || mine.iter().filter_map(|(r, whole)| Some((*r, *whole, r.row(step, tables)?)));
        // If there is no row, the program uses zeros.
        if due().next().is_none() {
            rows.skip();
            continue;
        }
        let row = rows.push()?;
        // In the most common case (one probe of all neurons), the row is copied.
        if let ([_], Some((_, Some(column), values))) = (mine.as_slice(), due().next()) {
            let (mine, rest) = row.split_at_mut(neurons);
            mine.iter_mut().zip(&values[column..]).for_each(|(to, v)| *to = T::from_f64(*v));
            // There are no cotangents for the lanes beyond the last neuron.
            rest.fill(T::default());
        } else {
            row.fill(T::default());
            due().for_each(|(probe_adjoint, _, values)| probe_adjoint.add(values, first, row));
        }
    }
    Ok(())
}

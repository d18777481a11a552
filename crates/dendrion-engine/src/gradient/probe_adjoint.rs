//! Probe adjoints: the given cotangents of what probes recorded, as the backward sweep of one shard reads them.
//!
//! A probe copies values of some lanes into the columns of a table. Its reverse adds the columns' cotangents to the cotangents of
//! those lanes.

use std::ops::Range;
use std::sync::Arc;

use dendrion_kernels::Scalar;

use crate::inputs::input_rows::InputRows;
use crate::recording::recorder::{Lanes, Reads};

/// A probe's cotangents in one shard.
#[derive(Clone, Debug)]
pub(crate) struct ProbeAdjoint {
    pub(crate) reads: Reads,
    every: u64,
    lanes: Arc<Lanes>,
    /// Which of the tables it is, row by row of `columns` values.
    table: usize,
    columns: usize,
    /// The step of the first row.
    first: u64,
}

impl ProbeAdjoint {
    /// Of what was recorded each `every` steps from step `begin` on.
    pub(crate) fn new(
        reads: Reads,
        (every, begin): (u64, u64),
        lanes: Arc<Lanes>,
        (table, columns): (usize, usize),
    ) -> Self {
        Self { reads, every, lanes, table, columns, first: begin.div_ceil(every) * every }
    }

    /// The cotangents of the sample of a step, if it was one.
    pub(crate) fn row<'t>(&self, step: u64, tables: &[&'t [f64]]) -> Option<&'t [f64]> {
        if !step.is_multiple_of(self.every) {
            return None;
        }
        let row = step.checked_sub(self.first)? / self.every;
        tables.get(self.table)?.get(row as usize * self.columns..)?.get(..self.columns)
    }

    /// Adds a sample's cotangents to a row of lanes, whose first in the shard is `first`.
    pub(crate) fn add<T: Scalar>(&self, values: &[f64], first: usize, row: &mut [T]) {
        for (lane, column) in &self.lanes.places()[self.lanes.within(first, row.len())] {
            let sum = &mut row[*lane as usize - first];
            *sum = sum.plus(T::from_f64(values[*column as usize]));
        }
    }

    /// The column of the first of `count` lanes, if they are all recorded, side by side.
    fn side_by_side(&self, first: usize, count: usize) -> Option<usize> {
        let mine = &self.lanes.places()[self.lanes.within(first, count)];
        let column = mine.first().map_or(0, |(_, column)| *column as usize);
        (self.lanes.in_order() && mine.len() == count).then_some(column)
    }
}

/// Gathers what probe adjoints give for a state of one block in the steps of an epoch; no row where nothing was given. The block's first
/// lane in the shard is `first`, and it has that many neurons.
pub(crate) fn given<T: Scalar>(
    rows: &mut InputRows<T>,
    state: usize,
    (probe_adjoints, tables): (&[ProbeAdjoint], &[&[f64]]),
    (first, neurons): (usize, usize),
    steps: Range<u64>,
) {
    let mine: Vec<(&ProbeAdjoint, Option<usize>)> = (probe_adjoints.iter())
        .filter(|r| r.reads == Reads::State(state))
        .map(|r| (r, r.side_by_side(first, neurons)))
        .collect();
    rows.clear();
    for step in steps {
        let due = || mine.iter().filter_map(|(r, whole)| Some((*r, *whole, r.row(step, tables)?)));
        // Without a row the program takes zeros.
        if due().next().is_none() {
            rows.skip();
            continue;
        }
        let row = rows.push();
        // The usual case, one probe of all neurons, is a copy.
        if let ([_], Some((_, Some(column), values))) = (mine.as_slice(), due().next()) {
            let (mine, rest) = row.split_at_mut(neurons);
            mine.iter_mut().zip(&values[column..]).for_each(|(to, v)| *to = T::from_f64(*v));
            rest.fill(T::default());
        } else {
            row.fill(T::default());
            due().for_each(|(probe_adjoint, _, values)| probe_adjoint.add(values, first, row));
        }
    }
}

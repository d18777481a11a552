//! Cotangents of what probes recorded, as one shard's reverse run reads them.

use std::ops::Range;
use std::sync::Arc;

use dendrion_lanes::{Buffer, Scalar};

use crate::record::{Reads, in_order};

/// A probe's cotangents in one shard.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) reads: Reads,
    every: u64,
    /// The shard's lanes that were recorded, ascending, and the columns they went to.
    lanes: Arc<Vec<(u32, u32)>>,
    /// Whether both count up by one.
    in_order: bool,
    /// Which of the tables it is, row by row of `columns` values.
    table: usize,
    columns: usize,
    /// The step of the first row.
    first: u64,
}

impl Reading {
    /// Of what was recorded each `every` steps from step `begin` on.
    pub(crate) fn new(
        reads: Reads,
        (every, begin): (u64, u64),
        lanes: Arc<Vec<(u32, u32)>>,
        (table, columns): (usize, usize),
    ) -> Self {
        let in_order = in_order(&lanes);
        Self { reads, every, lanes, in_order, table, columns, first: begin.div_ceil(every) * every }
    }

    /// The cotangents of the sample of a step, if it was one.
    pub(crate) fn row<'t>(&self, step: u64, tables: &[&'t [f64]]) -> Option<&'t [f64]> {
        if !step.is_multiple_of(self.every) {
            return None;
        }
        let row = step.checked_sub(self.first)? / self.every;
        tables.get(self.table)?.get(row as usize * self.columns..)?.get(..self.columns)
    }

    /// The lanes recorded of those from `first` on, with their columns.
    fn within(&self, first: usize, count: usize) -> &[(u32, u32)] {
        let at = |lane: usize| self.lanes.partition_point(|(l, _)| (*l as usize) < lane);
        &self.lanes[at(first)..at(first + count)]
    }

    /// Adds a sample's cotangents to a row of lanes, whose first in the shard is `first`.
    pub(crate) fn add<T: Scalar>(&self, values: &[f64], first: usize, row: &mut [T]) {
        for (lane, column) in self.within(first, row.len()) {
            let sum = &mut row[*lane as usize - first];
            *sum = sum.plus(T::from_f64(values[*column as usize]));
        }
    }

    /// The column of the first of `count` lanes, if they are all recorded, side by side.
    fn side_by_side(&self, first: usize, count: usize) -> Option<usize> {
        let mine = self.within(first, count);
        (self.in_order && mine.len() == count).then(|| mine.first().map_or(0, |(_, column)| *column as usize))
    }
}

/// What was given for the states that probes read of one block, in the steps of one epoch.
#[derive(Debug)]
pub(crate) struct StateRows<T: Scalar> {
    /// By state, then step, a row of lanes each.
    rows: Buffer<T>,
    /// For each of them, whether there was a sample.
    due: Vec<bool>,
    begin: u64,
    steps: usize,
    lanes: usize,
}

impl<T: Scalar> StateRows<T> {
    pub(crate) fn new(lanes: usize) -> Self {
        Self { rows: Buffer::zeroed(0), due: Vec::new(), begin: 0, steps: 0, lanes }
    }

    /// Gathers, for each of `states`, what readings give in `steps`. The block's first lane in the shard is `first`, and it has
    /// that many neurons.
    pub(crate) fn fill(
        &mut self,
        states: &[usize],
        readings: &[Reading],
        tables: &[&[f64]],
        (first, neurons): (usize, usize),
        steps: Range<u64>,
    ) {
        (self.begin, self.steps) = (steps.start, (steps.end - steps.start) as usize);
        let size = states.len() * self.steps;
        if self.rows.len() < size * self.lanes {
            self.rows = Buffer::zeroed(size * self.lanes);
        }
        self.due.clear();
        self.due.resize(size, false);
        for (k, state) in states.iter().enumerate() {
            let of_state = || readings.iter().filter(|r| r.reads == Reads::State(*state));
            let alone = of_state().count() == 1;
            for reading in of_state() {
                let whole = reading.side_by_side(first, neurons).filter(|_| alone);
                for (i, step) in steps.clone().enumerate() {
                    let Some(values) = reading.row(step, tables) else { continue };
                    let at = k * self.steps + i;
                    let row = &mut self.rows[at * self.lanes..][..self.lanes];
                    if let Some(column) = whole {
                        let (mine, rest) = row.split_at_mut(neurons);
                        mine.iter_mut().zip(&values[column..]).for_each(|(to, v)| *to = T::from_f64(*v));
                        rest.fill(T::default());
                    } else {
                        if !self.due[at] {
                            row.fill(T::default());
                        }
                        reading.add(values, first, row);
                    }
                    self.due[at] = true;
                }
            }
        }
    }

    /// What was given for state number `k` before a step; empty where nothing was.
    pub(crate) fn row(&self, k: usize, step: u64) -> &[T] {
        let at = k * self.steps + (step - self.begin) as usize;
        if self.due[at] { &self.rows[at * self.lanes..][..self.lanes] } else { &[] }
    }
}

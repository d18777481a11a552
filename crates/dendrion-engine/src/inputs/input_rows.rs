//! Rows of lanes for the steps of an epoch. A step has its own row, shares the row of the previous step, or
//! has no row.

use dendrion_kernels::{Buffer, Scalar};
use dendrion_model::Error;

use crate::refused::refused;

/// The rows of one block and epoch. New rows contain values from an earlier use.
#[derive(Debug)]
pub(crate) struct InputRows<T: Scalar> {
    data: Buffer<T>,
    count: usize,
    of_step: Vec<Option<usize>>,
    lanes: usize,
}

impl<T: Scalar> InputRows<T> {
    /// Creates a collection without rows, for this number of lanes.
    pub(crate) const fn new(lanes: usize) -> Self {
        Self { data: Buffer::new(), count: 0, of_step: Vec::new(), lanes }
    }

    /// Creates empty rows with the same number of lanes.
    pub(crate) const fn fresh(&self) -> Self {
        Self::new(self.lanes)
    }

    /// Removes all rows.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.of_step.clear();
    }

    /// Adds a step without a row.
    pub(crate) fn skip(&mut self) {
        self.of_step.push(None);
    }

    /// Adds a step that shares the last row.
    pub(crate) fn repeat(&mut self) {
        self.of_step.push(self.count.checked_sub(1));
    }

    /// Adds a step with its own row, which the caller fills.
    pub(crate) fn push(&mut self) -> Result<&mut [T], Error> {
        let from = self.count * self.lanes;
        if self.data.len() < from + self.lanes {
            let mut more = Buffer::zeroed(2 * (from + self.lanes)).map_err(refused)?;
            more[..from].copy_from_slice(&self.data[..from]);
            self.data = more;
        }
        self.of_step.push(Some(self.count));
        self.count += 1;
        Ok(&mut self.data[from..from + self.lanes])
    }

    /// Returns the row of step `i` of the epoch, or an empty slice if it has none.
    pub(crate) fn row(&self, i: usize) -> &[T] {
        match self.of_step.get(i) {
            Some(Some(row)) => &self.data[row * self.lanes..][..self.lanes],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InputRows;

    #[test]
    fn steps_have_their_rows() {
        let mut rows = InputRows::<f64>::new(8);
        for _ in 0..2 {
            rows.clear();
            rows.skip();
            rows.push().unwrap().fill(1.0);
            rows.repeat();
            rows.skip();
            (2..9).for_each(|v| rows.push().unwrap().fill(f64::from(v)));
            let first = |i: usize| rows.row(i).first().copied();
            assert_eq!(
                [0, 1, 2, 3, 4, 10].map(first),
                [None, Some(1.0), Some(1.0), None, Some(2.0), Some(8.0)]
            );
            assert_eq!((rows.row(4).len(), rows.row(11).len()), (8, 0));
        }
    }
}

//! What stands in for a generator during a run: a value per step and member, real numbers of spikes or pA.

use std::sync::Arc;

use dendrion_kernels::Scalar;

use crate::inputs::input_rows::InputRows;

/// Values given in place of what a generator would send.
#[derive(Clone, Debug)]
pub(crate) struct Given<T: Scalar> {
    /// The step of the first row.
    pub(crate) begin: u64,
    /// Members of the generator.
    pub(crate) width: usize,
    /// Step by step.
    pub(crate) values: Arc<Vec<T>>,
}

/// What stands in for generators, by their index.
pub(crate) type StandIns<T> = Arc<Vec<Option<Given<T>>>>;

impl<T: Scalar> Given<T> {
    /// The values of a step; empty where none are given.
    pub(crate) fn row(&self, step: u64) -> &[T] {
        let row = step.checked_sub(self.begin).map_or(usize::MAX, |i| i as usize);
        row.checked_mul(self.width)
            .and_then(|from| self.values.get(from..from.checked_add(self.width)?))
            .unwrap_or(&[])
    }

    /// The rows of an epoch for neurons `first..`, and `steps` steps from `begin` on, where currents are given.
    pub(crate) fn fill(
        &self,
        rows: &mut InputRows<T>,
        (first, neurons): (usize, usize),
        begin: u64,
        steps: usize,
    ) {
        rows.clear();
        for step in begin..begin + steps as u64 {
            match self.row(step) {
                [] => rows.skip(),
                [one] => rows.push()[..neurons].fill(*one),
                all => {
                    let row = rows.push();
                    if let Some(mine) = all.get(first..first + neurons) {
                        row[..neurons].copy_from_slice(mine);
                    }
                }
            }
        }
    }
}

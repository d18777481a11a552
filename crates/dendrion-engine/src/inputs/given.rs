//! Values that replace the output of a generator during a run: one value per step and member, as a (possibly
//! fractional) number of spikes or a current in pA.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use crate::inputs::input_rows::InputRows;

/// Values that replace the output of a generator.
#[derive(Clone, Debug)]
pub(crate) struct Given<T: Scalar> {
    /// The step of the first row.
    pub(crate) begin: u64,
    /// Number of members of the generator.
    pub(crate) width: usize,
    /// The values, step by step.
    pub(crate) values: Arc<Vec<T>>,
}

/// The values that replace the output of generators, by index.
pub(crate) type StandIns<T> = Arc<Vec<Option<Given<T>>>>;

impl<T: Scalar> Given<T> {
    /// Returns the values of a step, or an empty slice if there are none.
    pub(crate) fn row(&self, step: u64) -> &[T] {
        let row = step.checked_sub(self.begin).map_or(usize::MAX, |i| i as usize);
        row.checked_mul(self.width)
            .and_then(|from| self.values.get(from..from.checked_add(self.width)?))
            .unwrap_or(&[])
    }

    /// If the values are currents, fills the rows of an epoch for the neurons from `first` on and the `steps`
    /// steps from `begin` on.
    pub(crate) fn fill(
        &self,
        rows: &mut InputRows<T>,
        (first, neurons): (usize, usize),
        begin: u64,
        steps: usize,
    ) -> Result<(), Error> {
        rows.clear();
        for step in begin..begin + steps as u64 {
            match self.row(step) {
                [] => rows.skip(),
                [one] => rows.push()?[..neurons].fill(*one),
                all => {
                    let row = rows.push()?;
                    if let Some(mine) = all.get(first..first + neurons) {
                        row[..neurons].copy_from_slice(mine);
                    }
                }
            }
        }
        Ok(())
    }
}

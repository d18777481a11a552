//! The coefficient table: one value for all lanes, or one each.

use crate::buffer::Buffer;
use crate::error::LinkError;
use crate::scalar::{Scalar, granule};

/// A coefficient of a population.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// One value for all lanes.
    Uniform(f64),
    /// One value per lane of all blocks in turn; where there are fewer, the last one repeats.
    Each(Vec<f64>),
}

/// Where a coefficient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A line of that number, holding the value as often as it fits.
    Uniform(usize),
    /// The row of that number, in every block.
    Row(usize),
}

/// Coefficients for the blocks of a population, in the type its program runs in.
#[derive(Clone, Debug)]
pub struct Coefficients<T: Scalar> {
    pub(crate) places: Vec<Place>,
    pub(crate) uniform: Buffer<T>,
    /// Block by block, row by row.
    pub(crate) rows: Buffer<T>,
    pub(crate) rows_per_block: usize,
    pub(crate) lanes: usize,
    pub(crate) blocks: usize,
    /// Says where each coefficient stands: equal for tables of one layout.
    pub(crate) layout: u64,
}

impl<T: Scalar> Coefficients<T> {
    /// A table for `blocks` blocks of `lanes` lanes.
    ///
    /// # Errors
    /// A column without values, a width that is not a positive multiple of a line, or more than memory could hold.
    pub fn new(columns: &[Column], lanes: usize, blocks: usize) -> Result<Self, LinkError> {
        if lanes == 0 || !lanes.is_multiple_of(granule::<T>()) {
            return Err(LinkError::Lanes { lanes });
        }
        let rows_per_block = columns.iter().filter(|c| matches!(c, Column::Each(_))).count();
        let size = lanes.checked_mul(blocks).and_then(|n| n.checked_mul(rows_per_block));
        let fits = size.filter(|n| n.checked_mul(size_of::<T>()).is_some());
        let size = fits.ok_or(LinkError::Size)?;
        let mut table = Self {
            places: Vec::with_capacity(columns.len()),
            uniform: Buffer::zeroed((columns.len() - rows_per_block) * granule::<T>()),
            rows: Buffer::zeroed(size),
            rows_per_block,
            lanes,
            blocks,
            layout: layout(columns),
        };
        let (mut lines, mut rows) = (0, 0);
        for (i, column) in columns.iter().enumerate() {
            match column {
                Column::Uniform(v) => {
                    table.uniform[lines * granule::<T>()..][..granule::<T>()].fill(T::from_f64(*v));
                    table.places.push(Place::Uniform(lines));
                    lines += 1;
                }
                Column::Each(values) => {
                    let last = *values.last().ok_or(LinkError::Empty { column: i })?;
                    for lane in 0..lanes * blocks {
                        let at = (lane / lanes * rows_per_block + rows) * lanes + lane % lanes;
                        table.rows[at] = T::from_f64(values.get(lane).copied().unwrap_or(last));
                    }
                    table.places.push(Place::Row(rows));
                    rows += 1;
                }
            }
        }
        Ok(table)
    }

    /// Coefficients there are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// A number for which columns are uniform: FNV-1a over them.
fn layout(columns: &[Column]) -> u64 {
    let uniform = columns.iter().map(|c| u64::from(matches!(c, Column::Uniform(_))) + 1);
    uniform.fold(0xcbf2_9ce4_8422_2325, |h, u| (h ^ u).wrapping_mul(0x0100_0000_01b3))
}

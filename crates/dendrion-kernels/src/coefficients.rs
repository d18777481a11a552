//! The coefficient table. Each coefficient has either one value for all lanes or one value per lane.

use crate::buffer::Buffer;
use crate::error::LinkError;
use crate::scalar::{Scalar, granule};

/// The values of a coefficient in a population.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// One value for all lanes.
    Uniform(f64),
    /// One value per lane, continuing from block to block. If there are fewer values than lanes, the last one is
    /// repeated.
    Each(Vec<f64>),
}

/// The location of a coefficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The line with this number, filled with copies of the value.
    Uniform(usize),
    /// The row with this number in every block.
    Row(usize),
}

/// The coefficients of all blocks of a population, in the scalar type of its program.
#[derive(Debug)]
pub struct Coefficients<T: Scalar> {
    pub(crate) places: Vec<Place>,
    pub(crate) uniform: Buffer<T>,
    /// The rows of all blocks, block by block.
    pub(crate) rows: Buffer<T>,
    pub(crate) rows_per_block: usize,
    pub(crate) lanes: usize,
    pub(crate) blocks: usize,
    /// A hash of the locations of all coefficients, equal for tables with the same layout.
    pub(crate) layout: u64,
}

impl<T: Scalar> Coefficients<T> {
    /// Creates a table for `blocks` blocks of `lanes` lanes.
    ///
    /// # Errors
    /// Returns an error if a column has no values, if the width is not a positive multiple of a cache line,
    /// or if the table does not fit into memory.
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
            uniform: Buffer::zeroed((columns.len() - rows_per_block) * granule::<T>())?,
            rows: Buffer::zeroed(size)?,
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

    /// Returns the number of blocks.
    pub const fn blocks(&self) -> usize {
        self.blocks
    }

    /// Returns the number of coefficients.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether the table is empty.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// Returns a hash (FNV-1a) of the kinds of the columns, uniform or per lane.
fn layout(columns: &[Column]) -> u64 {
    let uniform = columns.iter().map(|c| u64::from(matches!(c, Column::Uniform(_))) + 1);
    uniform.fold(0xcbf2_9ce4_8422_2325, |h, u| (h ^ u).wrapping_mul(0x0100_0000_01b3))
}

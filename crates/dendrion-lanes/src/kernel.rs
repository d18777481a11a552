//! Kernels: linked programs, and the frames they run on.

use crate::coefficients::Coefficients;
use crate::error::LinkError;
use crate::execute::Memory;
use crate::level::Level;
use crate::link::{Linked, link};
use crate::program::Program;
use crate::scalar::{Scalar, granule};

/// A program linked for one scalar type, level, block width and layout of coefficients.
#[derive(Clone, Debug)]
pub struct Kernel<T: Scalar> {
    code: Vec<Linked>,
    lanes: usize,
    level: Level,
    state: usize,
    scratch: usize,
    inputs: usize,
    /// The layout linked against.
    layout: u64,
    /// Uniform values and rows of that layout.
    table: (usize, usize),
    /// Lanes that are run together.
    strip: usize,
    scalar: std::marker::PhantomData<T>,
}

/// What a kernel runs on: one block's rows and what reaches it in this step.
#[derive(Debug)]
pub struct Frame<'a, T: Scalar> {
    /// The block's state, row by row.
    pub state: &'a mut [T],
    /// Scratch for this run, row by row.
    pub scratch: &'a mut [T],
    /// The coefficient table, with the layout the kernel was linked against.
    pub coefs: &'a Coefficients<T>,
    /// Number of the block in the table.
    pub block: usize,
    /// For each port a value per lane, or nothing where the port is absent in this step.
    pub inputs: &'a [&'a [T]],
    /// Takes one bit per lane, set where it fired: word 0 has lanes 0 to 63. May be empty for a program that cannot fire.
    pub fired: &'a mut [u64],
}

impl<T: Scalar> Kernel<T> {
    /// Links a program for blocks of `lanes` lanes.
    ///
    /// # Errors
    /// [`LinkError`] for a program that names what does not exist, or a level this processor lacks.
    pub fn link(
        program: &Program,
        coefs: &Coefficients<T>,
        lanes: usize,
        level: Level,
    ) -> Result<Self, LinkError> {
        if !level.is_available() {
            return Err(LinkError::Level);
        }
        let size = |rows: usize| rows.checked_mul(lanes).ok_or(LinkError::Size);
        let (state, scratch) = (size(program.state_rows)?, size(program.scratch_rows)?);
        Ok(Self {
            code: link(program, coefs, lanes)?,
            lanes,
            level,
            state,
            scratch,
            inputs: program.inputs,
            layout: coefs.layout,
            table: (coefs.uniform.len(), coefs.rows_per_block),
            strip: strip::<T>(program.state_rows + program.scratch_rows + coefs.rows_per_block, lanes),
            scalar: std::marker::PhantomData,
        })
    }

    /// Runs the tape once over one block; returns whether any lane fired.
    ///
    /// # Panics
    /// Where the frame does not fit the kernel: too little state, scratch or `fired`, a block beyond the table, a table
    /// of another layout, a port with another number of values. These are mistakes of the caller's code, not of data.
    #[allow(clippy::needless_pass_by_value)] // A frame is made for one run.
    pub fn run(&self, frame: Frame<'_, T>) -> bool {
        assert!(frame.state.len() >= self.state && frame.scratch.len() >= self.scratch, "too few rows");
        assert!(frame.coefs.lanes == self.lanes && frame.block < frame.coefs.blocks, "no such block");
        // The hash tells layouts apart; that operands lie within the table must not hang on a hash.
        let table = (frame.coefs.uniform.len(), frame.coefs.rows_per_block);
        assert!(frame.coefs.layout == self.layout && table == self.table, "a table of another layout");
        assert!(frame.inputs.len() >= self.inputs, "too few ports");
        assert!(
            frame.inputs.iter().all(|i| i.is_empty() || i.len() == self.lanes),
            "a port of another width"
        );
        frame.fired.fill(0);
        let row = frame.block * frame.coefs.rows_per_block * self.lanes;
        let mut any = false;
        for first in (0..self.lanes).step_by(self.strip) {
            let memory = Memory {
                bases: [
                    frame.state.as_mut_ptr().wrapping_add(first),
                    frame.scratch.as_mut_ptr().wrapping_add(first),
                    frame.coefs.rows[row..].as_ptr().wrapping_add(first).cast_mut(),
                    frame.coefs.uniform.as_ptr().cast_mut(),
                ],
                inputs: frame.inputs,
                fired: &mut *frame.fired,
                lanes: self.strip.min(self.lanes - first),
                first,
            };
            // SAFETY: every operand of the code was checked by `link` to lie within the rows that the assertions above
            // find present, and writes only state and scratch; strips are whole lines and end with the lanes; the level
            // was checked when the kernel was linked.
            any |= unsafe { T::execute(self.level, &self.code, memory) };
        }
        any
    }
}

/// Bytes of rows that stay in L1 beside what else is there.
const NEAR: usize = 24 << 10;
/// Lines of a strip, at least, so that an operation outlasts its dispatch.
const LEAST_LINES: usize = 4;

/// Lanes to run together, so that all rows of a program stay in L1: strips of about equal width, in whole lines.
fn strip<T: Scalar>(rows: usize, lanes: usize) -> usize {
    let line = granule::<T>();
    let fits = NEAR / (rows.max(1) * size_of::<T>() * line);
    let strips = lanes.div_ceil(fits.max(LEAST_LINES) * line).max(1);
    lanes.div_ceil(strips).div_ceil(line) * line
}

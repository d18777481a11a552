//! Kernels: linked programs, and the frames on which they run.

use std::ops::Range;

use crate::coefficients::Coefficients;
use crate::error::LinkError;
use crate::execute::Memory;
use crate::level::Level;
use crate::link::{Linked, link};
use crate::machine::Machine;
use crate::program::{Instruction, Op, Program, Slot};
use crate::scalar::{Scalar, granule};

/// A program linked for one scalar type, level, block width and coefficient layout.
#[derive(Clone, Debug)]
pub struct Kernel<T: Scalar> {
    code: Vec<Linked>,
    lanes: usize,
    level: Level,
    state: usize,
    scratch: usize,
    past: usize,
    /// Number of scratch values that are read after a run.
    results: usize,
    inputs: usize,
    /// Whether the program contains operations that can make lanes fire.
    fires: bool,
    /// The coefficient layout for which the program was linked.
    layout: u64,
    /// Number of uniform values and of rows in that layout.
    table: (usize, usize),
    /// State rows that the program does not write.
    kept: Vec<usize>,
    /// Number of lanes that are processed together.
    strip: usize,
    /// The machine code of the program.
    machine: Option<Machine>,
    scalar: std::marker::PhantomData<T>,
}

/// The memory of a run: the rows of one block and its inputs in this step.
#[derive(Debug)]
pub struct Frame<'a, T: Scalar> {
    /// The state of the block, row by row.
    pub state: &'a mut [T],
    /// Scratch memory for this run, row by row.
    pub scratch: &'a mut [T],
    /// The coefficient table, with the layout for which the kernel was linked.
    pub coefs: &'a Coefficients<T>,
    /// Index of the block in the table.
    pub block: usize,
    /// For each port, one value per lane, or an empty slice if the port has no input in this step.
    pub inputs: &'a [&'a [T]],
    /// Receives one bit per lane, which is set if the lane fired; word 0 contains lanes 0 to 63. May be empty for a
    /// program that cannot fire.
    pub fired: &'a mut [u64],
}

impl<T: Scalar> Kernel<T> {
    /// Links a program for blocks of `lanes` lanes.
    ///
    /// # Errors
    /// Returns an error if the program refers to a row, coefficient or port that does not exist, or if this
    /// processor does not support the level.
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
        let past = size(program.past_rows)?;
        let rows = program.state_rows + program.scratch_rows + program.past_rows + coefs.rows_per_block;
        Ok(Self {
            code: link(program, coefs, lanes)?,
            lanes,
            level,
            state,
            scratch,
            past,
            results: size(program.result_rows.min(program.scratch_rows))?,
            inputs: program.inputs,
            fires: program.code.iter().any(|i| matches!(i.op, Op::Fire | Op::FireReset | Op::FireSubtract)),
            layout: coefs.layout,
            table: (coefs.uniform.len(), coefs.rows_per_block),
            kept: kept(program),
            strip: strip::<T>(rows, lanes),
            machine: None,
            scalar: std::marker::PhantomData,
        })
    }

    /// Compiles the kernel to machine code, if the processor and the operating system allow it; otherwise returns
    /// it unchanged. Results are bit-identical. Compilation takes about a microsecond per operation, so it pays off
    /// for programs that run often.
    #[must_use]
    pub fn compiled(mut self) -> Self {
        // Miri cannot execute machine code.
        if cfg!(all(target_arch = "x86_64", not(miri))) && self.level >= Level::Avx2 {
            self.machine = T::compile(&self.code, self.results, self.level);
        }
        self
    }

    /// Returns whether the kernel can run with this table, which requires the layout and width for which it was
    /// linked.
    pub fn fits(&self, coefs: &Coefficients<T>) -> bool {
        self.layout == coefs.layout
            && self.lanes == coefs.lanes
            && self.table == (coefs.uniform.len(), coefs.rows_per_block)
    }

    /// Returns the level of the kernel.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Returns whether the kernel has machine code.
    pub const fn is_compiled(&self) -> bool {
        self.machine.is_some()
    }

    /// Returns the x86-64 machine code of the step, for use with disassemblers: the instructions up to the only
    /// `ret`, followed by the constants that they read. Returns `None` if the program is interpreted.
    pub fn machine_code(&self) -> Option<&[u8]> {
        self.machine.as_ref().map(Machine::code)
    }

    /// Runs the program once on one block and returns whether any lane fired.
    ///
    /// # Panics
    /// Panics if the frame does not match the kernel: too little state, scratch or `fired`, a block outside
    /// the table, a table with a different layout, or a port with the wrong number of values. These are
    /// programming errors in the caller and do not depend on data.
    pub fn run(&self, mut frame: Frame<'_, T>) -> bool {
        self.strips().fold(false, |any, strip| any | self.run_strip(&mut frame, &[], strip))
    }

    /// Runs the program once on one block, reading the state from `before` and writing it to the frame. Returns
    /// whether any lane fired.
    ///
    /// # Panics
    /// As for [`Kernel::run`], or if `before` has too few rows.
    pub fn advance(&self, mut frame: Frame<'_, T>, before: &[T]) -> bool {
        assert!(frame.state.len() >= self.state && before.len() >= self.state, "too few state rows");
        if self.machine.is_none() {
            frame.state[..self.state].copy_from_slice(&before[..self.state]);
            return self.run(frame);
        }
        for row in self.kept.iter().map(|row| row * self.lanes..(row + 1) * self.lanes) {
            frame.state[row.clone()].copy_from_slice(&before[row]);
        }
        self.strips().fold(false, |any, strip| any | self.run_apart(&mut frame, &[], strip, Some(before)))
    }

    /// Returns the strips of lanes in which all rows of the program fit into the L1 cache. Callers that run
    /// the program for many steps process one strip at a time.
    pub fn strips(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (strip, lanes) = (self.strip, self.lanes);
        (0..lanes).step_by(strip).map(move |first| first..lanes.min(first + strip))
    }

    /// Runs the program once on a strip of lanes of one block, with `past` as the past rows. Returns whether
    /// any lane fired.
    ///
    /// # Panics
    /// As for [`Kernel::run`], or if `past` has too few rows or the strip does not consist of whole cache
    /// lines of the block.
    pub fn run_strip(&self, frame: &mut Frame<'_, T>, past: &[T], strip: Range<usize>) -> bool {
        self.run_apart(frame, past, strip, None)
    }

    /// Runs the program on a strip. The state is read from the frame or, in machine code, from `before`,
    /// which has the same number of rows.
    fn run_apart(
        &self,
        frame: &mut Frame<'_, T>,
        past: &[T],
        strip: Range<usize>,
        before: Option<&[T]>,
    ) -> bool {
        assert!(
            frame.state.len() >= self.state && frame.scratch.len() >= self.scratch,
            "too few state or scratch rows"
        );
        assert!(past.len() >= self.past, "too few past rows");
        assert!(
            frame.coefs.lanes == self.lanes && frame.block < frame.coefs.blocks,
            "the block is not in the coefficient table"
        );
        // The hash distinguishes layouts, but memory safety must not depend on a hash, so the sizes are compared
        // too.
        let table = (frame.coefs.uniform.len(), frame.coefs.rows_per_block);
        assert!(
            frame.coefs.layout == self.layout && table == self.table,
            "the coefficient table has a different layout"
        );
        assert!(frame.inputs.len() >= self.inputs, "too few input ports");
        assert!(
            frame.inputs.iter().all(|i| i.is_empty() || i.len() == self.lanes),
            "an input port has the wrong width"
        );
        assert!(
            !self.fires || frame.fired.len() * 64 >= self.lanes,
            "too few bits for the lanes that may fire"
        );
        let line = granule::<T>();
        let whole = strip.start.is_multiple_of(line) && strip.end.is_multiple_of(line);
        assert!(
            whole && strip.start < strip.end && strip.end <= self.lanes,
            "the strip does not consist of whole cache lines"
        );
        if strip.start == 0 {
            frame.fired.fill(0);
        }
        let row = frame.block * frame.coefs.rows_per_block * self.lanes;
        let first = strip.start;
        let state = frame.state.as_mut_ptr().wrapping_add(first);
        // All strips use the same scratch memory, so that it stays in the L1 cache, unless it contains results.
        let scratch = if self.results > 0 { first } else { 0 };
        let memory = Memory {
            bases: [
                before.map_or(state, |before| before.as_ptr().wrapping_add(first).cast_mut()),
                frame.scratch.as_mut_ptr().wrapping_add(scratch),
                frame.coefs.rows[row..].as_ptr().wrapping_add(first).cast_mut(),
                frame.coefs.uniform.as_ptr().cast_mut(),
                past.as_ptr().wrapping_add(first).cast_mut(),
                state,
            ],
            inputs: frame.inputs,
            fired: &mut *frame.fired,
            lanes: strip.end - first,
            first,
        };
        if let Some(machine) = &self.machine {
            // SAFETY: as below; the kernel was compiled for its level, and ports and bits were checked above.
            return unsafe { T::call(machine, &memory) };
        }
        // SAFETY: `link` checked that every operand lies within the rows whose presence is asserted above, and only
        // state and scratch are written; the strip consists of whole cache lines within the lanes; the level was
        // checked when the kernel was linked. The state is read from the frame, or from rows whose length `advance`
        // checked.
        unsafe { T::execute(self.level, &self.code, memory) }
    }
}

/// Returns the state rows that no instruction writes.
fn kept(program: &Program) -> Vec<usize> {
    let writes = |i: &Instruction, row: usize| i.op != Op::Fire && i.out == Slot::State(row as u16);
    (0..program.state_rows).filter(|row| !program.code.iter().any(|i| writes(i, *row))).collect()
}

/// Number of bytes of rows that fit into the L1 cache together with other data in use.
const NEAR: usize = 26 << 10;
/// Minimum number of cache lines in a strip, so that an operation takes longer than its dispatch.
const LEAST_LINES: usize = 4;

/// Returns the number of lanes to process together, so that all rows of a program fit into the L1 cache. The strips
/// of a block have approximately equal widths in whole cache lines.
fn strip<T: Scalar>(rows: usize, lanes: usize) -> usize {
    let line = granule::<T>();
    let fits = NEAR / (rows.max(1) * size_of::<T>() * line);
    let strips = lanes.div_ceil(fits.max(LEAST_LINES) * line).max(1);
    lanes.div_ceil(strips).div_ceil(line) * line
}

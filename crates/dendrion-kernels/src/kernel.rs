//! Kernels: linked programs, and the frames they run on.

use std::ops::Range;

use crate::coefficients::Coefficients;
use crate::error::LinkError;
use crate::execute::Memory;
use crate::level::Level;
use crate::link::{Linked, link};
use crate::machine::Machine;
use crate::program::{Instruction, Op, Program, Slot};
use crate::scalar::{Scalar, granule};

/// A program linked for one scalar type, level, block width and layout of coefficients.
#[derive(Clone, Debug)]
pub struct Kernel<T: Scalar> {
    code: Vec<Linked>,
    lanes: usize,
    level: Level,
    state: usize,
    scratch: usize,
    past: usize,
    /// Values of scratch that are read after a run.
    results: usize,
    inputs: usize,
    /// Whether lanes may fire.
    fires: bool,
    /// The layout linked against.
    layout: u64,
    /// Uniform values and rows of that layout.
    table: (usize, usize),
    /// Rows of state that it leaves as they are.
    kept: Vec<usize>,
    /// Lanes that are run together.
    strip: usize,
    /// The program as machine code.
    machine: Option<Machine>,
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

    /// The same kernel as machine code, if this processor and system allow it; else as it is. The bits are the same. Worth
    /// while for programs that run often: it takes about a microsecond an operation.
    #[must_use]
    pub fn compiled(mut self) -> Self {
        // Miri runs no machine code.
        if cfg!(all(target_arch = "x86_64", not(miri))) && self.level >= Level::Avx2 {
            self.machine = T::compile(&self.code, self.results);
        }
        self
    }

    /// Whether it runs with that table too: one of the layout and width it was linked against.
    pub fn fits(&self, coefs: &Coefficients<T>) -> bool {
        self.layout == coefs.layout
            && self.lanes == coefs.lanes
            && self.table == (coefs.uniform.len(), coefs.rows_per_block)
    }

    /// Whether it is machine code.
    pub const fn is_compiled(&self) -> bool {
        self.machine.is_some()
    }

    /// The x86-64 machine code of the step, for disassemblers: instructions up to the only `ret`, then the numbers that
    /// they read. `None` where the program is interpreted.
    pub fn machine_code(&self) -> Option<&[u8]> {
        self.machine.as_ref().map(Machine::code)
    }

    /// Runs the tape once over one block; returns whether any lane fired.
    ///
    /// # Panics
    /// Where the frame does not fit the kernel: too little state, scratch or `fired`, a block beyond the table, a table
    /// of another layout, a port with another number of values. These are mistakes of the caller's code, not of data.
    pub fn run(&self, mut frame: Frame<'_, T>) -> bool {
        self.strips().fold(false, |any, strip| any | self.run_strip(&mut frame, &[], strip))
    }

    /// Runs the tape once over one block, whose state was `before` and becomes that of the frame; returns whether any lane fired.
    ///
    /// # Panics
    /// As [`Kernel::run`], or where `before` has too few rows.
    pub fn advance(&self, mut frame: Frame<'_, T>, before: &[T]) -> bool {
        assert!(frame.state.len() >= self.state && before.len() >= self.state, "too few rows");
        if self.machine.is_none() {
            frame.state[..self.state].copy_from_slice(&before[..self.state]);
            return self.run(frame);
        }
        for row in self.kept.iter().map(|row| row * self.lanes..(row + 1) * self.lanes) {
            frame.state[row.clone()].copy_from_slice(&before[row]);
        }
        self.strips().fold(false, |any, strip| any | self.run_apart(&mut frame, &[], strip, Some(before)))
    }

    /// The strips of lanes in which all rows of the program stay in L1. Whoever runs the program often does so strip by strip.
    pub fn strips(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (strip, lanes) = (self.strip, self.lanes);
        (0..lanes).step_by(strip).map(move |first| first..lanes.min(first + strip))
    }

    /// Runs the tape once over a strip of one block's lanes, with rows of the past to read; returns whether any lane fired.
    ///
    /// # Panics
    /// As [`Kernel::run`], or where `past` has too few rows or the strip is not whole lines of the block.
    pub fn run_strip(&self, frame: &mut Frame<'_, T>, past: &[T], strip: Range<usize>) -> bool {
        self.run_apart(frame, past, strip, None)
    }

    /// Runs a strip whose state is that of the frame or, where machine code runs, `before`, of as many rows.
    fn run_apart(
        &self,
        frame: &mut Frame<'_, T>,
        past: &[T],
        strip: Range<usize>,
        before: Option<&[T]>,
    ) -> bool {
        assert!(frame.state.len() >= self.state && frame.scratch.len() >= self.scratch, "too few rows");
        assert!(past.len() >= self.past, "too few rows of the past");
        assert!(frame.coefs.lanes == self.lanes && frame.block < frame.coefs.blocks, "no such block");
        // The hash tells layouts apart; that operands lie within the table must not hang on a hash.
        let table = (frame.coefs.uniform.len(), frame.coefs.rows_per_block);
        assert!(frame.coefs.layout == self.layout && table == self.table, "a table of another layout");
        assert!(frame.inputs.len() >= self.inputs, "too few ports");
        assert!(
            frame.inputs.iter().all(|i| i.is_empty() || i.len() == self.lanes),
            "a port of another width"
        );
        assert!(!self.fires || frame.fired.len() * 64 >= self.lanes, "too few bits for lanes that fire");
        let line = granule::<T>();
        let whole = strip.start.is_multiple_of(line) && strip.end.is_multiple_of(line);
        assert!(whole && strip.start < strip.end && strip.end <= self.lanes, "no strip of whole lines");
        if strip.start == 0 {
            frame.fired.fill(0);
        }
        let row = frame.block * frame.coefs.rows_per_block * self.lanes;
        let first = strip.start;
        let state = frame.state.as_mut_ptr().wrapping_add(first);
        let memory = Memory {
            bases: [
                before.map_or(state, |before| before.as_ptr().wrapping_add(first).cast_mut()),
                frame.scratch.as_mut_ptr().wrapping_add(first),
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
            // SAFETY: as below; a compiled kernel's level has AVX2, the ports and bits were checked above.
            return unsafe { T::call(machine, &memory) };
        }
        // SAFETY: every operand of the code was checked by `link` to lie within the rows that the assertions above
        // find present, and writes only state and scratch; the strip is whole lines of the lanes there are; the level was
        // checked when the kernel was linked. What is read as state is the frame's own, or was found as long by `advance`.
        unsafe { T::execute(self.level, &self.code, memory) }
    }
}

/// Rows of state that no instruction writes.
fn kept(program: &Program) -> Vec<usize> {
    let writes = |i: &Instruction, row: usize| i.op != Op::Fire && i.out == Slot::State(row as u16);
    (0..program.state_rows).filter(|row| !program.code.iter().any(|i| writes(i, *row))).collect()
}

/// Bytes of rows that stay in L1 beside what else is there.
const NEAR: usize = 26 << 10;
/// Lines of a strip, at least, so that an operation outlasts its dispatch.
const LEAST_LINES: usize = 4;

/// Lanes to run together, so that all rows of a program stay in L1: strips of about equal width, in whole lines.
fn strip<T: Scalar>(rows: usize, lanes: usize) -> usize {
    let line = granule::<T>();
    let fits = NEAR / (rows.max(1) * size_of::<T>() * line);
    let strips = lanes.div_ceil(fits.max(LEAST_LINES) * line).max(1);
    lanes.div_ceil(strips).div_ceil(line) * line
}

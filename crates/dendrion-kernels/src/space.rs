//! Memory areas of operands.

/// The memory area of a linked operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Space {
    State = 0,
    Scratch = 1,
    /// Coefficient rows of the block.
    Rows = 2,
    /// Uniform coefficients, each of which fills one cache line that is used for all lanes.
    Uniform = 3,
    /// Read-only rows provided for the run.
    Past = 4,
    /// The written state, which in machine code may be separate from the state that is read.
    Written = 5,
    /// Values that a loop of machine code carries from one iteration to the next.
    Carried = 6,
}

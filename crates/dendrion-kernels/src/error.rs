//! Errors in programs and connections, and failed allocations.

use std::error::Error;
use std::fmt;

/// An allocation that failed because the system did not provide the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// The requested number of bytes, or `usize::MAX` if the number exceeds the address space.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes could not be allocated", self.bytes)
    }
}

impl Error for OutOfMemory {}

/// The reason why a program cannot be linked or a coefficient table cannot be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The number of arguments of an instruction does not match its operation.
    Arity {
        /// Position of the instruction.
        at: usize,
    },
    /// An instruction refers to a row, coefficient or port that does not exist, or that its operation does not
    /// accept in this position.
    Slot {
        /// Position of the instruction.
        at: usize,
    },
    /// The width of a block is not a positive multiple of a cache line.
    Lanes {
        /// The requested width.
        lanes: usize,
    },
    /// A column of the table has no values.
    Empty {
        /// Index of the column.
        column: usize,
    },
    /// The number of entries in the table does not match the program.
    Table {
        /// Number of entries in the table.
        given: usize,
        /// Number of entries that the program needs.
        expected: usize,
    },
    /// The level is not available on this processor.
    Level,
    /// The rows, lanes or blocks would not fit into the address space.
    Size,
    /// The table does not fit into memory.
    Memory(OutOfMemory),
}

impl From<OutOfMemory> for LinkError {
    fn from(error: OutOfMemory) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arity { at } => write!(f, "instruction {at} has the wrong number of arguments"),
            Self::Slot { at } => {
                write!(
                    f,
                    "instruction {at} uses a row that does not exist or that its operation does not accept"
                )
            }
            Self::Lanes { lanes } => {
                write!(f, "blocks of {lanes} lanes: expected a width that is a multiple of 64 bytes")
            }
            Self::Empty { column } => write!(f, "coefficient {column} has no values"),
            Self::Table { given, expected } => {
                write!(f, "the table has {given} coefficients: expected {expected}")
            }
            Self::Level => write!(f, "this processor does not have the requested instructions"),
            Self::Size => write!(f, "the rows, lanes or blocks do not fit into the address space"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl Error for LinkError {}

/// The reason why connections cannot be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanoutError {
    /// The row starts do not ascend from 0 to the number of targets.
    Starts,
    /// The number of weights or delays differs from the number of targets.
    Lengths {
        /// Number of targets.
        targets: usize,
        /// Number of weights or delays.
        given: usize,
    },
    /// A target is not a lane of the block.
    Target {
        /// The target.
        target: u16,
        /// Number of lanes.
        lanes: usize,
    },
    /// The connections do not fit into memory.
    Memory(OutOfMemory),
}

impl From<OutOfMemory> for FanoutError {
    fn from(error: OutOfMemory) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for FanoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starts => write!(f, "expected row starts that ascend from 0 to the number of connections"),
            Self::Lengths { targets, given } => {
                write!(f, "{given} values for {targets} connections: expected one per connection")
            }
            Self::Target { target, lanes } => {
                write!(f, "target {target}: expected an index below {lanes}, the number of lanes")
            }
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl Error for FanoutError {}

//! What can be wrong with a program or with connections.

use std::error::Error;
use std::fmt;

/// Why a program does not link, or a coefficient table cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// An instruction has another number of arguments than its operation takes.
    Arity {
        /// Position of the instruction.
        at: usize,
    },
    /// An instruction names a row, coefficient or port that does not exist, or one that its operation does not take there.
    Slot {
        /// Position of the instruction.
        at: usize,
    },
    /// The width of a block is not a positive multiple of a line.
    Lanes {
        /// The width asked for.
        lanes: usize,
    },
    /// A column of the table has no values.
    Empty {
        /// Its position.
        column: usize,
    },
    /// The table has another number of entries than the program.
    Table {
        /// Entries there are.
        given: usize,
        /// Entries there should be.
        expected: usize,
    },
    /// The level is not available on this processor.
    Level,
    /// Rows, lanes or blocks are more than memory could hold.
    Size,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arity { at } => write!(f, "instruction {at} has the wrong number of arguments"),
            Self::Slot { at } => {
                write!(f, "instruction {at} names a row that it may not use or that does not exist")
            }
            Self::Lanes { lanes } => write!(f, "blocks of {lanes} lanes: expected a multiple of 64 bytes"),
            Self::Empty { column } => write!(f, "coefficient {column} has no values"),
            Self::Table { given, expected } => write!(f, "{given} coefficients: expected {expected}"),
            Self::Level => write!(f, "this processor lacks the instructions asked for"),
            Self::Size => write!(f, "more rows, lanes or blocks than memory could hold"),
        }
    }
}

impl Error for LinkError {}

/// Why connections cannot be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanoutError {
    /// The starts do not ascend from 0 to the number of targets.
    Starts,
    /// Weights or delays are not as many as targets.
    Lengths {
        /// Targets there are.
        targets: usize,
        /// Weights or delays given.
        given: usize,
    },
    /// A target is not a lane of the shard.
    Target {
        /// The target.
        target: u16,
        /// Lanes there are.
        lanes: usize,
    },
}

impl fmt::Display for FanoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starts => write!(f, "row starts do not ascend from 0 to the number of connections"),
            Self::Lengths { targets, given } => write!(f, "{given} values for {targets} connections"),
            Self::Target { target, lanes } => {
                write!(f, "target {target} is beyond the {lanes} lanes there are")
            }
        }
    }
}

impl Error for FanoutError {}

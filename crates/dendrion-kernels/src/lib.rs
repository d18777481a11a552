//! Executes a [`Program`] on blocks of lanes.
//!
//! A program is a tape of operations on rows. A block consists of the program's state rows, each with one
//! value per lane in contiguous memory (a structure of arrays). Each operation processes all lanes of a block
//! before the next one begins, so the dispatch overhead is incurred once per row, and the rows stay in the L1
//! cache. On processors with AVX2, a program can be compiled to machine code ([`Kernel::compiled`]) with
//! bit-identical results.
//!
//! The user of this crate decides what a lane represents. The crate is generic over [`Scalar`] (f32, f64),
//! and the best available instructions are selected at run time ([`Level`]). This is the only crate of the
//! workspace that contains `unsafe` code. This code is of four kinds: vector instructions that are executed
//! only after a check of the processor, rows accessed through offsets that were checked when the program was
//! linked, connections whose targets were checked when they were created, and calls to machine code that was
//! generated from a linked program.

mod buffer;
mod coefficients;
mod delivery;
mod error;
mod execute;
mod finite;
mod kernel;
mod level;
mod link;
mod machine;
mod math;
mod program;
mod scalar;
mod space;
mod transpose;
mod tree;
mod vector;

pub use buffer::{Buffer, Plain};
pub use coefficients::{Coefficients, Column};
pub use delivery::{Delays, Fanout, Ring, prefetch_all};
pub use error::{FanoutError, LinkError, OutOfMemory};
pub use finite::all_finite;
pub use kernel::{Frame, Kernel};
pub use level::{Level, NumericClass};
pub use program::{FLUSH, Instruction, Op, Program, Slot};
pub use scalar::{Scalar, granule};
pub use tree::{Tree, TreeColumns, TreeFrame, TreeInputs, TreeStep, TreeSums};

//! Runs a [`Program`] over blocks of lanes.
//!
//! A program is a tape of operations on rows. A block is as many rows as the program has states, each of one value per
//! lane, one lane beside the other (a structure of arrays). One operation runs over all lanes of a block before the
//! next begins, so its dispatch is paid once per row and its rows stay in L1. On processors with AVX2 a step can be
//! compiled to machine code ([`Kernel::compiled`]), of the same bits.
//!
//! What a lane is, this crate does not know. Everything here is generic over [`Scalar`] (f32, f64) and dispatched to
//! the best instructions at run time ([`Level`]). It is the only crate of the workspace with `unsafe` code, of which
//! there are four kinds: vector instructions behind a check of the processor, rows addressed by offsets that were
//! checked when the program was linked, connections whose targets were checked when they were made, and the call of machine
//! code made from a linked program.

mod buffer;
mod coefficients;
mod delivery;
mod error;
mod execute;
mod kernel;
mod level;
mod link;
mod machine;
mod math;
mod program;
mod scalar;
mod transpose;
mod vector;

pub use buffer::{Buffer, Plain};
pub use coefficients::{Coefficients, Column};
pub use delivery::{Delays, Fanout, Ring, prefetch_all};
pub use error::{FanoutError, LinkError};
pub use kernel::{Frame, Kernel};
pub use level::{Level, NumericClass};
pub use program::{FLUSH, Instruction, Op, Program, Slot};
pub use scalar::{Scalar, granule};

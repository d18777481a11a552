//! The members of a cluster while a step is reversed, and the execution of their reverse programs.

use dendrion_kernels::{Coefficients, Frame, Kernel, Ring, Scalar, prefetch_all};

use super::backward::Backward;
use super::history::History;
use super::reversal::Reversal;
use crate::runtime::place::Place;
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;

/// The parts of a member that a reversed step uses.
pub(super) struct Unit<'m, T: Scalar> {
    pub(super) shard: &'m mut Shard<T>,
    pub(super) history: &'m History<T>,
    pub(super) reversal: &'m mut Reversal<T>,
    pub(super) backward: &'m Backward<T>,
    pub(super) engine: &'m Engine<T>,
    pub(super) spike_adjoints: Vec<Ring<T>>,
}

/// The position of the sweep.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) block: usize,
    pub(super) step: u64,
    /// The first step of the epoch.
    pub(super) begin: u64,
}

/// Runs a reverse program on a block.
pub(super) fn run<T: Scalar>(
    program: &(Kernel<T>, Coefficients<T>),
    memory: (&mut [T], &mut [T]),
    place: &Place,
    inputs: &[&[T]],
    past: &[T],
    at: At,
) {
    run_while(program, memory, place, inputs, (past, &[]), at);
}

/// Runs a reverse program on a block while memory that will be read `soon` is prefetched. Each strip prefetches its share,
/// because the processor would wait for more requests at a time.
pub(super) fn run_while<T: Scalar>(
    (kernel, coefs): &(Kernel<T>, Coefficients<T>),
    (frame, scratch): (&mut [T], &mut [T]),
    place: &Place,
    inputs: &[&[T]],
    (past, soon): (&[T], &[T]),
    at: At,
) {
    let block = Engine::block_of(coefs, place.blocks.start + at.block);
    for strip in kernel.strips() {
        let share = |lane: usize| soon.len() * lane / place.lanes;
        prefetch_all(&soon[share(strip.start)..share(strip.end)]);
        let fired = &mut [0; 0][..];
        let mut frame = Frame { state: &mut *frame, scratch: &mut *scratch, coefs, block, inputs, fired };
        kernel.run_strip(&mut frame, past, strip);
    }
}

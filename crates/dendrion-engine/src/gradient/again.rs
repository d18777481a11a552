//! The states of the steps that are reversed, either recorded or recomputed.

use std::ops::Range;

use dendrion_kernels::{Buffer, Frame, Scalar, prefetch_all};
use dendrion_model::Error;

use super::history::History;
use crate::refused::refused;
use crate::runtime::input_ports::View;
use crate::runtime::place::Place;
use crate::runtime::shard::Shard;

/// The position of the sweep.
pub(super) struct At {
    pub(super) block: usize,
    pub(super) strip: Range<usize>,
    pub(super) step: u64,
    /// Number of steps, starting with `step`, that are reversed in one call.
    pub(super) count: usize,
    /// The first step of the epoch.
    pub(super) begin: u64,
}

/// The recomputed states of a block in an epoch.
#[derive(Debug)]
pub(super) struct Again<T: Scalar> {
    /// One state at the beginning of each step, and the last one at the end.
    pub(super) past: Buffer<T>,
    /// Spikes of recomputed steps. The program writes them, but they are not used.
    fired: Vec<u64>,
}

impl<T: Scalar> Again<T> {
    pub(super) fn new(place: &Place) -> Self {
        Self { past: Buffer::new(), fired: vec![0; place.lanes.div_ceil(64)] }
    }

    /// Recomputes a block's states in an epoch, unless all of them were recorded.
    pub(super) fn run(
        &mut self,
        (shard, history): (&Shard<T>, &History<T>),
        view: &View<'_, T>,
        (block, steps): (usize, Range<u64>),
        scratch: &mut Buffer<T>,
    ) -> Result<(), Error> {
        if history.is_whole() {
            return Ok(());
        }
        let (size, count) = (shard.states.rows * shard.place.lanes, (steps.end - steps.start) as usize);
        self.past.grow((count + 1) * size).map_err(refused)?;
        // The scratch rows of the forward step may outnumber those of the reverse.
        let engine = view.engine;
        scratch.grow(engine.scratch_rows * shard.place.lanes).map_err(refused)?;
        // The same kernel with the same inputs gives bit-identical states.
        self.past[..size].copy_from_slice(history.state(steps.start, block));
        let mut inputs = vec![&[] as &[T]; shard.inputs.currents.len() + shard.inputs.noises.len()];
        for i in 0..count {
            shard.inputs.plug(&mut inputs, i);
            let (state, next) = self.past[i * size..][..2 * size].split_at_mut(size);
            let frame = Frame {
                state: next,
                scratch: &mut *scratch,
                coefs: &engine.coefs,
                block: shard.place.blocks.start + block,
                inputs: &inputs,
                fired: &mut self.fired,
            };
            engine.kernel.advance(frame, state);
        }
        Ok(())
    }
}

/// Returns the states of the steps that are reversed and of the step after them, either recorded or recomputed.
pub(super) fn past<'a, T: Scalar>(history: &'a History<T>, again: &'a [T], lanes: usize, at: &At) -> &'a [T] {
    if !history.is_whole() {
        return history.of(again, (at.step - at.begin) as usize, at.count);
    }
    for before in (at.step.saturating_sub(at.count as u64).max(at.begin)..at.step).rev() {
        // Recorded states are far apart in memory and are read backwards, a pattern that processors do not
        // prefetch by themselves.
        history.state(before, at.block).chunks(lanes).for_each(|row| prefetch_all(&row[at.strip.clone()]));
    }
    history.states(at.step, at.count, at.block)
}

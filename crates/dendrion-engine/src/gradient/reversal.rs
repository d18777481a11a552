//! One shard's share of the backward sweep.
//!
//! The reverse program of a step (`backward.rs`) reads the state at the beginning of the step. Its *frame* contains
//! the cotangents of the state at the end of the step, which the program converts to those of the state at the
//! beginning. At the same time it adds to *accumulators*, which hold the cotangents of the step's coefficients. There
//! is one frame per block:
//!
//! ```text
//! frame:   cotangents of states | accumulators of coefficients | cotangents of currents of this step
//! inputs:  currents, noises | adjoints of spikes | spikes | given cotangents of recorded states
//! ```
//!
//! For each block of an epoch, its inputs (and its states, if only the first was recorded) are recomputed,
//! and then its steps are reversed strip by strip. A strip is a contiguous part of the block's lanes.
//! Reversing all steps of the epoch for one strip before moving on to the next keeps the strip's part of the
//! frame in the L1 cache.
//!
//! Accumulators have the network's type. Every [`FOLD`] steps they are folded into sums in double precision. This
//! happens at multiples of [`FOLD`] in every segment, so rounding does not depend on the memory budget.

use std::ops::Range;

use dendrion_equations::Reverse;
use dendrion_kernels::{Buffer, Frame, Ring, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::filled;

use super::again::{Again, At, past};
use super::backward::{Backward, STEPS};
use super::flows::{Flow, Flows};
use super::growth::FOLD;
use super::history::History;
use super::probe_adjoint::{ProbeAdjoint, given};
use super::sent::Sent;
use super::spiked::spiked;
use super::spread_sums::SpreadSums;
use super::suspect::Watched;
use super::tree_rows::{AfterFrames, TreeRows};
use super::weight_accumulator::WeightAccumulator;
use crate::inputs::input_rows::InputRows;
use crate::recording::recorder::Reads;
use crate::refused::refused;
use crate::runtime::input_ports::View;
use crate::runtime::shard::Shard;

/// Maximum number of input ports that a step passes without allocating memory.
const PORTS: usize = 16;

/// One shard's state during a backward sweep.
#[derive(Debug)]
pub(crate) struct Reversal<T: Scalar> {
    /// The rows of all blocks, in the layout of the reverse program.
    pub(super) frames: Buffer<T>,
    pub(super) rows: usize,
    pub(super) scratch: Buffer<T>,
    /// Double-precision sums of the accumulators, block by block and row by row.
    pub(super) totals: Vec<f64>,
    pub(crate) sent: Sent<T>,
    pub(super) probe_adjoints: Vec<ProbeAdjoint>,
    pub(super) again: Again<T>,
    /// The neurons that spiked in the current block and epoch.
    pub(super) spiked: InputRows<T>,
    /// For each state that probes record, the given cotangents of the current block and epoch.
    pub(super) given: Vec<InputRows<T>>,
    pub(crate) flows: Flows,
    pub(crate) accumulator: WeightAccumulator,
    /// The first step of the run.
    pub(super) begin: u64,
    pub(super) input: Buffer<T>,
    /// The steps of the current epoch.
    pub(super) epoch: Range<u64>,
    pub(crate) watched: Watched,
    /// The other parts of the step of mechanisms on detailed cells.
    pub(super) others: Vec<AfterFrames<T>>,
    /// The adjoints of input that was in transit at the beginning of the run, by port: one per step and neuron.
    pub(super) transits: Vec<Vec<f64>>,
    /// The sums of the cotangents of diffusion.
    pub(super) spreads: Vec<SpreadSums>,
    /// The tree, if this is the shard of a membrane of detailed cells.
    pub(super) tree: Option<TreeRows<T>>,
}

impl<T: Scalar> Reversal<T> {
    pub(crate) fn new(
        shard: &Shard<T>,
        backward: &Backward<T>,
        begin: u64,
        spike_cotangents: Vec<(usize, usize)>,
        probe_adjoints: Vec<ProbeAdjoint>,
        flows: Vec<Option<Flow>>,
        limits: Vec<f64>,
    ) -> Result<Self, Error> {
        let (all, rows) = (shard.place.lanes_of_all(), backward.reverse.rows());
        let of_parts = backward.parts.iter().map(|(_, part)| part.scratch_rows);
        let scratch = of_parts.fold(backward.scratch_rows, usize::max) * shard.place.lanes;
        let others = backward.parts.iter().map(|(_, part)| AfterFrames::new(shard, part));
        Ok(Self {
            frames: Buffer::zeroed(all * rows).map_err(refused)?,
            rows,
            scratch: Buffer::zeroed(scratch).map_err(refused)?,
            totals: filled(all * backward.reverse.accumulators, 0.0)?,
            sent: Sent::new(spike_cotangents),
            probe_adjoints,
            again: Again::new(&shard.place),
            spiked: InputRows::new(shard.place.lanes),
            given: backward.states.iter().map(|_| InputRows::new(shard.place.lanes)).collect(),
            flows: Flows::new(flows),
            accumulator: WeightAccumulator::new(shard.place.neurons.clone(), None)?,
            begin,
            input: Buffer::zeroed(shard.place.lanes).map_err(refused)?,
            epoch: begin..begin,
            watched: Watched::new(limits),
            others: others.collect::<Result<_, Error>>()?,
            transits: Vec::new(),
            spreads: Vec::new(),
            tree: None,
        })
    }

    /// Sets the cotangents of a state at the end of the run: one per neuron of the shard.
    pub(super) fn start(&mut self, shard: &Shard<T>, state: usize, values: &[f64]) {
        let lanes = shard.place.lanes;
        for (i, value) in values.iter().enumerate() {
            let at = shard.place.lane_of(i);
            let row = (at / lanes * self.rows + Reverse::cotangent(state)) * lanes;
            self.frames[row + at % lanes] = T::from_f64(*value);
        }
    }

    /// Reverses the steps of an epoch, block by block and strip by strip, and stores the adjoints of
    /// arrivals. Returns `false` if `goes_on`, which is called before each block, returned `false`.
    pub(crate) fn run(
        &mut self,
        (shard, history): (&mut Shard<T>, &History<T>),
        view: &View<'_, T>,
        backward: &Backward<T>,
        (spike_adjoints, tables): (&mut [Ring<T>], &[&[f64]]),
        steps: Range<u64>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        self.epoch = steps.clone();
        for block in 0..shard.place.blocks.len() {
            if !goes_on() {
                return Ok(false);
            }
            shard.inputs.fill(
                view,
                (&shard.place, block),
                steps.start,
                (steps.end - steps.start) as usize,
            )?;
            self.again.run((shard, history), view, (block, steps.clone()), &mut self.scratch)?;
            let first = block * shard.place.lanes;
            let lanes = (first, shard.place.lanes.min(shard.place.neurons.len() - first));
            for (rows, state) in self.given.iter_mut().zip(&backward.states) {
                given(rows, *state, (&self.probe_adjoints, tables), lanes, steps.clone())?;
            }
            spiked(&mut self.spiked, (shard, history), block, steps.clone())?;
            // The sums of wanted current generators need the cotangents of every single step.
            let several = backward.steps.is_some() && self.flows.is_empty();
            for strip in backward.step.0.strips() {
                let mut until = steps.end;
                while until > steps.start {
                    // Pairs end at even steps, so the same steps are paired in every segment.
                    let whole = until.is_multiple_of(STEPS as u64) && until - steps.start >= STEPS as u64;
                    let count = if several && whole { STEPS } else { 1 };
                    until -= count as u64;
                    let at = At { block, strip: strip.clone(), step: until, count, begin: steps.start };
                    self.step((shard, history), view, backward, (&mut *spike_adjoints, tables), &at);
                    // A fold at a multiple of `FOLD` cannot fall inside a pair, because `FOLD` is even.
                    if until.is_multiple_of(FOLD) {
                        self.fold(backward, (shard, history), (block, strip.clone()), until);
                    }
                }
            }
        }
        Ok(true)
    }

    fn step(
        &mut self,
        (shard, history): (&Shard<T>, &History<T>),
        view: &View<'_, T>,
        backward: &Backward<T>,
        (spike_adjoints, tables): (&mut [Ring<T>], &[&[f64]]),
        at: &At,
    ) {
        let lanes = shard.place.lanes;
        let size = self.rows * lanes;
        // Arrivals of a step are added to the state at its end. At this point, the frame still contains the
        // cotangents of that state.
        self.store_spike_adjoints(backward, lanes, spike_adjoints, at);
        let past = past(history, &self.again.past, lanes, at);
        let mut ports = [&[] as &[T]; PORTS];
        let mut many = Vec::new();
        let last = shard.inputs.currents.len() + shard.inputs.noises.len();
        let each = last + 2 + backward.states.len();
        // The ports of several steps are stored one after another, the last step first, because the program
        // reverses the steps in this order.
        let inputs = if each * at.count <= PORTS {
            &mut ports[..each * at.count]
        } else {
            many.resize(each * at.count, &[] as &[T]);
            &mut many[..]
        };
        for (ports, step) in inputs.chunks_mut(each).zip((at.step..at.step + at.count as u64).rev()) {
            let i = (step - at.begin) as usize;
            shard.inputs.plug(ports, i);
            // The program treats an empty port as zeros.
            // The time of a spike has a cotangent only in a step with a spike.
            let is_needed = !backward.is_by_time || !self.spiked.row(i).is_empty();
            if self.sent.has_adjoints && is_needed {
                ports[last] = &self.sent.rows[i * shard.place.lanes_of_all() + at.block * lanes..][..lanes];
            }
            ports[last + 1] = self.spiked.row(i);
            ports[last + 2..].iter_mut().zip(&self.given).for_each(|(port, rows)| *port = rows.row(i));
        }
        let block = shard.place.blocks.start + at.block;
        let frame = &mut self.frames[at.block * size..][..size];
        let (one, coefs) = &backward.step;
        let kernel = if at.count == 1 { one } else { backward.steps.as_ref().unwrap_or(one) };
        let scratch = &mut self.scratch[..];
        let mut run = Frame { state: frame, scratch, coefs, block, inputs, fired: &mut [] };
        kernel.run_strip(&mut run, past, at.strip.clone());
        let frame = &mut self.frames[at.block * size..][..size];
        // An observer reads the state at the beginning of the step, so its adjoint is added after the step is
        // reversed.
        for probe_adjoint in &self.probe_adjoints {
            let (Reads::Observer(o), Some(values)) =
                (probe_adjoint.reads, probe_adjoint.row(at.step, tables))
            else {
                continue;
            };
            let Some((kernel, coefs)) = backward.observers.get(o) else { continue };
            self.input.fill(T::default());
            let row = &mut self.input[at.strip.clone()];
            probe_adjoint.add(values, at.block * lanes + at.strip.start, row);
            // An observer takes the inputs of the step, with the cotangent of its value in place of the spike
            // adjoints.
            let mut ports: Vec<&[T]> = inputs[..=last].to_vec();
            ports[last] = &self.input;
            let (scratch, inputs) = (&mut self.scratch[..], &ports[..]);
            let mut run = Frame { state: frame, scratch, coefs, block, inputs, fired: &mut [] };
            kernel.run_strip(&mut run, past, at.strip.clone());
        }
        self.flow(shard, view, backward, at);
    }

    /// Stores the adjoint of arrivals, which is the cotangent of the state to which they are added, or the
    /// sum of the cotangents if there are several such states.
    fn store_spike_adjoints(
        &self,
        backward: &Backward<T>,
        lanes: usize,
        spike_adjoints: &mut [Ring<T>],
        at: &At,
    ) {
        let size = self.rows * lanes;
        let frame = &self.frames[at.block * size..][..size];
        for (fed, ring) in backward.fed.iter().zip(spike_adjoints) {
            let out = &mut ring.row_mut(at.step)[at.block * lanes..][..lanes][at.strip.clone()];
            for (k, state) in fed.iter().enumerate() {
                let row = &frame[Reverse::cotangent(*state) * lanes..][..lanes][at.strip.clone()];
                // The ring's row still contains cotangents from an earlier use, so the first state overwrites
                // it.
                if k == 0 {
                    out.copy_from_slice(row);
                } else {
                    out.iter_mut().zip(row).for_each(|(sum, v)| *sum = sum.plus(*v));
                }
            }
        }
    }

    /// Adds the cotangents of currents to the sums of their generators.
    fn flow(&mut self, shard: &Shard<T>, view: &View<'_, T>, backward: &Backward<T>, at: &At) {
        let lanes = shard.place.lanes;
        let first = at.block * lanes + at.strip.start;
        let neurons = at.strip.len().min(shard.place.neurons.len().saturating_sub(first));
        if neurons == 0 {
            // The strip lies beyond the last neuron.
            return;
        }
        let (frames, rows, blocks) = (&self.frames, self.rows, shard.place.blocks.len());
        let steps = (at.step, self.begin);
        self.flows.add(view, &shard.inputs.currents, steps, |input, slot, weight, flow| {
            let row = (at.block * rows + backward.reverse.current(input)) * lanes + at.strip.start;
            let row = &frames[row..][..neurons];
            if flow.shared {
                let sum = row.iter().map(|v| v.to_f64()).sum::<f64>();
                flow.sums[slot * blocks + at.block] += weight * sum;
            } else {
                let out = &mut flow.sums[slot * shard.place.neurons.len() + first..][..neurons];
                out.iter_mut().zip(row).for_each(|(sum, v)| *sum += weight * v.to_f64());
            }
        });
    }
}

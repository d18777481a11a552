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
use dendrion_kernels::{Buffer, FLUSH, Frame, Ring, Scalar, prefetch_all};
use dendrion_model::Error;
use dendrion_model::allocate::{collected, filled};

use super::backward::{Backward, STEPS};
use super::growth::{FOLD, Peak, Peaks};
use super::history::History;
use super::probe_adjoint::{ProbeAdjoint, given};
use super::spiked::{of_time, spiked};
use super::spread_sums::SpreadSums;
use super::suspect::Suspect;
use super::tree_rows::{AfterFrames, TreeRows};
use super::weight_accumulator::WeightAccumulator;
use crate::inputs::Part;
use crate::inputs::input_rows::InputRows;
use crate::recording::recorder::Reads;
use crate::refused::refused;
use crate::runtime::input_ports::View;
use crate::runtime::shard::{Shard, is_finite};

/// Cotangents of a current input, summed for each of the generator's own values (slots).
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// One sum per slot and neuron, or per slot and block if all neurons share the current. Blocks do not
    /// depend on shards, so neither does the sum over blocks. The number of detailed cells in a block depends on the
    /// number of threads, so these have one sum per slot and cell in both cases.
    pub(crate) sums: Vec<f64>,
    /// Number of sums per slot.
    pub(crate) width: usize,
    pub(crate) shared: bool,
}

/// The position of the sweep.
struct At {
    block: usize,
    strip: Range<usize>,
    step: u64,
    /// Number of steps, starting with `step`, that are reversed in one call.
    count: usize,
    /// The first step of the epoch.
    begin: u64,
}

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
    /// Spike adjoints of the epoch, step by step, for all lanes.
    pub(crate) spikes: Buffer<T>,
    /// Whether any spike of this shard has an adjoint.
    pub(super) sends: bool,
    /// For each table with cotangents of recorded spikes (one row per step of the run), its index and the
    /// size of the population.
    pub(super) spike_cotangents: Vec<(usize, usize)>,
    pub(super) probe_adjoints: Vec<ProbeAdjoint>,
    /// The recomputed states of an epoch: one at the beginning of each step, and the last one at the end.
    past: Buffer<T>,
    /// Spikes of recomputed steps. The program writes them, but they are not used.
    fired: Vec<u64>,
    /// The neurons that spiked in the current block and epoch.
    pub(super) spiked: InputRows<T>,
    /// For each state that probes record, the given cotangents of the current block and epoch.
    pub(super) given: Vec<InputRows<T>>,
    /// For each current input whose generator is wanted, its sums.
    pub(crate) flows: Vec<Option<Flow>>,
    /// The values of a current generator that a step uses, kept to reuse the memory.
    parts: Vec<Part>,
    pub(crate) accumulator: WeightAccumulator,
    /// The first step of the run.
    pub(super) begin: u64,
    pub(super) input: Buffer<T>,
    /// The steps of the current epoch.
    pub(super) epoch: Range<u64>,
    /// The neuron whose cotangents first stopped being finite, if there was one.
    pub(crate) suspect: Option<Suspect>,
    /// For each state, the largest cotangent that causes no warning.
    pub(super) limits: Vec<f64>,
    pub(crate) peaks: Peaks,
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
            spikes: Buffer::new(),
            sends: false,
            spike_cotangents,
            probe_adjoints,
            past: Buffer::new(),
            fired: vec![0; shard.place.lanes.div_ceil(64)],
            spiked: InputRows::new(shard.place.lanes),
            given: backward.states.iter().map(|_| InputRows::new(shard.place.lanes)).collect(),
            flows,
            parts: Vec::new(),
            accumulator: WeightAccumulator::new(shard.place.neurons.clone(), None)?,
            begin,
            input: Buffer::zeroed(shard.place.lanes).map_err(refused)?,
            epoch: begin..begin,
            suspect: None,
            limits,
            peaks: Peaks::default(),
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

    /// Begins an epoch: spike adjoints start with the given cotangents of recorded spikes. The sweep then
    /// adds the pulled adjoints of arrivals. Returns `false` if `goes_on`, which is called for each step, returned `false`.
    pub(crate) fn begin_epoch(
        &mut self,
        shard: &Shard<T>,
        (tables, is_by_time): (&[&[f64]], bool),
        is_received: bool,
        steps: Range<u64>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        self.sends = is_received || !self.spike_cotangents.is_empty();
        if !self.sends {
            return Ok(true);
        }
        let (all, count) = (shard.place.lanes_of_all(), (steps.end - steps.start) as usize);
        self.spikes.grow(all * count).map_err(refused)?;
        // Pulled adjoints are added, so rows start at 0. The system provides memory when it is first written, which takes
        // long.
        for row in self.spikes.chunks_mut(all.max(1)) {
            if !goes_on() {
                return Ok(false);
            }
            row.fill(T::default());
        }
        for (table, width) in &self.spike_cotangents {
            for step in steps.clone() {
                let out = &mut self.spikes[(step - steps.start) as usize * all..];
                let (table, n) = (tables[*table], (step - self.begin) as usize);
                if is_by_time {
                    for (k, sum) in shard.place.neurons.clone().zip(out) {
                        *sum = sum.plus(T::from_f64(of_time((table, *width), (n, k))));
                    }
                } else {
                    let row = &table[n * width..][shard.place.neurons.clone()];
                    out.iter_mut().zip(row).for_each(|(sum, v)| *sum = sum.plus(T::from_f64(*v)));
                }
            }
        }
        Ok(true)
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
            self.run_again((shard, history), view, block, steps.clone())?;
            let first = block * shard.place.lanes;
            let lanes = (first, shard.place.lanes.min(shard.place.neurons.len() - first));
            for (rows, state) in self.given.iter_mut().zip(&backward.states) {
                given(rows, *state, (&self.probe_adjoints, tables), lanes, steps.clone())?;
            }
            spiked(&mut self.spiked, (shard, history), block, steps.clone())?;
            // The sums of wanted current generators need the cotangents of every single step.
            let several = backward.steps.is_some() && self.flows.iter().all(Option::is_none);
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

    /// Recomputes a block's states in an epoch, unless all of them were recorded.
    fn run_again(
        &mut self,
        (shard, history): (&Shard<T>, &History<T>),
        view: &View<'_, T>,
        block: usize,
        steps: Range<u64>,
    ) -> Result<(), Error> {
        if history.is_whole() {
            return Ok(());
        }
        let (size, count) = (shard.states.rows * shard.place.lanes, (steps.end - steps.start) as usize);
        self.past.grow((count + 1) * size).map_err(refused)?;
        // The scratch rows of the forward step may outnumber those of the reverse.
        let engine = view.engine;
        self.scratch.grow(engine.scratch_rows * shard.place.lanes).map_err(refused)?;
        // The same kernel with the same inputs gives bit-identical states.
        self.past[..size].copy_from_slice(history.state(steps.start, block));
        let mut inputs = vec![&[] as &[T]; shard.inputs.currents.len() + shard.inputs.noises.len()];
        for i in 0..count {
            shard.inputs.plug(&mut inputs, i);
            let (state, next) = self.past[i * size..][..2 * size].split_at_mut(size);
            let frame = Frame {
                state: next,
                scratch: &mut self.scratch,
                coefs: &engine.coefs,
                block: shard.place.blocks.start + block,
                inputs: &inputs,
                fired: &mut self.fired,
            };
            engine.kernel.advance(frame, state);
        }
        Ok(())
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
        let past = past(history, &self.past, lanes, at);
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
            if self.sends && is_needed {
                ports[last] = &self.spikes[i * shard.place.lanes_of_all() + at.block * lanes..][..lanes];
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
        let flows = (&mut self.flows[..], &mut self.parts);
        flow_into(flows, view, &shard.inputs.currents, (at.step, self.begin), |input, slot, weight, flow| {
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

    /// Calls `add` with each current input whose generator is wanted, with each slot of the generator that a step uses
    /// and its weight, and with the sums.
    pub(super) fn flow_into(
        &mut self,
        view: &View<'_, T>,
        currents: &[(usize, InputRows<T>)],
        step: u64,
        add: impl FnMut(usize, usize, f64, &mut Flow),
    ) {
        flow_into((&mut self.flows, &mut self.parts), view, currents, (step, self.begin), add);
    }

    /// Folds the accumulators of a strip into the double-precision sums, sets negligible cotangents to 0, and records
    /// those that are too large or not finite. `step` is the first of the steps reversed since the last fold.
    pub(super) fn fold(
        &mut self,
        backward: &Backward<T>,
        (shard, history): (&Shard<T>, &History<T>),
        (block, strip): (usize, Range<usize>),
        step: u64,
    ) {
        // The states must be copied before the next epoch overwrites them.
        if self.suspect.is_none() && shard.place.is_in_order() {
            self.suspect = self.infinite(&backward.reverse, (shard, history), (block, strip.clone()), step);
        }
        let lanes = shard.place.lanes;
        let (reverse, size) = (&backward.reverse, self.rows * lanes);
        let frame = &mut self.frames[block * size..][..size];
        for k in 0..reverse.accumulators {
            let row = &mut frame[reverse.accumulator(k) * lanes..][..lanes][strip.clone()];
            let totals =
                &mut self.totals[(block * reverse.accumulators + k) * lanes..][..lanes][strip.clone()];
            for (total, v) in totals.iter_mut().zip(row) {
                *total += v.to_f64();
                *v = T::default();
            }
        }
        for (state, limit) in self.limits.iter().enumerate() {
            let row = &mut frame[Reverse::cotangent(state) * lanes..][..lanes][strip.clone()];
            for (v, lane) in row.iter_mut().zip(strip.clone()) {
                let size = v.to_f64().abs();
                // Cotangents decay exponentially in the backward sweep. They would become subnormal numbers, which
                // are slow and contribute nothing.
                if size < FLUSH {
                    *v = T::default();
                } else if size > *limit || !size.is_finite() {
                    let neuron = shard.place.neurons.start + shard.place.neuron_of(block, lane);
                    self.peaks.note(shard.place.population, Peak { step, state, neuron, value: v.to_f64() });
                }
            }
        }
    }

    /// Finds the first neuron of a strip whose cotangents or accumulators are not finite, and copies its states from
    /// `step` on.
    fn infinite(
        &self,
        reverse: &Reverse,
        (shard, history): (&Shard<T>, &History<T>),
        (block, strip): (usize, Range<usize>),
        step: u64,
    ) -> Option<Suspect> {
        let (lanes, size) = (shard.place.lanes, self.rows * shard.place.lanes);
        let frame = &self.frames[block * size..][..size];
        let rows = (0..reverse.states).map(Reverse::cotangent);
        let mut rows = rows.chain((0..reverse.accumulators).map(|k| reverse.accumulator(k)));
        let at = rows.find_map(|row| {
            let row = &frame[row * lanes..][..lanes][strip.clone()];
            if is_finite(row) { None } else { row.iter().position(|v| !v.is_finite()) }
        })?;
        let lane = strip.start + at;
        // Lanes beyond the last neuron repeat it.
        let neuron = shard.place.neurons.start + (block * lanes + lane).min(shard.place.neurons.len() - 1);
        let past = (&self.past[..], &self.epoch);
        let who = (shard.place.population, neuron);
        Some(Suspect::new(who, history, past, (block, lanes, lane), step..step + FOLD))
    }

    /// Returns the cotangents of coefficients, then those of the initial states, each with one value per
    /// neuron of the shard.
    pub(crate) fn finish(
        &mut self,
        shard: &Shard<T>,
        history: &History<T>,
        backward: &Backward<T>,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (lanes, reverse) = (shard.place.lanes, &backward.reverse);
        // The steps before the first multiple of `FOLD` have not been folded yet.
        (0..shard.place.blocks.len())
            .for_each(|block| self.fold(backward, (shard, history), (block, 0..lanes), self.begin));
        let place = |i: usize| {
            let at = shard.place.lane_of(i);
            (at / lanes, at % lanes)
        };
        let total = |k: usize, i: usize| {
            let (block, lane) = place(i);
            self.totals[(block * reverse.accumulators + k) * lanes + lane]
        };
        let state = |s: usize, i: usize| {
            let (block, lane) = place(i);
            self.frames[(block * self.rows + Reverse::cotangent(s)) * lanes + lane].to_f64()
        };
        let n = shard.place.neurons.len();
        let totals = (0..reverse.accumulators).map(|k| collected((0..n).map(|i| total(k, i))));
        totals.chain((0..reverse.states).map(|s| collected((0..n).map(|i| state(s, i))))).collect()
    }
}

/// Returns the states of the steps that are reversed and of the step after them, either recorded or recomputed.
fn past<'a, T: Scalar>(history: &'a History<T>, again: &'a [T], lanes: usize, at: &At) -> &'a [T] {
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

/// Calls `add` for the current inputs whose generators are wanted; see [`Reversal::flow_into`].
fn flow_into<T: Scalar>(
    (flows, found): (&mut [Option<Flow>], &mut Vec<Part>),
    view: &View<'_, T>,
    currents: &[(usize, InputRows<T>)],
    (step, begin): (u64, u64),
    mut add: impl FnMut(usize, usize, f64, &mut Flow),
) {
    for (input, flow) in flows.iter_mut().enumerate() {
        let Some(flow) = flow else { continue };
        parts(view, currents[input].0, (step, begin), found);
        for (slot, weight) in &*found {
            add(input, *slot, *weight, flow);
        }
    }
}

/// Finds the values of a current generator that a step uses, with their weights.
fn parts<T: Scalar>(view: &View<'_, T>, generator: usize, (step, begin): (u64, u64), parts: &mut Vec<Part>) {
    parts.clear();
    match (view.given.get(generator), view.currents.get(generator)) {
        (Some(Some(_)), _) => parts.push(((step - begin) as usize, 1.0)),
        (_, Some(Some(current))) => current.parts(step, parts),
        _ => {}
    }
}

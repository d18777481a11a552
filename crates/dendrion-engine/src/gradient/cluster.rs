//! Reverses the steps of detailed cells.
//!
//! The stages of a step (`cable/step.rs`) are reversed, the last one first. λ denotes the cotangents of the right-hand
//! side of the tree's equations, which [`Tree::reverse`](dendrion_kernels::Tree::reverse) computes:
//!
//! ```text
//! V̄ contains the cotangents of V at the end of the step
//! staggered mechanisms:  the gates; V̄ += the cotangents of V at their sites
//! cells:                 the threshold and the reset; V̄ at their CV becomes the cotangent of V before the reset
//! tree:                  λ, the cotangents of currents (λ) and conductances (-λ Δ); V̄ becomes that of V at the beginning
//! mechanisms:            their program; V̄ += the cotangents of V at their sites
//! ```
//!
//! Currents and conductances are internal states of the mechanisms. They are recorded like other states, and their
//! cotangents are passed to the programs of the mechanisms in the rows of these states.

use std::ops::Range;
use std::sync::PoisonError;

use dendrion_equations::{Phase, Pools};
use dendrion_kernels::{Frame, Ring, Scalar, TreeFrame, TreeStep, TreeSums};
use dendrion_model::Error;

use super::backward::Backward;
use super::diffusion;
use super::exchange::{self, Potentials, mixed};
use super::growth::FOLD;
use super::history::History;
use super::probe_adjoint::given;
use super::reversal::Reversal;
use super::shard_trace::ShardTrace;
use super::spiked::spiked;
use super::spread_sums::SpreadSums;
use super::sweep::Shared;
use super::tree_rows::TreeRows;
use crate::cable::{
    Moment, Sources, Span, Stage, difference, gather, import, inject, scatter, to_currents, to_lanes,
    to_members,
};
use crate::recording::recorder::Reads;
use crate::run::Member;
use crate::runtime::input_ports::View;
use crate::runtime::place::Place;
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;

impl<T: Scalar> TreeRows<T> {
    /// Sums the currents and conductances of a step.
    fn add_currents(&mut self, placed: &[Unit<'_, T>], (membrane, injected): (&Shard<T>, &[usize]), at: At) {
        let (rows, width, cvs) = (self, membrane.place.width, membrane.place.sites);
        let is_whole = |unit: &Unit<'_, T>| match &unit.engine.stage {
            Stage::Placed { spans, .. } => matches!(spans[..], [span] if span.cv == 0 && span.count == cvs),
            _ => false,
        };
        // If the first mechanisms are on all CVs, their rows are the initial sums of all CVs, but not of junctions.
        let is_copied = placed.first().is_some_and(is_whole);
        let first = if is_copied { cvs * width } else { 0 };
        rows.current[first..].fill(T::default());
        rows.slope[first..].fill(T::default());
        for (k, unit) in placed.iter().enumerate() {
            let Stage::Placed { outputs, spans, .. } = &unit.engine.stage else { continue };
            let (after, lanes) = (unit.history.state(at.step + 1, at.block), unit.shard.place.lanes);
            for (sums, row) in [&mut rows.current, &mut rows.slope].into_iter().zip(outputs) {
                for Span { site, cv, count, .. } in spans {
                    let mine = &after[row * lanes..][site * width..(site + count) * width];
                    if k == 0 && is_copied {
                        sums[..mine.len()].copy_from_slice(mine);
                        continue;
                    }
                    for (sum, value) in sums[cv * width..(cv + count) * width].iter_mut().zip(mine) {
                        *sum = *sum + *value;
                    }
                }
            }
        }
        let i = (at.step - at.begin) as usize;
        for ((_, input), cv) in membrane.inputs.currents.iter().zip(injected) {
            for (sum, value) in rows.current[cv * width..][..width].iter_mut().zip(input.row(i)) {
                *sum = *sum + *value;
            }
        }
    }
}

type Members<T> = [Member<Shard<T>, ShardTrace<T>>];

/// The parts of a member that a reversed step uses.
pub(super) struct Unit<'m, T: Scalar> {
    pub(super) shard: &'m mut Shard<T>,
    pub(super) history: &'m History<T>,
    pub(super) reversal: &'m mut Reversal<T>,
    pub(super) backward: &'m Backward<T>,
    pub(super) engine: &'m Engine<T>,
    spike_adjoints: Vec<Ring<T>>,
}

/// The position of the sweep.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) block: usize,
    pub(super) step: u64,
    /// The first step of the epoch.
    begin: u64,
}

/// Reverses the steps of an epoch for a cluster. Returns `false` if `goes_on`, which is called before each block,
/// returned `false`.
pub(super) fn reverse<T: Scalar>(
    members: &mut Members<T>,
    shared: &Shared<'_, T>,
    steps: Range<u64>,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<bool, Error> {
    let engine = &shared.engines[members[1].part.place.population];
    if members[1].observer.reversal.as_ref().is_some_and(|r| r.tree.is_none()) {
        let most = members.iter().map(|m| m.part.place.lanes).max().unwrap_or(0);
        let imports =
            |m: &Member<Shard<T>, ShardTrace<T>>| match &shared.engines[m.part.place.population].stage {
                Stage::Placed { trade: Some(trade), .. } => trade.inputs.len(),
                _ => 0,
            };
        let imports = members.iter().map(imports).max().unwrap_or(0);
        let states = members.iter().map(|m| m.part.place.lanes * m.part.states.rows).max().unwrap_or(0);
        let rows = TreeRows::new(&engine.stage, &members[1].part.place, (most, imports, states))?;
        if let Some(reversal) = &mut members[1].observer.reversal {
            reversal.tree = rows;
        }
        for Member { part, observer, .. } in members.iter_mut() {
            if let Some(reversal) = &mut observer.reversal {
                reversal.spreads = SpreadSums::all(&shared.engines[part.place.population], &part.place)?;
            }
        }
    }
    let places: Vec<usize> = members.iter().map(|m| m.place).collect();
    let mut units = Vec::with_capacity(members.len());
    for Member { place, part: shard, observer } in members.iter_mut() {
        let ShardTrace { history: Some(history), reversal: Some(reversal), .. } = observer else {
            return Ok(true);
        };
        let population = shard.place.population;
        // Only this worker writes to the ring of its shard, and no worker reads it between the two barriers.
        let mut rings = shared.spike_adjoints[*place].write().unwrap_or_else(PoisonError::into_inner);
        units.push(Unit {
            shard,
            history,
            reversal,
            backward: &shared.backwards[population],
            engine: &shared.engines[population],
            spike_adjoints: std::mem::take(&mut *rings),
        });
    }
    let done = epoch(&mut units, shared, steps, goes_on);
    for (unit, place) in units.into_iter().zip(places) {
        *shared.spike_adjoints[place].write().unwrap_or_else(PoisonError::into_inner) = unit.spike_adjoints;
    }
    done
}

fn epoch<T: Scalar>(
    units: &mut [Unit<'_, T>],
    shared: &Shared<'_, T>,
    steps: Range<u64>,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<bool, Error> {
    for block in 0..units[0].shard.place.blocks.len() {
        if !goes_on() {
            return Ok(false);
        }
        let count = (steps.end - steps.start) as usize;
        for unit in units.iter_mut() {
            let lanes = (block * unit.shard.place.lanes, unit.shard.place.lanes);
            let Reversal { given: rows, probe_adjoints, .. } = &mut *unit.reversal;
            for (rows, state) in rows.iter_mut().zip(&unit.backward.states) {
                given(rows, *state, (probe_adjoints, &shared.tables), lanes, steps.clone())?;
            }
        }
        let head = &mut units[0];
        spiked(&mut head.reversal.spiked, (head.shard, head.history), block, steps.clone())?;
        let membrane = &mut units[1];
        let sources = Sources { engines: &shared.engines, currents: &shared.currents, given: &shared.given };
        inject(membrane.shard, &sources, block, (steps.start, count))?;
        for step in steps.clone().rev() {
            let at = At { block, step, begin: steps.start };
            reverse_step(units, shared, at);
            if step.is_multiple_of(FOLD) {
                for unit in units.iter_mut() {
                    fold(unit, block, step);
                }
            }
        }
    }
    Ok(true)
}

/// Folds the accumulators of a block.
fn fold<T: Scalar>(unit: &mut Unit<'_, T>, block: usize, step: u64) {
    let lanes = unit.shard.place.lanes;
    unit.reversal.fold(unit.backward, (unit.shard, unit.history), (block, 0..lanes), step);
    for (frames, (_, part)) in unit.reversal.others.iter_mut().zip(&unit.backward.parts) {
        frames.fold(part, lanes, block);
    }
}

fn reverse_step<T: Scalar>(units: &mut [Unit<'_, T>], shared: &Shared<'_, T>, at: At) {
    units.iter().for_each(|unit| unit.history.prefetch_before(at.step, at.block));
    let (head, rest) = units.split_at_mut(1);
    let (membrane, placed) = rest.split_at_mut(1);
    let (head, membrane) = (&mut head[0], &mut membrane[0]);
    let Some(mut rows) = membrane.reversal.tree.take() else { return };
    let Stage::Membrane { tree, injected, plan, .. } = &membrane.engine.stage else { return };
    let Stage::Cells { spike_at } = &head.engine.stage else { return };
    let (place, width) = (membrane.shard.place.clone(), membrane.shard.place.width);
    let size = membrane.reversal.rows * place.lanes;
    let now = membrane.history.state(at.step, at.block);
    let next = membrane.history.state(at.step + 1, at.block);
    let bar = &mut membrane.reversal.frames[at.block * size..][..place.lanes];
    let reads_change =
        placed.iter().any(|u| matches!(u.engine.stage, Stage::Placed { reads_change: true, .. }));
    let pools = placed.iter().find_map(|u| u.engine.stage.pools());
    if reads_change {
        // The step is repeated up to the change of V.
        rows.v[..now.len()].copy_from_slice(now);
        rows.add_currents(placed, (membrane.shard, injected), at);
        let TreeRows { v, current, slope, work, change, before, before_bar, change_bar, .. } = &mut rows;
        let mut frame = TreeStep { v: &mut *v, current, slope, work };
        tree.solve(membrane.engine.kernel.level(), place.blocks.start + at.block, &mut frame);
        before[..now.len()].copy_from_slice(now);
        to_currents(pools, before, v);
        difference(change, if pools.is_some() { next } else { &v[..] }, before);
        before_bar.fill(T::default());
        change_bar.fill(T::default());
    }
    for Unit { engine, shard, history, reversal, .. } in placed.iter_mut() {
        let now = (at.block, at.step, false);
        diffusion::reverse((engine, &shard.place), (history, reversal), &mut rows, now);
    }
    exchange::begin(&mut rows, placed, plan.as_deref(), width, at);
    for unit in placed.iter_mut() {
        unit.store_spike_adjoints(at);
        unit.reverse_gates((next, width), &mut *bar, &mut rows, at);
    }
    let site = spike_at * width..(spike_at + 1) * width;
    if let Some(plan) = plan {
        let solved = &head.history.state(at.step + 1, at.block)[head.shard.place.lanes..][..width];
        let v = Potentials { now, next, solved, site: site.start };
        exchange::reverse_pools(&mut rows, placed, plan, (&v, width), bar, at);
    }
    head.reverse_threshold(&mut bar[site.clone()], &mut rows, at);
    // The membrane.
    rows.add_currents(placed, (membrane.shard, injected), at);
    let first = at.block * rows.nodes * width;
    let [capacitance, leak, reversal, axial] = &mut rows.sums;
    let mut sums = TreeSums {
        capacitance: &mut capacitance[first..],
        leak: &mut leak[first..],
        reversal: &mut reversal[first..],
        axial: &mut axial[first..],
    };
    let mut frame = TreeFrame { v: now, current: &mut rows.current, slope: &mut rows.slope };
    let level = membrane.engine.kernel.level();
    if reads_change {
        // The change of V is the difference of V after and before the solution.
        for (bar, v) in bar.iter_mut().zip(&rows.change_bar[..]) {
            *bar = *bar + *v;
        }
    }
    let pools = plan.as_ref().and_then(|plan| plan.pools);
    if pools == Some(Pools::Middle) {
        bar.iter_mut().zip(&rows.middle_bar[..]).for_each(|(bar, v)| *bar = *bar + T::from_f64(0.5) * *v);
    }
    tree.reverse(level, place.blocks.start + at.block, &mut frame, (&mut *bar, &mut rows.work), &mut sums);
    if let Some(plan) = plan {
        exchange::fill_slots(&mut rows, placed, plan, width, (Moment::Beginning, at));
    }
    for unit in placed.iter_mut() {
        unit.reverse_currents(&shared.tables, (now, width), &mut *bar, &mut rows, at);
    }
    if let Some(plan) = plan {
        exchange::reverse_exports(&mut rows, placed, plan, (now, width), (&mut *bar, Moment::Beginning), at);
    }
    if let Some(pools) = pools {
        let part = T::from_f64(if pools == Pools::Middle { 0.5 } else { 1.0 });
        bar.iter_mut().zip(&rows.middle_bar[..]).for_each(|(bar, v)| *bar = *bar + part * *v);
    }
    if reads_change {
        let more = rows.before_bar.iter().zip(&rows.change_bar[..]);
        bar.iter_mut().zip(more).for_each(|(bar, (v, change))| *bar = *bar + (*v - *change));
    }
    let i = (at.step - at.begin) as usize;
    // Probes record V at the beginning of the step.
    for given in &membrane.reversal.given {
        for (bar, v) in bar.iter_mut().zip(given.row(i)) {
            *bar = *bar + *v;
        }
    }
    head.add_before(&mut bar[site], at);
    membrane.flow(shared, injected, &rows.current, at);
    membrane.reversal.tree = Some(rows);
}

impl<T: Scalar> Unit<'_, T> {
    /// Stores the adjoints of arrivals, which are the cotangents of the states to which they are added.
    fn store_spike_adjoints(&mut self, at: At) {
        let (place, lanes) = (&self.shard.place, self.shard.place.lanes);
        let size = self.reversal.rows * lanes;
        let frame = &self.reversal.frames[at.block * size..][..size];
        let (first, count) = place.neurons_of(at.block);
        let first = first - place.neurons.start;
        for (fed, ring) in self.backward.fed.iter().zip(&mut self.spike_adjoints) {
            let out = &mut ring.row_mut(at.step)[first..first + count];
            let mut sum = vec![T::default(); lanes];
            for state in fed {
                let row = &frame[state * lanes..][..lanes];
                sum.iter_mut().zip(row).for_each(|(sum, v)| *sum = *sum + *v);
            }
            to_members(place, &sum, out);
        }
    }

    /// Reverses the second part of the step of mechanisms.
    fn reverse_gates(&mut self, (next, width): (&[T], usize), bar: &mut [T], rows: &mut TreeRows<T>, at: At) {
        let Stage::Placed { spans, reads_change, pools, trade, .. } = &self.engine.stage else { return };
        let Some(part) = self.backward.parts.iter().position(|(phase, _)| *phase == Phase::Gates) else {
            return;
        };
        let (backward, after) = (&self.backward.parts[part].1, &mut self.reversal.others[part]);
        let (place, lanes) = (&self.shard.place, self.shard.place.lanes);
        let (size, of_after) = (self.reversal.rows * lanes, after.rows * lanes);
        let states = backward.reverse.states * lanes;
        let frame = &mut after.frames[at.block * of_after..][..of_after];
        let own = &mut self.reversal.frames[at.block * size..][..size];
        frame[..states].copy_from_slice(&own[..states]);
        let v = if *reads_change { &rows.before[..] } else { next };
        let v = gather(v, width, (place, spans), &mut rows.gathered);
        let past = self.history.states(at.step, 1, at.block);
        let past = mixed(past, trade.as_deref(), lanes, &mut rows.past);
        let mut inputs = vec![v];
        if *reads_change {
            inputs.push(gather(&rows.change, width, (place, spans), &mut rows.changed));
        }
        let of_slot = next.len();
        let read = trade.as_ref().map_or(&[] as &[usize], |trade| &trade.inputs);
        import(&rows.slots, (read, of_slot), width, (place, spans), &mut rows.imported);
        inputs.extend(rows.imported[..read.len()].iter().map(|row| &row[..lanes]));
        inputs.extend([&[] as &[T], &[]]);
        run(&backward.step, (frame, &mut self.reversal.scratch), place, &inputs, past, at);
        let of = |input: usize| &frame[backward.reverse.current(input) * lanes..][..lanes];
        match pools {
            // The inputs are x = V + θ Δ, with Δ the change in the solution, and the difference between V after the reset and x.
            Some(at) => {
                scatter(bar, width, spans, of(1));
                let bars = &mut rows.bars[..lanes];
                difference(bars, of(0), of(1));
                scatter(&mut rows.before_bar, width, spans, bars);
                if *at == Pools::Middle {
                    let half = T::from_f64(0.5);
                    bars.iter_mut().for_each(|bar| *bar = half * *bar);
                    scatter(&mut rows.change_bar, width, spans, bars);
                }
            }
            None if *reads_change => {
                scatter(&mut rows.before_bar, width, spans, of(0));
                scatter(&mut rows.change_bar, width, spans, of(1));
            }
            None => scatter(bar, width, spans, of(0)),
        }
        let first = 1 + usize::from(*reads_change);
        for (k, slot) in read.iter().enumerate() {
            scatter(&mut rows.slot_bars[slot * of_slot..][..of_slot], width, spans, of(first + k));
        }
        own[..states].copy_from_slice(&frame[..states]);
    }

    /// Reverses the program of the cells. `bar` contains the cotangents of V at their CV after the reset, which are replaced
    /// with those before the reset.
    fn reverse_threshold(&mut self, bar: &mut [T], rows: &mut TreeRows<T>, at: At) {
        let (place, lanes, width) = (&self.shard.place, self.shard.place.lanes, bar.len());
        let size = self.reversal.rows * lanes;
        let i = (at.step - at.begin) as usize;
        let Reversal { frames, spikes, sends, spiked, given, scratch, .. } = &mut *self.reversal;
        let frame = &mut frames[at.block * size..][..size];
        frame[..width].copy_from_slice(bar);
        let past = self.history.states(at.step, 1, at.block);
        // Row 1 of the state at the end of the step contains V after the solution of the tree.
        let solved = &past[past.len() / 2 + lanes..][..lanes];
        let bars = &mut rows.bars[..lanes];
        if *sends {
            let (first, count) = place.neurons_of(at.block);
            let first = i * place.lanes_of_all() + first - place.neurons.start;
            bars.fill(T::default());
            to_lanes(place, &spikes[first..first + count], bars);
        }
        let mut inputs = vec![solved, if *sends { &*bars } else { &[] }, spiked.row(i)];
        inputs.extend(given.iter().map(|rows| rows.row(i)));
        run(&self.backward.step, (frame, scratch), place, &inputs, past, at);
        let row = self.backward.reverse.current(0) * lanes;
        bar.copy_from_slice(&frame[row..][..width]);
    }

    /// Adds the cotangents of V at the CV of the threshold before the step, which a threshold without a reset reads.
    fn add_before(&mut self, bar: &mut [T], at: At) {
        let size = self.reversal.rows * self.shard.place.lanes;
        let frame = &mut self.reversal.frames[at.block * size..][..bar.len()];
        for (bar, v) in bar.iter_mut().zip(frame.iter_mut()) {
            *bar = *bar + *v;
            *v = T::default();
        }
    }

    /// Reverses the program of placed mechanisms that computes currents.
    fn reverse_currents(
        &mut self,
        tables: &[&[f64]],
        (v, width): (&[T], usize),
        bar: &mut [T],
        rows: &mut TreeRows<T>,
        at: At,
    ) {
        let Stage::Placed { outputs, spans, reads_change, trade, .. } = &self.engine.stage else { return };
        let of_slot = v.len();
        let read = trade.as_ref().map_or(&[] as &[usize], |trade| &trade.inputs);
        let (place, lanes) = (&self.shard.place, self.shard.place.lanes);
        let (size, i) = (self.reversal.rows * lanes, (at.step - at.begin) as usize);
        let Reversal { frames, given, scratch, probe_adjoints, .. } = &mut *self.reversal;
        let frame = &mut frames[at.block * size..][..size];
        for (row, bars) in outputs.iter().zip([&rows.current, &rows.slope]) {
            let row = &mut frame[row * lanes..][..lanes];
            row.fill(T::default());
            for Span { site, cv, count, .. } in spans {
                let of_cvs = &bars[cv * width..(cv + count) * width];
                row[site * width..(site + count) * width].copy_from_slice(of_cvs);
            }
        }
        let v = gather(v, width, (place, spans), &mut rows.gathered);
        let past = self.history.states(at.step, 1, at.block);
        // Neither the change of V nor spikes affect this part of the step.
        let mut inputs = vec![v];
        inputs.extend(reads_change.then_some(&[] as &[T]));
        import(&rows.slots, (read, of_slot), width, (place, spans), &mut rows.imported);
        inputs.extend(rows.imported[..read.len()].iter().map(|row| &row[..lanes]));
        let of_observers = inputs.clone();
        inputs.extend([&[] as &[T], &[]]);
        inputs.extend(given.iter().map(|rows| rows.row(i)));
        run(&self.backward.step, (&mut *frame, &mut *scratch), place, &inputs, past, at);
        for probe_adjoint in probe_adjoints.iter() {
            let Reads::Observer(o) = probe_adjoint.reads else { continue };
            let Some(observer) = self.backward.observers.get(o) else { continue };
            let Some(values) = probe_adjoint.row(at.step, tables) else { continue };
            let bars = &mut rows.bars[..lanes];
            bars.fill(T::default());
            probe_adjoint.add(values, at.block * lanes, bars);
            let inputs = [of_observers.as_slice(), &[&*bars]].concat();
            run(observer, (&mut *frame, &mut *scratch), place, &inputs, past, at);
        }
        let of = |input: usize| &frame[self.backward.reverse.current(input) * lanes..][..lanes];
        scatter(bar, width, spans, of(0));
        let first = 1 + usize::from(*reads_change);
        for (k, slot) in read.iter().enumerate() {
            scatter(&mut rows.slot_bars[slot * of_slot..][..of_slot], width, spans, of(first + k));
        }
    }

    /// Adds the cotangents of injected currents to the sums of their generators.
    fn flow(&mut self, shared: &Shared<'_, T>, injected: &[usize], lambda: &[T], at: At) {
        let (place, width) = (&self.shard.place, self.shard.place.width);
        let (first, cells) = place.cells_of(at.block);
        let first = first - place.neurons.start / place.sites;
        let view = View { engine: self.engine, currents: &shared.currents, given: &shared.given };
        self.reversal.flow_into(&view, &self.shard.inputs.currents, at.step, |input, slot, weight, flow| {
            let row = &lambda[injected[input] * width..][..cells];
            let out = &mut flow.sums[slot * flow.width + first..][..cells];
            out.iter_mut().zip(row).for_each(|(sum, v)| *sum += weight * v.to_f64());
        });
    }
}

/// Runs a reverse program on a block.
pub(super) fn run<T: Scalar>(
    (kernel, coefs): &(dendrion_kernels::Kernel<T>, dendrion_kernels::Coefficients<T>),
    (frame, scratch): (&mut [T], &mut [T]),
    place: &Place,
    inputs: &[&[T]],
    past: &[T],
    at: At,
) {
    let block = Engine::block_of(coefs, place.blocks.start + at.block);
    for strip in kernel.strips() {
        let fired = &mut [0; 0][..];
        let mut frame = Frame { state: &mut *frame, scratch: &mut *scratch, coefs, block, inputs, fired };
        kernel.run_strip(&mut frame, past, strip);
    }
}

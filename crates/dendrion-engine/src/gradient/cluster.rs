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

use dendrion_equations::Pools;
use dendrion_kernels::{Level, Scalar, Tree, TreeFrame, TreeSums, prefetch_all};
use dendrion_model::Error;

use super::diffusion;
use super::exchange::{self, Potentials};
use super::growth::FOLD;
use super::mechanisms::{reverse_currents, reverse_gates};
use super::probe_adjoint::given;
use super::reversal::Reversal;
use super::sent::Sent;
use super::shard_trace::ShardTrace;
use super::spiked::spiked;
use super::spread_sums::SpreadSums;
use super::sweep::Shared;
use super::tree_rows::TreeRows;
use super::unit::{At, Unit, run};
use crate::cable::{Moment, Sources, Span, Stage, difference, inject, to_currents, to_lanes, to_members};
use crate::run::Member;
use crate::runtime::input_ports::View;
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

    /// Finds the change of V that mechanisms read. V after the solution of the tree is recorded, so the solution is not repeated.
    fn find_change(&mut self, v: &Potentials<'_, T>, pools: Option<Pools>) {
        let Potentials { now, next, solved, site } = *v;
        let Self { v, change, before, before_bar, change_bar, .. } = self;
        v[..next.len()].copy_from_slice(next);
        v[site..site + solved.len()].copy_from_slice(solved);
        before[..now.len()].copy_from_slice(now);
        to_currents(pools, before, v);
        difference(change, if pools.is_some() { next } else { &v[..] }, before);
        before_bar.fill(T::default());
        change_bar.fill(T::default());
    }
}

type Members<T> = [Member<Shard<T>, ShardTrace<T>>];

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
        let with_sums = shared.tree_sums[members[1].part.place.population];
        let sizes = (most, imports, states);
        let rows = TreeRows::new(&engine.stage, &members[1].part.place, sizes, with_sums)?;
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
    // The rings are returned even if the epoch was stopped, because other workers expect them.
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

/// Reverses a step, the last stage first.
fn reverse_step<T: Scalar>(units: &mut [Unit<'_, T>], shared: &Shared<'_, T>, at: At) {
    let (head, rest) = units.split_at_mut(1);
    let (membrane, placed) = rest.split_at_mut(1);
    let (head, membrane) = (&mut head[0], &mut membrane[0]);
    let Some(mut rows) = membrane.reversal.tree.take() else { return };
    let Stage::Membrane { tree, injected, plan, .. } = &membrane.engine.stage else { return };
    let Stage::Cells { spike_at } = &head.engine.stage else { return };
    let (lanes, width) = (membrane.shard.place.lanes, membrane.shard.place.width);
    let size = membrane.reversal.rows * lanes;
    for unit in [&*head, &*membrane] {
        // The sweep reads the history backwards, which processors do not prefetch by themselves.
        prefetch_all(unit.history.before(at.step, at.block));
    }
    let now = membrane.history.state(at.step, at.block);
    let next = membrane.history.state(at.step + 1, at.block);
    let bar = &mut membrane.reversal.frames[at.block * size..][..lanes];
    let solution = Solution {
        tree,
        level: membrane.engine.kernel.level(),
        group: membrane.shard.place.blocks.start + at.block,
        first: at.block * rows.nodes * width,
    };
    let reads_change =
        placed.iter().any(|u| matches!(u.engine.stage, Stage::Placed { reads_change: true, .. }));
    let site = spike_at * width..(spike_at + 1) * width;
    // The second row of the cells is V after the solution of the tree, before a reset.
    let solved = &head.history.state(at.step + 1, at.block)[head.shard.place.lanes..][..width];
    let v = Potentials { now, next, solved, site: site.start };
    if reads_change {
        rows.find_change(&v, placed.iter().find_map(|u| u.engine.stage.pools()));
    }
    // Diffusion is the last change of a step, so it is reversed first.
    for Unit { engine, shard, history, reversal, .. } in placed.iter_mut() {
        let now = (at.block, at.step, false);
        diffusion::reverse((engine, &shard.place), (history, reversal), &mut rows, now);
    }
    exchange::begin(&mut rows, placed, plan.as_deref(), width, at);
    for unit in placed.iter_mut() {
        unit.store_spike_adjoints(at);
        reverse_gates(unit, (next, width), &mut *bar, &mut rows, at);
    }
    if let Some(plan) = plan {
        exchange::reverse_pools(&mut rows, placed, plan, (&v, width), bar, at);
    }
    head.reverse_threshold(&mut bar[site.clone()], &mut rows, at);
    rows.add_currents(placed, (membrane.shard, injected), at);
    let pools = plan.as_ref().and_then(|plan| plan.pools);
    add_changes(bar, &rows, reads_change, pools);
    solution.reverse(&mut rows, now, bar);
    if let Some(plan) = plan {
        exchange::fill_slots(&mut rows, placed, plan, width, (Moment::Beginning, at));
    }
    for unit in placed.iter_mut() {
        reverse_currents(unit, &shared.tables, (now, width), &mut *bar, &mut rows, at);
    }
    if let Some(plan) = plan {
        exchange::reverse_exports(&mut rows, placed, plan, (now, width), (&mut *bar, Moment::Beginning), at);
    }
    add_before(bar, &rows, reads_change, pools);
    // Probes record V at the beginning of the step.
    for given in &membrane.reversal.given {
        let row = given.row((at.step - at.begin) as usize);
        bar.iter_mut().zip(row).for_each(|(bar, v)| *bar = *bar + *v);
    }
    head.add_before(&mut bar[site], at);
    // The solution leaves its λ in the rows of the currents: these are the cotangents of injected currents.
    membrane.flow(shared, injected, &rows.current, at);
    membrane.reversal.tree = Some(rows);
}

/// Adds the cotangents of V at the end of the solution that the gates and the concentrations read.
fn add_changes<T: Scalar>(bar: &mut [T], rows: &TreeRows<T>, reads_change: bool, pools: Option<Pools>) {
    if reads_change {
        // The change of V is the difference of V after and before the solution.
        bar.iter_mut().zip(&rows.change_bar[..]).for_each(|(bar, v)| *bar = *bar + *v);
    }
    if pools == Some(Pools::Middle) {
        bar.iter_mut().zip(&rows.middle_bar[..]).for_each(|(bar, v)| *bar = *bar + T::from_f64(0.5) * *v);
    }
}

/// Adds the cotangents of V at the beginning of the step that the gates and the concentrations read.
fn add_before<T: Scalar>(bar: &mut [T], rows: &TreeRows<T>, reads_change: bool, pools: Option<Pools>) {
    if let Some(pools) = pools {
        let part = T::from_f64(if pools == Pools::Middle { 0.5 } else { 1.0 });
        bar.iter_mut().zip(&rows.middle_bar[..]).for_each(|(bar, v)| *bar = *bar + part * *v);
    }
    if reads_change {
        let more = rows.before_bar.iter().zip(&rows.change_bar[..]);
        bar.iter_mut().zip(more).for_each(|(bar, (v, change))| *bar = *bar + (*v - *change));
    }
}

/// The solution of the tree for a block.
struct Solution<'t, T: Scalar> {
    tree: &'t Tree<T>,
    level: Level,
    /// The number of the block in the network.
    group: usize,
    /// The first sum of the block.
    first: usize,
}

impl<T: Scalar> Solution<'_, T> {
    /// Reverses the solution. `bar` contains the cotangents of V after it, which are replaced with those before it.
    fn reverse(&self, rows: &mut TreeRows<T>, now: &[T], bar: &mut [T]) {
        let first = self.first;
        let mut sums = rows.sums.as_mut().map(|[capacitance, leak, reversal, axial]| TreeSums {
            capacitance: &mut capacitance[first..],
            leak: &mut leak[first..],
            reversal: &mut reversal[first..],
            axial: &mut axial[first..],
        });
        let mut frame = TreeFrame { v: now, current: &mut rows.current, slope: &mut rows.slope };
        self.tree.reverse(self.level, self.group, &mut frame, (bar, &mut rows.work), sums.as_mut());
    }
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
            // Lanes are sorted by site and rings by member, so the sum is computed in lanes and then sorted.
            let mut sum = vec![T::default(); lanes];
            for state in fed {
                let row = &frame[state * lanes..][..lanes];
                sum.iter_mut().zip(row).for_each(|(sum, v)| *sum = *sum + *v);
            }
            to_members(place, &sum, out);
        }
    }

    /// Reverses the program of the cells. `bar` contains the cotangents of V at their CV after the reset, which are replaced
    /// with those before the reset.
    fn reverse_threshold(&mut self, bar: &mut [T], rows: &mut TreeRows<T>, at: At) {
        let (place, lanes, width) = (&self.shard.place, self.shard.place.lanes, bar.len());
        let size = self.reversal.rows * lanes;
        let i = (at.step - at.begin) as usize;
        let Reversal {
            frames, sent: Sent { rows: spikes, has_adjoints, .. }, spiked, given, scratch, ..
        } = &mut *self.reversal;
        let frame = &mut frames[at.block * size..][..size];
        frame[..width].copy_from_slice(bar);
        let past = self.history.states(at.step, 1, at.block);
        // Row 1 of the state at the end of the step contains V after the solution of the tree.
        let solved = &past[past.len() / 2 + lanes..][..lanes];
        let bars = &mut rows.bars[..lanes];
        if *has_adjoints {
            let (first, count) = place.neurons_of(at.block);
            let first = i * place.lanes_of_all() + first - place.neurons.start;
            bars.fill(T::default());
            to_lanes(place, &spikes[first..first + count], bars);
        }
        let mut inputs = vec![solved, if *has_adjoints { &*bars } else { &[] }, spiked.row(i)];
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

    /// Adds the cotangents of injected currents to the sums of their generators.
    fn flow(&mut self, shared: &Shared<'_, T>, injected: &[usize], lambda: &[T], at: At) {
        let (place, width) = (&self.shard.place, self.shard.place.width);
        let (first, cells) = place.cells_of(at.block);
        let first = first - place.neurons.start / place.sites;
        let view = View { engine: self.engine, currents: &shared.currents, given: &shared.given };
        let steps = (at.step, self.reversal.begin);
        self.reversal.flows.add(&view, &self.shard.inputs.currents, steps, |input, slot, weight, flow| {
            let row = &lambda[injected[input] * width..][..cells];
            let out = &mut flow.sums[slot * flow.width + first..][..cells];
            out.iter_mut().zip(row).for_each(|(sum, v)| *sum += weight * v.to_f64());
        });
    }
}

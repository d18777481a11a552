//! The reverse of the exchange of quantities between mechanisms on different CVs (`cable/exchange.rs`).
//!
//! The values of exports are states in the history, from which the slots of each part of a step are filled. The cotangents of
//! imports are added in the same slots, and then passed to the programs of the exports, the last level first.

use dendrion_equations::{Phase, Pools};
use dendrion_kernels::{Buffer, Scalar};

use super::diffusion;
use super::tree_rows::TreeRows;
use super::unit::{At, Unit, run};
use crate::cable::{Moment, Plan, Span, Stage, Trade, clear, collect, import, scatter};

/// V in a step.
pub(super) struct Potentials<'v, T> {
    /// V at the beginning and at the end of the step.
    pub(super) now: &'v [T],
    pub(super) next: &'v [T],
    /// V at the CV of the threshold before a reset, and the position of its first value.
    pub(super) solved: &'v [T],
    pub(super) site: usize,
}

/// Prepares the exchange of a step for the reverse of the gates.
pub(super) fn begin<T: Scalar>(
    rows: &mut TreeRows<T>,
    placed: &[Unit<'_, T>],
    plan: Option<&Plan>,
    width: usize,
    at: At,
) {
    let Some(plan) = plan else { return };
    rows.slot_bars.fill(T::default());
    let moment = if plan.pools.is_some() { Moment::End } else { Moment::Beginning };
    fill_slots(rows, placed, plan, width, (moment, at));
}

/// Fills the slots with the exports of a time of a step.
pub(super) fn fill_slots<T: Scalar>(
    rows: &mut TreeRows<T>,
    placed: &[Unit<'_, T>],
    plan: &Plan,
    width: usize,
    (moment, at): (Moment, At),
) {
    let of_slot = rows.middle.len();
    clear(&mut rows.slots, plan, of_slot);
    let step = at.step + u64::from(moment != Moment::Beginning);
    // Exports are added level by level, in the order of the forward step, so the sums are bit-identical.
    for level in 0..plan.exchange.levels {
        for unit in placed {
            let Stage::Placed { spans, trade: Some(trade), .. } = &unit.engine.stage else { continue };
            let (state, lanes) = (unit.history.state(step, at.block), unit.shard.place.lanes);
            for export in trade.exports.iter().filter(|export| export.level == level) {
                let sums = &mut rows.slots[export.slot * of_slot..][..of_slot];
                scatter(sums, width, spans, &state[moment.row(export) * lanes..][..lanes]);
            }
        }
    }
}

/// Reverses the exports of a time of a step. Their cotangents are in the slots.
pub(super) fn reverse_exports<T: Scalar>(
    rows: &mut TreeRows<T>,
    placed: &mut [Unit<'_, T>],
    plan: &Plan,
    (v, width): (&[T], usize),
    (bar, moment): (&mut [T], Moment),
    at: At,
) {
    // Exports of a level may read those of lower levels, so the cotangents of a level are complete only after all higher
    // levels are reversed.
    for level in (0..plan.exchange.levels).rev() {
        for unit in placed.iter_mut() {
            unit.reverse_part(Phase::Exports(level), (v, width), (&mut *bar, moment), rows, at);
        }
    }
}

/// Reverses the concentrations of a step in which they are advanced before the gates, and the exports before and after
/// them. `middle_bar` is set to the cotangents of the potential that enters concentrations.
pub(super) fn reverse_pools<T: Scalar>(
    rows: &mut TreeRows<T>,
    placed: &mut [Unit<'_, T>],
    plan: &Plan,
    (v, width): (&Potentials<'_, T>, usize),
    bar: &mut [T],
    at: At,
) {
    let Some(pools) = plan.pools else { return };
    let Potentials { now, next, solved, site } = *v;
    reverse_exports(rows, placed, plan, (next, width), (&mut *bar, Moment::End), at);
    for Unit { engine, shard, history, reversal, .. } in placed.iter_mut() {
        let early = (at.block, at.step, true);
        diffusion::reverse((engine, &shard.place), (history, reversal), rows, early);
    }
    // The exports at the end of the step have been reversed; the slots now collect the cotangents of those that
    // concentrations read.
    rows.slot_bars.fill(T::default());
    let (mut middle, mut middle_bar) =
        (std::mem::take(&mut rows.middle), std::mem::take(&mut rows.middle_bar));
    middle.copy_from_slice(now);
    let of_currents = match pools {
        Pools::Beginning => Moment::Beginning,
        Pools::Middle => {
            let half = T::from_f64(0.5);
            middle.iter_mut().zip(next).for_each(|(v, next)| *v = half * (*v + *next));
            // V before a reset.
            for (lane, solved) in solved.iter().enumerate() {
                middle[site + lane] = half * (now[site + lane] + *solved);
            }
            Moment::Middle
        }
    };
    middle_bar.fill(T::default());
    rows.middle = middle;
    fill_slots(rows, placed, plan, width, (of_currents, at));
    let middle = std::mem::take(&mut rows.middle);
    for unit in placed.iter_mut() {
        let bars = (&mut *middle_bar, Moment::Beginning);
        unit.reverse_part(Phase::Pools, (&middle, width), bars, rows, at);
    }
    if of_currents == Moment::Middle {
        let bars = (&mut *middle_bar, Moment::Middle);
        reverse_exports(rows, placed, plan, (&middle, width), bars, at);
        rows.slot_bars.fill(T::default());
    }
    (rows.middle, rows.middle_bar) = (middle, middle_bar);
}

impl<T: Scalar> Unit<'_, T> {
    /// Reverses a part of the step of mechanisms. The cotangents of V are added to `bar`.
    fn reverse_part(
        &mut self,
        phase: Phase,
        (v, width): (&[T], usize),
        (bar, moment): (&mut [T], Moment),
        rows: &mut TreeRows<T>,
        at: At,
    ) {
        let Stage::Placed { spans, reads_change, trade: Some(trade), .. } = &self.engine.stage else {
            return;
        };
        let Some(part) = self.backward.parts.iter().position(|(of, _)| *of == phase) else { return };
        let (backward, frames) = (&self.backward.parts[part].1, &mut self.reversal.others[part]);
        let (place, lanes) = (&self.shard.place, self.shard.place.lanes);
        let (size, of_part) = (self.reversal.rows * lanes, frames.rows * lanes);
        let states = backward.reverse.states * lanes;
        let frame = &mut frames.frames[at.block * of_part..][..of_part];
        let own = &mut self.reversal.frames[at.block * size..][..size];
        // All parts of a step share the cotangents of the states, which each part transforms in turn.
        frame[..states].copy_from_slice(&own[..states]);
        let of_slot = v.len();
        if let Phase::Exports(level) = phase {
            for export in trade.exports.iter().filter(|export| export.level == level) {
                let row = &mut frame[export.state * lanes..][..lanes];
                row.fill(T::default());
                let bars = &rows.slot_bars[export.slot * of_slot..][..of_slot];
                for Span { site, cv, count, .. } in spans {
                    let of_cvs = &bars[cv * width..(cv + count) * width];
                    row[site * width..(site + count) * width].copy_from_slice(of_cvs);
                }
            }
        }
        let past = self.history.states(at.step, 1, at.block);
        let past = if moment == Moment::End { mixed(past, Some(trade), lanes, &mut rows.past) } else { past };
        collect(v, width, (place, spans), &mut rows.gathered[..lanes]);
        import(&rows.slots, (&trade.inputs, of_slot), width, (place, spans), &mut rows.imported);
        let mut inputs = vec![&rows.gathered[..lanes]];
        inputs.extend(reads_change.then_some(&[] as &[T]));
        inputs.extend(rows.imported[..trade.inputs.len()].iter().map(|row| &row[..lanes]));
        // Neither spikes nor their adjoints belong to this part of the step.
        inputs.extend([&[] as &[T], &[]]);
        run(&backward.step, (frame, &mut self.reversal.scratch), place, &inputs, past, at);
        let of = |input: usize| &frame[backward.reverse.current(input) * lanes..][..lanes];
        scatter(bar, width, spans, of(0));
        let first = 1 + usize::from(*reads_change);
        for (k, slot) in trade.inputs.iter().enumerate() {
            scatter(&mut rows.slot_bars[slot * of_slot..][..of_slot], width, spans, of(first + k));
        }
        own[..states].copy_from_slice(&frame[..states]);
    }
}

/// Returns the states from which gates are advanced, and those at the end of the step: if concentrations are advanced before
/// them, the former contain the concentrations at the end of the step.
pub(super) fn mixed<'p, T: Scalar>(
    past: &'p [T],
    trade: Option<&Trade<T>>,
    lanes: usize,
    buffer: &'p mut Buffer<T>,
) -> &'p [T] {
    let Some(trade) = trade.filter(|trade| !trade.concentrations.is_empty()) else { return past };
    let buffer = &mut buffer[..past.len()];
    buffer.copy_from_slice(past);
    let (now, next) = buffer.split_at_mut(past.len() / 2);
    for row in &trade.concentrations {
        now[row * lanes..][..lanes].copy_from_slice(&next[row * lanes..][..lanes]);
    }
    buffer
}

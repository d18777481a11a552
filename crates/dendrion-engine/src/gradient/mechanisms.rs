//! Reverses the programs of placed mechanisms.

use dendrion_equations::{Phase, Pools};
use dendrion_kernels::Scalar;

use super::exchange::mixed;
use super::reversal::Reversal;
use super::tree_rows::TreeRows;
use super::unit::{At, Unit, run, run_while};
use crate::cable::{Span, Stage, difference, gather, import, scatter};
use crate::recording::recorder::Reads;

/// Reverses the second part of the step of mechanisms.
pub(super) fn reverse_gates<T: Scalar>(
    unit: &mut Unit<'_, T>,
    (next, width): (&[T], usize),
    bar: &mut [T],
    rows: &mut TreeRows<T>,
    at: At,
) {
    let Stage::Placed { spans, reads_change, pools, trade, .. } = &unit.engine.stage else { return };
    let Some(part) = unit.backward.parts.iter().position(|(phase, _)| *phase == Phase::Gates) else {
        return;
    };
    let (backward, after) = (&unit.backward.parts[part].1, &mut unit.reversal.others[part]);
    let (place, lanes) = (&unit.shard.place, unit.shard.place.lanes);
    let (size, of_after) = (unit.reversal.rows * lanes, after.rows * lanes);
    let states = backward.reverse.states * lanes;
    let frame = &mut after.frames[at.block * of_after..][..of_after];
    let own = &mut unit.reversal.frames[at.block * size..][..size];
    frame[..states].copy_from_slice(&own[..states]);
    let v = if *reads_change { &rows.before[..] } else { next };
    let v = gather(v, width, (place, spans), &mut rows.gathered);
    let past = unit.history.states(at.step, 1, at.block);
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
    run(&backward.step, (frame, &mut unit.reversal.scratch), place, &inputs, past, at);
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

/// Reverses the program of placed mechanisms that computes currents.
pub(super) fn reverse_currents<T: Scalar>(
    unit: &mut Unit<'_, T>,
    tables: &[&[f64]],
    (v, width): (&[T], usize),
    bar: &mut [T],
    rows: &mut TreeRows<T>,
    at: At,
) {
    let Stage::Placed { outputs, spans, reads_change, trade, .. } = &unit.engine.stage else { return };
    let of_slot = v.len();
    let read = trade.as_ref().map_or(&[] as &[usize], |trade| &trade.inputs);
    let (place, lanes) = (&unit.shard.place, unit.shard.place.lanes);
    let (size, i) = (unit.reversal.rows * lanes, (at.step - at.begin) as usize);
    let Reversal { frames, given, scratch, probe_adjoints, .. } = &mut *unit.reversal;
    let frame = &mut frames[at.block * size..][..size];
    for (row, bars) in outputs.iter().zip([&rows.current, &rows.slope]) {
        let row = &mut frame[row * lanes..][..lanes];
        // The spans contain all sites; the other lanes have no cotangents.
        row[place.sites * width..].fill(T::default());
        for Span { site, cv, count, .. } in spans {
            let of_cvs = &bars[cv * width..(cv + count) * width];
            row[site * width..(site + count) * width].copy_from_slice(of_cvs);
        }
    }
    let v = gather(v, width, (place, spans), &mut rows.gathered);
    let past = unit.history.states(at.step, 1, at.block);
    // Neither the change of V nor spikes affect this part of the step.
    let mut inputs = vec![v];
    inputs.extend(reads_change.then_some(&[] as &[T]));
    import(&rows.slots, (read, of_slot), width, (place, spans), &mut rows.imported);
    inputs.extend(rows.imported[..read.len()].iter().map(|row| &row[..lanes]));
    let of_observers = inputs.clone();
    inputs.extend([&[] as &[T], &[]]);
    inputs.extend(given.iter().map(|rows| rows.row(i)));
    let soon = unit.history.before(at.step, at.block);
    run_while(&unit.backward.step, (&mut *frame, &mut *scratch), place, &inputs, (past, soon), at);
    for probe_adjoint in probe_adjoints.iter() {
        let Reads::Observer(o) = probe_adjoint.reads else { continue };
        let Some(observer) = unit.backward.observers.get(o) else { continue };
        let Some(values) = probe_adjoint.row(at.step, tables) else { continue };
        let bars = &mut rows.bars[..lanes];
        bars.fill(T::default());
        probe_adjoint.add(values, at.block * lanes, bars);
        let inputs = [of_observers.as_slice(), &[&*bars]].concat();
        run(observer, (&mut *frame, &mut *scratch), place, &inputs, past, at);
    }
    let of = |input: usize| &frame[unit.backward.reverse.current(input) * lanes..][..lanes];
    scatter(bar, width, spans, of(0));
    let first = 1 + usize::from(*reads_change);
    for (k, slot) in read.iter().enumerate() {
        scatter(&mut rows.slot_bars[slot * of_slot..][..of_slot], width, spans, of(first + k));
    }
}

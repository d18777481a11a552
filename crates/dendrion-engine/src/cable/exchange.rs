//! The exchange of quantities between mechanisms on different CVs (see `dendrion_equations::Exchange`).
//!
//! Before the mechanisms of a step, the exports are computed level by level and added to rows with one value per CV, the
//! *slots*. If gates are staggered, concentrations are advanced before the gates, as in NEURON:
//!
//! ```text
//! exports         from V and the states at the beginning of the step
//! mechanisms, tree, threshold
//! exports         with V in the middle of the step, for Crank-Nicolson only
//! concentrations  with V at the beginning (or in the middle) of the step, and these exports
//! exports         with the new concentrations, the new V and the gates of the beginning
//! gates           with the new V and these exports
//! ```
//!
//! Exports are internal states of the mechanisms, so a gradient finds the values of each step in its history.

use dendrion_equations::{Exchange, Exported, Pools};
use dendrion_kernels::{Buffer, Frame, Scalar};

use super::contribute::{collect, few_inputs};
use super::rows::Rows;
use super::stage::{After, Span, Stage};
use super::step::{At, One, Sources};
use crate::run::Member;
use crate::runtime::observer::ShardObserver;
use crate::runtime::place::Place;
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;

/// The exchange of a group of detailed cells.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) exchange: Exchange,
    /// The potential that enters concentrations, if they are advanced before the gates.
    pub(crate) pools: Option<Pools>,
}

/// What a population of mechanisms exchanges.
#[derive(Debug)]
pub(crate) struct Trade<T: Scalar> {
    /// The slot of each input.
    pub(crate) inputs: Vec<usize>,
    /// The exports.
    pub(crate) exports: Vec<Exported>,
    /// The programs of the exports, by level.
    pub(crate) programs: Vec<(usize, After<T>)>,
    /// The program that advances concentrations, if they are advanced before the gates, and their states.
    pub(crate) pools: Option<After<T>>,
    pub(crate) concentrations: Vec<usize>,
}

/// The time within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Beginning,
    Middle,
    End,
}

impl Moment {
    /// Returns the state in which the value of an export at this time is kept.
    pub(crate) fn row(self, export: &Exported) -> usize {
        match (self, export.later) {
            (Self::Middle, Some([middle, _])) => middle,
            (Self::End, Some([_, end])) => end,
            _ => export.state,
        }
    }
}

/// Sets the slots with constant values.
pub(crate) fn cover<T: Scalar>(slots: &mut [T], plan: &Plan, place: &Place) {
    let Place { lanes, sites, width, .. } = *place;
    for (slot, covered) in &plan.exchange.covered {
        let row = &mut slots[slot * lanes..][..sites * width];
        for (values, covered) in row.chunks_mut(width).zip(&**covered) {
            values.fill(T::from_f64(f64::from(u8::from(*covered))));
        }
    }
}

/// Sets the slots of exports to 0.
pub(crate) fn clear<T: Scalar>(slots: &mut [T], plan: &Plan, of_slot: usize) {
    for (slot, row) in slots.chunks_mut(of_slot.max(1)).enumerate() {
        if !plan.exchange.covered.iter().any(|(covered, _)| *covered == slot) {
            row.fill(T::default());
        }
    }
}

/// Adds values at the sites of mechanisms to a row with one value per CV.
pub(crate) fn scatter<T: Scalar>(sums: &mut [T], width: usize, spans: &[Span], row: &[T]) {
    for Span { site, cv, count, .. } in spans {
        let mine = &row[site * width..(site + count) * width];
        for (sum, v) in sums[cv * width..(cv + count) * width].iter_mut().zip(mine) {
            *sum = *sum + *v;
        }
    }
}

/// Reads the inputs of mechanisms from the slots.
pub(crate) fn import<T: Scalar>(
    slots: &[T],
    (inputs, of_slot): (&[usize], usize),
    width: usize,
    (place, spans): (&Place, &[Span]),
    imported: &mut [Buffer<T>],
) {
    for (slot, row) in inputs.iter().zip(imported) {
        collect(&slots[slot * of_slot..][..of_slot], width, (place, spans), &mut row[..place.lanes]);
    }
}

/// Computes the exports of all mechanisms.
pub(super) fn export<T: Scalar, O: ShardObserver<T>>(
    placed: &mut [One<T, O>],
    sources: &Sources<'_, T>,
    plan: &Plan,
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    (at, moment, is_first): (At, Moment, bool),
) {
    clear(&mut rows.slots, plan, v.len());
    for level in 0..plan.exchange.levels {
        for member in placed.iter_mut() {
            let engine = &sources.engines[member.part.place.population];
            let Stage::Placed { spans, trade: Some(trade), .. } = &engine.stage else { continue };
            let Some((_, program)) = trade.programs.iter().find(|(of, _)| *of == level) else { continue };
            let place = member.part.place.clone();
            let is_beginning = moment == Moment::Beginning;
            let state = run(member, engine, program, (v, width), rows, (at, is_beginning, is_first));
            for export in trade.exports.iter().filter(|export| export.level == level) {
                let (row, lanes) = (export.state, place.lanes);
                let sums = &mut rows.slots[export.slot * v.len()..][..v.len()];
                scatter(sums, width, spans, &state[row * lanes..][..lanes]);
                let kept = moment.row(export);
                if kept != row {
                    state.copy_within(row * lanes..(row + 1) * lanes, kept * lanes);
                }
            }
        }
    }
}

/// Advances concentrations.
pub(super) fn advance_pools<T: Scalar, O: ShardObserver<T>>(
    placed: &mut [One<T, O>],
    sources: &Sources<'_, T>,
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    (at, is_first): (At, bool),
) {
    for member in placed.iter_mut() {
        let engine = &sources.engines[member.part.place.population];
        let Stage::Placed { trade: Some(trade), .. } = &engine.stage else { continue };
        let Some(program) = &trade.pools else { continue };
        run(member, engine, program, (v, width), rows, (at, false, is_first));
    }
}

/// Runs a program that changes the state of mechanisms at the beginning or at the end of a step, and returns this state.
fn run<'m, T: Scalar, O: ShardObserver<T>>(
    Member { part, observer, .. }: &'m mut One<T, O>,
    engine: &Engine<T>,
    program: &After<T>,
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    (at, is_beginning, is_first): (At, bool, bool),
) -> &'m mut [T] {
    let Shard { place, states, delivery, .. } = part;
    let (lanes, size) = (place.lanes, states.rows * place.lanes);
    let own = at.block * size..(at.block + 1) * size;
    let state = match if is_first { observer.step(at.step(), at.block) } else { None } {
        Some((state, next)) => {
            if is_beginning {
                state
            } else {
                next
            }
        }
        None => &mut states.values[own],
    };
    let Stage::Placed { spans, reads_change, trade: Some(trade), .. } = &engine.stage else { return state };
    import(&rows.slots, (&trade.inputs, v.len()), width, (place, spans), &mut rows.imported);
    let row = &mut rows.gathered[..lanes];
    collect(v, width, (place, spans), row);
    let (mut few, mut many) = ([&*row; super::contribute::FEW], Vec::new());
    let imported = rows.imported[..trade.inputs.len()].iter().map(|row| &row[..lanes]);
    let change = reads_change.then_some(&[] as &[T]);
    let silent = delivery.rings.iter().map(|_| &[] as &[T]);
    let count = 1 + change.iter().len() + trade.inputs.len() + delivery.rings.len();
    let read = change.into_iter().chain(imported).chain(silent);
    let inputs = few_inputs(count, read, &mut few, &mut many);
    let scratch = &mut states.scratch[..engine.scratch_rows * lanes];
    let block = Engine::block_of(&program.coefs, place.blocks.start + at.block);
    let (coefs, fired) = (&program.coefs, &mut [0; 0][..]);
    program.kernel.run(Frame { state: &mut *state, scratch, coefs, block, inputs, fired });
    state
}

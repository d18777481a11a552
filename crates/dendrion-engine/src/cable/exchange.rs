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

use dendrion_kernels::{Frame, Scalar};

use super::contribute::few_inputs;
use super::members::{At, One, Sources};
use super::rows::Rows;
use super::slots::{After, Moment, Plan, clear, collect, import, scatter};
use super::stage::Stage;
use crate::run::Member;
use crate::runtime::observer::ShardObserver;
use crate::runtime::population::Engine;
use crate::runtime::shard::Shard;

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
                // A step may compute an export up to three times, and a gradient needs each of its values.
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
    // Neither exports nor concentrations depend on arriving spikes or on the change of V.
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

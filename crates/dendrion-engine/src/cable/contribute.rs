//! The contributions of placed mechanisms to a step.

use dendrion_kernels::{Buffer, Frame, Ring, Scalar, granule};

use super::members::{At, One, Sources};
use super::rows::{Rows, to_lanes};
use super::slots::{Span, collect, import};
use super::stage::Stage;
use crate::run::Member;
use crate::runtime::delivery::Delivery;
use crate::runtime::observer::ShardObserver;
use crate::runtime::place::Place;
use crate::runtime::population::Engine;
use crate::runtime::shard::{Shard, record};

/// Number of inputs for which a step needs no allocation.
pub(super) const FEW: usize = 8;

/// Returns the rows of V at the sites of placed mechanisms, without a copy if possible.
pub(crate) fn gather<'v, T: Scalar>(
    v: &'v [T],
    width: usize,
    (place, spans): (&Place, &[Span]),
    gathered: &'v mut [T],
) -> &'v [T] {
    // Kernels read whole cache lines, so V can be used in place only if its first value begins one.
    if let [Span { site: 0, cv, .. }] = spans {
        let (from, lanes) = (cv * width, place.lanes);
        if from.is_multiple_of(granule::<T>()) && from + lanes <= v.len() {
            return &v[from..from + lanes];
        }
    }
    let row = &mut gathered[..place.lanes];
    collect(v, width, (place, spans), row);
    row
}

/// Runs the program of placed mechanisms, and returns the rows of their currents and conductances.
pub(super) fn contribute<'m, T: Scalar, O: ShardObserver<T>>(
    Member { part, observer, .. }: &'m mut One<T, O>,
    sources: &Sources<'_, T>,
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    at: At,
    is_first: bool,
) -> Option<[&'m [T]; 2]> {
    let Shard { place, states, delivery, recorders, .. } = part;
    let engine = &sources.engines[place.population];
    let Stage::Placed { outputs, spans, reads_change, trade, .. } = &engine.stage else { return None };
    let (lanes, size) = (place.lanes, states.rows * place.lanes);
    let Rows { gathered, arriving, slots, imported, .. } = rows;
    let imports = trade.as_ref().map_or(&[] as &[usize], |trade| &trade.inputs);
    import(slots, (imports, v.len()), width, (place, spans), imported);
    let v = gather(v, width, (place, spans), gathered);
    arrive(delivery, place, arriving, at);
    let (mut few, mut many) = ([v; FEW], Vec::new());
    // The change of V is known only after the solution of the tree, and currents do not depend on it.
    let change: Option<&[T]> = reads_change.then_some(&[]);
    let read = (v, change, &imported[..imports.len()]);
    let inputs = inputs(read, (delivery, arriving), (lanes, at), &mut few, &mut many);
    observer.prefetch(at.step(), at.block, (0, 2));
    let seen = if is_first { observer.step(at.step(), at.block) } else { None };
    let (state, next) = match seen {
        Some((state, next)) => (state, Some(next)),
        None => (&mut states.values[at.block * size..][..size], None),
    };
    if is_first {
        record(
            recorders,
            engine,
            (state, &mut states.scratch),
            inputs,
            (at.begin, at.step()),
            (at.block, place),
        );
    }
    let scratch = &mut states.scratch[..engine.scratch_rows * lanes];
    let block = Engine::block_of(&engine.coefs, place.blocks.start + at.block);
    let (coefs, fired) = (&engine.coefs, &mut [0; 0][..]);
    let result = if let Some(next) = next {
        let frame = Frame { state: &mut *next, scratch, coefs, block, inputs, fired };
        engine.kernel.advance(frame, state);
        next
    } else {
        engine.kernel.run(Frame { state: &mut *state, scratch, coefs, block, inputs, fired });
        state
    };
    Some(outputs.map(|row| &result[row * lanes..][..lanes]))
}

/// Adds currents and conductances to the sums of their CVs.
pub(super) fn add<T: Scalar>(rows: &mut Rows<T>, outputs: [&[T]; 2], (spans, width): (&[Span], usize)) {
    let Rows { current, slope, .. } = rows;
    for (sums, row) in [current, slope].into_iter().zip(outputs) {
        for Span { site, cv, count, is_first } in spans {
            let mine = &row[site * width..(site + count) * width];
            let sums = &mut sums[cv * width..(cv + count) * width];
            // The first mechanisms on a CV overwrite the sum of the last step, so that no pass sets it to 0.
            if *is_first {
                sums.copy_from_slice(mine);
                continue;
            }
            for (sum, value) in sums.iter_mut().zip(mine) {
                *sum = *sum + *value;
            }
        }
    }
}

/// Returns the inputs of a program: V, the change of V for mechanisms that are solved together with V, the imports from
/// other mechanisms, and what arrived at each port. They are stored in `few`, or in `many` if there are too many.
fn inputs<'i, T: Scalar>(
    (v, change, imported): (&'i [T], Option<&'i [T]>, &'i [Buffer<T>]),
    (delivery, arriving): (&Delivery<T>, &'i [Buffer<T>]),
    (lanes, at): (usize, At),
    few: &'i mut [&'i [T]; FEW],
    many: &'i mut Vec<&'i [T]>,
) -> &'i [&'i [T]] {
    let row = |(ring, row): (&Ring<T>, &'i Buffer<T>)| -> &'i [T] {
        if ring.row(at.step()).is_some() { &row[..lanes] } else { &[] }
    };
    let count = 1 + change.iter().len() + imported.len() + delivery.rings.len();
    let imported = imported.iter().map(|row| &row[..lanes]);
    let rows = change.into_iter().chain(imported).chain(delivery.rings.iter().zip(arriving).map(row));
    few[0] = v;
    few_inputs(count, rows, few, many)
}

/// Returns the first of `few` and these rows, which are stored in `few`, or in `many` if there are too many.
pub(super) fn few_inputs<'i, T: Scalar>(
    count: usize,
    rows: impl Iterator<Item = &'i [T]>,
    few: &'i mut [&'i [T]; FEW],
    many: &'i mut Vec<&'i [T]>,
) -> &'i [&'i [T]] {
    if count <= FEW {
        few.iter_mut().skip(1).zip(rows).for_each(|(to, row)| *to = row);
        return &few[..count];
    }
    many.push(few[0]);
    many.extend(rows);
    many
}

/// Sorts the arriving input of a step by lane.
fn arrive<T: Scalar>(delivery: &Delivery<T>, place: &Place, arriving: &mut [Buffer<T>], at: At) {
    let (first, count) = place.neurons_of(at.block);
    let first = first - place.neurons.start;
    for (ring, lanes) in delivery.rings.iter().zip(arriving) {
        // Rings are in the order of members, like the connections; a row without arrivals does not exist.
        if let Some(row) = ring.row(at.step()) {
            lanes.fill(T::default());
            to_lanes(place, &row[first..first + count], lanes);
        }
    }
}

/// Advances the gates of staggered mechanisms.
pub(super) fn advance_gates<T: Scalar, O: ShardObserver<T>>(
    Member { part, observer, .. }: &mut One<T, O>,
    sources: &Sources<'_, T>,
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    at: At,
    is_first: bool,
) {
    let Shard { place, states, delivery, .. } = part;
    let engine = &sources.engines[place.population];
    let Stage::Placed { spans, after: Some(after), reads_change, trade, .. } = &engine.stage else { return };
    let (lanes, size) = (place.lanes, states.rows * place.lanes);
    let Rows { gathered, arriving, before, change, changed, slots, imported, .. } = rows;
    let imports = trade.as_ref().map_or(&[] as &[usize], |trade| &trade.inputs);
    import(slots, (imports, v.len()), width, (place, spans), imported);
    let v = if *reads_change { &before[..] } else { v };
    let v = gather(v, width, (place, spans), gathered);
    let change = reads_change.then(|| gather(change, width, (place, spans), changed));
    arrive(delivery, place, arriving, at);
    let (mut few, mut many) = ([v; FEW], Vec::new());
    let read = (v, change, &imported[..imports.len()]);
    let inputs = inputs(read, (delivery, arriving), (lanes, at), &mut few, &mut many);
    let seen = if is_first { observer.step(at.step(), at.block) } else { None };
    let state = match seen {
        Some((_, next)) => next,
        None => &mut states.values[at.block * size..][..size],
    };
    let scratch = &mut states.scratch[..engine.scratch_rows * lanes];
    let block = Engine::block_of(&after.coefs, place.blocks.start + at.block);
    let (coefs, fired) = (&after.coefs, &mut [0; 0][..]);
    after.kernel.run(Frame { state, scratch, coefs, block, inputs, fired });
}

//! The sites of mechanisms, and the rows with one value per CV through which mechanisms on different CVs exchange quantities.

use dendrion_equations::{Exchange, Exported, Pools};
use dendrion_kernels::{Buffer, Coefficients, Kernel, Scalar};

use crate::runtime::place::Place;

/// Consecutive sites on consecutive CVs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) site: usize,
    pub(crate) cv: usize,
    pub(crate) count: usize,
    /// Whether these mechanisms are the first ones on their CVs.
    pub(crate) is_first: bool,
}

/// A program of a part of the step other than the first.
#[derive(Debug)]
pub(crate) struct After<T: Scalar> {
    pub(crate) kernel: Kernel<T>,
    pub(crate) coefs: Coefficients<T>,
}

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

/// Copies the values of CVs to the sites of placed mechanisms.
pub(crate) fn collect<T: Scalar>(v: &[T], width: usize, (place, spans): (&Place, &[Span]), row: &mut [T]) {
    for Span { site, cv, count, .. } in spans {
        row[site * width..(site + count) * width].copy_from_slice(&v[cv * width..(cv + count) * width]);
    }
    // Lanes without a member repeat a member.
    let used = place.sites * width;
    let last = row[used - 1];
    row[used..].fill(last);
}

//! Initial values of quantities that mechanisms on different CVs of detailed cells exchange.
//!
//! The initial values of states may depend on quantities of other systems, such as the initial concentration of an ion. They
//! read these from parameters of their own, which are set here: the initial values of exports are computed with those of
//! states, and then passed to the systems that import them, until nothing changes.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::filled;
use dendrion_model::{Error, Role, Values};

use super::population::{Cells, Linked};
use super::store::{ParameterId, ParameterStore, Target, at_sites};
use crate::cable::Plan;

/// The changes of a network by [`settle`]: previous programs of populations, and previous values of parameters.
#[derive(Debug)]
pub(crate) struct Settled<T: Scalar> {
    pub(crate) cells: Vec<(usize, Linked<T>)>,
    pub(crate) parameters: Vec<(ParameterId, Arc<Values>)>,
}

/// Sets the initial values of imports in the group with this membrane.
pub(crate) fn settle<T: Scalar>(
    cells: &mut [Cells<T>],
    parameters: &mut ParameterStore,
    membrane: usize,
) -> Result<Settled<T>, Error> {
    let mut settled = Settled { cells: Vec::new(), parameters: Vec::new() };
    let Some(plan) = cells[membrane].plan.clone() else { return Ok(settled) };
    let members = membrane + 1..membrane + 1 + plan.exchange.traded.len();
    for _ in 0..=plan.exchange.levels {
        let slots = match slots(cells, &plan, membrane) {
            Ok(slots) => slots,
            Err(error) => {
                settled.undo(cells, parameters);
                return Err(error.needed_by(&cells[membrane].path, exchanged));
            }
        };
        let mut changed = false;
        for i in members.clone() {
            let Role::Placed { sites, .. } = &cells[i].role else { continue };
            let cvs = cells[membrane].layout.sites;
            let mut is_stale = false;
            for import in cells[i].system.imports.iter().filter(|import| cells[i].begins_with(import.initial))
            {
                let values = match at_sites(&slots[import.slot], cvs, sites) {
                    Ok(values) => Values::Each(values),
                    Err(error) => {
                        settled.undo(cells, parameters);
                        return Err(error.needed_by(&cells[i].path, exchanged));
                    }
                };
                let id = parameters.ids_of(Target::Cells(i)).nth(import.initial - 1);
                let Some(id) = id.filter(|id| parameters.get(*id).is_none_or(|old| **old != values)) else {
                    continue;
                };
                if let Some(old) = parameters.set(id, Arc::new(values)) {
                    settled.parameters.push((id, old));
                }
                is_stale = true;
            }
            if is_stale {
                match parameters.of_system(i).and_then(|values| cells[i].refresh(&values)) {
                    Ok(old) => settled.cells.push((i, old)),
                    Err(error) => {
                        settled.undo(cells, parameters);
                        return Err(error);
                    }
                }
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(settled)
}

impl<T: Scalar> Settled<T> {
    /// Restores the previous state.
    pub(crate) fn undo(self, cells: &mut [Cells<T>], parameters: &mut ParameterStore) {
        for (i, old) in self.cells.into_iter().rev() {
            cells[i].put(old);
        }
        for (id, old) in self.parameters.into_iter().rev() {
            parameters.set(id, old);
        }
    }
}

/// Returns the initial values of all slots: one per CV if all cells have the same values, else one per cell and CV.
fn slots<T: Scalar>(cells: &[Cells<T>], plan: &Plan, membrane: usize) -> Result<Vec<Vec<f64>>, Error> {
    let (cvs, size) = (cells[membrane].layout.sites, cells[membrane].layout.size);
    let members = membrane + 1..membrane + 1 + plan.exchange.traded.len();
    let is_common = |i: usize| {
        let Cells { system, initial, layout, .. } = &cells[i];
        let counts = system.exports.iter().map(|export| initial[export.state].as_slice().len());
        counts.into_iter().all(|count| count == 1 || count == layout.sites)
    };
    let count = if members.clone().all(is_common) { cvs } else { size };
    let slot = |_| filled(count, 0.0);
    let mut slots = (0..plan.exchange.slots).map(slot).collect::<Result<Vec<_>, Error>>()?;
    for (slot, covered) in &plan.exchange.covered {
        let values = slots[*slot].iter_mut().enumerate();
        values.for_each(|(i, v)| *v = f64::from(u8::from(covered[i % cvs])));
    }
    for i in members {
        let Role::Placed { sites, .. } = &cells[i].role else { continue };
        for export in &cells[i].system.exports {
            let values = &cells[i].initial[export.state];
            for (cell, sums) in slots[export.slot].chunks_mut(cvs).enumerate() {
                for (site, cv) in sites.iter().enumerate() {
                    sums[*cv as usize] += values.of(cell * sites.len() + site);
                }
            }
        }
    }
    Ok(slots)
}

fn exchanged() -> String {
    "initial values that mechanisms exchange".into()
}

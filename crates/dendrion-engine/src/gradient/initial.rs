//! The gradient through initial values of quantities that mechanisms on different CVs exchange (`runtime/exchange.rs`).
//!
//! A system reads the initial values of its imports from parameters. Their cotangents are those of the initial values of the
//! exports of other systems, which are converted to cotangents of the parameters of these systems, and so on.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{copied_values, filled};
use dendrion_model::{Error, Role, Values};

use super::backward::{Backward, Reversible};
use super::membrane;
use super::trace::Trace;
use crate::cable::{Plan, Stage};

/// Cotangents of parameters by number.
type Found = Vec<(usize, Values)>;

/// Adds the gradient through initial values to the cotangents of the parameters of all populations.
pub(super) fn add<T: Scalar>(
    trace: &Trace<T>,
    backwards: &[Arc<Backward<T>>],
    of_cells: &mut [Found],
) -> Result<(), Error> {
    for (membrane, engine) in trace.engines.iter().enumerate() {
        let Stage::Membrane { plan: Some(plan), .. } = &engine.stage else { continue };
        let members = membrane + 1..membrane + 1 + plan.exchange.traded.len();
        let layout = trace.populations[membrane].layout;
        let mut now =
            of_cells[members.clone()].iter().map(|found| copy(found)).collect::<Result<Vec<_>, _>>()?;
        // An initial value depends on those of exports of lower levels, so after one pass per level no cotangents are left.
        for _ in 0..=plan.exchange.levels {
            let of = &trace.populations[members.clone()];
            let bars = slots(of, &now, plan, (layout.sites, layout.size))?;
            if bars.iter().flatten().all(|bar| *bar == 0.0) {
                break;
            }
            for (k, i) in members.clone().enumerate() {
                // Only the contributions of this pass are passed on in the next one, so none is counted twice.
                now[k] = exported(&of[k], &backwards[i], &bars, layout.sites)?;
                membrane::add(&mut of_cells[i], copy(&now[k])?);
            }
        }
    }
    Ok(())
}

fn copy(found: &[(usize, Values)]) -> Result<Found, Error> {
    found.iter().map(|(number, values)| Ok((*number, copied_values(values)?))).collect()
}

/// Returns the cotangents of the initial values of all slots, one per cell and CV. The values of cells with common initial
/// values are those of the first cell.
fn slots<T: Scalar>(
    populations: &[Reversible<T>],
    found: &[Found],
    plan: &Plan,
    (cvs, size): (usize, usize),
) -> Result<Vec<Vec<f64>>, Error> {
    let mut bars = rows(plan.exchange.slots, size)?;
    for (population, found) in populations.iter().zip(found) {
        let Role::Placed { sites, .. } = &population.role else { continue };
        for import in &population.system.imports {
            // Whether a CV has a source of the quantity does not depend on parameters.
            let is_covered = plan.exchange.covered.iter().any(|(slot, _)| *slot == import.slot);
            let Some((_, values)) = found.iter().find(|(k, _)| *k == import.initial && !is_covered) else {
                continue;
            };
            let each = if let Values::Each(each) = values { each.as_slice() } else { &[] };
            for (cell, each) in each.chunks(sites.len()).enumerate() {
                for (bar, cv) in each.iter().zip(&**sites) {
                    bars[import.slot][cell * cvs + *cv as usize] += bar;
                }
            }
        }
    }
    Ok(bars)
}

/// Returns rows of zeros.
fn rows(count: usize, size: usize) -> Result<Vec<Vec<f64>>, Error> {
    (0..count).map(|_| filled(size, 0.0)).collect()
}

/// Converts cotangents of the initial values of exports to those of parameters.
fn exported<T: Scalar>(
    population: &Reversible<T>,
    backward: &Backward<T>,
    bars: &[Vec<f64>],
    cvs: usize,
) -> Result<Found, Error> {
    let Role::Placed { sites, .. } = &population.role else { return Ok(Found::new()) };
    let (reverse, size) = (&backward.reverse, population.layout.size);
    let mut cotangents = rows(reverse.accumulators + reverse.states, size)?;
    for export in &population.system.exports {
        let row = &mut cotangents[reverse.accumulators + export.state];
        for (cell, row) in row.chunks_mut(sites.len()).enumerate() {
            for (bar, cv) in row.iter_mut().zip(&**sites) {
                *bar = bars[export.slot][cell * cvs + *cv as usize];
            }
        }
    }
    population.gather(reverse, &cotangents)
}

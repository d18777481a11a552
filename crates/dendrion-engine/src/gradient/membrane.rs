//! The gradient with respect to the parameters of the membrane of detailed cells.
//!
//! The backward sweep sums the cotangents of the tree's coefficients: capacitance C/h, leak, reversal potential and
//! axial conductance of each node (`dendrion_kernels::TreeSums`). These are simple functions of the parameters
//! (`cable/geometry.rs`):
//!
//! ```text
//! C_node/h = 1e-2 C area/h     leak = 1e-5 gL area     reversal = V_rest     g = 1e5/(r_axial Σ integral f)
//! area = π length diameter     f = (length/l0)/(diameter/d0)²
//! ```

use std::sync::Arc;

use dendrion_equations::System;
use dendrion_kernels::Scalar;
use dendrion_model::allocate::filled;
use dendrion_model::{Error, OdeMethod, Owner, Role, Values};

use super::backward::Reversible;
use super::shard_trace::GradientObserver;
use super::trace::Trace;
use crate::cable::{Geometry, axial, value_of};
use crate::run::Observed;
use crate::runtime::store::{Access, ParameterId, Target};

/// Cotangents of parameters by number.
type Found = Vec<(usize, Values)>;

/// Adds cotangents of parameters to others.
pub(super) fn add(sum: &mut Found, more: Found) {
    for (number, values) in more {
        match sum.iter_mut().find(|(k, _)| *k == number) {
            None => sum.push((number, values)),
            // A shared parameter acts on all members, so its cotangent is the sum.
            Some((_, Values::Scalar(a))) => *a += values.as_slice().iter().sum::<f64>(),
            Some((_, Values::Each(a))) => a.iter_mut().zip(values.as_slice()).for_each(|(a, b)| *a += b),
        }
    }
}

/// Returns the cotangents of the parameters of a membrane. For other populations, there are none.
pub(super) fn gather<T: Scalar>(
    index: usize,
    population: &Reversible<T>,
    sample: &Observed<T, GradientObserver>,
) -> Result<Found, Error> {
    let (Role::Membrane { cvs, .. }, Some(cable)) = (&population.role, &population.shape) else {
        return Ok(Vec::new());
    };
    let (system, parameters) = (&population.system, &population.parameters);
    let bars = Bars {
        geometry: Geometry::new(cable, system, parameters),
        cvs: *cvs,
        h: step(population),
        values: NAMES.map(|name| value_of(system, parameters, name)),
    };
    let mut sums: [Vec<f64>; 6] = Default::default();
    for (sum, values) in sums.iter_mut().zip(&bars.values) {
        *sum = filled(values.as_slice().len(), 0.0)?;
    }
    let mut cell = 0;
    let members = sample.sample.shards.iter().zip(&sample.of_shards);
    for (shard, of_shard) in members.filter(|(s, _)| s.place.population == index) {
        let count = shard.place.neurons.len() / cvs;
        if let Some(tree) = of_shard.reversal.as_ref().and_then(|r| r.tree.as_ref())
            && let Some(of_tree) = &tree.sums
        {
            for own in 0..count {
                let of_cell = |which| tree.of_cell(of_tree, &shard.place, (own, which));
                bars.add(&mut sums, cell + own, of_cell);
            }
        }
        cell += count;
    }
    let shaped = |((name, values), sum): ((&str, &Arc<Values>), Vec<f64>)| {
        let number = system.parameters.number(Owner::Compartment(0), name)?;
        let is_single = matches!(**values, Values::Scalar(_));
        Some((number, if is_single { Values::Scalar(sum[0]) } else { Values::Each(sum) }))
    };
    Ok(NAMES.into_iter().zip(&bars.values).zip(sums).filter_map(shaped).collect())
}

/// Returns whether gradients of parameters that enter the coefficients of the tree are wanted.
pub(super) fn is_wanted<T: Scalar>(population: &Reversible<T>, wanted: &[bool]) -> bool {
    let is_wanted = |name: &&str| {
        let number = population.system.parameters.number(Owner::Compartment(0), name);
        number.is_some_and(|number| wanted[number])
    };
    matches!(population.role, Role::Membrane { .. }) && NAMES.iter().any(is_wanted)
}

/// Returns the time step of the tree's equations.
fn step<T: Scalar>(population: &Reversible<T>) -> f64 {
    let dt = population.parameters[System::DT].get(0);
    if population.methods.0 == OdeMethod::CrankNicolson { dt / 2.0 } else { dt }
}

/// The parameters of a membrane that have a gradient.
const NAMES: [&str; 6] = ["C", "gL", "V_rest", "r_axial", "length", "diameter"];
const C: usize = 0;
const LEAK: usize = 1;
const V_REST: usize = 2;
const R_AXIAL: usize = 3;
const LENGTH: usize = 4;
const DIAMETER: usize = 5;

/// Converts the cotangents of the tree's coefficients to those of parameters.
struct Bars {
    geometry: Geometry,
    cvs: usize,
    h: f64,
    values: [Arc<Values>; 6],
}

impl Bars {
    /// Adds the cotangents of a cell. `of_nodes` returns those of a coefficient of all nodes.
    fn add<I: Iterator<Item = f64>>(
        &self,
        sums: &mut [Vec<f64>; 6],
        cell: usize,
        of_nodes: impl Fn(usize) -> I,
    ) {
        let Self { geometry, cvs, h, values } = self;
        let mut put = |which: usize, at: usize, value: f64| {
            let count = sums[which].len();
            // Parameters have one value, one per CV, or one per cell and CV, and members are ordered by cell.
            sums[which][at % count] += value;
        };
        for (cv, ((capacitance, leak), reversal)) in
            of_nodes(0).zip(of_nodes(1)).zip(of_nodes(2)).take(*cvs).enumerate()
        {
            let (at, area) = (cell * cvs + cv, geometry.area(cell, cv));
            put(C, at, capacitance * 1e-2 * area / h);
            put(LEAK, at, leak * 1e-5 * area);
            put(V_REST, at, reversal);
            // The area is proportional to the length and to the diameter.
            let of_area = capacitance * 1e-2 * values[C].of(at) / h + leak * 1e-5 * values[LEAK].of(at);
            put(LENGTH, at, of_area * area / geometry.length(cell, cv));
            put(DIAMETER, at, of_area * area / geometry.diameter(cell, cv));
        }
        let r = values[R_AXIAL].of(cell);
        for (bar, link) in of_nodes(3).zip(&geometry.links) {
            let Some(link) = link else { continue };
            let whole = geometry.resistance(cell, link);
            let conductance = axial(r, whole);
            // dg/dr = -g/r, and likewise for the integral.
            put(R_AXIAL, cell, -bar * conductance / r);
            for (cv, integral) in link.halves {
                let Some(cv) = cv else { continue };
                let of_half = -bar * conductance / whole * integral * geometry.stretch(cell, Some(cv));
                put(LENGTH, cell * cvs + cv, of_half / geometry.length(cell, cv));
                // The integral of a half is proportional to length/diameter².
                put(DIAMETER, cell * cvs + cv, -2.0 * of_half / geometry.diameter(cell, cv));
            }
        }
    }
}

/// Adds the cotangents of parameters that mechanisms inherit from a parameter of the membrane.
pub(super) fn inherit<T: Scalar>(sum: &mut Values, trace: &Trace<T>, id: ParameterId, of_cells: &[Found]) {
    for heir in trace.parameters.heirs(id) {
        for inherited in trace.parameters.ids_of(Target::Cells(heir)) {
            let Access::Inherited(from) = &trace.parameters[inherited].access else { continue };
            if trace.parameters.source(from) != Some(id) {
                continue;
            }
            let number = trace.parameters.number(inherited);
            let Some((_, found)) = of_cells[heir].iter().find(|(k, _)| *k == number) else { continue };
            match sum {
                Values::Scalar(sum) => *sum += found.as_slice().iter().sum::<f64>(),
                Values::Each(sum) => {
                    for (i, v) in found.as_slice().iter().enumerate() {
                        let (cell, site) = (i / from.sites.len(), i % from.sites.len());
                        sum[cell * from.cvs + from.sites[site] as usize] += v;
                    }
                }
            }
        }
    }
}

//! The gradient with respect to the parameters of the membrane of detailed cells.
//!
//! The backward sweep sums the cotangents of the tree's coefficients: capacitance C/h, leak, reversal potential and
//! axial conductance of each node (`dendrion_kernels::TreeSums`). These are simple functions of the parameters:
//!
//! ```text
//! C_node/h  = 1e-2 C area/h          leak = 1e-5 gL area          reversal = V_rest          g = 1e5/(r_axial integral)
//! ```

use std::sync::Arc;

use dendrion_equations::System;
use dendrion_kernels::Scalar;
use dendrion_model::{OdeMethod, Owner, Role, Values};

use super::backward::Reversible;
use super::shard_trace::GradientObserver;
use super::trace::Trace;
use super::tree_rows::TreeRows;
use crate::cable::{axial, node_order};
use crate::run::Observed;
use crate::runtime::shard::Shard;
use crate::runtime::store::{Access, ParameterId, Target};

/// Cotangents of parameters by number.
type Found = Vec<(usize, Values)>;

/// Adds cotangents of parameters to others.
pub(super) fn add(sum: &mut Found, more: Found) {
    for (number, values) in more {
        match sum.iter_mut().find(|(k, _)| *k == number) {
            None => sum.push((number, values)),
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
) -> Found {
    let (Role::Membrane { cvs, .. }, Some(cable)) = (&population.role, &population.shape) else {
        return Vec::new();
    };
    let number = |name: &str| population.system.parameters.number(Owner::Compartment(0), name);
    let values = |name: &str| {
        let found = number(name).and_then(|i| population.parameters.get(i));
        found.cloned().unwrap_or_else(|| Arc::new(Values::Scalar(1.0)))
    };
    let [length, diameter, factor, r_axial] = ["length", "diameter", "area_factor", "r_axial"].map(values);
    let dt = population.parameters[System::DT].get(0);
    let h = if population.methods.0 == OdeMethod::CrankNicolson { dt / 2.0 } else { dt };
    let mut resistances = vec![f64::INFINITY; cable.tree.nodes.len()];
    for (node, at) in cable.tree.nodes.iter().zip(node_order(cable)) {
        if node.parent.is_some() {
            resistances[at] = node.resistance;
        }
    }
    let area = |cv: usize| std::f64::consts::PI * length.of(cv) * diameter.of(cv) * factor.of(0);
    let names = ["C", "gL", "V_rest", "r_axial"];
    let mut sums = names.map(|name| vec![0.0; values(name).as_slice().len()]);
    let mut put = |which: usize, at: usize, value: f64| {
        let count = sums[which].len();
        sums[which][at % count] += value;
    };
    let mut cell = 0;
    let members = sample.sample.shards.iter().zip(&sample.of_shards);
    for (shard, of_shard) in members.filter(|(s, _)| s.place.population == index) {
        let count = shard.place.neurons.len() / cvs;
        let Some(tree) = of_shard.reversal.as_ref().and_then(|r| r.tree.as_ref()) else {
            cell += count;
            continue;
        };
        for own in 0..count {
            let each = |which: usize| each(tree, shard, own, which);
            for (cv, bar) in each(0).take(*cvs).enumerate() {
                put(0, cell * cvs + cv, bar * 1e-2 * area(cv) / h);
            }
            for (cv, bar) in each(1).take(*cvs).enumerate() {
                put(1, cell * cvs + cv, bar * 1e-5 * area(cv));
            }
            for (cv, bar) in each(2).take(*cvs).enumerate() {
                put(2, cell * cvs + cv, bar);
            }
            let r = r_axial.of(cell);
            for (bar, resistance) in each(3).zip(&resistances).filter(|(_, r)| r.is_finite()) {
                // dg/dr = -g/r
                put(3, cell, -bar * axial(r, *resistance) / r);
            }
            cell += 1;
        }
    }
    let shaped = |(name, sum): (&str, Vec<f64>)| {
        let is_single = matches!(&*values(name), Values::Scalar(_));
        Some((number(name)?, if is_single { Values::Scalar(sum[0]) } else { Values::Each(sum) }))
    };
    names.into_iter().zip(sums).filter_map(shaped).collect()
}

fn each<'t, T: Scalar>(
    tree: &'t TreeRows<T>,
    shard: &Shard<T>,
    cell: usize,
    which: usize,
) -> impl Iterator<Item = f64> + 't {
    tree.of_cell(&shard.place, cell, which)
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

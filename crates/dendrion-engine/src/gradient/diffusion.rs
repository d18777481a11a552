//! The reverse of the diffusion of ions (`cable/diffusion.rs`).
//!
//! The backward sweep sums the cotangents of the coefficients of each tree: volume/h and the conductance g to the parent
//! (`dendrion_kernels::TreeSums`). They are converted to those of the diffusion coefficients D, lengths and diameters:
//!
//! ```text
//! volume = π/4 length diameter²      1/g = sum over both halves of r/D,  r = integral (length/l0)/(diameter/d0)²
//! dg/dD = g² r/D²                    dg/dr = -g²/D
//! ```

use dendrion_equations::System;
use dendrion_kernels::{Scalar, TreeFrame, TreeSums};
use dendrion_model::{Owner, Values};

use super::backward::Reversible;
use super::history::History;
use super::reversal::Reversal;
use super::shard_trace::GradientObserver;
use super::spread_sums::SpreadSums;
use super::trace::Trace;
use super::tree_rows::TreeRows;
use crate::cable::{Half, Paths, Stage};
use crate::run::Observed;
use crate::runtime::place::Place;
use crate::runtime::population::Engine;

/// Cotangents of parameters by number.
type Found = Vec<(usize, Values)>;

/// Reverses the diffusion of the concentrations of a shard that diffuse before the gates are advanced, or of all others.
pub(super) fn reverse<T: Scalar>(
    (engine, place): (&Engine<T>, &Place),
    (history, reversal): (&History<T>, &mut Reversal<T>),
    rows: &mut TreeRows<T>,
    (block, step, is_early): (usize, u64, bool),
) {
    let Stage::Placed { diffusing, .. } = &engine.stage else { return };
    let (lanes, used) = (place.lanes, place.sites * place.width);
    let first = block * reversal.rows * lanes;
    let spreads = diffusing.iter().zip(&mut reversal.spreads);
    for (d, SpreadSums(sums)) in spreads.filter(|(d, _)| d.is_early == is_early) {
        let next = history.state(step + 1, block);
        // The reverse of the tree reads the values before the solution: the concentrations before they diffuse. Nothing else
        // flows into the nodes of this tree.
        rows.v[..used].copy_from_slice(&next[d.before * lanes..][..used]);
        rows.current.fill(T::default());
        rows.slope.fill(T::default());
        let of_block = block * d.tree.nodes() * place.width;
        let [capacitance, leak, reversal_potential, axial] =
            sums.each_mut().map(|sums| &mut sums[of_block..]);
        let mut sums = TreeSums { capacitance, leak, reversal: reversal_potential, axial };
        let mut frame = TreeFrame { v: &rows.v, current: &mut rows.current, slope: &mut rows.slope };
        let bar = &mut reversal.frames[first + d.row * lanes..][..lanes];
        let (level, group) = (engine.kernel.level(), place.blocks.start + block);
        d.tree.reverse(level, group, &mut frame, (bar, &mut rows.work), Some(&mut sums));
    }
}

/// Converts the sums of all shards of a population: sets the cotangents of the diffusion coefficients, which are initial values
/// of states, and returns those of lengths and diameters.
pub(super) fn gather<T: Scalar>(
    index: usize,
    population: &Reversible<T>,
    trace: &Trace<T>,
    sample: &Observed<T, GradientObserver>,
    of_states: &mut [Vec<f64>],
) -> Found {
    let (system, parameters) = (&population.system, &population.parameters);
    let Stage::Placed { diffusing, .. } = &trace.engines[index].stage else { return Found::new() };
    if diffusing.is_empty() {
        return Found::new();
    }
    let mut of_geometry = [vec![0.0; population.layout.size], vec![0.0; population.layout.size]];
    for (k, (spread, of)) in system.spreads.iter().zip(diffusing).enumerate() {
        let bars = Bars { paths: &of.paths, dt: parameters[System::DT].get(0) };
        let of_d = &mut of_states[spread.coefficient];
        of_d.clear();
        of_d.resize(population.layout.size, 0.0);
        let members = sample.sample.shards.iter().zip(&sample.of_shards);
        for (shard, of_shard) in members.filter(|(s, _)| s.place.population == index) {
            let place = &shard.place;
            let Some(sums) = of_shard.reversal.as_ref().and_then(|r| r.spreads.get(k)) else { continue };
            for own in 0..place.neurons.len() / place.sites {
                let cell = place.neurons.start / place.sites + own;
                bars.add((&mut *of_d, &mut of_geometry), cell, |which| sums.of_cell(place, own, which));
            }
        }
    }
    // A cotangent has the shape of its parameter.
    let shaped = |(name, sums): (&str, Vec<f64>)| {
        let number = system.parameters.number(Owner::Compartment(0), name)?;
        let count = parameters[number].as_slice().len();
        let mut shaped = vec![0.0; count];
        sums.iter().enumerate().for_each(|(member, sum)| shaped[member % count] += sum);
        let is_single = matches!(*parameters[number], Values::Scalar(_));
        Some((number, if is_single { Values::Scalar(shaped[0]) } else { Values::Each(shaped) }))
    };
    ["length", "diameter"].into_iter().zip(of_geometry).filter_map(shaped).collect()
}

/// Converts the cotangents of a tree's coefficients.
struct Bars<'t> {
    paths: &'t Paths,
    dt: f64,
}

impl Bars<'_> {
    /// Adds the cotangents of a cell. `of_nodes` returns those of a coefficient of all nodes.
    fn add<I: Iterator<Item = f64>>(
        &self,
        (of_d, [of_length, of_diameter]): (&mut [f64], &mut [Vec<f64>; 2]),
        cell: usize,
        of_nodes: impl Fn(usize) -> I,
    ) {
        let geometry = self.paths.geometry();
        let sides = |cv: usize| (geometry.length(cell, cv), geometry.diameter(cell, cv));
        for (bar, cv) in of_nodes(0).zip(self.paths.cvs()) {
            let (member, (length, diameter)) = (geometry.member(cell, cv), sides(cv));
            let of_volume = bar * geometry.volume(cell, cv) / self.dt;
            // The volume is proportional to length and diameter².
            of_length[member] += of_volume / length;
            of_diameter[member] += 2.0 * of_volume / diameter;
        }
        for (bar, (_, link)) in of_nodes(3).zip(&self.paths.nodes) {
            let Some(link) = link else { continue };
            let halves = self.paths.halves(cell, link);
            for half in &halves {
                let share = share(&halves, half.d);
                let of_half = bar * share * share * half.integral;
                of_d[half.member] += of_half;
                // r is proportional to length/diameter², and dg/dr = -g²/D.
                let (length, diameter) = sides(half.cv);
                of_length[half.member] -= of_half * half.d / length;
                of_diameter[half.member] += 2.0 * of_half * half.d / diameter;
            }
        }
    }
}

/// Returns g/D for the conductance g = 1/sum(r/D) of a connection and the coefficient D of one of its halves. Where D is 0, this is
/// the limit in which all coefficients that are 0 are equal.
fn share(halves: &[Half], d: f64) -> f64 {
    let total: f64 = if d == 0.0 {
        halves.iter().filter(|half| half.d == 0.0).map(|half| half.integral).sum()
    } else {
        halves.iter().map(|half| half.integral * (d / half.d)).sum()
    };
    1.0 / total
}

//! The sums of the reverse of diffusion.

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::filled;

use crate::cable::{Diffusing, Stage};
use crate::runtime::place::Place;
use crate::runtime::population::Engine;

/// Sums of the cotangents of the coefficients of a tree of diffusion, block by block: those of the volume, of the leak and its
/// reversal potential (which are not used), and of the conductance to the parent of each node.
#[derive(Debug)]
pub(crate) struct SpreadSums(pub(super) [Vec<f64>; 4]);

impl SpreadSums {
    /// Creates the sums for all concentrations of a shard.
    pub(super) fn all<T: Scalar>(engine: &Engine<T>, place: &Place) -> Result<Vec<Self>, Error> {
        let Stage::Placed { diffusing, .. } = &engine.stage else { return Ok(Vec::new()) };
        let of = |d: &Diffusing<T>| {
            let sums = || filled(d.tree.nodes() * place.width * place.blocks.len(), 0.0);
            Ok(Self([sums()?, sums()?, sums()?, sums()?]))
        };
        diffusing.iter().map(of).collect()
    }

    /// Returns the sums of the volume or of the conductance by node, for the cell with index `cell` of the shard.
    pub(super) fn of_cell(&self, place: &Place, cell: usize, which: usize) -> impl Iterator<Item = f64> + '_ {
        let (block, lane, width) = (cell / place.width, cell % place.width, place.width);
        let size = self.0[which].len() / place.blocks.len();
        self.0[which][block * size..][..size].iter().skip(lane).step_by(width).copied()
    }
}

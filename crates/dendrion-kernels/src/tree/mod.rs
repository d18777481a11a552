//! The linear system of a tree of nodes, solved for groups of cells (Hines 1984, Int J Bio-Med Comput 15:69).
//!
//! Node i has the potential `V_i`, a capacitance, a leak and the current and conductance of its mechanisms, and a
//! conductance `g_i` to its parent p. One step from V to V' = V + m Δ solves
//!
//! ```text
//! (c_i + s_i + Σ g) Δ_i - Σ g Δ_neighbour = I_i + l_i (E_i - V_i) + Σ g (V_neighbour - V_i)
//! ```
//!
//! where `c_i` is the capacitance divided by the time step of the system (h for implicit Euler with m = 1, h/2 for
//! Crank-Nicolson with m = 2), `l_i` and `E_i` are the conductance and the reversal potential of the leak, `I_i` is the
//! current of the mechanisms and `s_i` the sum of `l_i` and their conductances. The matrix is symmetric. It is
//! eliminated from the tips to the root, without fill-in. The right-hand side is assembled in the same pass:
//!
//! ```text
//! for each node i, children before parents:     flow = g_i (V_p - V_i);  r_i += I_i + l_i (E_i - V_i) + flow
//!                                               q_i = 1/d_i;  f = g_i q_i;  d_p -= f g_i;  r_p += f r_i - flow
//! for each node i, parents before children:     Δ_i = (r_i + g_i Δ_p) q_i;  V_i += m Δ_i
//! ```
//!
//! q and f of nodes below which no mechanism contributes a conductance are computed once.
//!
//! The values of a node for the cells of a group are adjacent, so each of these operations is one vector operation.
//! `order.rs` describes the order of the nodes.
//!
//! Junctions are nodes without capacitance and currents. Their potential is not stored. The solution does not depend on the
//! value from which a junction starts, because the Δ of a junction is not a change but whatever balances its flows. It starts
//! from the potential of its parent.
//!
//! Only additions, subtractions, multiplications and divisions are used, without fused multiply-add, so results are
//! bit-identical on all levels and for all widths of groups.

mod level;
mod order;
mod reverse;
mod solve;
mod values;

use crate::buffer::Buffer;
use crate::error::LinkError;
use crate::scalar::Scalar;
use level::{Task, on_level};
use order::Order;

pub use order::TreeInputs;
pub use reverse::{TreeFrame, TreeSums};
pub use solve::TreeStep;

/// The values of the nodes of all cells. Each is one value per node, or one value per cell and node, cell by cell.
#[derive(Clone, Debug)]
pub struct TreeColumns {
    /// Capacitance divided by the time step of the system (nS); 0 for junctions.
    pub capacitance: Vec<f64>,
    /// Conductance of the leak (nS); 0 for junctions.
    pub leak: Vec<f64>,
    /// Reversal potential of the leak (mV).
    pub reversal: Vec<f64>,
    /// Conductance to the parent (nS); 0 for the root.
    pub axial: Vec<f64>,
}

/// The coefficients of a node in a group, in this order.
const LEAK: usize = 0;
const REVERSAL: usize = 1;
const DIAGONAL: usize = 2;
const AXIAL: usize = 3;
/// q and f of nodes for which they are constant.
const PIVOT: usize = 4;
const FACTOR: usize = 5;
const COEFFICIENTS: usize = 6;

/// The tree of the cells of a population, with its coefficients.
#[derive(Debug)]
pub struct Tree<T: Scalar> {
    cvs: usize,
    order: Order,
    /// Number of cells in a group.
    width: usize,
    /// Number of values per coefficient: 1 if all cells have the same coefficients, else `width`.
    stride: usize,
    groups: usize,
    /// The factor m.
    factor: f64,
    /// For each group and each node in the order of elimination, its coefficients.
    values: Buffer<T>,
}

impl<T: Scalar> Tree<T> {
    /// Creates a tree. `parents` contains the parent of each node except for the root, whose entry is itself; nodes from
    /// `cvs` on are junctions. `cells` cells are divided into groups of `width`.
    ///
    /// # Errors
    /// Returns an error if the parents do not form a tree, if a column has the wrong length, if the width is not 1, 2, 4, 8
    /// or 16, or if the coefficients do not fit into memory.
    pub fn new(
        (parents, cvs): (&[usize], usize),
        columns: &TreeColumns,
        inputs: &TreeInputs<'_>,
        (cells, width): (usize, usize),
        factor: f64,
    ) -> Result<Self, LinkError> {
        let nodes = parents.len();
        if ![1, 2, 4, 8, 16].contains(&width) {
            return Err(LinkError::Lanes { lanes: width });
        }
        let all = [&columns.capacitance, &columns.leak, &columns.reversal, &columns.axial];
        let each = nodes.checked_mul(cells).ok_or(LinkError::Size)?;
        let are_wrong = all.iter().any(|c| c.len() != nodes && c.len() != each)
            || inputs.currents.len() != cvs
            || inputs.slopes.len() != cvs;
        // Rows have 32-bit numbers.
        let is_large = nodes.checked_mul(4 * width).is_none_or(|size| u32::try_from(size).is_err());
        if are_wrong || is_large || cells == 0 || cvs > nodes || cvs == 0 {
            return Err(LinkError::Size);
        }
        let order = Order::new(parents, cvs, inputs, width).ok_or(LinkError::Size)?;
        let is_common = cells == 1 || all.iter().all(|c| c.len() == nodes);
        // One value for all cells is broadcast from memory, at the cost of a load.
        let (stride, groups) = if is_common { (1, 1) } else { (width, cells.div_ceil(width)) };
        let size = (COEFFICIENTS * nodes * stride).checked_mul(groups).ok_or(LinkError::Size)?;
        let values = Buffer::zeroed(size)?;
        let mut tree = Self { cvs, order, width, stride, groups, factor, values };
        tree.fill(columns, cells);
        Ok(tree)
    }

    fn fill(&mut self, columns: &TreeColumns, cells: usize) {
        let (nodes, stride) = (self.nodes(), self.stride);
        let mut diagonal = vec![0.0; nodes];
        for group in 0..self.groups {
            for lane in 0..stride {
                // Lanes beyond the last cell repeat its values.
                let cell = (group * self.width + lane).min(cells - 1);
                let of = |column: &[f64], node: usize| {
                    if column.len() == nodes { column[node] } else { column[cell * nodes + node] }
                };
                for (i, d) in diagonal.iter_mut().enumerate() {
                    *d = of(&columns.capacitance, i) + of(&columns.leak, i);
                }
                for step in self.order.steps.iter().filter(|step| step.node != step.parent) {
                    let g = of(&columns.axial, step.node as usize);
                    diagonal[step.node as usize] += g;
                    diagonal[step.parent as usize] += g;
                }
                // The factors of all nodes are computed as if no mechanism had a conductance; nodes between one and
                // the root do not use them.
                let mut pivots = diagonal.clone();
                for (k, step) in self.order.steps.iter().enumerate() {
                    let (i, p) = (step.node as usize, step.parent as usize);
                    let g = if i == p { 0.0 } else { of(&columns.axial, i) };
                    let q = 1.0 / pivots[i];
                    pivots[p] -= g * q * g;
                    let values = [of(&columns.leak, i), of(&columns.reversal, i), diagonal[i], g, q, g * q];
                    for (which, value) in values.into_iter().enumerate() {
                        let at = ((group * nodes + k) * COEFFICIENTS + which) * stride + lane;
                        self.values[at] = T::from_f64(value);
                    }
                }
            }
        }
    }

    /// Returns the number of nodes.
    pub const fn nodes(&self) -> usize {
        self.order.steps.len()
    }

    /// Returns the first coefficient of a group.
    const fn first(&self, group: usize) -> usize {
        let group = if group < self.groups { group } else { self.groups - 1 };
        group * self.nodes() * COEFFICIENTS * self.stride
    }
}

//! One step of the tree.

use super::order::{NONE, Step};
use super::values::{Values, lanes, load, store};
use super::{AXIAL, COEFFICIENTS, DIAGONAL, FACTOR, LEAK, PIVOT, REVERSAL, Task, Tree, on_level};
use crate::level::Level;
use crate::scalar::Scalar;

/// The rows of a group during a step: one value per CV and cell.
#[derive(Debug)]
pub struct TreeStep<'a, T: Scalar> {
    /// V of the CVs.
    pub v: &'a mut [T],
    /// The sum of the currents of each CV with inputs. Other values are not read.
    pub current: &'a [T],
    /// The sum of the conductances of each CV with inputs; 0 if it has none.
    pub slope: &'a [T],
    /// Memory for intermediate values. It must contain zeros before the first step.
    pub work: &'a mut [T],
}

/// The largest number of cells in a group.
const WIDEST: usize = 16;

impl<T: Scalar> Tree<T> {
    /// Returns the number of intermediate values of a step.
    pub const fn work(&self) -> usize {
        // r and q of each node, the slots, and a row that takes the place of missing ones.
        (2 * self.nodes() + 2 * self.order.sums + self.order.changes) * self.width + WIDEST
    }

    /// Advances V of a group by one step.
    ///
    /// # Panics
    /// Panics if a row is too short, which is a programming error in the caller.
    pub fn solve(&self, level: Level, group: usize, rows: &mut TreeStep<'_, T>) {
        let size = self.cvs * self.width;
        assert!(
            rows.v.len() >= size
                && rows.current.len() >= size
                && rows.slope.len() >= size
                && rows.work.len() >= self.work(),
            "too few values in the rows of a tree"
        );
        let r = rows.work.as_mut_ptr();
        let nodes = self.nodes() * self.width;
        let q = r.wrapping_add(nodes);
        let sums = q.wrapping_add(nodes);
        let changes = sums.wrapping_add(2 * self.order.sums * self.width);
        let solve = Solve {
            tree: self,
            coefficients: self.values[self.first(group)..].as_ptr(),
            v: rows.v.as_mut_ptr(),
            current: rows.current.as_ptr(),
            slope: rows.slope.as_ptr(),
            r,
            q,
            sums,
            changes,
            unused: changes.wrapping_add(self.order.changes * self.width),
        };
        on_level(level, (self.width, self.stride), solve);
    }
}

/// The addresses of the rows of a step.
struct Solve<'t, T: Scalar> {
    tree: &'t Tree<T>,
    coefficients: *const T,
    v: *mut T,
    current: *const T,
    slope: *const T,
    /// r and q of each node, in the order of elimination.
    r: *mut T,
    q: *mut T,
    /// Slots with the sums of what children passed: values for r, then values for d.
    sums: *mut T,
    /// Slots with Δ.
    changes: *mut T,
    /// The place of values that are not needed.
    unused: *mut T,
}

/// Nodes whose factors change in each step.
const VARYING: u8 = 0;
/// Nodes with constant factors whose parent's factors change.
const FIXED: u8 = 1;
/// Nodes with constant factors whose parent's factors are constant, too.
const CONSTANT: u8 = 2;

impl<T: Scalar> Task for Solve<'_, T> {
    #[inline(always)]
    fn run<const W: usize, const S: usize>(self) {
        let steps = &self.tree.order.steps[..];
        let (constant, fixed) = (self.tree.order.constant, self.tree.order.fixed);
        // SAFETY: `Order` numbers rows of CVs, and slots below the numbers of slots, and `solve` checked the lengths of rows and
        // of work; there are coefficients for each node.
        unsafe {
            for k in 0..constant {
                self.up::<W, S, CONSTANT>(k, steps.get_unchecked(k));
            }
            for k in constant..fixed {
                self.up::<W, S, FIXED>(k, steps.get_unchecked(k));
            }
            for k in fixed..steps.len() {
                self.up::<W, S, VARYING>(k, steps.get_unchecked(k));
            }
            for k in (fixed..steps.len()).rev() {
                self.down::<W, S, VARYING>(k, steps.get_unchecked(k));
            }
            for k in (0..fixed).rev() {
                self.down::<W, S, FIXED>(k, steps.get_unchecked(k));
            }
        }
    }
}

impl<T: Scalar> Solve<'_, T> {
    /// Returns a coefficient of a node for all cells of the group.
    #[inline(always)]
    unsafe fn coefficient<const W: usize, const S: usize>(&self, k: usize, which: usize) -> Values<T, W> {
        // SAFETY: guaranteed by the caller.
        unsafe {
            let at = self.coefficients.add((k * COEFFICIENTS + which) * S);
            if S == 1 { [*at; W] } else { load(at) }
        }
    }

    /// Eliminates a node.
    #[inline(always)]
    unsafe fn up<const W: usize, const S: usize, const KIND: u8>(&self, k: usize, step: &Step) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            // Choosing an address takes no branch. Slot 0 of the sums is always 0.
            let is_there = step.input != NONE;
            let current = if is_there { self.current.wrapping_add(step.input as usize) } else { self.sums };
            let slope = if is_there { self.slope.wrapping_add(step.input as usize) } else { self.sums };
            let [leak, reversal, g] = [LEAK, REVERSAL, AXIAL].map(
                #[inline(always)]
                |which| self.coefficient::<W, S>(k, which),
            );
            let (v, above) =
                (load::<T, W>(self.v.add(step.v as usize)), load::<T, W>(self.v.add(step.above as usize)));
            let (sum, before) = (self.sums.add(step.sum as usize), self.sums.add(step.before as usize));
            let (input, passed, r_before) = (load::<T, W>(current), load::<T, W>(sum), load::<T, W>(before));
            let flow = lanes!(|l| g[l] * (above[l] - v[l]));
            let r = lanes!(|l| ((input[l] + leak[l] * (reversal[l] - v[l])) + flow[l]) + passed[l]);
            store(self.r.add(k * W), r);
            let after = self.sums.add(step.after as usize);
            let f = if KIND == VARYING {
                let (one, diagonal) = (T::from_f64(1.0), self.coefficient::<W, S>(k, DIAGONAL));
                let (slope, passed) = (load::<T, W>(slope), load::<T, W>(sum.add(W)));
                let q = lanes!(|l| one / ((slope[l] + diagonal[l]) - passed[l]));
                store(self.q.add(k * W), q);
                lanes!(|l| g[l] * q[l])
            } else {
                self.coefficient::<W, S>(k, FACTOR)
            };
            if KIND != CONSTANT {
                let d_before = load::<T, W>(before.add(W));
                store(after.add(W), lanes!(|l| d_before[l] + f[l] * g[l]));
            }
            store(after, lanes!(|l| r_before[l] + (f[l] * r[l] - flow[l])));
        }
    }

    /// Computes the change of a node.
    #[inline(always)]
    unsafe fn down<const W: usize, const S: usize, const KIND: u8>(&self, k: usize, step: &Step) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            let v = if step.output == NONE { self.unused } else { self.v.wrapping_add(step.output as usize) };
            let m = T::from_f64(self.tree.factor);
            let g = self.coefficient::<W, S>(k, AXIAL);
            let q = if KIND == VARYING {
                load::<T, W>(self.q.add(k * W))
            } else {
                self.coefficient::<W, S>(k, PIVOT)
            };
            let (r, now) = (load::<T, W>(self.r.add(k * W)), load::<T, W>(v));
            let above = load::<T, W>(self.changes.add(step.change_above as usize));
            let change = lanes!(|l| (r[l] + g[l] * above[l]) * q[l]);
            store(self.changes.add(step.change as usize), change);
            store(v, lanes!(|l| now[l] + m * change[l]));
        }
    }
}

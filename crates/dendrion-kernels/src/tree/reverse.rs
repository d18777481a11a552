//! The reverse of a step of the tree.
//!
//! With λ = A⁻¹ m V̄', the cotangents of a right-hand side are λ and those of an entry of the matrix `A_ij` are `-λ_i Δ_j`. A is
//! symmetric, so both right-hand sides, that of the step and m V̄', are eliminated together with the same factors. All sums are added in
//! the pass from the root to the tips, which computes Δ and λ:
//!
//! ```text
//! for each node i, children before parents:     as in the step, and w_i += m V̄'_i;  w_p += f w_i
//! for each node i, parents before children:     Δ_i = (r_i + g_i Δ_p) q_i;  λ_i = (w_i + g_i λ_p) q_i
//! ```

use super::order::Step;
use super::values::{Values, lanes, load, store};
use super::{AXIAL, COEFFICIENTS, DIAGONAL, LEAK, REVERSAL, Task, Tree, on_level};
use crate::level::Level;
use crate::scalar::Scalar;

/// The rows of a group during a step: one value per node and cell.
#[derive(Debug)]
pub struct TreeFrame<'a, T: Scalar> {
    /// V of the CVs.
    pub v: &'a [T],
    /// The sum of the currents of the mechanisms of each node; 0 for junctions.
    pub current: &'a mut [T],
    /// The sum of the conductances of the mechanisms of each node; 0 for junctions.
    pub slope: &'a mut [T],
}

/// The contributions of a step to the cotangents of the coefficients of a group, which are added to the sums. The order of
/// values is that of the rows.
#[derive(Debug)]
pub struct TreeSums<'a> {
    /// For the capacitance.
    pub capacitance: &'a mut [f64],
    /// For the conductance of the leak.
    pub leak: &'a mut [f64],
    /// For the reversal potential.
    pub reversal: &'a mut [f64],
    /// For the conductance to the parent.
    pub axial: &'a mut [f64],
}

impl<T: Scalar> Tree<T> {
    /// Reverses a step. `frame` contains V, currents and conductances at its beginning. `bar` contains the cotangents of V
    /// at the end of the step, which are replaced with the cotangents of V at its beginning without the
    /// contributions of the mechanisms. Afterwards, `frame.current` contains the cotangents of the currents of
    /// mechanisms, and `frame.slope` those of their conductances. Without `sums`, the cotangents of the coefficients are not
    /// computed.
    ///
    /// # Panics
    /// Panics in the same cases as [`Tree::solve`], or if `bar`, `work` or the sums have too few values.
    pub fn reverse(
        &self,
        level: Level,
        group: usize,
        frame: &mut TreeFrame<'_, T>,
        (bar, work): (&mut [T], &mut [T]),
        sums: Option<&mut TreeSums<'_>>,
    ) {
        let size = self.nodes() * self.width;
        assert!(
            frame.v.len() >= self.cvs * self.width
                && frame.current.len() >= size
                && frame.slope.len() >= size,
            "too few values in the rows of a tree"
        );
        assert!(bar.len() >= self.cvs * self.width && work.len() >= size, "too few cotangents");
        work[..size].fill(T::default());
        let mut rows = Reverse::<T, false> {
            tree: self,
            coefficients: self.values[self.first(group)..].as_ptr(),
            v: frame.v.as_ptr(),
            current: frame.current.as_mut_ptr(),
            slope: frame.slope.as_mut_ptr(),
            bar: bar.as_mut_ptr(),
            work: work.as_mut_ptr(),
            sums: [std::ptr::null_mut(); 4],
        };
        let Some(sums) = sums else { return on_level(level, (self.width, self.stride), rows) };
        let all = [&mut *sums.capacitance, &mut *sums.leak, &mut *sums.reversal, &mut *sums.axial];
        assert!(all.iter().all(|s| s.len() >= size), "too few sums");
        rows.sums = all.map(<[f64]>::as_mut_ptr);
        on_level(level, (self.width, self.stride), rows.with_sums());
    }
}

/// The addresses of the rows of a step. Whether the sums are computed is a constant, because few gradients need them.
struct Reverse<'t, T: Scalar, const SUMS: bool> {
    tree: &'t Tree<T>,
    coefficients: *const T,
    v: *const T,
    /// r, then λ.
    current: *mut T,
    /// The conductances of what is not eliminated yet, then q, then the cotangents of the conductances.
    slope: *mut T,
    bar: *mut T,
    /// w, then Δ.
    work: *mut T,
    sums: [*mut f64; 4],
}

impl<T: Scalar, const SUMS: bool> Task for Reverse<'_, T, SUMS> {
    #[inline(always)]
    fn run<const W: usize, const S: usize>(self) {
        let steps = &self.tree.order.steps[..];
        // SAFETY: `Order` numbers nodes and the rows of CVs, and `reverse` checked the lengths of all rows; there are coefficients for
        // each node.
        unsafe {
            for (k, step) in steps.iter().enumerate() {
                self.up::<W, S>(k, step);
            }
            for (k, step) in steps.iter().enumerate().rev() {
                self.down::<W, S>(k, step);
            }
        }
    }
}

impl<'t, T: Scalar> Reverse<'t, T, false> {
    const fn with_sums(self) -> Reverse<'t, T, true> {
        let Self { tree, coefficients, v, current, slope, bar, work, sums } = self;
        Reverse { tree, coefficients, v, current, slope, bar, work, sums }
    }
}

impl<T: Scalar, const SUMS: bool> Reverse<'_, T, SUMS> {
    /// Returns a coefficient of a node for all cells of the group.
    #[inline(always)]
    unsafe fn coefficient<const W: usize, const S: usize>(&self, k: usize, which: usize) -> Values<T, W> {
        // SAFETY: guaranteed by the caller.
        unsafe {
            let at = self.coefficients.add((k * COEFFICIENTS + which) * S);
            if S == 1 { [*at; W] } else { load(at) }
        }
    }

    /// Returns V of a node and of its parent.
    #[inline(always)]
    unsafe fn potentials<const W: usize>(&self, step: &Step) -> [Values<T, W>; 2] {
        // SAFETY: guaranteed by the caller.
        unsafe {
            [step.v, step.above].map(
                #[inline(always)]
                |row| load::<T, W>(self.v.add(row as usize)),
            )
        }
    }

    /// Eliminates a node.
    #[inline(always)]
    unsafe fn up<const W: usize, const S: usize>(&self, k: usize, step: &Step) {
        let (i, p) = (step.node as usize, step.parent as usize);
        // SAFETY: guaranteed by the caller.
        unsafe {
            let [leak, reversal, diagonal, g] = [LEAK, REVERSAL, DIAGONAL, AXIAL].map(
                #[inline(always)]
                |which| self.coefficient::<W, S>(k, which),
            );
            let [v, above] = self.potentials::<W>(step);
            let [current, slope, work] = [self.current, self.slope, self.work].map(
                #[inline(always)]
                |row| load::<T, W>(row.add(i * W)),
            );
            let flow = lanes!(|l| g[l] * (above[l] - v[l]));
            let r = lanes!(|l| (current[l] + leak[l] * (reversal[l] - v[l])) + flow[l]);
            let one = T::from_f64(1.0);
            let q = lanes!(|l| one / (slope[l] + diagonal[l]));
            let w = if i < self.tree.cvs {
                let (m, bar) = (T::from_f64(self.tree.factor), load::<T, W>(self.bar.add(i * W)));
                lanes!(|l| work[l] + m * bar[l])
            } else {
                work
            };
            store(self.current.add(i * W), r);
            store(self.slope.add(i * W), q);
            store(self.work.add(i * W), w);
            if i == p {
                return;
            }
            let f = lanes!(|l| g[l] * q[l]);
            let [r_p, d_p, w_p] = [self.current, self.slope, self.work].map(
                #[inline(always)]
                |row| load::<T, W>(row.add(p * W)),
            );
            store(self.current.add(p * W), lanes!(|l| r_p[l] + (f[l] * r[l] - flow[l])));
            store(self.slope.add(p * W), lanes!(|l| d_p[l] - f[l] * g[l]));
            store(self.work.add(p * W), lanes!(|l| w_p[l] + f[l] * w[l]));
        }
    }

    /// Computes Δ and λ of a node, and adds its contributions.
    #[inline(always)]
    unsafe fn down<const W: usize, const S: usize>(&self, k: usize, step: &Step) {
        let (i, p) = (step.node as usize, step.parent as usize);
        let is_cv = i < self.tree.cvs;
        // SAFETY: guaranteed by the caller.
        unsafe {
            let [r, q, w] = [self.current, self.slope, self.work].map(
                #[inline(always)]
                |row| load::<T, W>(row.add(i * W)),
            );
            let (mut change, mut lambda) = (lanes!(|l| r[l] * q[l]), lanes!(|l| w[l] * q[l]));
            // For junctions, the value is not used.
            let mut bar = load::<T, W>(self.bar.add(if is_cv { i * W } else { 0 }));
            if i != p {
                let g = self.coefficient::<W, S>(k, AXIAL);
                let (d_p, l_p) = (load::<T, W>(self.work.add(p * W)), load::<T, W>(self.current.add(p * W)));
                change = lanes!(|l| (r[l] + g[l] * d_p[l]) * q[l]);
                lambda = lanes!(|l| (w[l] + g[l] * l_p[l]) * q[l]);
                if SUMS {
                    let [v, above] = self.potentials::<W>(step);
                    let difference = lanes!(|l| (above[l] - v[l]) + (d_p[l] - change[l]));
                    let axial = self.sums[3].add(i * W);
                    let sum = axial.cast::<[f64; W]>().read_unaligned();
                    store(axial, lanes!(|l| sum[l] + ((lambda[l] - l_p[l]) * difference[l]).to_f64(), 0.0));
                }
                // The potential of a junction has no cotangent: the row of its λ states that these flows have the sum 0.
                let flow = lanes!(|l| g[l] * (l_p[l] - lambda[l]));
                bar = lanes!(|l| bar[l] + flow[l]);
                if p < self.tree.cvs {
                    let bar = load::<T, W>(self.bar.add(p * W));
                    store(self.bar.add(p * W), lanes!(|l| bar[l] - flow[l]));
                }
            }
            store(self.work.add(i * W), change);
            store(self.current.add(i * W), lambda);
            if is_cv {
                let leak = self.coefficient::<W, S>(k, LEAK);
                store(self.bar.add(i * W), lanes!(|l| bar[l] - lambda[l] * leak[l]));
                store(self.slope.add(i * W), lanes!(|l| T::default() - lambda[l] * change[l]));
                if SUMS {
                    self.leak::<W, S>(k, step, (lambda, change));
                }
            }
        }
    }

    /// Adds the cotangents of the capacitance and of the leak of a CV to the sums.
    #[inline(always)]
    unsafe fn leak<const W: usize, const S: usize>(
        &self,
        k: usize,
        step: &Step,
        (lambda, change): (Values<T, W>, Values<T, W>),
    ) {
        let at = step.node as usize * W;
        // SAFETY: guaranteed by the caller.
        unsafe {
            let [leak, reversal] = [LEAK, REVERSAL].map(
                #[inline(always)]
                |which| self.coefficient::<W, S>(k, which),
            );
            let v = load::<T, W>(self.v.add(at));
            let sums = |which: usize| self.sums[which].add(at).cast::<[f64; W]>();
            let (c, g, e) = (sums(0), sums(1), sums(2));
            let [c_sum, g_sum, e_sum] = [c, g, e].map(
                #[inline(always)]
                |sums| sums.read_unaligned(),
            );
            let wide = lanes!(|l| lambda[l].to_f64(), 0.0);
            let change = lanes!(|l| change[l].to_f64(), 0.0);
            c.write_unaligned(lanes!(|l| c_sum[l] - wide[l] * change[l], 0.0));
            let force = lanes!(|l| reversal[l].to_f64() - v[l].to_f64() - change[l], 0.0);
            g.write_unaligned(lanes!(|l| g_sum[l] + wide[l] * force[l], 0.0));
            e.write_unaligned(lanes!(|l| e_sum[l] + wide[l] * leak[l].to_f64(), 0.0));
        }
    }
}

//! The reverse of a step of the tree.

use super::{AXIAL, COEFFICIENTS, DIAGONAL, LEAK, REVERSAL, Task, Tree, on_level};
use crate::level::Level;
use crate::scalar::Scalar;

/// The rows of a group during a step: one value per node and cell.
#[derive(Debug)]
pub struct TreeFrame<'a, T: Scalar> {
    /// V of the CVs.
    pub v: &'a mut [T],
    /// The sum of the currents of the mechanisms of each node. Afterwards, Δ.
    pub current: &'a mut [T],
    /// The sum of the conductances of the mechanisms of each node. Afterwards, q.
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
    /// mechanisms, and `frame.slope` those of their conductances.
    ///
    /// # Panics
    /// Panics in the same cases as [`Tree::solve`], or if `bar`, `work` or the sums have too few values.
    pub fn reverse(
        &self,
        level: Level,
        group: usize,
        frame: &mut TreeFrame<'_, T>,
        (bar, work): (&mut [T], &mut [T]),
        sums: &mut TreeSums<'_>,
    ) {
        let size = self.nodes() * self.width;
        assert!(
            frame.v.len() >= self.cvs * self.width
                && frame.current.len() >= size
                && frame.slope.len() >= size,
            "too few values in the rows of a tree"
        );
        let all = [&sums.capacitance, &sums.leak, &sums.reversal, &sums.axial];
        assert!(all.iter().all(|s| s.len() >= size), "too few sums");
        assert!(bar.len() >= self.cvs * self.width && work.len() >= size, "too few cotangents");
        let coefficients = &self.values[self.first(group)..];
        on_level(
            level,
            (self.width, self.stride),
            Reverse { tree: self, coefficients, frame, bar, work, sums },
        );
    }
}

#[inline(always)]
fn load<T: Copy, const W: usize>(row: &[T], node: usize) -> [T; W] {
    let row = &row[node * W..][..W];
    std::array::from_fn(|i| row[i])
}

#[inline(always)]
fn store<T: Copy, const W: usize>(row: &mut [T], node: usize, values: [T; W]) {
    row[node * W..][..W].copy_from_slice(&values);
}

struct Reverse<'s, 'f, 'k, T: Scalar> {
    tree: &'s Tree<T>,
    coefficients: &'s [T],
    frame: &'s mut TreeFrame<'f, T>,
    bar: &'s mut [T],
    work: &'s mut [T],
    sums: &'s mut TreeSums<'k>,
}

impl<T: Scalar> Task for Reverse<'_, '_, '_, T> {
    /// With λ = A⁻¹ m V̄', the cotangents of a right-hand side are λ and those of an entry of the matrix `A_ij` are `-λ_i Δ_j`.
    #[inline(always)]
    fn run<const W: usize, const S: usize>(mut self) {
        self.assemble::<W, S>();
        self.eliminate::<W, S>();
        substitute::<T, W, S>((self.tree, self.coefficients), self.frame.current, self.frame.slope);
        let m = T::from_f64(self.tree.factor);
        for i in 0..self.tree.nodes() {
            let b: [T; W] = if i < self.tree.cvs { load(self.bar, i) } else { [T::default(); W] };
            store(self.work, i, std::array::from_fn::<T, W, _>(|l| m * b[l]));
        }
        self.forward::<W, S>();
        substitute::<T, W, S>((self.tree, self.coefficients), self.work, self.frame.slope);
        self.flows::<W, S>();
        self.leaks::<W, S>();
    }
}

/// Returns a coefficient of a node for all cells of a group.
#[inline(always)]
fn coefficient<T: Scalar, const W: usize, const S: usize>(values: &[T], k: usize, which: usize) -> [T; W] {
    let at = k * COEFFICIENTS + which;
    if S == 1 { [values[at]; W] } else { load(values, at) }
}

/// Substitutes from the root to the tips. `r` becomes Δ.
#[inline(always)]
fn substitute<T: Scalar, const W: usize, const S: usize>(
    (tree, coefficients): (&Tree<T>, &[T]),
    r: &mut [T],
    q: &[T],
) {
    for (k, step) in tree.order.steps.iter().enumerate().rev() {
        let (i, p) = (step.node as usize, step.parent as usize);
        let (ri, qi): ([T; W], [T; W]) = (load(r, i), load(q, i));
        if i == p {
            store(r, i, std::array::from_fn::<T, W, _>(|l| ri[l] * qi[l]));
            continue;
        }
        let (g, above) = (coefficient::<T, W, S>(coefficients, k, AXIAL), load::<T, W>(r, p));
        store(r, i, std::array::from_fn::<T, W, _>(|l| (ri[l] + g[l] * above[l]) * qi[l]));
    }
}

impl<T: Scalar> Reverse<'_, '_, '_, T> {
    /// Computes the right-hand sides r and diagonal entries d.
    #[inline(always)]
    fn assemble<const W: usize, const S: usize>(&mut self) {
        let Self { tree, coefficients, frame, .. } = self;
        for (k, step) in tree.order.steps.iter().enumerate() {
            let i = step.node as usize;
            let v: [T; W] = load(frame.v, step.v as usize / W);
            let [leak, reversal, diagonal] =
                [LEAK, REVERSAL, DIAGONAL].map(|which| coefficient::<T, W, S>(coefficients, k, which));
            let (d, r): ([T; W], [T; W]) = (load(frame.slope, i), load(frame.current, i));
            store(frame.slope, i, std::array::from_fn::<T, W, _>(|l| d[l] + diagonal[l]));
            let sum = std::array::from_fn::<T, W, _>(|l| r[l] + leak[l] * (reversal[l] - v[l]));
            store(frame.current, i, sum);
        }
        for (k, step) in tree.order.steps.iter().enumerate().filter(|(_, step)| step.node != step.parent) {
            let (i, p) = (step.node as usize, step.parent as usize);
            let g = coefficient::<T, W, S>(coefficients, k, AXIAL);
            let v: [T; W] = load(frame.v, step.v as usize / W);
            let above: [T; W] = load(frame.v, step.above as usize / W);
            let flow: [T; W] = std::array::from_fn(|l| g[l] * (above[l] - v[l]));
            let (r, total): ([T; W], [T; W]) = (load(frame.current, i), load(frame.current, p));
            store(frame.current, i, std::array::from_fn::<T, W, _>(|l| r[l] + flow[l]));
            store(frame.current, p, std::array::from_fn::<T, W, _>(|l| total[l] - flow[l]));
        }
    }

    /// Eliminates the nodes from the tips to the root. `slope` becomes q.
    #[inline(always)]
    fn eliminate<const W: usize, const S: usize>(&mut self) {
        let Self { tree, coefficients, frame, .. } = self;
        let (r, d) = (&mut *frame.current, &mut *frame.slope);
        let one = T::from_f64(1.0);
        for (k, step) in tree.order.steps.iter().enumerate() {
            let (i, p) = (step.node as usize, step.parent as usize);
            let own: [T; W] = load(d, i);
            let q: [T; W] = std::array::from_fn(|l| one / own[l]);
            store(d, i, q);
            if i == p {
                continue;
            }
            let g = coefficient::<T, W, S>(coefficients, k, AXIAL);
            let f: [T; W] = std::array::from_fn(|l| g[l] * q[l]);
            let (above, ri, rp): ([T; W], [T; W], [T; W]) = (load(d, p), load(r, i), load(r, p));
            store(d, p, std::array::from_fn::<T, W, _>(|l| above[l] - f[l] * g[l]));
            store(r, p, std::array::from_fn::<T, W, _>(|l| rp[l] + f[l] * ri[l]));
        }
    }

    /// Eliminates the second right-hand side, in `work`, with the factors of the first.
    #[inline(always)]
    fn forward<const W: usize, const S: usize>(&mut self) {
        let Self { tree, coefficients, frame, work, .. } = self;
        for (k, step) in tree.order.steps.iter().enumerate().filter(|(_, step)| step.node != step.parent) {
            let (i, p) = (step.node as usize, step.parent as usize);
            let g = coefficient::<T, W, S>(coefficients, k, AXIAL);
            let (qi, ri, rp): ([T; W], [T; W], [T; W]) = (load(frame.slope, i), load(work, i), load(work, p));
            store(work, p, std::array::from_fn::<T, W, _>(|l| rp[l] + (g[l] * qi[l]) * ri[l]));
        }
    }

    /// Adds the cotangents of axial conductances, and those of V through axial flows.
    #[inline(always)]
    fn flows<const W: usize, const S: usize>(&mut self) {
        let Self { tree, coefficients, frame, bar, work, sums } = self;
        for (k, step) in tree.order.steps.iter().enumerate().filter(|(_, step)| step.node != step.parent) {
            let (i, p) = (step.node as usize, step.parent as usize);
            let g = coefficient::<T, W, S>(coefficients, k, AXIAL);
            let v: [T; W] = load(frame.v, step.v as usize / W);
            let above: [T; W] = load(frame.v, step.above as usize / W);
            let (li, lp): ([T; W], [T; W]) = (load(work, i), load(work, p));
            let (di, dp): ([T; W], [T; W]) = (load(frame.current, i), load(frame.current, p));
            for l in 0..W {
                let difference = (above[l] - v[l]) + (dp[l] - di[l]);
                let at = i * W + l;
                sums.axial[at] += ((li[l] - lp[l]) * difference).to_f64();
            }
            let flow: [T; W] = std::array::from_fn(|l| g[l] * (lp[l] - li[l]));
            // The potential of a junction has no cotangent: the row of its λ states that these flows have the sum 0.
            for (node, sign) in [(i, false), (p, true)] {
                if node < tree.cvs {
                    let b: [T; W] = load(bar, node);
                    let sum = |l: usize| if sign { b[l] - flow[l] } else { b[l] + flow[l] };
                    store(bar, node, std::array::from_fn::<T, W, _>(sum));
                }
            }
        }
    }

    /// Adds the cotangents of capacitances and leaks, and those of V through leaks.
    #[inline(always)]
    fn leaks<const W: usize, const S: usize>(&mut self) {
        let Self { tree, coefficients, frame, bar, work, sums } = self;
        for (k, step) in tree.order.steps.iter().enumerate().filter(|(_, s)| (s.node as usize) < tree.cvs) {
            let i = step.node as usize;
            let [leak, reversal] =
                [LEAK, REVERSAL].map(|which| coefficient::<T, W, S>(coefficients, k, which));
            let (lambda, change, v): ([T; W], [T; W], [T; W]) =
                (load(work, i), load(frame.current, i), load(frame.v, i));
            let b: [T; W] = load(bar, i);
            store(bar, i, std::array::from_fn::<T, W, _>(|l| b[l] - lambda[l] * leak[l]));
            for l in 0..W {
                let at = i * W + l;
                let (wide, change, v) = (lambda[l].to_f64(), change[l].to_f64(), v[l].to_f64());
                sums.capacitance[at] -= wide * change;
                sums.leak[at] += wide * (reversal[l].to_f64() - v - change);
                sums.reversal[at] += wide * leak[l].to_f64();
            }
            store(frame.slope, i, std::array::from_fn::<T, W, _>(|l| T::default() - lambda[l] * change[l]));
            store(frame.current, i, lambda);
        }
    }
}

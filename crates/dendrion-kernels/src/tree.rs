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
//! eliminated from the tips to the root, without fill-in:
//!
//! ```text
//! for each node i, children before parents:     q_i = 1/d_i,  f = g_i q_i,  d_p -= f g_i,  r_p += f r_i
//! for each node i, parents before children:     Δ_i = (r_i + g_i Δ_p) q_i
//! ```
//!
//! The values of a node for the cells of a group are adjacent, so each of these operations is one vector operation.
//! Nodes are visited in the order of their depth. Consecutive nodes are then on different branches, and the
//! processor overlaps their divisions if a group consists of a single cell.
//!
//! Junctions are nodes without capacitance and currents. Their potential is not stored: it is the
//! mean of the potentials of the neighbours, weighted by the conductances.
//!
//! Only additions, subtractions, multiplications and divisions are used, without fused multiply-add, so results are
//! bit-identical on all levels and for all widths of groups.

use crate::buffer::Buffer;
use crate::error::LinkError;
use crate::level::Level;
use crate::scalar::Scalar;

/// A node and its parent.
#[derive(Clone, Copy, Debug)]
struct Edge {
    node: u32,
    parent: u32,
}

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

/// The order of the coefficients of a group. Each coefficient has one line, with the values of all nodes.
const LEAK: usize = 0;
const DRIVE: usize = 1;
const DIAGONAL: usize = 2;
const AXIAL: usize = 3;
/// For junctions: the inverse of the sum of the conductances to the neighbours.
const INVERSE: usize = 4;
const LINES: usize = 5;

/// The tree of the cells of a population, with its coefficients.
#[derive(Debug)]
pub struct Tree<T: Scalar> {
    nodes: usize,
    cvs: usize,
    /// Edges, children before parents.
    edges: Vec<Edge>,
    /// For each junction, the range of its edges in `around`.
    junctions: Vec<(usize, usize)>,
    /// Neighbours of junctions: the neighbour, and the node whose conductance to its parent connects it to the
    /// junction.
    around: Vec<(u32, u32)>,
    /// Number of cells in a group.
    width: usize,
    /// Number of values per node: 1 if all cells have the same coefficients, else `width`.
    stride: usize,
    groups: usize,
    /// The factor m.
    factor: f64,
    values: Buffer<T>,
}

/// The rows of a group during a step: one value per node and cell.
#[derive(Debug)]
pub struct TreeFrame<'a, T: Scalar> {
    /// V of the CVs.
    pub v: &'a mut [T],
    /// The sum of the currents of the mechanisms of each node. Afterwards, Δ.
    pub current: &'a mut [T],
    /// The sum of the conductances of the mechanisms of each node. Afterwards, q.
    pub slope: &'a mut [T],
    /// Scratch values, one per junction and cell.
    pub scratch: &'a mut [T],
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
    /// Creates a tree. `parents` contains the parent of each node except for the root, whose entry is itself; nodes from
    /// `cvs` on are junctions. `cells` cells are divided into groups of `width`.
    ///
    /// # Errors
    /// Returns an error if the parents do not form a tree, if a column has the wrong length, if the width is not 1, 2, 4, 8
    /// or 16, or if the coefficients do not fit into memory.
    pub fn new(
        parents: &[usize],
        cvs: usize,
        columns: &TreeColumns,
        (cells, width): (usize, usize),
        factor: f64,
    ) -> Result<Self, LinkError> {
        let nodes = parents.len();
        if ![1, 2, 4, 8, 16].contains(&width) {
            return Err(LinkError::Lanes { lanes: width });
        }
        let edges = edges(parents).ok_or(LinkError::Size)?;
        let all = [&columns.capacitance, &columns.leak, &columns.reversal, &columns.axial];
        let each = nodes.checked_mul(cells).ok_or(LinkError::Size)?;
        if all.iter().any(|c| c.len() != nodes && c.len() != each) || cvs > nodes || cvs == 0 {
            return Err(LinkError::Size);
        }
        let is_common = cells == 1 || all.iter().all(|c| c.len() == nodes);
        let (stride, groups) = if is_common { (1, 1) } else { (width, cells.div_ceil(width)) };
        let size =
            LINES.checked_mul(nodes * stride).and_then(|n| n.checked_mul(groups)).ok_or(LinkError::Size)?;
        let mut tree = Self {
            nodes,
            cvs,
            edges,
            junctions: Vec::new(),
            around: Vec::new(),
            width,
            stride,
            groups,
            factor,
            values: Buffer::zeroed(size)?,
        };
        for junction in cvs..nodes {
            let begin = tree.around.len();
            tree.around.push((parents[junction] as u32, junction as u32));
            let children = (0..nodes).filter(|i| parents[*i] == junction && *i != junction);
            tree.around.extend(children.map(|i| (i as u32, i as u32)));
            tree.junctions.push((begin, tree.around.len()));
        }
        tree.fill(columns, cells);
        Ok(tree)
    }

    fn fill(&mut self, columns: &TreeColumns, cells: usize) {
        let (nodes, stride) = (self.nodes, self.stride);
        let of = |column: &[f64], node: usize, cell: usize| {
            if column.len() == nodes { column[node] } else { column[cell * nodes + node] }
        };
        for group in 0..self.groups {
            for lane in 0..stride {
                // Lanes beyond the last cell repeat its values.
                let cell = (group * self.width + lane).min(cells - 1);
                let mut diagonal: Vec<f64> = (0..nodes)
                    .map(|i| of(&columns.capacitance, i, cell) + of(&columns.leak, i, cell))
                    .collect();
                let mut sums = vec![0.0; nodes];
                for edge in &self.edges {
                    let (i, p) = (edge.node as usize, edge.parent as usize);
                    let g = of(&columns.axial, i, cell);
                    for node in [i, p] {
                        diagonal[node] += g;
                        sums[node] += g;
                    }
                }
                for i in 0..nodes {
                    let (leak, g) = (of(&columns.leak, i, cell), of(&columns.axial, i, cell));
                    let drive = leak * of(&columns.reversal, i, cell);
                    let values = [leak, drive, diagonal[i], g, 1.0 / sums[i]];
                    for (line, value) in values.into_iter().enumerate() {
                        let at = ((group * LINES + line) * nodes + i) * stride + lane;
                        self.values[at] = T::from_f64(value);
                    }
                }
            }
        }
    }

    /// Returns the number of nodes.
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    /// Returns the number of junctions.
    pub const fn junctions(&self) -> usize {
        self.junctions.len()
    }

    /// Advances V of a group by one step.
    ///
    /// # Panics
    /// Panics if a row is too short, which is a programming error in the caller.
    pub fn solve(&self, level: Level, group: usize, frame: &mut TreeFrame<'_, T>) {
        self.check(frame);
        let group = group.min(self.groups - 1);
        on_level(level, || self.wide(Solve { tree: self, group, frame }));
    }

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
        self.check(frame);
        let size = self.nodes * self.width;
        let all = [&sums.capacitance, &sums.leak, &sums.reversal, &sums.axial];
        assert!(all.iter().all(|s| s.len() >= size), "too few sums");
        assert!(bar.len() >= self.cvs * self.width && work.len() >= size, "too few cotangents");
        let group = group.min(self.groups - 1);
        on_level(level, || self.wide(Reverse { tree: self, group, frame, bar, work, sums }));
    }

    fn check(&self, frame: &TreeFrame<'_, T>) {
        let size = self.nodes * self.width;
        assert!(
            frame.v.len() >= self.cvs * self.width
                && frame.current.len() >= size
                && frame.slope.len() >= size
                && frame.scratch.len() >= self.junctions.len() * self.width,
            "too few values in the rows of a tree"
        );
    }

    /// Runs a task with the width as a constant.
    #[inline(always)]
    fn wide(&self, task: impl Task) {
        match (self.width, self.stride) {
            (1, _) => task.run::<1, 1>(),
            (2, 1) => task.run::<2, 1>(),
            (2, _) => task.run::<2, 2>(),
            (4, 1) => task.run::<4, 1>(),
            (4, _) => task.run::<4, 4>(),
            (8, 1) => task.run::<8, 1>(),
            (8, _) => task.run::<8, 8>(),
            (_, 1) => task.run::<16, 1>(),
            (_, _) => task.run::<16, 16>(),
        }
    }

    /// Returns a coefficient of a node for all cells of a group.
    #[inline(always)]
    fn coefficient<const W: usize, const S: usize>(&self, group: usize, line: usize, node: usize) -> [T; W] {
        let at = ((group * LINES + line) * self.nodes + node) * S;
        if S == 1 { [self.values[at]; W] } else { load(&self.values, at / W) }
    }
}

/// Returns the edges of a tree, children before parents and deep nodes first. Returns `None` if there is no tree.
fn edges(parents: &[usize]) -> Option<Vec<Edge>> {
    let n = parents.len();
    let mut depths: Vec<Option<usize>> = vec![None; n];
    let root = (0..n).find(|i| parents[*i] == *i)?;
    depths[root] = Some(0);
    for start in 0..n {
        let mut path = Vec::new();
        let mut i = start;
        while depths[i].is_none() {
            if path.len() > n {
                return None;
            }
            path.push(i);
            i = *parents.get(i)?;
            if i >= n {
                return None;
            }
        }
        let mut depth = depths[i]?;
        for node in path.into_iter().rev() {
            depth += 1;
            depths[node] = Some(depth);
        }
    }
    let mut order: Vec<usize> = (0..n).filter(|i| *i != root).rev().collect();
    order.sort_by_key(|i| std::cmp::Reverse(depths[*i]));
    Some(order.into_iter().map(|i| Edge { node: i as u32, parent: parents[i] as u32 }).collect())
}

/// Work on a group, with the number of cells and of values per coefficient as constants.
trait Task {
    fn run<const W: usize, const S: usize>(self);
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

struct Solve<'s, 'f, T: Scalar> {
    tree: &'s Tree<T>,
    group: usize,
    frame: &'s mut TreeFrame<'f, T>,
}

impl<T: Scalar> Task for Solve<'_, '_, T> {
    #[inline(always)]
    fn run<const W: usize, const S: usize>(self) {
        let Self { tree, group, frame } = self;
        tree.assemble::<W, S>(group, frame);
        tree.eliminate::<W, S>(group, frame.current, frame.slope);
        tree.substitute::<W, S>(group, frame.current, frame.slope);
        let m = T::from_f64(tree.factor);
        let size = tree.cvs * W;
        for (v, change) in frame.v[..size].iter_mut().zip(&frame.current[..size]) {
            *v = *v + m * *change;
        }
    }
}

impl<T: Scalar> Tree<T> {
    /// Computes the right-hand sides r and diagonal entries d.
    #[inline(always)]
    fn assemble<const W: usize, const S: usize>(&self, group: usize, frame: &mut TreeFrame<'_, T>) {
        for (j, (begin, end)) in self.junctions.iter().enumerate() {
            let mut sum = [T::default(); W];
            for (node, edge) in &self.around[*begin..*end] {
                let g: [T; W] = self.coefficient::<W, S>(group, AXIAL, *edge as usize);
                let v: [T; W] = load(frame.v, *node as usize);
                sum = std::array::from_fn(|l| sum[l] + g[l] * v[l]);
            }
            let inverse: [T; W] = self.coefficient::<W, S>(group, INVERSE, self.cvs + j);
            store(frame.scratch, j, std::array::from_fn::<T, W, _>(|l| sum[l] * inverse[l]));
        }
        for i in 0..self.nodes {
            let d: [T; W] = load(frame.slope, i);
            let diagonal: [T; W] = self.coefficient::<W, S>(group, DIAGONAL, i);
            store(frame.slope, i, std::array::from_fn::<T, W, _>(|l| d[l] + diagonal[l]));
            if i < self.cvs {
                let (r, v): ([T; W], [T; W]) = (load(frame.current, i), load(frame.v, i));
                let leak: [T; W] = self.coefficient::<W, S>(group, LEAK, i);
                let drive: [T; W] = self.coefficient::<W, S>(group, DRIVE, i);
                let sum = std::array::from_fn::<T, W, _>(|l| r[l] + (drive[l] - leak[l] * v[l]));
                store(frame.current, i, sum);
            }
        }
        for edge in &self.edges {
            let (i, p) = (edge.node as usize, edge.parent as usize);
            let g: [T; W] = self.coefficient::<W, S>(group, AXIAL, i);
            let (v, above): ([T; W], [T; W]) = (self.potential(frame, i), self.potential(frame, p));
            let flow: [T; W] = std::array::from_fn(|l| g[l] * (above[l] - v[l]));
            let (r, total): ([T; W], [T; W]) = (load(frame.current, i), load(frame.current, p));
            store(frame.current, i, std::array::from_fn::<T, W, _>(|l| r[l] + flow[l]));
            store(frame.current, p, std::array::from_fn::<T, W, _>(|l| total[l] - flow[l]));
        }
    }

    #[inline(always)]
    fn potential<const W: usize>(&self, frame: &TreeFrame<'_, T>, node: usize) -> [T; W] {
        if node < self.cvs { load(frame.v, node) } else { load(frame.scratch, node - self.cvs) }
    }

    /// Eliminates the nodes from the tips to the root. `d` becomes q.
    #[inline(always)]
    fn eliminate<const W: usize, const S: usize>(&self, group: usize, r: &mut [T], d: &mut [T]) {
        let one = T::from_f64(1.0);
        for edge in &self.edges {
            let (i, p) = (edge.node as usize, edge.parent as usize);
            let g: [T; W] = self.coefficient::<W, S>(group, AXIAL, i);
            let own: [T; W] = load(d, i);
            let q: [T; W] = std::array::from_fn(|l| one / own[l]);
            store(d, i, q);
            let f: [T; W] = std::array::from_fn(|l| g[l] * q[l]);
            let (above, ri, rp): ([T; W], [T; W], [T; W]) = (load(d, p), load(r, i), load(r, p));
            store(d, p, std::array::from_fn::<T, W, _>(|l| above[l] - f[l] * g[l]));
            store(r, p, std::array::from_fn::<T, W, _>(|l| rp[l] + f[l] * ri[l]));
        }
        let root = self.root();
        let own: [T; W] = load(d, root);
        store(d, root, std::array::from_fn::<T, W, _>(|l| one / own[l]));
    }

    /// Substitutes from the root to the tips. `r` becomes Δ.
    #[inline(always)]
    fn substitute<const W: usize, const S: usize>(&self, group: usize, r: &mut [T], q: &[T]) {
        let root = self.root();
        let (ri, qi): ([T; W], [T; W]) = (load(r, root), load(q, root));
        store(r, root, std::array::from_fn::<T, W, _>(|l| ri[l] * qi[l]));
        for edge in self.edges.iter().rev() {
            let (i, p) = (edge.node as usize, edge.parent as usize);
            let g: [T; W] = self.coefficient::<W, S>(group, AXIAL, i);
            let (ri, above, qi): ([T; W], [T; W], [T; W]) = (load(r, i), load(r, p), load(q, i));
            store(r, i, std::array::from_fn::<T, W, _>(|l| (ri[l] + g[l] * above[l]) * qi[l]));
        }
    }

    /// Eliminates a second right-hand side with the factors of the first.
    #[inline(always)]
    fn forward<const W: usize, const S: usize>(&self, group: usize, r: &mut [T], q: &[T]) {
        for edge in &self.edges {
            let (i, p) = (edge.node as usize, edge.parent as usize);
            let g: [T; W] = self.coefficient::<W, S>(group, AXIAL, i);
            let (qi, ri, rp): ([T; W], [T; W], [T; W]) = (load(q, i), load(r, i), load(r, p));
            store(r, p, std::array::from_fn::<T, W, _>(|l| rp[l] + (g[l] * qi[l]) * ri[l]));
        }
    }

    fn root(&self) -> usize {
        self.edges.last().map_or(0, |edge| edge.parent as usize)
    }
}

struct Reverse<'s, 'f, 'k, T: Scalar> {
    tree: &'s Tree<T>,
    group: usize,
    frame: &'s mut TreeFrame<'f, T>,
    bar: &'s mut [T],
    work: &'s mut [T],
    sums: &'s mut TreeSums<'k>,
}

impl<T: Scalar> Task for Reverse<'_, '_, '_, T> {
    /// With λ = A⁻¹ m V̄', the cotangents of a right-hand side are λ and those of an entry of the matrix `A_ij` are `-λ_i Δ_j`.
    #[inline(always)]
    fn run<const W: usize, const S: usize>(self) {
        let Self { tree, group, frame, bar, work, sums } = self;
        tree.assemble::<W, S>(group, frame);
        tree.eliminate::<W, S>(group, frame.current, frame.slope);
        tree.substitute::<W, S>(group, frame.current, frame.slope);
        let m = T::from_f64(tree.factor);
        for i in 0..tree.nodes {
            let b: [T; W] = if i < tree.cvs { load(bar, i) } else { [T::default(); W] };
            store(work, i, std::array::from_fn::<T, W, _>(|l| m * b[l]));
        }
        tree.forward::<W, S>(group, work, frame.slope);
        tree.substitute::<W, S>(group, work, frame.slope);
        for edge in &tree.edges {
            let (i, p) = (edge.node as usize, edge.parent as usize);
            let g: [T; W] = tree.coefficient::<W, S>(group, AXIAL, i);
            let (v, above): ([T; W], [T; W]) = (tree.potential(frame, i), tree.potential(frame, p));
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
        for i in 0..tree.cvs {
            let leak: [T; W] = tree.coefficient::<W, S>(group, LEAK, i);
            let drive: [T; W] = tree.coefficient::<W, S>(group, DRIVE, i);
            let (lambda, change, v): ([T; W], [T; W], [T; W]) =
                (load(work, i), load(frame.current, i), load(frame.v, i));
            let b: [T; W] = load(bar, i);
            store(bar, i, std::array::from_fn::<T, W, _>(|l| b[l] - lambda[l] * leak[l]));
            for l in 0..W {
                let at = i * W + l;
                let (wide, change, v) = (lambda[l].to_f64(), change[l].to_f64(), v[l].to_f64());
                let (leak, drive) = (leak[l].to_f64(), drive[l].to_f64());
                let reversal = if leak == 0.0 { v } else { drive / leak };
                sums.capacitance[at] -= wide * change;
                sums.leak[at] += wide * (reversal - v - change);
                sums.reversal[at] += wide * leak;
            }
            store(frame.slope, i, std::array::from_fn::<T, W, _>(|l| T::default() - lambda[l] * change[l]));
            store(frame.current, i, lambda);
        }
    }
}

/// Runs a function that is compiled for the instructions of a level.
#[inline(always)]
fn on_level(level: Level, run: impl FnOnce()) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(run: impl FnOnce()) {
            run();
        }
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
        unsafe fn avx512(run: impl FnOnce()) {
            run();
        }
        let is_wide = is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq");
        if level == Level::Avx512 && level.is_available() && is_wide {
            // SAFETY: the processor has these instructions.
            unsafe { avx512(run) }
        } else if level >= Level::Avx2 && Level::Avx2.is_available() {
            // SAFETY: as above.
            unsafe { avx2(run) }
        } else {
            run();
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = level;
        run();
    }
}

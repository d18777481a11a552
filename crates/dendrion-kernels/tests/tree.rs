//! The tree: compared with a dense solution, and bit-identical for all widths and levels.

#![allow(
    clippy::unwrap_used,
    clippy::needless_range_loop,
    reason = "a test, with the usual notation of matrices"
)]

use dendrion_kernels::{Level, Tree, TreeColumns, TreeFrame, TreeInputs, TreeStep, TreeSums};
use proptest::prelude::*;

/// A random tree with values for its nodes.
#[derive(Clone, Debug)]
struct Sample {
    parents: Vec<usize>,
    cvs: usize,
    columns: TreeColumns,
    slopes: Vec<bool>,
    currents: Vec<bool>,
    /// V, current and conductance per cell and CV.
    rows: [Vec<f64>; 3],
    cells: usize,
    factor: f64,
}

impl Sample {
    fn tree(&self, width: usize) -> Tree<f64> {
        let inputs = TreeInputs { currents: &self.currents, slopes: &self.slopes };
        let sizes = (self.cells, width);
        Tree::new((&self.parents, self.cvs), &self.columns, &inputs, sizes, self.factor).unwrap()
    }

    /// Returns V after two steps, cell by cell, computed in groups of `width` cells.
    fn solved(&self, width: usize, level: Level) -> Vec<f64> {
        let tree = self.tree(width);
        let mut work = vec![0.0; tree.work()];
        let mut all = vec![0.0; self.cells * self.cvs];
        for group in 0..self.cells.div_ceil(width) {
            let cell = |lane: usize| (group * width + lane).min(self.cells - 1);
            let lanes = |values: &[f64]| -> Vec<f64> {
                let one = |i: usize| values[cell(i % width) * self.cvs + i / width];
                (0..self.cvs * width).map(one).collect()
            };
            let [mut v, current, slope] = [0, 1, 2].map(|i| lanes(&self.rows[i]));
            for _ in 0..2 {
                let mut rows = TreeStep { v: &mut v, current: &current, slope: &slope, work: &mut work };
                tree.solve(level, group, &mut rows);
            }
            for lane in 0..width {
                for i in 0..self.cvs {
                    all[cell(lane) * self.cvs + i] = v[i * width + lane];
                }
            }
        }
        all
    }

    /// The column of a cell.
    fn of(&self, column: &[f64], cell: usize) -> Vec<f64> {
        let n = self.parents.len();
        if column.len() == n { column.to_vec() } else { column[cell * n..][..n].to_vec() }
    }

    /// One step of a cell by Gaussian elimination of a dense matrix.
    fn dense(&self, cell: usize, v: &[f64]) -> Vec<f64> {
        let n = self.parents.len();
        let row = |i: usize| self.rows[i][cell * self.cvs..][..self.cvs].to_vec();
        let (current, slope) = (row(1), row(2));
        let [c, l, e, g] =
            [&self.columns.capacitance, &self.columns.leak, &self.columns.reversal, &self.columns.axial]
                .map(|column| self.of(column, cell));
        let (mut a, mut b) = (vec![vec![0.0; n]; n], vec![0.0; n]);
        let wide = |i: usize| if i < self.cvs { v[i] } else { 0.0 };
        for i in 0..n {
            a[i][i] += c[i] + l[i];
            if i < self.cvs {
                a[i][i] += slope[i];
                let has = self.slopes[i] || self.currents[i];
                b[i] += l[i] * (e[i] - v[i]) + if has { current[i] } else { 0.0 };
            }
            let p = self.parents[i];
            if p != i {
                for (x, y) in [(i, p), (p, i)] {
                    a[x][x] += g[i];
                    a[x][y] -= g[i];
                    b[x] += g[i] * (wide(y) - wide(x));
                }
            }
        }
        for k in 0..n {
            for i in k + 1..n {
                let f = a[i][k] / a[k][k];
                for j in k..n {
                    a[i][j] -= f * a[k][j];
                }
                b[i] -= f * b[k];
            }
        }
        for k in (0..n).rev() {
            let sum: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
            b[k] = (b[k] - sum) / a[k][k];
        }
        (0..self.cvs).map(|i| v[i] + self.factor * b[i]).collect()
    }
}

prop_compose! {
    fn sample()(
        cvs in 1usize..30,
        cells in 1usize..20,
        individual in any::<bool>(),
        factor in prop_oneof![Just(1.0), Just(2.0)],
        seed in any::<u64>(),
        share in prop_oneof![Just(0.0), Just(0.2), Just(1.0)],
    ) -> Sample {
        let mut state = seed | 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        // CVs hang on earlier ones. Every third branch starts from a junction of its parent.
        let mut parents = vec![0];
        let mut junctions: Vec<usize> = Vec::new();
        let mut of: Vec<(usize, bool)> = vec![(0, false)];
        for i in 1..cvs {
            let p = if next() < 0.6 { i - 1 } else { (next() * i as f64) as usize };
            of.push((p, next() < 0.3));
        }
        for (p, is_junction) in &of[1..] {
            if *is_junction {
                let known = junctions.iter().position(|j| j == p);
                let k = known.unwrap_or_else(|| { junctions.push(*p); junctions.len() - 1 });
                parents.push(cvs + k);
            } else {
                parents.push(*p);
            }
        }
        parents.extend(&junctions);
        let n = parents.len();
        let count = if individual { n * cells } else { n };
        let mut column = |low: f64, high: f64, only: usize| -> Vec<f64> {
            (0..count).map(|k| if k % n < only { low + (high - low) * next() } else { 0.0 }).collect()
        };
        let columns = TreeColumns {
            capacitance: column(1.0, 20.0, cvs),
            leak: column(0.0, 2.0, cvs),
            reversal: column(-80.0, -50.0, cvs),
            axial: column(0.1, 100.0, n),
        };
        let mut row = |low: f64, high: f64| -> Vec<f64> {
            (0..cvs * cells).map(|_| low + (high - low) * next()).collect()
        };
        let mut rows = [row(-90.0, 40.0), row(-300.0, 300.0), row(0.0, 10.0)];
        let slopes: Vec<bool> = (0..cvs).map(|_| next() < share).collect();
        for (k, slope) in rows[2].iter_mut().enumerate() {
            *slope = if slopes[k % cvs] { *slope } else { 0.0 };
        }
        let currents = slopes.iter().map(|has| *has || next() < 0.1).collect();
        Sample { parents, cvs, columns, slopes, currents, rows, cells, factor }
    }
}

fn levels() -> Vec<Level> {
    [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|l| l.is_available()).collect()
}

proptest! {
    #[test]
    fn steps_equal_a_dense_solution(sample in sample()) {
        let found = sample.solved(1, Level::Baseline);
        for cell in 0..sample.cells {
            let v = &sample.rows[0][cell * sample.cvs..][..sample.cvs];
            let expected = sample.dense(cell, &sample.dense(cell, v));
            for (a, b) in found[cell * sample.cvs..].iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_width_or_the_level(sample in sample()) {
        let expected = sample.solved(1, Level::Baseline);
        for width in [1, 2, 4, 8, 16] {
            for level in levels() {
                prop_assert_eq!(&sample.solved(width, level), &expected, "width {} {:?}", width, level);
            }
        }
    }

    #[test]
    fn constant_factors_equal_computed_ones(sample in sample()) {
        // Conductances of 0 that the tree has to read in every step.
        let mut rows = sample.rows.clone();
        for (k, current) in rows[1].iter_mut().enumerate() {
            let i = k % sample.cvs;
            *current = if sample.slopes[i] || sample.currents[i] { *current } else { 0.0 };
        }
        let every = Sample { rows, slopes: vec![true; sample.cvs], ..sample.clone() };
        for (a, b) in sample.solved(8, Level::Baseline).iter().zip(&every.solved(8, Level::Baseline)) {
            prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn the_reverse_is_the_derivative(sample in sample(), seed in 0usize..1000) {
        let (n, cvs, size) = (sample.parents.len(), sample.cvs, sample.parents.len());
        let sample = Sample { cells: 1, slopes: vec![true; cvs], currents: vec![true; cvs], ..sample };
        let columns = TreeColumns {
            capacitance: sample.of(&sample.columns.capacitance, 0),
            leak: sample.of(&sample.columns.leak, 0),
            reversal: sample.of(&sample.columns.reversal, 0),
            axial: sample.of(&sample.columns.axial, 0),
        };
        let sample = Sample { columns, ..sample };
        let weights: Vec<f64> = (0..cvs).map(|i| ((i * 7 + seed) % 11) as f64 - 5.0).collect();
        let loss = |s: &Sample| -> f64 {
            s.dense(0, &s.rows[0][..cvs]).iter().zip(&weights).map(|(v, w)| v * w).sum()
        };
        let tree = sample.tree(1);
        let pad = |row: &[f64]| [&row[..cvs], &vec![0.0; n - cvs]].concat();
        let [v, mut current, mut slope] = [0, 1, 2].map(|i| pad(&sample.rows[i]));
        let mut work = vec![0.0; n];
        let mut frame =
            TreeFrame { v: &v, current: &mut current, slope: &mut slope };
        let mut all = [vec![0.0; size], vec![0.0; size], vec![0.0; size], vec![0.0; size]];
        let [capacitance, leak, reversal, axial] = &mut all;
        let mut sums = TreeSums { capacitance, leak, reversal, axial };
        let mut bar = weights.clone();
        tree.reverse(Level::Baseline, 0, &mut frame, (&mut bar, &mut work), Some(&mut sums));
        let check = |found: f64, change: &dyn Fn(&mut Sample, f64)| {
            let h = 1e-4;
            let at = |d: f64| { let mut s = sample.clone(); change(&mut s, d); loss(&s) };
            let expected = (at(h) - at(-h)) / (2.0 * h);
            let close = (found - expected).abs() < 1e-4 * (1.0 + expected.abs());
            prop_assert!(close, "{found} {expected}");
            Ok(())
        };
        for i in 0..cvs {
            check(bar[i], &|s, d| s.rows[0][i] += d)?;
            check(current[i], &|s, d| s.rows[1][i] += d)?;
            check(slope[i], &|s, d| s.rows[2][i] += d)?;
            check(all[0][i], &|s, d| s.columns.capacitance[i] += d)?;
            check(all[1][i], &|s, d| s.columns.leak[i] += d)?;
            check(all[2][i], &|s, d| s.columns.reversal[i] += d)?;
        }
        for i in (0..n).filter(|i| sample.parents[*i] != *i) {
            let relative = all[3][i] * sample.columns.axial[i];
            check(relative, &|s, d| s.columns.axial[i] *= 1.0 + d)?;
        }
    }
}

//! Points with diameters and parents, as in SWC files, and checks of such points.

use crate::error::{MorphologyError, Problem, none_of};
use crate::kind::Kind;

/// A sample of a reconstructed neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Coordinates (um).
    pub position: [f64; 3],
    /// Diameter (um).
    pub diameter: f64,
    /// Index of the point to which this point is connected; `None` for the root.
    pub parent: Option<usize>,
    /// The part of the neuron, such as the soma or the axon.
    pub kind: Kind,
    /// Line of the file, counted from 1.
    pub line: Option<usize>,
}

/// Checks points: there is exactly one root, parents exist, there are no cycles, all numbers are finite, and diameters
/// are positive.
///
/// # Errors
/// Returns all faults that were found.
pub fn check(points: &[Point]) -> Result<(), MorphologyError> {
    if points.is_empty() {
        return Err(MorphologyError::one("has no points; expected at least one"));
    }
    let mut problems: Vec<Problem> = Vec::new();
    let mut report = |i: usize, what: String| {
        problems.push(Problem { point: Some(i), line: points[i].line, what });
    };
    let roots: Vec<usize> = (0..points.len()).filter(|i| points[*i].parent.is_none()).collect();
    for (i, point) in points.iter().enumerate() {
        if point.position.iter().any(|x| !x.is_finite()) {
            let [x, y, z] = point.position;
            report(i, format!("coordinates ({x}, {y}, {z}): expected finite numbers (um)"));
        }
        if !(point.diameter.is_finite() && point.diameter > 0.0) {
            report(i, format!("diameter = {}: expected a number > 0 (um)", point.diameter));
        }
        match point.parent {
            Some(parent) if parent >= points.len() => {
                report(i, format!("parent = {parent}: expected the index of a point, or -1 for the root"));
            }
            Some(parent) if parent == i => {
                report(i, "is its own parent; expected another point, or -1 for the root".into());
            }
            _ => {}
        }
    }
    for root in roots.iter().skip(1) {
        let first = name(points, roots[0]);
        report(*root, format!("is a second root (the first is {first}); expected one connected tree"));
    }
    if let Some(i) = problems.is_empty().then(|| cycle(points)).flatten() {
        let what = if roots.is_empty() { " and there is no root" } else { "" };
        problems.push(Problem {
            point: Some(i),
            line: points[i].line,
            what: format!("is part of a cycle of parents{what}; expected a tree"),
        });
    }
    none_of(problems)
}

/// Returns the description of a point in a message.
pub(crate) fn name(points: &[Point], i: usize) -> String {
    points[i].line.map_or_else(|| format!("point {i}"), |line| format!("line {line}"))
}

/// Returns the first point whose parents lead back to it or to another cycle.
fn cycle(points: &[Point]) -> Option<usize> {
    // 0: not visited; otherwise the number of the walk that visited it first.
    let mut visits = vec![0_usize; points.len()];
    for start in 0..points.len() {
        let mut at = start;
        loop {
            if visits[at] != 0 {
                if visits[at] == start + 1 {
                    return Some(at);
                }
                break;
            }
            visits[at] = start + 1;
            match points[at].parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
    None
}

/// Returns the children of each point, in the order of points.
pub(crate) fn children(points: &[Point]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); points.len()];
    for (i, point) in points.iter().enumerate() {
        if let Some(parent) = point.parent {
            children[parent].push(i);
        }
    }
    children
}

/// Makes `root` the root, by reversing the links on the path to the present root.
pub(crate) fn reroot(points: &mut [Point], root: usize) {
    let (mut at, mut parent) = (root, None);
    loop {
        let next = std::mem::replace(&mut points[at].parent, parent);
        match next {
            Some(next) => (parent, at) = (Some(at), next),
            None => return,
        }
    }
}

/// Returns warnings about points that are unusual but usable: pairs of neighbours that are much farther apart
/// than other pairs.
pub(crate) fn jumps(points: &[Point]) -> Vec<Problem> {
    let gap = |i: usize| points[i].parent.map(|p| distance(points[i].position, points[p].position));
    let mut gaps: Vec<f64> = (0..points.len()).filter_map(gap).collect();
    gaps.sort_by(f64::total_cmp);
    let Some(median) = gaps.get(gaps.len() / 2).copied() else { return Vec::new() };
    // Cells reconstructed from few points have long gaps everywhere, so a gap is reported only if it is long
    // compared with the other gaps and on the scale of a neuron.
    let limit = (20.0 * median).max(100.0);
    let found = (0..points.len()).filter_map(|i| gap(i).filter(|g| *g > limit).map(|g| (i, g)));
    let report = |(i, g): (usize, f64)| Problem {
        point: Some(i),
        line: points[i].line,
        what: format!(
            "is {g:.0} um from its parent, whereas half of the points are within {median:.1} um of theirs"
        ),
    };
    found.map(report).collect()
}

/// Returns the Euclidean distance.
pub(crate) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let square = |k: usize| (a[k] - b[k]) * (a[k] - b[k]);
    (square(0) + square(1) + square(2)).sqrt()
}

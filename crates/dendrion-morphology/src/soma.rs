//! Conventions for somata in SWC files, which are the same as in NEURON 9.
//!
//! - One sample of radius r is a cylinder with length and diameter 2r.
//! - Three samples that represent a sphere are such a cylinder too: two samples are connected to the first, nothing
//!   else is connected to these two, all diameters are equal, and the length through all three is the diameter.
//! - Other somata are stacked frusta, which may branch.
//!
//! Branches on somata of the first two kinds attach to the centre of the soma and begin at their own first
//! sample. On stacked frusta, a branch attaches to the beginning of the soma (x = 0) or to the end of a soma
//! section (x = 1) if its parent sample is there, and otherwise to the centre of the soma section (x = 0.5). The line
//! from the parent sample to the first sample of the branch is membrane, with the diameter of the first sample, if the
//! parent sample is an end at which the soma does not branch. Otherwise the branch begins at its own first sample.

use crate::kind::Kind;
use crate::points::{Point, distance};

/// The form of a soma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A cylinder with the area of a sphere around this sample.
    Sphere(usize),
    /// Stacked frusta.
    Stack,
}

/// Returns the form of the soma with these points.
pub(crate) fn form(points: &[Point], soma: &[usize]) -> Form {
    match *soma {
        [centre] => Form::Sphere(centre),
        [a, b, c] => [(a, b, c), (b, a, c), (c, a, b)]
            .into_iter()
            .find(|(centre, left, right)| is_sphere(points, *centre, [*left, *right]))
            .map_or(Form::Stack, |(centre, ..)| Form::Sphere(centre)),
        _ => Form::Stack,
    }
}

/// Returns whether three samples represent a sphere, as in files from NeuroMorpho.Org.
fn is_sphere(points: &[Point], centre: usize, others: [usize; 2]) -> bool {
    let (at, diameter) = (points[centre].position, points[centre].diameter);
    let is_end = |i: &usize| points[*i].parent == Some(centre) && points[*i].diameter == diameter;
    let length: f64 = others.iter().map(|i| distance(points[*i].position, at)).sum();
    others.iter().all(is_end)
        && (length / diameter - 1.0).abs() < 0.01
        && !points.iter().any(|p| p.parent.is_some_and(|p| others.contains(&p)))
}

/// Returns the samples of a cylinder with the area of a sphere around a sample.
pub(crate) fn cylinder(centre: &Point) -> [([f64; 3], f64); 3] {
    let (at, diameter) = (centre.position, centre.diameter);
    let end = |side: f64| ([at[0] + side * 0.5 * diameter, at[1], at[2]], diameter);
    [end(-1.0), (at, diameter), end(1.0)]
}

/// Returns the points of the soma, in order.
pub(crate) fn points_of(points: &[Point]) -> Vec<usize> {
    (0..points.len()).filter(|i| points[*i].kind == Kind::Soma).collect()
}

//! Conventions for somata in SWC files, which are the same as in NEURON 9.
//!
//! - One sample of radius r is a cylinder with length and diameter 2r.
//! - Three samples, the second and third of which are connected to the first, are one cylinder through all three.
//! - Other somata are stacked frusta.
//!
//! Branches on somata of the first two kinds attach to the centre of the soma and begin at their own first
//! sample. Branches on stacked frusta attach at their parent sample; the line from there to their first
//! sample is membrane with the diameter of that sample.

use crate::kind::Kind;
use crate::points::Point;

/// The form of a soma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One sample.
    Single,
    /// A cylinder through three samples.
    Triple,
    /// Stacked frusta.
    Stack,
}

/// Returns the form of the soma with these points.
pub(crate) fn form(points: &[Point], soma: &[usize]) -> Form {
    match soma {
        [_] => Form::Single,
        [first, others @ ..]
            if others.len() == 2 && others.iter().all(|i| points[*i].parent == Some(*first)) =>
        {
            Form::Triple
        }
        _ => Form::Stack,
    }
}

/// Returns the samples of a soma of one or three points.
pub(crate) fn cylinder(points: &[Point], soma: &[usize]) -> Vec<([f64; 3], f64)> {
    let sample = |i: usize| (points[i].position, points[i].diameter);
    if let [first, second, third] = *soma {
        return vec![sample(second), sample(first), sample(third)];
    }
    let (at, diameter) = sample(soma[0]);
    let end = |side: f64| ([at[0] + side * 0.5 * diameter, at[1], at[2]], diameter);
    vec![end(-1.0), (at, diameter), end(1.0)]
}

/// Returns the points of the soma, in order.
pub(crate) fn points_of(points: &[Point]) -> Vec<usize> {
    (0..points.len()).filter(|i| points[*i].kind == Kind::Soma).collect()
}

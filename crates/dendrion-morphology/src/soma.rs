//! Conventions for somata in SWC files.
//!
//! - One sample of radius r is a cylinder with length and diameter 2r.
//! - Three samples, two of which are connected to the third, are one cylinder. If they represent a sphere (all
//!   diameters are equal, the length through all three is the diameter, and nothing is connected to the two end
//!   samples), its length and diameter are 2r, as in NEURON 9. Otherwise, it leads through all three samples.
//! - Other somata are stacked frusta, which may branch.
//!
//! Branches on somata of the first two kinds attach to the centre of the soma and begin at their own first
//! sample. Branches on stacked frusta attach at their parent sample; the line from there to their first sample is
//! membrane with the diameter of that sample. NEURON keeps only the attachment to the ends of a soma section: it moves
//! other branches to the centre and omits their lines. This would change the axial resistance between branches, so
//! Dendrion keeps the attachment of the file.

use crate::kind::Kind;
use crate::points::{Point, distance};

/// The form of a soma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A cylinder with the area of a sphere around this sample.
    Sphere(usize),
    /// A cylinder through an end, the centre, and the other end.
    Cylinder([usize; 3]),
    /// Stacked frusta.
    Stack,
}

/// Returns the form of the soma with these points.
pub(crate) fn form(points: &[Point], soma: &[usize]) -> Form {
    match *soma {
        [centre] => Form::Sphere(centre),
        [a, b, c] => [[b, a, c], [a, b, c], [a, c, b]]
            .into_iter()
            .find(|[left, centre, right]| [left, right].iter().all(|i| points[**i].parent == Some(*centre)))
            .map_or(Form::Stack, |samples| three(points, samples)),
        _ => Form::Stack,
    }
}

/// Returns the form of an end, the centre and the other end. Files from NeuroMorpho.Org represent spheres in this way.
fn three(points: &[Point], samples: [usize; 3]) -> Form {
    let [left, centre, right] = samples;
    let diameter = points[centre].diameter;
    let gap = |i: usize| distance(points[i].position, points[centre].position);
    let is_sphere = points[left].diameter == diameter
        && points[right].diameter == diameter
        && ((gap(left) + gap(right)) / diameter - 1.0).abs() < 0.01
        && !points.iter().any(|p| p.parent == Some(left) || p.parent == Some(right));
    if is_sphere { Form::Sphere(centre) } else { Form::Cylinder(samples) }
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

//! Sections: unbranched pieces of a neuron, as chains of frusta.
//!
//! A frustum of length `l` between the diameters `d0` and `d1` has the lateral area
//! `pi (d0 + d1)/2 sqrt(l^2 + ((d1 - d0)/2)^2)`, and the axial resistance `r_axial 4 l/(pi d0 d1)` between its
//! ends, because the integral of 1/(pi r(s)^2) for a linear r(s) is l/(pi r0 r1).

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

use crate::kind::Kind;
use crate::points::distance;

/// A sample of a section.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Sample {
    /// Coordinates (um).
    pub position: [f64; 3],
    /// Diameter (um).
    pub diameter: f64,
    /// Path length from the beginning of the section (um).
    pub distance: f64,
}

/// The place where a section is attached to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Attachment {
    /// Index of the parent section.
    pub section: usize,
    /// Position on the parent, from 0 at its beginning to 1 at its end.
    pub x: f64,
}

/// An unbranched piece of a neuron.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Section {
    /// The part of the neuron, such as the soma or the axon.
    pub kind: Kind,
    /// The place where the section begins; `None` for the root.
    pub parent: Option<Attachment>,
    /// At least two samples, with increasing path lengths.
    pub samples: Vec<Sample>,
}

/// Integrals over a part of a section.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// Lateral area (um2).
    pub area: f64,
    /// Integral of 1/(pi r^2) over the length (1/um). Multiplied by the axial resistivity, it is the axial resistance.
    pub resistance: f64,
}

impl Section {
    /// Creates a section from positions and diameters. The path length between samples is their Euclidean distance.
    pub fn new(
        kind: Kind,
        parent: Option<Attachment>,
        points: impl IntoIterator<Item = ([f64; 3], f64)>,
    ) -> Self {
        let mut samples: Vec<Sample> = Vec::new();
        for (position, diameter) in points {
            let walked = samples.last().map_or(0.0, |s| s.distance + distance(s.position, position));
            samples.push(Sample { position, diameter, distance: walked });
        }
        Self { kind, parent, samples }
    }

    /// Returns the length (um).
    pub fn length(&self) -> f64 {
        self.samples.last().map_or(0.0, |s| s.distance)
    }

    /// Returns the lateral area (um2).
    pub fn area(&self) -> f64 {
        self.part(0.0, 1.0).area
    }

    /// Returns the mean diameter (um): that of a cylinder with the same length and area.
    pub fn diameter(&self) -> f64 {
        self.area() / (PI * self.length())
    }

    /// Returns the position and the diameter at `x`, interpolated linearly between samples.
    pub fn at(&self, x: f64) -> ([f64; 3], f64) {
        let s = x * self.length();
        let k = self.samples.partition_point(|p| p.distance < s).clamp(1, self.samples.len() - 1);
        let (a, b) = (self.samples[k - 1], self.samples[k]);
        let gap = b.distance - a.distance;
        let f = if gap > 0.0 { ((s - a.distance) / gap).clamp(0.0, 1.0) } else { 1.0 };
        let mix = |u: f64, v: f64| u + f * (v - u);
        let position = std::array::from_fn(|i| mix(a.position[i], b.position[i]));
        (position, mix(a.diameter, b.diameter))
    }

    /// Integrates over the part from `x0` to `x1`. A step in the diameter between two samples at the same
    /// position is a ring. Its area is counted at this position; if the position is a boundary, the ring
    /// belongs to the part that ends there.
    pub fn part(&self, x0: f64, x1: f64) -> Part {
        let length = self.length();
        let (s0, s1) = (x0 * length, if x1 >= 1.0 { length } else { x1 * length });
        let mut part = Part::default();
        // The last sample before the part, or the first sample.
        let first = self.samples.partition_point(|p| p.distance < s0).saturating_sub(1);
        for pair in self.samples[first..].windows(2) {
            let (a, b) = (pair[0], pair[1]);
            if a.distance > s1 {
                break;
            }
            let gap = b.distance - a.distance;
            if gap == 0.0 {
                let inside = s0 < a.distance || (s0 == 0.0 && a.distance == 0.0);
                if inside && a.distance <= s1 {
                    part.area += frustum_area(a.diameter, b.diameter, 0.0);
                }
                continue;
            }
            let (from, to) = (s0.max(a.distance), s1.min(b.distance));
            if from >= to {
                continue;
            }
            let diameter = |s: f64| a.diameter + (b.diameter - a.diameter) * ((s - a.distance) / gap);
            let (d0, d1) = (diameter(from), diameter(to));
            part.area += frustum_area(d0, d1, to - from);
            part.resistance += 4.0 * (to - from) / (PI * d0 * d1);
        }
        part
    }
}

fn frustum_area(d0: f64, d1: f64, length: f64) -> f64 {
    0.5 * PI * (d0 + d1) * length.hypot(0.5 * (d1 - d0))
}

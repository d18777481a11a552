//! Morphologies of cylinders.

use crate::error::{MorphologyError, Problem, none_of};
use crate::kind::Kind;
use crate::section::{Attachment, Section};
use crate::tree::Morphology;

/// An unbranched cylinder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SectionSpec {
    /// Length (um).
    pub length: f64,
    /// Diameter (um).
    pub diameter: f64,
    /// Index of the section to whose end this section is attached; `None` for the root.
    pub parent: Option<usize>,
    /// The part of the neuron, such as the soma or the axon.
    pub kind: Kind,
}

impl Morphology {
    /// Creates a morphology from cylinders. Each cylinder is attached to the end of its parent, which comes
    /// before it. The coordinates, which are used only for plots, spread the branches in a plane.
    ///
    /// # Errors
    /// Returns an error if a length or diameter is not positive, if a parent does not come before its
    /// children, or if a soma is attached to another kind of section.
    pub fn from_sections(specs: &[SectionSpec]) -> Result<Self, MorphologyError> {
        check(specs)?;
        let leaves = leaves(specs);
        let mut ends: Vec<([f64; 3], f64)> = Vec::with_capacity(specs.len());
        let mut next_angle: Vec<f64> = Vec::with_capacity(specs.len());
        let mut widths: Vec<f64> = Vec::with_capacity(specs.len());
        let mut sections = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            // Each section is assigned a part of its parent's sector, in proportion to its number of tips.
            let (from, low, width) = match spec.parent {
                None => ([0.0; 3], 0.0, std::f64::consts::TAU * 0.75),
                Some(p) => {
                    let width = widths[p] * leaves[i] as f64 / (leaves[p] as f64).max(1.0);
                    let low = next_angle[p];
                    next_angle[p] += width;
                    (ends[p].0, low, width)
                }
            };
            let angle = if spec.parent.is_none() { 0.5 * std::f64::consts::PI } else { low + 0.5 * width };
            let end = [from[0] + spec.length * angle.cos(), from[1] + spec.length * angle.sin(), 0.0];
            let low = if spec.parent.is_none() { angle - 0.5 * width } else { low };
            ends.push((end, angle));
            next_angle.push(low);
            widths.push(width);
            let parent = spec.parent.map(|section| Attachment { section, x: 1.0 });
            sections.push(Section::cylinder(spec.kind, parent, (from, end), spec));
        }
        Self::new(sections, Vec::new())
    }
}

impl Section {
    /// Creates a cylinder. Its length is exactly as specified, regardless of rounding errors in the
    /// coordinates.
    fn cylinder(
        kind: Kind,
        parent: Option<Attachment>,
        (a, b): ([f64; 3], [f64; 3]),
        spec: &SectionSpec,
    ) -> Self {
        let mut section = Self::new(kind, parent, [(a, spec.diameter), (b, spec.diameter)]);
        section.samples[1].distance = spec.length;
        section
    }
}

fn check(specs: &[SectionSpec]) -> Result<(), MorphologyError> {
    if specs.is_empty() {
        return Err(MorphologyError::one("has no sections; expected at least one"));
    }
    let mut problems = Vec::new();
    for (i, spec) in specs.iter().enumerate() {
        for (name, value) in [("length", spec.length), ("diameter", spec.diameter)] {
            if !(value.is_finite() && value > 0.0) {
                problems.push(Problem::general(format!("{name}[{i}] = {value}: expected a number > 0 (um)")));
            }
        }
        match spec.parent {
            None if i == 0 => {}
            Some(p) if p < i => {
                if spec.kind == Kind::Soma && specs[p].kind != Kind::Soma {
                    let parent = specs[p].kind.name();
                    problems.push(Problem::general(format!(
                        "kind[{i}] = soma, but the section is attached to section {p} ({parent}): expected the soma to be the root"
                    )));
                }
            }
            _ => {
                let value = spec.parent.map_or(-1, |p| p as i64);
                let what = if i == 0 {
                    format!("parent[0] = {value}: expected -1, because the first section is the root")
                } else {
                    format!(
                        "parent[{i}] = {value}: expected the index of an earlier section, from 0 to {}",
                        i - 1
                    )
                };
                problems.push(Problem::general(what));
            }
        }
    }
    none_of(problems)
}

/// Returns the number of tips beyond each section.
fn leaves(specs: &[SectionSpec]) -> Vec<usize> {
    let mut leaves = vec![0_usize; specs.len()];
    for i in (0..specs.len()).rev() {
        leaves[i] = leaves[i].max(1);
        if let Some(p) = specs[i].parent {
            leaves[p] += leaves[i];
        }
    }
    leaves
}

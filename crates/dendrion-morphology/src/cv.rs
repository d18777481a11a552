//! Control volumes (CVs): the pieces of a cell within which the membrane potential is uniform.
//!
//! Each section is divided into CVs of equal length. The potential of a CV is that at its centre; the axial
//! resistance between two neighbouring centres is the integral of `r_axial/(pi r(s)^2)` between them. Where
//! several sections meet at the end of another section, there is a *junction*: a node without area. Sections
//! that are attached between the ends of a section are connected to the centre of the CV at that position.
//! This is the discretization of NEURON (Hines and Carnevale 1997, Neural Computation 9:1179), so results
//! agree with those of NEURON for the same number of segments.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::f64::consts::PI;

use crate::error::MorphologyError;
use crate::section::{Attachment, Section};
use crate::tree::{Morphology, connections};

/// Maximum number of CVs of a cell.
pub const MOST_CVS: usize = 1_000_000;

/// The rule that determines the number of CVs of each section.
#[derive(Clone, Debug, PartialEq)]
pub enum CvPolicy {
    /// The smallest number of CVs that are not longer than this (um).
    MaxLength(f64),
    /// The same number of CVs for all sections.
    Each(usize),
    /// The number of CVs of each section.
    PerSection(Vec<usize>),
    /// NEURON's rule: the smallest odd number of CVs that are not longer than about `fraction` of the length
    /// constant for an alternating current with this `frequency` (Hz).
    DLambda {
        /// Fraction of the length constant.
        fraction: f64,
        /// Frequency (Hz).
        frequency: f64,
    },
}

/// The electrical properties on which [`CvPolicy::DLambda`] depends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Membrane {
    /// Axial resistivity (ohm cm).
    pub r_axial: f64,
    /// Specific capacitance (uF/cm2).
    pub c: f64,
}

/// A control volume.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Cv {
    /// Index of its section.
    pub section: usize,
    /// Position of the beginning on the section, from 0 to 1.
    pub x0: f64,
    /// Position of the end on the section.
    pub x1: f64,
    /// Length (um).
    pub length: f64,
    /// Area (um2).
    pub area: f64,
    /// Mean diameter (um): that of a cylinder with the same length and area.
    pub diameter: f64,
    /// Path length from the centre of the soma to the centre of the CV (um); see [`Morphology::distance`].
    pub distance: f64,
}

/// A node of the tree for which the potentials are solved.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Node {
    /// The node towards the root, which comes earlier; `None` for the root.
    pub parent: Option<usize>,
    /// The integral of 1/(pi r^2) from the parent to this node (1/um), divided into the part within the parent's CV and the
    /// part within the node's own CV. Junctions have no CV, so the part of a junction is 0.
    pub resistances: [f64; 2],
    /// The CV; `None` for a junction, which has no area.
    pub cv: Option<usize>,
}

impl Node {
    /// Returns the integral of 1/(pi r^2) from the parent to this node (1/um). Multiplied by the axial resistivity, it is
    /// the axial resistance.
    pub fn resistance(&self) -> f64 {
        self.resistances[0] + self.resistances[1]
    }
}

/// The CVs of a cell, and the tree that connects them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CvTree {
    /// The CVs, sorted by section and position.
    pub cvs: Vec<Cv>,
    /// The nodes, each after its parent.
    pub nodes: Vec<Node>,
    /// Index of the first CV of each section, followed by the total number of CVs.
    pub first: Vec<usize>,
}

impl CvTree {
    /// Returns the CV that contains a position. A position on a boundary belongs to the distal CV; `x` = 1
    /// belongs to the last CV.
    pub fn cv_at(&self, section: usize, x: f64) -> usize {
        cv_at(&self.first, section, x)
    }
}

/// See [`CvTree::cv_at`]; `first` is [`CvTree::first`].
fn cv_at(first: &[usize], section: usize, x: f64) -> usize {
    let count = first[section + 1] - first[section];
    // Positions such as 0.3 are not exact, so a boundary is recognized up to rounding.
    let k = (x * count as f64 + 1e-9).floor().max(0.0) as usize;
    first[section] + k.min(count - 1)
}

/// Divides a morphology into CVs.
///
/// # Errors
/// Returns an error if a number in the policy is not positive, if the policy has the wrong length, or if it
/// results in more than a million CVs.
pub fn discretize(
    morphology: &Morphology,
    policy: &CvPolicy,
    membrane: Membrane,
) -> Result<CvTree, MorphologyError> {
    let counts = counts(morphology, policy, membrane)?;
    let mut tree = Assembly::new(morphology, &counts);
    for section in 0..counts.len() {
        tree.section(section);
    }
    Ok(CvTree { cvs: tree.cvs, nodes: tree.nodes, first: tree.first })
}

fn counts(
    morphology: &Morphology,
    policy: &CvPolicy,
    membrane: Membrane,
) -> Result<Vec<usize>, MorphologyError> {
    let sections = morphology.sections();
    let counted: Vec<f64> = match policy {
        CvPolicy::MaxLength(most) => {
            positive("MaxLength: length", *most, " (um)")?;
            sections.iter().map(|s| (s.length() / most - 1e-9).ceil().max(1.0)).collect()
        }
        CvPolicy::Each(n) => vec![*n as f64; sections.len()],
        CvPolicy::PerSection(n) if n.len() == sections.len() => n.iter().map(|n| *n as f64).collect(),
        CvPolicy::PerSection(n) => {
            let (given, needed) = (n.len(), sections.len());
            let what = format!(
                "PerSection: n has {given} value{}; expected a single number, or one number per section ({needed} in total)",
                if given == 1 { "" } else { "s" }
            );
            return Err(MorphologyError::Value(what));
        }
        CvPolicy::DLambda { fraction, frequency } => {
            positive("DLambda: fraction", *fraction, "")?;
            positive("DLambda: frequency", *frequency, " (Hz)")?;
            positive("DLambda: r_axial", membrane.r_axial, " (ohm cm)")?;
            positive("DLambda: C", membrane.c, " (uF/cm2)")?;
            let odd = |s: &Section| {
                let lambdas = lambdas(s, *frequency, membrane);
                f64::midpoint(lambdas / fraction, 0.9).floor() * 2.0 + 1.0
            };
            sections.iter().map(odd).collect()
        }
    };
    if let Some(i) = counted.iter().position(|n| *n < 1.0) {
        let what = format!("PerSection: n = {} for section {i}: expected an integer >= 1", counted[i]);
        return Err(MorphologyError::Value(what));
    }
    // Numbers beyond the range of f64 make the total infinite or NaN.
    let total: f64 = counted.iter().sum();
    if total.is_nan() || total > MOST_CVS as f64 {
        return Err(too_many(total));
    }
    Ok(counted.iter().map(|n| *n as usize).collect())
}

fn positive(name: &str, value: f64, unit: &str) -> Result<(), MorphologyError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(MorphologyError::Value(format!("{name} = {value}: expected a number > 0{unit}")))
}

fn too_many(total: f64) -> MorphologyError {
    // Each CV needs a few hundred bytes even without mechanisms.
    let what = format!(
        "{total:.0} CVs per cell would require about {:.1} GB: expected at most {MOST_CVS} CVs; use longer CVs",
        total * 256.0 / 1e9
    );
    MorphologyError::Limit { what, needed: Some(total), limit: MOST_CVS as f64 }
}

/// Returns the length of a section in units of the length constant `sqrt(d/(4 pi f r_axial C))` for an
/// alternating current, where the diameter between two samples is the mean of their diameters.
fn lambdas(section: &Section, frequency: f64, membrane: Membrane) -> f64 {
    // um: 1e5 = 1e4 um/cm * sqrt(1e-4 cm/um * 1e6 uF/F).
    let unit = 1e5 / (4.0 * PI * frequency * membrane.r_axial * membrane.c).sqrt();
    let piece = |pair: &[crate::section::Sample]| {
        let mean = f64::midpoint(pair[0].diameter, pair[1].diameter);
        let gap = pair[1].distance - pair[0].distance;
        if gap == 0.0 { 0.0 } else { gap / (unit * mean.sqrt()) }
    };
    section.samples.windows(2).map(piece).sum()
}

/// An end of a section: 0 or 1.
type End = (usize, u8);

struct Assembly<'a> {
    morphology: &'a Morphology,
    counts: &'a [usize],
    cvs: Vec<Cv>,
    nodes: Vec<Node>,
    first: Vec<usize>,
    /// Node of each CV.
    node_of: Vec<usize>,
    /// The place where each section is connected.
    places: Vec<Place>,
    /// Number of sections attached to each end.
    attached: HashMap<End, usize>,
    /// Nodes of the junctions that have been created.
    junctions: HashMap<End, usize>,
}

/// The place where a section is connected.
#[derive(Clone, Copy)]
enum Place {
    Root,
    /// The centre of a CV.
    Centre(usize),
    /// An end of a section.
    End(End),
}

impl<'a> Assembly<'a> {
    fn new(morphology: &'a Morphology, counts: &'a [usize]) -> Self {
        let mut first = vec![0];
        for n in counts {
            first.push(first[first.len() - 1] + n);
        }
        let total = first[counts.len()];
        let place = |connection: Option<Attachment>| match connection {
            None => Place::Root,
            Some(at) if at.x >= 1.0 => Place::End((at.section, 1)),
            Some(at) if at.x > 0.0 => Place::Centre(cv_at(&first, at.section, at.x)),
            Some(at) => Place::End((at.section, 0)),
        };
        let places: Vec<Place> = connections(morphology.sections()).into_iter().map(place).collect();
        let mut attached = HashMap::new();
        for place in &places {
            if let Place::End(end) = place {
                *attached.entry(*end).or_default() += 1;
            }
        }
        Self {
            morphology,
            counts,
            cvs: Vec::with_capacity(total),
            nodes: Vec::with_capacity(total + counts.len()),
            first,
            node_of: vec![0; total],
            places,
            attached,
            junctions: HashMap::new(),
        }
    }

    /// Adds the CVs and nodes of a section.
    fn section(&mut self, index: usize) {
        let section = &self.morphology.sections()[index];
        let n = self.counts[index];
        // Resistance from the last node to the beginning of the next CV.
        let (mut parent, mut before) = match self.places[index] {
            Place::Root => (None, 0.0),
            Place::Centre(cv) => (Some(self.node_of[cv]), 0.0),
            Place::End(end) => self.end(end),
        };
        for k in 0..n {
            let (x0, x1) = (k as f64 / n as f64, (k + 1) as f64 / n as f64);
            let middle = (k as f64 + 0.5) / n as f64;
            let (left, right) = (section.part(x0, middle), section.part(middle, x1));
            let (length, area) = ((x1 - x0) * section.length(), left.area + right.area);
            let diameter = area / (PI * section.length() / n as f64);
            let distance = self.morphology.distance(index, middle);
            self.cvs.push(Cv { section: index, x0, x1, length, area, diameter, distance });
            let cv = self.first[index] + k;
            self.node_of[cv] = self.nodes.len();
            let resistances = if parent.is_some() { [before, left.resistance] } else { [0.0; 2] };
            self.nodes.push(Node { parent, resistances, cv: Some(cv) });
            (parent, before) = (Some(self.node_of[cv]), right.resistance);
        }
    }

    /// Returns the node to which a section at an end is connected, and the resistance between it and the end.
    /// A single section is connected in series; several sections share a junction.
    fn end(&mut self, end: End) -> (Option<usize>, f64) {
        let (section, side) = end;
        let n = self.counts[section];
        let (cv, half) = if side == 1 {
            (self.first[section + 1] - 1, (1.0 - 0.5 / n as f64, 1.0))
        } else {
            (self.first[section], (0.0, 0.5 / n as f64))
        };
        let resistance = self.morphology.sections()[section].part(half.0, half.1).resistance;
        if self.attached[&end] == 1 {
            return (Some(self.node_of[cv]), resistance);
        }
        let junction = *self.junctions.entry(end).or_insert_with(|| {
            self.nodes.push(Node {
                parent: Some(self.node_of[cv]),
                resistances: [resistance, 0.0],
                cv: None,
            });
            self.nodes.len() - 1
        });
        (Some(junction), 0.0)
    }
}

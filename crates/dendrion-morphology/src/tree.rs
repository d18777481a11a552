//! Morphologies: trees of sections.

use crate::error::{MorphologyError, Problem, none_of};
use crate::kind::Kind;
use crate::points::{self, Point};
use crate::section::{Attachment, Section};
use crate::soma::{self, Form};
use crate::valid;
use serde::{Deserialize, Serialize};

/// The shape of a neuron: a tree of sections. Parents come before their children, and the root is the first section.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Morphology {
    sections: Vec<Section>,
    /// Unusual properties that are not errors.
    warnings: Vec<Problem>,
    /// Path length from the centre of the soma, or from the beginning of the root, to the beginning of each section (um).
    distances: Vec<f64>,
    /// Branch order of each section.
    orders: Vec<usize>,
}

impl Morphology {
    /// Creates a morphology from points. Sections end where the tree branches and where the kind changes.
    ///
    /// # Errors
    /// Returns an error if the points have faults (see [`points::check`]), if there are several separate
    /// somata, or if a section has no length.
    pub fn from_points(points: &[Point]) -> Result<Self, MorphologyError> {
        points::check(points)?;
        let warnings = points::jumps(points);
        let mut points = points.to_vec();
        let soma = soma::points_of(&points);
        if let Some(first) = soma.first() {
            if points.iter().any(|p| p.parent.is_none() && p.kind != Kind::Soma) {
                points::reroot(&mut points, *first);
            }
            check_soma(&points, &soma)?;
        }
        Self::new(Splitter::new(&points, &soma).sections(), warnings)
    }

    /// Creates a morphology from sections whose parents come before them.
    ///
    /// # Errors
    /// Returns an error if the attachment or a sample of a section is invalid, if a section has no length, if its
    /// length, area or resistance is not a finite number, or if a soma is not connected to the root.
    pub fn new(sections: Vec<Section>, warnings: Vec<Problem>) -> Result<Self, MorphologyError> {
        valid::check(&sections)?;
        let mut distances: Vec<f64> = Vec::with_capacity(sections.len());
        for section in &sections {
            distances.push(section.parent.map_or(0.0, |at| {
                along(&sections[at.section], distances[at.section], at.section == 0, at.x)
            }));
        }
        let orders = orders(&sections);
        Ok(Self { sections, warnings, distances, orders })
    }

    /// Returns the sections.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Returns descriptions of unusual properties, such as long gaps between points.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Returns whether there is a soma, which is then the root.
    pub fn has_soma(&self) -> bool {
        self.sections[0].kind == Kind::Soma
    }

    /// Returns the branch order of a section: 0 for the root and for all sections of the soma, 1 for sections attached
    /// to the soma, and one more beyond each branch point.
    pub fn order(&self, section: usize) -> usize {
        self.orders[section]
    }

    /// Returns the path length (um) from the centre of the soma to a position on a section. Without a soma,
    /// the path is measured from the beginning of the root.
    pub fn distance(&self, section: usize, x: f64) -> f64 {
        along(&self.sections[section], self.distances[section], section == 0, x)
    }

    /// Returns the total length of all sections (um), without the soma.
    pub fn neurite_length(&self) -> f64 {
        self.sections.iter().filter(|s| s.kind != Kind::Soma).map(Section::length).sum()
    }

    /// Returns the total area (um2).
    pub fn area(&self) -> f64 {
        self.sections.iter().map(Section::area).sum()
    }
}

/// Returns the place where each section is connected. A section that is attached to the beginning of another section,
/// other than the root, is connected where that section is connected.
pub(crate) fn connections(sections: &[Section]) -> Vec<Option<Attachment>> {
    let mut found: Vec<Option<Attachment>> = Vec::with_capacity(sections.len());
    for section in sections {
        found.push(match section.parent {
            Some(at) if at.x <= 0.0 && at.section != 0 => found[at.section],
            other => other,
        });
    }
    found
}

/// Returns the branch order of each section.
fn orders(sections: &[Section]) -> Vec<usize> {
    let connections = connections(sections);
    // Number of sections that are connected to the two ends of each section.
    let mut attached = vec![[0_usize; 2]; sections.len()];
    let end = |x: f64| usize::from(x >= 1.0);
    for at in connections.iter().flatten() {
        attached[at.section][end(at.x)] += 1;
    }
    let mut orders: Vec<usize> = Vec::with_capacity(sections.len());
    for (section, connection) in sections.iter().zip(&connections) {
        orders.push(match connection {
            None => 0,
            Some(_) if section.kind == Kind::Soma => 0,
            Some(at) if sections[at.section].kind == Kind::Soma => 1,
            // A change of kind, with a single section at that end, is not a branch.
            Some(at) => {
                let is_inside = at.x > 0.0 && at.x < 1.0;
                let branches = is_inside || attached[at.section][end(at.x)] > 1;
                orders[at.section] + usize::from(branches)
            }
        });
    }
    orders
}

/// Returns the path length from the origin to a position on a section that begins at `begin`.
fn along(section: &Section, begin: f64, is_root: bool, x: f64) -> f64 {
    // Paths on the soma lead from its centre in both directions.
    if is_root && section.kind == Kind::Soma {
        return (x - 0.5).abs() * section.length();
    }
    begin + x * section.length()
}

/// Returns an error if the soma consists of separate parts.
fn check_soma(points: &[Point], soma: &[usize]) -> Result<(), MorphologyError> {
    let is_top = |i: &&usize| points[**i].parent.is_none_or(|p| points[p].kind != Kind::Soma);
    let tops: Vec<usize> = soma.iter().filter(is_top).copied().collect();
    let problems: Vec<Problem> = (tops.iter().skip(1))
        .map(|i| Problem {
            point: Some(*i),
            line: points[*i].line,
            what: format!(
                "begins a second soma (the first is at {}); expected one soma",
                points::name(points, tops[0])
            ),
        })
        .collect();
    none_of(problems)
}

/// Divides a tree of points into sections.
struct Splitter<'a> {
    points: &'a [Point],
    children: Vec<Vec<usize>>,
    form: Form,
    sections: Vec<Section>,
    /// Sections to be created: the first point, and the place where it is attached.
    waiting: Vec<(usize, Option<Attachment>)>,
}

impl<'a> Splitter<'a> {
    fn new(points: &'a [Point], soma: &[usize]) -> Self {
        let form = soma::form(points, soma);
        Self { points, children: points::children(points), form, sections: Vec::new(), waiting: Vec::new() }
    }

    /// Returns the sections, in depth-first order.
    fn sections(mut self) -> Vec<Section> {
        let root = self.points.iter().position(|p| p.parent.is_none()).unwrap_or(0);
        match self.form {
            Form::Sphere(centre) => {
                self.compact_soma(&soma::cylinder(&self.points[centre]), &[centre]);
            }
            Form::Cylinder(samples) => self.compact_soma(&samples.map(|i| self.sample(i)), &samples),
            Form::Stack if self.is_fork(root) => self.branching_root(root),
            Form::Stack => self.waiting.push((root, None)),
        }
        while let Some((first, parent)) = self.waiting.pop() {
            self.section(first, parent);
        }
        self.sections
    }

    /// Creates a soma that is a cylinder. The branches on these points are attached to its centre.
    fn compact_soma(&mut self, samples: &[([f64; 3], f64)], points: &[usize]) {
        self.sections.push(Section::new(Kind::Soma, None, samples.iter().copied()));
        let at = Some(Attachment { section: 0, x: 0.5 });
        let mut branches: Vec<usize> =
            points.iter().flat_map(|i| self.children[*i].iter().copied()).collect();
        branches.retain(|c| self.points[*c].kind != Kind::Soma);
        branches.sort_unstable();
        self.waiting.extend(branches.into_iter().rev().map(|c| (c, at)));
    }

    /// Returns whether a tree branches at its first point.
    fn is_fork(&self, root: usize) -> bool {
        self.continuation(root, self.points[root].kind).is_none() && !self.children[root].is_empty()
    }

    /// Plans the sections of a tree that branches at its first point: the first branch is the root, and the
    /// other branches are attached to its beginning.
    fn branching_root(&mut self, root: usize) {
        let kind = self.points[root].kind;
        let mut branches = self.children[root].clone();
        // A branch of the same kind as the root comes first.
        branches.sort_by_key(|c| self.points[*c].kind != kind);
        let place = |k: usize| (k > 0).then_some(Attachment { section: 0, x: 0.0 });
        let planned: Vec<_> = branches.iter().enumerate().map(|(k, c)| (*c, place(k))).collect();
        self.waiting.extend(planned.into_iter().rev());
    }

    /// Creates the section that begins with the line to point `first`.
    fn section(&mut self, first: usize, parent: Option<Attachment>) {
        let kind = self.points[first].kind;
        let mut chain = vec![first];
        let mut last = first;
        while let Some(next) = self.continuation(last, kind) {
            chain.push(next);
            last = next;
        }
        let mut samples: Vec<([f64; 3], f64)> = chain.iter().map(|i| self.sample(*i)).collect();
        if let Some(start) = self.start(first, samples.len()) {
            samples.insert(0, start);
        }
        if samples.len() == 1 {
            samples.push(samples[0]);
        }
        let section = Section::new(kind, parent, samples);
        let (index, length) = (self.sections.len(), section.length());
        let skipped = section.samples.len() - chain.len();
        // All sections end at their last point, except that stacked somata may have branches at any point.
        let place = |k: usize| {
            let x = if chain[k] == last { 1.0 } else { section.samples[k + skipped].distance / length };
            // Sections without a finite length are refused later.
            if x.is_finite() { x } else { 0.0 }
        };
        let mut waiting = Vec::new();
        for (k, i) in chain.iter().enumerate() {
            let next = chain.get(k + 1);
            let others = self.children[*i].iter().filter(|c| Some(*c) != next);
            waiting.extend(others.map(|c| (*c, Some(Attachment { section: index, x: place(k) }))));
        }
        self.sections.push(section);
        self.waiting.extend(waiting.into_iter().rev());
    }

    /// Returns the point with which a section continues after point `i`: an only child of the same kind. On
    /// the soma, children of other kinds are ignored.
    fn continuation(&self, i: usize, kind: Kind) -> Option<usize> {
        let mut same = self.children[i].iter().filter(|c| self.points[**c].kind == kind);
        let next = same.next().filter(|_| same.next().is_none()).copied();
        let is_only = self.children[i].len() == 1;
        next.filter(|_| is_only || kind == Kind::Soma)
    }

    /// Returns the sample with which the section begins before point `first`, if any; `own` is the number of its other
    /// samples.
    fn start(&self, first: usize, own: usize) -> Option<([f64; 3], f64)> {
        let point = &self.points[first];
        let parent = &self.points[point.parent?];
        if parent.kind != Kind::Soma || point.kind == Kind::Soma {
            return Some((parent.position, parent.diameter));
        }
        // Without the line from the soma, a single sample would have no length.
        (own == 1 || self.form == Form::Stack).then_some((parent.position, point.diameter))
    }

    /// Returns the position and the diameter of a point.
    fn sample(&self, i: usize) -> ([f64; 3], f64) {
        (self.points[i].position, self.points[i].diameter)
    }
}

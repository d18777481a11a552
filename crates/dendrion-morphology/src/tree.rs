//! Morphologies: trees of sections.

use crate::error::{MorphologyError, Problem};
use crate::kind::Kind;
use crate::points::{self, Point};
use crate::section::{Attachment, Section};
use crate::soma::{self, Form};

/// The shape of a neuron: a tree of sections. Parents come before their children, and the root is the first section.
#[derive(Clone, Debug, PartialEq)]
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
        let sections = Splitter::new(&points, &soma).sections();
        let mut problems = Vec::new();
        for (i, section) in sections.iter().enumerate() {
            if section.length() <= 0.0 {
                let at = section.samples[0].position;
                let what = format!(
                    "section {i} ({}) has no length: all of its points are at ({}, {}, {}); expected different points",
                    section.kind.name(),
                    at[0],
                    at[1],
                    at[2]
                );
                problems.push(Problem::general(what));
            }
        }
        if !problems.is_empty() {
            return Err(MorphologyError(problems));
        }
        Self::new(sections, warnings)
    }

    /// Creates a morphology from sections whose parents come before them.
    ///
    /// # Errors
    /// Returns an error if the attachment of a section is invalid or if a section has no length.
    pub(crate) fn new(sections: Vec<Section>, warnings: Vec<Problem>) -> Result<Self, MorphologyError> {
        let mut children = vec![0_usize; sections.len()];
        for (i, section) in sections.iter().enumerate() {
            match section.parent {
                Some(at) if at.section < i => children[at.section] += 1,
                None if i == 0 => {}
                _ => {
                    let what =
                        format!("section {i}: expected a parent with a smaller index, and only one root");
                    return Err(MorphologyError::one(what));
                }
            }
        }
        let (mut distances, mut orders) = (Vec::<f64>::new(), Vec::<usize>::new());
        for section in &sections {
            let Some(at) = section.parent else {
                distances.push(0.0);
                orders.push(0);
                continue;
            };
            let parent = &sections[at.section];
            distances.push(along(parent, distances[at.section], at.section == 0, at.x));
            // A change of kind is not a branch.
            let branches = parent.kind == Kind::Soma || children[at.section] > 1;
            orders.push(orders[at.section] + usize::from(branches));
        }
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

    /// Returns the branch order of a section: 0 for the root, and one more beyond each branch point. Sections
    /// attached to a soma have order 1.
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
    if problems.is_empty() { Ok(()) } else { Err(MorphologyError(problems)) }
}

/// Divides a tree of points into sections.
struct Splitter<'a> {
    points: &'a [Point],
    children: Vec<Vec<usize>>,
    soma: &'a [usize],
    form: Form,
    sections: Vec<Section>,
    /// Sections to be created: the first point, and the place where it is attached.
    waiting: Vec<(usize, Option<Attachment>)>,
}

impl<'a> Splitter<'a> {
    fn new(points: &'a [Point], soma: &'a [usize]) -> Self {
        let form = soma::form(points, soma);
        Self {
            points,
            children: points::children(points),
            soma,
            form,
            sections: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Returns the sections, in depth-first order.
    fn sections(mut self) -> Vec<Section> {
        let root = self.points.iter().position(|p| p.parent.is_none()).unwrap_or(0);
        if self.points[root].kind == Kind::Soma && self.form != Form::Stack {
            self.compact_soma();
        } else if self.continuation(root, self.points[root].kind).is_none() && !self.children[root].is_empty()
        {
            self.branching_root(root);
        } else {
            self.waiting.push((root, None));
        }
        while let Some((first, parent)) = self.waiting.pop() {
            self.section(first, parent);
        }
        self.sections
    }

    /// Creates a soma from one or three samples, to whose centre all branches are attached.
    fn compact_soma(&mut self) {
        self.sections.push(Section::new(Kind::Soma, None, soma::cylinder(self.points, self.soma)));
        let at = Some(Attachment { section: 0, x: 0.5 });
        for i in self.soma.iter().rev() {
            let branches = self.children[*i].iter().rev().filter(|c| self.points[**c].kind != Kind::Soma);
            self.waiting.extend(branches.map(|c| (*c, at)));
        }
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
        let sample = |i: usize| (self.points[i].position, self.points[i].diameter);
        let mut samples: Vec<([f64; 3], f64)> = chain.iter().map(|i| sample(*i)).collect();
        if let Some(start) = self.start(first, samples.len()) {
            samples.insert(0, start);
        }
        if samples.len() == 1 {
            samples.push(samples[0]);
        }
        let section = Section::new(kind, parent, samples);
        let (index, length) = (self.sections.len(), section.length());
        // On stacked somata, branches may be attached at any sample. On all other sections, the children are
        // attached to the end.
        let skipped = section.samples.len() - chain.len();
        let mut waiting = Vec::new();
        for (k, i) in chain.iter().enumerate() {
            let distance = section.samples[(k + skipped).min(section.samples.len() - 1)].distance;
            let x = if *i == last { 1.0 } else { distance / length };
            let next = chain.get(k + 1);
            let others = self.children[*i].iter().filter(|c| Some(*c) != next);
            waiting.extend(others.map(|c| (*c, Some(Attachment { section: index, x }))));
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
        let from_soma = parent.kind == Kind::Soma && point.kind != Kind::Soma;
        match self.form {
            // Without the line to the soma, a single sample would have no length.
            Form::Single | Form::Triple if from_soma => {
                (own == 1).then_some((parent.position, point.diameter))
            }
            Form::Stack if from_soma => Some((parent.position, point.diameter)),
            _ => Some((parent.position, parent.diameter)),
        }
    }
}

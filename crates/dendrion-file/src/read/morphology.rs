//! Reads morphologies and the number of CVs of their sections.
//!
//! Sections are chains of samples, or cylinders with a `length` each. Samples are stored in columns, in the order of
//! sections, so that large morphologies consist of a few long arrays.

use dendrion_language::{Span, TextError, suggestion};
use dendrion_morphology::{
    Attachment, CvPolicy, CvTree, Kind, MOST_CVS, Membrane, Morphology, MorphologyError, Problem, Sample,
    Section, SectionSpec, discretize,
};

use super::context::Read;
use super::table::Table;
use crate::node::{Node, Value};

const COORDINATE: &str = "the coordinates of the samples of all sections (um)";

/// Reads the morphology of a population, and divides it into CVs.
pub(super) fn morphology(of: &Table<'_, '_>) -> Read<(Morphology, CvTree)> {
    let node = of.need("morphology", "a table with the sections of the cells")?;
    let table = Shape(Table::new(of.cx, format!("{}: morphology", of.path), node)?);
    let morphology = if table.0.get("length").is_some() { table.cylinders()? } else { table.sampled()? };
    let cvs = table.counts("cvs", "the number of control volumes of each section")?;
    table.0.finish()?;
    let tree = table.divided(&morphology, &cvs)?;
    Ok((morphology, tree))
}

/// The table of a morphology.
struct Shape<'a, 'c>(Table<'a, 'c>);

impl Shape<'_, '_> {
    fn at(&self, name: &str) -> Span {
        self.0.get(name).map_or(self.0.span, |node| node.span)
    }

    fn wrong(&self, name: &str, what: &str) -> TextError {
        self.0.cx.at(self.at(name), format!("{}: {name}{what}", self.0.path))
    }

    fn failed(&self, name: &str, error: &MorphologyError) -> TextError {
        self.0.cx.at(self.at(name), format!("{}: {error}", self.0.path))
    }

    /// Reads numbers: as many as there are sections or samples, or a single one for all of them.
    fn numbers(&self, name: &str, what: &str) -> Read<Vec<f64>> {
        self.0.need(name, what)?;
        Ok(self.0.list(name)?.unwrap_or_default())
    }

    /// Reads integers >= 1.
    fn counts(&self, name: &str, what: &str) -> Read<Vec<u32>> {
        self.0.need(name, what)?;
        let counts = self.0.indices(name)?.unwrap_or_default();
        match counts.iter().position(|n| *n == 0) {
            Some(i) => Err(self.wrong(name, &format!("[{i}] = 0: expected an integer >= 1"))),
            None => Ok(counts),
        }
    }

    /// Checks the length of a list.
    fn check_length(&self, name: &str, length: usize, needed: usize, unit: &str) -> Read<()> {
        if length == needed {
            return Ok(());
        }
        let s = if length == 1 { "" } else { "s" };
        Err(self.wrong(name, &format!(" has {length} value{s}: expected {needed}, the number of {unit}")))
    }

    /// Reads cylinders, each of which is attached to the end of its parent.
    fn cylinders(&self) -> Read<Morphology> {
        let lengths = self.numbers("length", "lengths (um)")?;
        let count = lengths.len();
        let mut diameters = self.numbers("diameter", "the diameter of each section (um)")?;
        if diameters.len() == 1 {
            diameters.resize(count, diameters[0]);
        }
        self.check_length("diameter", diameters.len(), count, "sections")?;
        let (parents, kinds) = (self.parents(count)?, self.kinds(count)?);
        let spec = |i: usize| SectionSpec {
            length: lengths[i],
            diameter: diameters[i],
            parent: parents[i],
            kind: kinds[i],
        };
        let specs: Vec<SectionSpec> = (0..count).map(spec).collect();
        Morphology::from_sections(&specs).map_err(|error| self.failed("length", &error))
    }

    /// Reads sections with samples.
    fn sampled(&self) -> Read<Morphology> {
        let counts =
            self.counts("samples", "the number of samples of each section, or a length for each section")?;
        let samples = self.samples(counts.iter().map(|n| *n as usize).sum())?;
        let (parents, kinds) = (self.parents(counts.len())?, self.kinds(counts.len())?);
        let places = match self.0.list("parent_x")? {
            None => vec![1.0; counts.len()],
            Some(places) => places,
        };
        self.check_length("parent_x", places.len(), counts.len(), "sections")?;
        let is_measured = self.0.get("distance").is_some();
        let mut rest = samples.into_iter();
        let section = |i: usize| {
            let (kind, parent) = (kinds[i], parents[i].map(|section| Attachment { section, x: places[i] }));
            let own = rest.by_ref().take(counts[i] as usize);
            if is_measured {
                Section { kind, parent, samples: own.collect() }
            } else {
                Section::new(kind, parent, own.map(|s| (s.position, s.diameter)))
            }
        };
        let sections: Vec<Section> = (0..counts.len()).map(section).collect();
        let warnings = self.0.texts("warnings")?;
        let problem = |(what, _)| Problem { point: None, line: None, what };
        Morphology::new(sections, warnings.into_iter().map(problem).collect())
            .map_err(|error| self.failed("samples", &error))
    }

    /// Reads all samples.
    fn samples(&self, count: usize) -> Read<Vec<Sample>> {
        let column = |name: &str, what: &str| {
            let column = self.numbers(name, what)?;
            self.check_length(name, column.len(), count, "samples of all sections")?;
            Ok(column)
        };
        let (x, y, z) = (column("x", COORDINATE)?, column("y", COORDINATE)?, column("z", COORDINATE)?);
        let diameter = column("diameter", "the diameter of each sample (um)")?;
        let distance = match self.0.get("distance") {
            Some(_) => column("distance", "")?,
            None => vec![0.0; count],
        };
        let sample =
            |i: usize| Sample { position: [x[i], y[i], z[i]], diameter: diameter[i], distance: distance[i] };
        Ok((0..count).map(sample).collect())
    }

    /// Reads the parent of each section, which must come before the section. This excludes cycles.
    fn parents(&self, count: usize) -> Read<Vec<Option<usize>>> {
        let what = "the index of the section to which each section is attached, and -1 for the first section";
        let given = self.numbers("parent", what)?;
        self.check_length("parent", given.len(), count, "sections")?;
        let parent = |(i, p): (usize, &f64)| {
            let is_earlier = p.fract() == 0.0 && *p >= 0.0 && *p < i as f64;
            match (i, is_earlier) {
                (0, _) if *p == -1.0 => Ok(None),
                (0, _) => Err(format!("[0] = {p}: expected -1, because the first section is the root")),
                (_, true) => Ok(Some(*p as usize)),
                (_, false) => {
                    Err(format!("[{i}] = {p}: expected the index of an earlier section, from 0 to {}", i - 1))
                }
            }
        };
        let parents = given.iter().enumerate().map(parent).collect::<Result<_, _>>();
        parents.map_err(|what| self.wrong("parent", &what))
    }

    /// Reads the kind of each section: one for all, or one for each.
    fn kinds(&self, count: usize) -> Read<Vec<Kind>> {
        let node = self.0.need("kind", "the kind of each section, such as \"soma\" or \"apical\"")?;
        let mut kinds = match &node.value {
            Value::Text(_) => vec![self.kind(node)?],
            Value::List(items) => items.iter().map(|item| self.kind(item)).collect::<Read<_>>()?,
            _ => self.0.indices("kind")?.unwrap_or_default().into_iter().map(Kind::from_code).collect(),
        };
        if kinds.len() == 1 {
            kinds.resize(count, kinds[0]);
        }
        self.check_length("kind", kinds.len(), count, "sections")?;
        Ok(kinds)
    }

    fn kind(&self, node: &Node) -> Read<Kind> {
        let (name, found) = match &node.value {
            Value::Text(name) => (name.clone(), Kind::from_name(name)),
            Value::Whole(code) => (code.to_string(), u32::try_from(*code).ok().map(Kind::from_code)),
            _ => return Err(self.0.wrong(node, "kind", "the name or the SWC number of a kind of section")),
        };
        found.ok_or_else(|| {
            let hint = suggestion(&name, ["soma", "axon", "basal", "apical", "kind 5"]);
            self.0.cx.at(node.span, format!("{}: kind = {name:?}: unknown kind{hint}", self.0.path))
        })
    }

    /// Divides the morphology into CVs, after comparing the memory that they need with the limit.
    fn divided(&self, morphology: &Morphology, counts: &[u32]) -> Read<CvTree> {
        let sections = morphology.sections().len();
        let policy = match counts {
            [one] => CvPolicy::Each(*one as usize),
            _ => CvPolicy::PerSection(counts.iter().map(|n| *n as usize).collect()),
        };
        let total = if counts.len() == 1 {
            f64::from(counts[0]) * sections as f64
        } else {
            self.check_length("cvs", counts.len(), sections, "sections")?;
            counts.iter().map(|n| f64::from(*n)).sum()
        };
        if total <= MOST_CVS as f64 {
            self.0.cx.afford_cvs(total).map_err(|error| self.0.cx.at(self.at("cvs"), error.to_string()))?;
        }
        // Only rules that are not used here depend on the electrical properties.
        let membrane = Membrane { r_axial: 100.0, c: 1.0 };
        discretize(morphology, &policy, membrane).map_err(|error| self.wrong("cvs", &format!(": {error}")))
    }
}

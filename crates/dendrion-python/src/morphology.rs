//! Morphologies: trees of sections, and their division into control volumes.

use std::path::PathBuf;
use std::sync::Arc;

use dendrion::Error;
use dendrion::model::abandonable;
use dendrion::morphology::{
    Attachment, CvPolicy, CvTree, Kind, Membrane, Morphology as Tree, MorphologyError, Point, Problem, Range,
    Region, Sample, Section, SectionSpec, discretize, read_swc,
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::error::{raise, raise_at, raise_limit};
use crate::watch::detached;

/// Kind, parent, position on the parent, length, mean diameter, area, branch order, and path length to the beginning of a section.
type SectionRow = (u32, Option<usize>, f64, f64, f64, f64, usize, f64);

/// Number of CVs of each section, or a rule: name and numbers.
type Policy = (String, Vec<f64>);

/// Ranges of path length, diameter and branch order.
type Ranges = (Option<(f64, f64)>, Option<(f64, f64)>, Option<(f64, f64)>);

/// A section for pickling: kind, parent, position on the parent, and number of samples.
type SectionParts = (u32, Option<usize>, f64, usize);

/// A warning for pickling: point, line and text.
type Warning = (Option<usize>, Option<usize>, String);

/// The data of a morphology for pickling: sections, samples as in `Morphology::samples`, and warnings.
type Parts<'py> = (Vec<SectionParts>, Bound<'py, PyArray2<f64>>, Vec<Warning>);

fn raised(what: &str, error: &MorphologyError) -> PyErr {
    let message = format!("{what}: {error}");
    match error {
        MorphologyError::Faults(_) => raise_at("MorphologyError", &message, None),
        MorphologyError::Value(_) => raise_at("ParameterError", &message, None),
        MorphologyError::Limit { needed, limit, .. } => raise_limit(&message, *needed, *limit),
    }
}

/// Calls `work` without the interpreter's lock. Ctrl-C abandons it.
fn apart<R: Send + 'static>(
    py: Python<'_>,
    what: &str,
    work: impl FnOnce() -> Result<R, MorphologyError> + Send + 'static,
) -> PyResult<R> {
    detached(py, || abandonable(work))?.map_err(|e| raised(what, &e))
}

/// A morphology.
#[pyclass(frozen)]
pub(crate) struct Morphology {
    tree: Arc<Tree>,
}

impl Morphology {
    fn new(tree: Tree) -> Self {
        Self::of(Arc::new(tree))
    }

    pub(crate) const fn of(tree: Arc<Tree>) -> Self {
        Self { tree }
    }

    pub(crate) fn shared(&self) -> Arc<Tree> {
        self.tree.clone()
    }
}

#[pymethods]
impl Morphology {
    /// Reads an SWC file.
    #[staticmethod]
    fn read_swc(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let name = path.display().to_string();
        let read = move || {
            let bytes = dendrion::read_file(&path).map_err(|e| Error::file(&path, &e))?;
            // Comments in old files are not always UTF-8.
            Ok(read_swc(&String::from_utf8_lossy(&bytes)).and_then(|points| Tree::from_points(&points)))
        };
        let tree = detached(py, || abandonable(read))?.map_err(raise)?;
        Ok(Self::new(tree.map_err(|e| raised(&name, &e))?))
    }

    /// Creates a morphology from points. Parents are indices; the parent of the root is -1. `what` is the origin of the
    /// points in error messages.
    #[staticmethod]
    fn from_points(
        py: Python<'_>,
        what: &str,
        positions: PyReadonlyArray2<'_, f64>,
        diameters: PyReadonlyArray1<'_, f64>,
        parents: PyReadonlyArray1<'_, i64>,
        kinds: Vec<u32>,
    ) -> PyResult<Self> {
        let (positions, diameters, parents) =
            (positions.as_array(), diameters.as_array(), parents.as_array());
        let point = |i: usize| Point {
            position: [positions[[i, 0]], positions[[i, 1]], positions[[i, 2]]],
            diameter: diameters[i],
            // An index that is too large is rejected with an error that contains it; other negative numbers
            // must be rejected as well.
            parent: (parents[i] != -1).then(|| usize::try_from(parents[i]).unwrap_or(usize::MAX)),
            kind: Kind::from_code(kinds[i]),
            line: None,
        };
        let points: Vec<Point> = (0..positions.nrows()).map(point).collect();
        Ok(Self::new(apart(py, what, move || Tree::from_points(&points))?))
    }

    /// Creates a morphology from cylinders. Parents are indices; the parent of the root is -1.
    #[staticmethod]
    fn from_sections(
        py: Python<'_>,
        lengths: Vec<f64>,
        diameters: Vec<f64>,
        parents: Vec<i64>,
        kinds: Vec<u32>,
    ) -> PyResult<Self> {
        let spec = |i: usize| SectionSpec {
            length: lengths[i],
            diameter: diameters[i],
            parent: (parents[i] != -1).then(|| usize::try_from(parents[i]).unwrap_or(usize::MAX)),
            kind: Kind::from_code(kinds[i]),
        };
        let specs: Vec<SectionSpec> = (0..lengths.len()).map(spec).collect();
        Ok(Self::new(apart(py, "Morphology.from_sections", move || Tree::from_sections(&specs))?))
    }

    /// Creates a morphology from its parts, which `parts` returns.
    #[staticmethod]
    fn from_parts(
        py: Python<'_>,
        sections: Vec<SectionParts>,
        samples: PyReadonlyArray2<'_, f64>,
        warnings: Vec<Warning>,
    ) -> PyResult<Self> {
        let samples = samples.as_array();
        if samples.ncols() != 5 {
            let what = "has samples of the wrong shape; expected five numbers per sample".into();
            return Err(raised("Morphology", &MorphologyError::Value(what)));
        }
        let mut rows = samples.rows().into_iter();
        let sample = |row: numpy::ndarray::ArrayView1<'_, f64>| Sample {
            position: [row[0], row[1], row[2]],
            diameter: row[3],
            distance: row[4],
        };
        let section = |(kind, parent, x, count): SectionParts| Section {
            kind: Kind::from_code(kind),
            parent: parent.map(|section| Attachment { section, x }),
            samples: rows.by_ref().take(count).map(sample).collect(),
        };
        let sections: Vec<Section> = sections.into_iter().map(section).collect();
        let warning = |(point, line, what): Warning| Problem { point, line, what };
        let warnings = warnings.into_iter().map(warning).collect();
        Ok(Self::new(apart(py, "Morphology", move || Tree::new(sections, warnings))?))
    }

    /// Returns the parts of the morphology, for pickling.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Parts<'py>> {
        let section = |s: &Section| {
            let (parent, x) = s.parent.map_or((None, 0.0), |p| (Some(p.section), p.x));
            (s.kind.code(), parent, x, s.samples.len())
        };
        let sections = self.tree.sections().iter().map(section).collect();
        let warning = |p: &Problem| (p.point, p.line, p.what.clone());
        let warnings = self.tree.warnings().iter().map(warning).collect();
        let samples = self.tree.sections().iter().flat_map(|s| &s.samples);
        Ok((sections, table(py, samples)?, warnings))
    }

    /// Returns the sections.
    fn sections(&self) -> Vec<SectionRow> {
        let row = |(i, s): (usize, &Section)| {
            let (parent, x) = s.parent.map_or((None, 0.0), |p| (Some(p.section), p.x));
            let (order, distance) = (self.tree.order(i), self.tree.distance(i, 0.0));
            (s.kind.code(), parent, x, s.length(), s.diameter(), s.area(), order, distance)
        };
        self.tree.sections().iter().enumerate().map(row).collect()
    }

    /// Returns the samples of a section: x, y, z, diameter, and path length from its beginning.
    fn samples<'py>(&self, py: Python<'py>, section: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
        table(py, &self.tree.sections()[section].samples)
    }

    /// Returns the coordinates and the diameter at position `x` on a section.
    fn at(&self, section: usize, x: f64) -> ([f64; 3], f64) {
        self.tree.sections()[section].at(x)
    }

    /// Returns the path length from the soma's centre to position `x` on a section.
    fn distance(&self, section: usize, x: f64) -> f64 {
        self.tree.distance(section, x)
    }

    /// Returns descriptions of unusual properties.
    fn warnings(&self) -> Vec<String> {
        self.tree.warnings().iter().map(ToString::to_string).collect()
    }

    /// Divides the sections into control volumes.
    fn discretize(&self, py: Python<'_>, policy: Policy, r_axial: f64, c: f64) -> PyResult<Cvs> {
        let (name, numbers) = policy;
        let counts = || numbers.iter().map(|n| *n as usize);
        let policy = match (name.as_str(), numbers.as_slice()) {
            ("MaxLength", [most]) => CvPolicy::MaxLength(*most),
            ("DLambda", [fraction, frequency]) => {
                CvPolicy::DLambda { fraction: *fraction, frequency: *frequency }
            }
            (_, [n]) => CvPolicy::Each(*n as usize),
            _ => CvPolicy::PerSection(counts().collect()),
        };
        let tree = self.tree.clone();
        let divide = move || discretize(&tree, &policy, Membrane { r_axial, c });
        Ok(Cvs { tree: Arc::new(apart(py, "Morphology.cvs", divide)?) })
    }

    /// Returns the control volumes of a region. `kind` is `None` for all kinds.
    fn select(&self, cvs: &Cvs, kind: Option<u32>, ranges: Ranges) -> PyResult<Vec<usize>> {
        region(kind, ranges).cvs(&self.tree, &cvs.tree).map_err(|e| raised("CVs.select", &e))
    }

    /// Returns the intervals of a region: the sections, and the beginnings and ends on them.
    fn intervals(&self, kind: Option<u32>, ranges: Ranges) -> Vec<(usize, f64, f64)> {
        let found = region(kind, ranges).intervals(&self.tree);
        found.into_iter().map(|i| (i.section, i.x0, i.x1)).collect()
    }
}

/// Returns samples as rows of x, y, z, diameter, and path length from the beginning of their section.
fn table<'py, 'a>(
    py: Python<'py>,
    samples: impl IntoIterator<Item = &'a Sample>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let row = |s: &Sample| [s.position[0], s.position[1], s.position[2], s.diameter, s.distance];
    let rows: Vec<f64> = samples.into_iter().flat_map(row).collect();
    let count = rows.len() / 5;
    rows.into_pyarray(py).reshape([count, 5])
}

/// Returns a region. `kind` is `None` for all kinds.
fn region(kind: Option<u32>, ranges: Ranges) -> Region {
    let range = |r: Option<(f64, f64)>| r.map(|(low, high)| Range { low, high });
    let (distance, diameter, order) = (range(ranges.0), range(ranges.1), range(ranges.2));
    Region { kind: kind.map(Kind::from_code), distance, diameter, order }
}

/// The control volumes of a morphology.
#[pyclass(frozen)]
pub(crate) struct Cvs {
    tree: Arc<CvTree>,
}

impl Cvs {
    pub(crate) const fn of(tree: Arc<CvTree>) -> Self {
        Self { tree }
    }

    pub(crate) fn shared(&self) -> Arc<CvTree> {
        self.tree.clone()
    }
}

#[pymethods]
impl Cvs {
    /// Returns a property of each control volume: `section`, `x`, `length`, `area`, `diameter` or `distance`.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyArray1<f64>> {
        let value = |cv: &dendrion::morphology::Cv| match name {
            "section" => cv.section as f64,
            "x" => f64::midpoint(cv.x0, cv.x1),
            "area" => cv.area,
            "diameter" => cv.diameter,
            "length" => cv.length,
            _ => cv.distance,
        };
        self.tree.cvs.iter().map(value).collect::<Vec<f64>>().into_pyarray(py)
    }

    /// Returns the nodes: the control volume (-1 for a junction), the parent (-1 for the root), and the integral of 1/(pi r^2)
    /// from the parent (1/um).
    fn nodes(&self) -> Vec<(i64, i64, f64)> {
        let index = |i: Option<usize>| i.map_or(-1, |i| i as i64);
        self.tree.nodes.iter().map(|n| (index(n.cv), index(n.parent), n.resistance())).collect()
    }

    /// Returns the control volume that contains position `x` on a section.
    fn cv_at(&self, section: usize, x: f64) -> usize {
        self.tree.cv_at(section, x)
    }

    fn __len__(&self) -> usize {
        self.tree.cvs.len()
    }
}

//! Morphologies: trees of sections, and their division into control volumes.

use dendrion::morphology::{
    CvPolicy, CvTree, Kind, Membrane, Morphology as Tree, MorphologyError, Point, Range, Region, SectionSpec,
    discretize, read_swc,
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::error::raise_at;

/// Kind, parent, position on the parent, length, mean diameter, area, branch order, and path length to the beginning of a section.
type SectionRow = (u32, Option<usize>, f64, f64, f64, f64, usize, f64);

/// Number of CVs of each section, or a rule: name and numbers.
type Policy = (String, Vec<f64>);

/// Ranges of path length, diameter and branch order.
type Ranges = (Option<(f64, f64)>, Option<(f64, f64)>, Option<(f64, f64)>);

fn raise(what: &str, error: &MorphologyError) -> PyErr {
    raise_at("MorphologyError", &format!("{what}: {error}"), None)
}

/// A morphology.
#[pyclass(frozen)]
pub(crate) struct Morphology {
    tree: Tree,
}

#[pymethods]
impl Morphology {
    /// Reads the text of an SWC file. `name` is the file in error messages.
    #[staticmethod]
    fn from_swc(name: &str, text: &str) -> PyResult<Self> {
        let tree = read_swc(text).and_then(|points| Tree::from_points(&points));
        Ok(Self { tree: tree.map_err(|e| raise(name, &e))? })
    }

    /// Creates a morphology from points. Parents are indices; the parent of the root is -1.
    #[staticmethod]
    fn from_points(
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
        let tree = Tree::from_points(&points).map_err(|e| raise("Morphology.from_points", &e))?;
        Ok(Self { tree })
    }

    /// Creates a morphology from cylinders. Parents are indices; the parent of the root is -1.
    #[staticmethod]
    fn from_sections(
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
        let tree = Tree::from_sections(&specs).map_err(|e| raise("Morphology.from_sections", &e))?;
        Ok(Self { tree })
    }

    /// Returns the sections.
    fn sections(&self) -> Vec<SectionRow> {
        let row = |(i, s): (usize, &dendrion::morphology::Section)| {
            let (parent, x) = s.parent.map_or((None, 0.0), |p| (Some(p.section), p.x));
            let (order, distance) = (self.tree.order(i), self.tree.distance(i, 0.0));
            (s.kind.code(), parent, x, s.length(), s.diameter(), s.area(), order, distance)
        };
        self.tree.sections().iter().enumerate().map(row).collect()
    }

    /// Returns the samples of a section: x, y, z, diameter, and path length from its beginning.
    fn samples<'py>(&self, py: Python<'py>, section: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let samples = &self.tree.sections()[section].samples;
        let rows: Vec<f64> = (samples.iter())
            .flat_map(|s| [s.position[0], s.position[1], s.position[2], s.diameter, s.distance])
            .collect();
        rows.into_pyarray(py).reshape([samples.len(), 5])
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
    fn discretize(&self, policy: Policy, r_axial: f64, c: f64) -> PyResult<Cvs> {
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
        let found = discretize(&self.tree, &policy, Membrane { r_axial, c });
        Ok(Cvs { tree: found.map_err(|e| raise("Morphology", &e))? })
    }

    /// Returns the control volumes of a region. `kind` is `None` for all kinds.
    fn select(&self, cvs: &Cvs, kind: Option<u32>, ranges: Ranges) -> PyResult<Vec<usize>> {
        let range = |r: Option<(f64, f64)>| r.map(|(low, high)| Range { low, high });
        let (distance, diameter, order) = (range(ranges.0), range(ranges.1), range(ranges.2));
        let region = Region { kind: kind.map(Kind::from_code), distance, diameter, order };
        region.cvs(&self.tree, &cvs.tree).map_err(|e| raise("Morphology", &e))
    }
}

/// The control volumes of a morphology.
#[pyclass(frozen)]
pub(crate) struct Cvs {
    tree: CvTree,
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
            "length" => cv.area / (std::f64::consts::PI * cv.diameter),
            _ => cv.distance,
        };
        self.tree.cvs.iter().map(value).collect::<Vec<f64>>().into_pyarray(py)
    }

    /// Returns the nodes: the control volume (-1 for a junction), the parent (-1 for the root), and the integral of 1/(pi r^2)
    /// from the parent (1/um).
    fn nodes(&self) -> Vec<(i64, i64, f64)> {
        let index = |i: Option<usize>| i.map_or(-1, |i| i as i64);
        self.tree.nodes.iter().map(|n| (index(n.cv), index(n.parent), n.resistance)).collect()
    }

    /// Returns the control volume that contains position `x` on a section.
    fn cv_at(&self, section: usize, x: f64) -> usize {
        self.tree.cv_at(section, x)
    }

    fn __len__(&self) -> usize {
        self.tree.cvs.len()
    }
}

//! Diffusion of ions along the dendrites.
//!
//! After all other changes in a step, each diffusing concentration c is advanced with implicit Euler:
//!
//! ```text
//! volume/h (c' - c) = sum over neighbours of g (c'_neighbour - c')      g = 1/sum over both halves of (integral f/D)
//! ```
//!
//! Here D is the diffusion coefficient (um2/ms) of a CV, volume = π/4 l d² its volume (um3), and integral f the integral of
//! 1/(pi r^2) (1/um) over the half of a CV between its centre and the connection (`geometry.rs`). This is the equation of the
//! potential with other coefficients, so the same solver is used (`dendrion_kernels::Tree`). Junctions have no volume. The total
//! amount of the ion is conserved, because what leaves a CV enters its neighbours.
//!
//! Only neighbours that both have the mechanism exchange ions. The CVs with the mechanism may therefore form several trees. The solver
//! needs a single tree, so the roots of the others become children of the first one, with g = 0. A junction without neighbours
//! gets a volume, because its value would otherwise be 0/0; nothing reads this value. If D is 0 at all neighbours of a
//! junction, its value is the limit for small D, on which the gradient with respect to D depends.

use std::sync::Arc;

use dendrion_equations::{Spread, System};
use dendrion_kernels::{Scalar, Tree, TreeColumns, TreeInputs};
use dendrion_model::{Cable, Error, Role, Values};

use super::geometry::{Geometry, Link};
use super::stage::{Shape, StageError};
use crate::build::layout::Layout;

/// A diffusion coefficient (um2/ms) so small that no concentration changes.
const LEAST: f64 = 1e-30;

/// A concentration that diffuses.
#[derive(Debug)]
pub(crate) struct Diffusing<T: Scalar> {
    /// The state of the concentration, and that of its value before it diffuses.
    pub(crate) row: usize,
    pub(crate) before: usize,
    /// Whether it diffuses before the gates are advanced, because it is a concentration that is advanced before them.
    pub(crate) is_early: bool,
    pub(crate) paths: Paths,
    pub(crate) tree: Tree<T>,
}

/// The tree of a concentration: the CVs on which its mechanism is placed, in the order of its sites, and then all junctions.
#[derive(Debug)]
pub(crate) struct Paths {
    geometry: Geometry,
    /// For each node, its parent, and the connection through which both exchange ions.
    pub(crate) nodes: Vec<(usize, Option<Link>)>,
    sites: Vec<u32>,
    /// The diffusion coefficient of each member.
    d: Values,
}

impl Paths {
    /// Returns the tree of mechanisms on these CVs. `d` contains the diffusion coefficients.
    fn new(
        (cable, sites): (&Cable, &[u32]),
        system: &System,
        parameters: &[Arc<Values>],
        d: &Values,
    ) -> Self {
        let geometry = Geometry::of_sites((cable, sites), system, parameters);
        let cvs = cable.tree.cvs.len();
        let mut place: Vec<Option<usize>> = vec![None; cvs];
        sites.iter().enumerate().for_each(|(site, cv)| place[*cv as usize] = Some(site));
        place.extend((0..geometry.links.len() - cvs).map(|junction| Some(sites.len() + junction)));
        let mut nodes: Vec<(usize, Option<Link>)> =
            (0..place.iter().flatten().count()).map(|i| (i, None)).collect();
        let mut root = None;
        for (node, link) in geometry.links.iter().enumerate() {
            let Some(own) = place[node] else { continue };
            match link.and_then(|link| Some((place[link.parent]?, link))) {
                Some((parent, link)) => nodes[own] = (parent, Some(link)),
                // The first of the roots becomes the parent of the others.
                None => nodes[own] = (*root.get_or_insert(own), None),
            }
        }
        Self { geometry, nodes, sites: sites.to_vec(), d: d.clone() }
    }

    /// Returns the conductance of a connection (um3/ms).
    fn conductance(&self, cell: usize, link: &Link) -> f64 {
        let halves = self.halves(cell, link);
        if halves.iter().any(|half| half.d == 0.0) {
            return 0.0;
        }
        1.0 / halves.iter().map(|half| half.integral / half.d).sum::<f64>()
    }

    /// Returns the parts of a connection that have a length.
    pub(crate) fn halves(&self, cell: usize, link: &Link) -> Vec<Half> {
        let half = |(cv, integral): (Option<usize>, f64)| {
            let cv = cv?;
            let integral = integral * self.geometry.stretch(cell, Some(cv));
            let member = self.geometry.member(cell, cv);
            (integral > 0.0).then(|| Half { cv, member, integral, d: self.d.of(member) })
        };
        link.halves.into_iter().filter_map(half).collect()
    }

    /// Returns the CV of each site.
    pub(crate) fn cvs(&self) -> impl Iterator<Item = usize> + '_ {
        self.sites.iter().map(|cv| *cv as usize)
    }

    pub(crate) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Returns whether the cells have different coefficients.
    fn is_individual(&self) -> bool {
        self.geometry.is_individual()
            || (self.d.as_slice().len() > self.sites.len() && self.d.uniform().is_none())
    }

    fn tree<T: Scalar>(&self, dt: f64, (cells, width): (usize, usize)) -> Result<Tree<T>, StageError> {
        let count = self.sites.len();
        let parents: Vec<usize> = self.nodes.iter().map(|(parent, _)| *parent).collect();
        let mut columns = TreeColumns { capacitance: vec![], leak: vec![], reversal: vec![], axial: vec![] };
        for cell in 0..if cells > 1 && self.is_individual() { cells } else { 1 } {
            let (conductances, has_none) = self.conductances(cell);
            let volumes = self.cvs().map(|cv| self.geometry.volume(cell, cv) / dt);
            columns.capacitance.extend(volumes);
            columns.capacitance.extend(has_none[count..].iter().map(|alone| f64::from(u8::from(*alone))));
            columns.axial.extend(conductances);
            columns.leak.resize(columns.axial.len(), 0.0);
            columns.reversal.resize(columns.axial.len(), 0.0);
        }
        let none = vec![false; count];
        let inputs = TreeInputs { currents: &none, slopes: &none };
        Tree::new((&parents, count), &columns, &inputs, (cells, width), 1.0).map_err(StageError::Link)
    }

    /// Returns the conductance of each node to its parent, and whether each node has no connection.
    fn conductances(&self, cell: usize) -> (Vec<f64>, Vec<bool>) {
        let (count, nodes) = (self.sites.len(), self.nodes.len());
        let of = |(_, link): &(usize, Option<Link>)| {
            link.as_ref().map_or(0.0, |link| self.conductance(cell, link))
        };
        let mut conductances: Vec<f64> = self.nodes.iter().map(of).collect();
        let (mut totals, mut has_none) = (vec![0.0; nodes], vec![true; nodes]);
        for (node, (parent, link)) in self.nodes.iter().enumerate().filter(|(_, (_, link))| link.is_some()) {
            for end in [node, *parent] {
                totals[end] += conductances[node];
                has_none[end] &= link.is_none();
            }
        }
        for (node, (parent, link)) in self.nodes.iter().enumerate() {
            let Some(link) = link else { continue };
            if [node, *parent].into_iter().any(|end| end >= count && totals[end] == 0.0) {
                let integrals = self.halves(cell, link).into_iter().map(|half| half.integral);
                conductances[node] = LEAST / integrals.sum::<f64>();
            }
        }
        (conductances, has_none)
    }
}

/// A part of a connection: the CV, its member, the integral of 1/(pi r^2) (1/um), and the diffusion coefficient (um2/ms).
pub(crate) struct Half {
    pub(crate) cv: usize,
    pub(crate) member: usize,
    pub(crate) integral: f64,
    pub(crate) d: f64,
}

/// Builds the trees of the concentrations that diffuse. `initial` contains the initial values of states.
pub(super) fn diffusing<T: Scalar>(
    shape: &Shape<'_>,
    (system, parameters): (&System, &[Arc<Values>]),
    initial: &[Values],
    layout: &Layout,
) -> Result<Vec<Diffusing<T>>, StageError> {
    let (Some(cable), Role::Placed { sites, .. }) = (shape.cable, shape.role) else { return Ok(Vec::new()) };
    let (dt, cells) = (parameters[System::DT].get(0), layout.size / layout.sites);
    let mut found = Vec::with_capacity(system.spreads.len());
    for spread in &system.spreads {
        let d = &initial[spread.coefficient];
        check(system, spread, d, sites).map_err(StageError::Other)?;
        let paths = Paths::new((cable, sites), system, parameters, d);
        let tree = paths.tree(dt, (cells, layout.width))?;
        let is_early = system.pools_apart && system.states[spread.state].is_pool;
        found.push(Diffusing { row: spread.state, before: spread.before, is_early, paths, tree });
    }
    Ok(found)
}

/// Checks diffusion coefficients.
fn check(system: &System, spread: &Spread, d: &Values, sites: &[u32]) -> Result<(), Error> {
    let Some(at) = d.as_slice().iter().position(|d| !(d.is_finite() && *d >= 0.0)) else { return Ok(()) };
    let (module, name) = system.states[spread.state].name.rsplit_once('.').unwrap_or(("", "the state"));
    let (value, cv) = (d.get(at).to_string().to_lowercase(), sites[at % sites.len()]);
    let place = if d.as_slice().len() > 1 { format!(" at CV {cv}") } else { String::new() };
    let what = format!(
        "the diffusion coefficient of {name}{place} is {value} um2/ms; expected a finite number >= 0"
    );
    Err(Error::structure(format!("{}/{module}", system.path), what))
}

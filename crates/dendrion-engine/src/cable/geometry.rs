//! The geometry of the CVs of detailed cells, whose lengths and diameters are parameters.
//!
//! The morphology determines the CVs and their *original* length l0, diameter d0 and integrals of 1/(pi r^2). A length l and
//! a diameter d scale a CV along and across its axis:
//!
//! ```text
//! area = π l d          volume = π/4 l d²       axial resistance of each half = r_axial * integral * f,   f = (l/l0)/(d/d0)²
//! ```
//!
//! The resistance between two nodes consists of the halves of up to two CVs. Both formulas are exact for cylinders; for
//! CVs with varying diameters, only the area is approximate, because their surface is not parallel to the axis.
//! Without a change, f is exactly 1.

use std::f64::consts::PI;
use std::sync::Arc;

use dendrion_equations::System;
use dendrion_model::{Cable, Owner, Values};

/// The connection of a node to its parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) parent: usize,
    /// The CVs that the connection passes through, with the integrals of 1/(pi r^2) in them (1/um). Junctions have no CV.
    pub(crate) halves: [(Option<usize>, f64); 2],
}

/// The geometry of all cells of a population: of a membrane, or of mechanisms, which know only the CVs on which they are placed.
#[derive(Debug)]
pub(crate) struct Geometry {
    /// The connection of each node except for the root.
    pub(crate) links: Vec<Option<Link>>,
    /// Number of values per cell, and the position of the value of each CV among them.
    sites: usize,
    site_of: Option<Vec<usize>>,
    original: [Vec<f64>; 2],
    length: Arc<Values>,
    diameter: Arc<Values>,
    factor: Arc<Values>,
}

impl Geometry {
    /// Returns the geometry for these values of the parameters of a membrane.
    pub(crate) fn new(cable: &Cable, system: &System, parameters: &[Arc<Values>]) -> Self {
        let [length, diameter, factor] =
            ["length", "diameter", "area_factor"].map(|name| value_of(system, parameters, name));
        let (order, cvs) = (node_order(cable), cable.tree.cvs.len());
        let mut links = vec![None; order.len()];
        for (node, at) in cable.tree.nodes.iter().zip(&order) {
            let Some(parent) = node.parent else { continue };
            let cvs = [cable.tree.nodes[parent].cv, node.cv];
            let halves = [(cvs[0], node.resistances[0]), (cvs[1], node.resistances[1])];
            links[*at] = Some(Link { parent: order[parent], halves });
        }
        Self { links, sites: cvs, site_of: None, original: cable.geometry(), length, diameter, factor }
    }

    /// Returns the geometry for these values of the parameters of mechanisms on these CVs.
    pub(crate) fn of_sites(
        (cable, sites): (&Cable, &[u32]),
        system: &System,
        parameters: &[Arc<Values>],
    ) -> Self {
        let mut site_of = vec![0; cable.tree.cvs.len()];
        sites.iter().enumerate().for_each(|(site, cv)| site_of[*cv as usize] = site);
        Self { sites: sites.len(), site_of: Some(site_of), ..Self::new(cable, system, parameters) }
    }

    /// Returns whether the cells have different lengths or diameters.
    pub(crate) fn is_individual(&self) -> bool {
        [&self.length, &self.diameter]
            .iter()
            .any(|v| v.as_slice().len() > self.sites && v.uniform().is_none())
    }

    /// Returns the index of a CV of a cell among the members of the population.
    pub(crate) fn member(&self, cell: usize, cv: usize) -> usize {
        cell * self.sites + self.site_of.as_ref().map_or(cv, |site_of| site_of[cv])
    }

    /// Returns the length of a CV of a cell (um).
    pub(crate) fn length(&self, cell: usize, cv: usize) -> f64 {
        self.length.of(self.member(cell, cv))
    }

    /// Returns the diameter of a CV of a cell (um).
    pub(crate) fn diameter(&self, cell: usize, cv: usize) -> f64 {
        self.diameter.of(self.member(cell, cv))
    }

    /// Returns the area of a CV of a cell (um2).
    pub(crate) fn area(&self, cell: usize, cv: usize) -> f64 {
        PI * self.length(cell, cv) * self.diameter(cell, cv) * self.factor.of(0)
    }

    /// Returns the volume of a CV of a cell (um3).
    pub(crate) fn volume(&self, cell: usize, cv: usize) -> f64 {
        let d = self.diameter(cell, cv);
        PI / 4.0 * d * d * self.length(cell, cv)
    }

    /// Returns the factor f by which the integrals of 1/(pi r^2) in a CV differ from those of the morphology.
    pub(crate) fn stretch(&self, cell: usize, cv: Option<usize>) -> f64 {
        // The halves next to a junction belong to the CVs of its neighbours.
        let Some(cv) = cv else { return 1.0 };
        let (long, wide) =
            (self.length(cell, cv) / self.original[0][cv], self.diameter(cell, cv) / self.original[1][cv]);
        long / (wide * wide)
    }

    /// Returns the integral of 1/(pi r^2) between a node and its parent (1/um).
    pub(crate) fn resistance(&self, cell: usize, link: &Link) -> f64 {
        let [above, own] = link.halves.map(|(cv, integral)| integral * self.stretch(cell, cv));
        above + own
    }
}

/// Returns the values of a parameter of the membrane.
pub(crate) fn value_of(system: &System, parameters: &[Arc<Values>], name: &str) -> Arc<Values> {
    let number = system.parameters.number(Owner::Compartment(0), name);
    let found = number.and_then(|i| parameters.get(i)).cloned();
    found.unwrap_or_else(|| Arc::new(Values::Scalar(f64::NAN)))
}

/// Returns the axial conductance (nS) for an axial resistivity (ohm cm) and an integral of 1/(pi r^2) (1/um): 1/R, where
/// ohm cm / um is 10 kohm.
pub(crate) fn axial(r_axial: f64, resistance: f64) -> f64 {
    1e5 / (r_axial * resistance)
}

/// Returns the index of each node in the engine: CVs come first, in their order, and junctions follow.
fn node_order(cable: &Cable) -> Vec<usize> {
    // Rows of V contain CVs only, so a CV has the same number in them as in the tree.
    let mut junctions = cable.tree.cvs.len();
    let place = |node: &dendrion_morphology::Node| {
        node.cv.unwrap_or_else(|| {
            junctions += 1;
            junctions - 1
        })
    };
    cable.tree.nodes.iter().map(place).collect()
}

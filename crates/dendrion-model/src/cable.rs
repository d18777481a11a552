//! Detailed cells: neurons whose tree of control volumes (CVs) comes from a morphology.
//!
//! A group of detailed cells consists of several populations with one path, which are advanced together: the
//! *cells* themselves, with a threshold; the *membrane*, with the potential of each CV; and one population for each
//! set of mechanisms that are placed on the same CVs. The members of a membrane and of placed mechanisms are
//! instances, sorted by cell and then by site. The populations of a group are consecutive and in this order.

use std::sync::Arc;

use dendrion_morphology::{CvTree, Morphology};
use serde::{Deserialize, Serialize};

use crate::{Error, Population};

/// The method for the gates of detailed cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gates {
    /// Linearly implicit Crank-Nicolson with V held: a rational function of the step.
    #[default]
    Rational,
    /// Exponential Euler with V held, which is exact for linear gates ("cnexp" in NEURON).
    Exponential,
    /// The joint linearly implicit method of gates and V.
    Coupled,
}

impl Gates {
    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "rational" => Some(Self::Rational),
            "cnexp" => Some(Self::Exponential),
            "coupled" => Some(Self::Coupled),
            _ => None,
        }
    }

    /// Returns the name of the method.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rational => "rational",
            Self::Exponential => "cnexp",
            Self::Coupled => "coupled",
        }
    }
}

/// The shape of detailed cells, and how they are solved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cable {
    /// The morphology.
    pub morphology: Arc<Morphology>,
    /// Its CVs, and the tree that connects them.
    pub tree: Arc<CvTree>,
    /// The method for gates.
    pub gates: Gates,
    /// Whether gates are advanced after V, so that they are known half a step later than V.
    pub staggered: bool,
    /// The CV whose potential is compared with the threshold.
    pub spike_at: usize,
}

/// The place of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On the membrane of a region: currents per area.
    Density,
    /// At points: currents in pA.
    Point,
}

/// The role of a population.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Neurons with their own compartments, which are advanced on their own.
    #[default]
    Neurons,
    /// Detailed cells. The next populations, up to the last one whose cells are these, belong to them.
    Cells(Cable),
    /// The potentials of all CVs of detailed cells.
    Membrane {
        /// Index of the population of the cells.
        cells: usize,
        /// Number of CVs of a cell.
        cvs: usize,
    },
    /// Mechanisms placed on detailed cells.
    Placed {
        /// Index of the population of the cells.
        cells: usize,
        /// The CVs; for points, the same CV may occur several times.
        sites: Arc<Vec<u32>>,
        /// The place of the mechanisms.
        place: Place,
    },
}

impl Role {
    /// Returns the index of the population of cells that this population belongs to, if it is a membrane or a set of placed
    /// mechanisms.
    pub const fn cells(&self) -> Option<usize> {
        match self {
            Self::Neurons | Self::Cells(_) => None,
            Self::Membrane { cells, .. } | Self::Placed { cells, .. } => Some(*cells),
        }
    }

    /// Returns the shape of the cells, if this is a population of detailed cells.
    pub const fn cable(&self) -> Option<&Cable> {
        match self {
            Self::Cells(cable) => Some(cable),
            _ => None,
        }
    }
}

/// The number of values that a parameter may have: one, one per member, or one per site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Number of members.
    pub all: usize,
    /// Number of sites of a cell. If there are no sites, the number of members.
    pub sites: usize,
}

impl Count {
    /// Returns whether a parameter may have this number of individual values.
    pub const fn accepts(self, values: usize) -> bool {
        values == self.all || values == self.sites
    }
}

impl From<usize> for Count {
    fn from(all: usize) -> Self {
        Self { all, sites: all }
    }
}

impl Population {
    /// Creates the populations of detailed cells: the cells and their membrane. `first` is the index that the
    /// first of them will have in the network.
    pub fn cable(
        mut cells: Self,
        cable: Cable,
        membrane: impl Into<crate::Params>,
        first: usize,
    ) -> [Self; 2] {
        let mut params = membrane.into();
        params.set("length", cable.tree.cvs.iter().map(|cv| cable.length(cv)).collect::<Vec<_>>());
        params.set("diameter", cable.tree.cvs.iter().map(|cv| cv.diameter).collect::<Vec<_>>());
        let size = cells.size.saturating_mul(cable.tree.cvs.len());
        let mut unit = Self::new(cells.path.clone(), size, crate::Params::new());
        unit.compartment("", params);
        unit.role = Role::Membrane { cells: first, cvs: cable.tree.cvs.len() };
        unit.method = cells.method;
        cells.role = Role::Cells(cable);
        [cells, unit]
    }

    /// Creates an empty population of mechanisms placed on the cells at index `index`.
    pub fn placed(&self, index: usize, sites: Vec<u32>, place: Place) -> Option<Self> {
        let cable = self.role.cable()?;
        let mut unit =
            Self::new(self.path.clone(), self.size.saturating_mul(sites.len()), crate::Params::new());
        let of = |value: &dyn Fn(&dendrion_morphology::Cv) -> f64| -> Vec<f64> {
            sites.iter().map(|cv| cable.tree.cvs.get(*cv as usize).map_or(f64::NAN, value)).collect()
        };
        let mut params = crate::Params::new().with("distance", of(&|cv| cv.distance));
        params.set("length", of(&|cv| cable.length(cv)));
        params.set("diameter", of(&|cv| cv.diameter));
        unit.compartment("", params);
        unit.method = self.method;
        unit.role = Role::Placed { cells: index, sites: Arc::new(sites), place };
        Some(unit)
    }

    /// Returns a name that is unique among all populations of the network.
    pub fn label(&self) -> String {
        let first = self.receptors.first().map(|r| &r.name).or(self.mechanisms.first().map(|m| &m.name));
        match (&self.role, first) {
            (Role::Neurons | Role::Cells(_), _) => self.path.clone(),
            (Role::Placed { .. }, Some(name)) => self.path_of(name),
            _ => format!("{}/(membrane)", self.path),
        }
    }

    /// Returns the number of sites of each cell, or `None` for neurons and cells, which have no sites.
    pub fn sites(&self) -> Option<usize> {
        match &self.role {
            Role::Neurons | Role::Cells(_) => None,
            Role::Membrane { cvs, .. } => Some(*cvs),
            Role::Placed { sites, .. } => Some(sites.len()),
        }
    }

    /// Returns the numbers of values that the population's parameters may have.
    pub fn count(&self) -> Count {
        Count { all: self.size, sites: self.sites().unwrap_or(self.size) }
    }
}

impl Cable {
    /// Returns the length of a CV (um).
    pub fn length(&self, cv: &dendrion_morphology::Cv) -> f64 {
        (cv.x1 - cv.x0) * self.morphology.sections()[cv.section].length()
    }

    /// Checks the cable of the cells at `path`.
    pub(crate) fn validate(&self, path: &str) -> Result<(), Error> {
        let count = self.tree.cvs.len();
        if self.spike_at >= count {
            let accepted = format!("a CV below {count}, the number of CVs");
            return Err(Error::parameter(path, "spike_at", self.spike_at, accepted));
        }
        Ok(())
    }
}

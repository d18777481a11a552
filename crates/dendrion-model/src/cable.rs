//! Detailed cells: neurons whose tree of control volumes (CVs) comes from a morphology.
//!
//! A group of detailed cells consists of several populations with one path, which are advanced together: the
//! *cells* themselves, with a threshold; the *membrane*, with the potential of each CV; and one population for each
//! set of mechanisms that are placed on the same CVs. The members of a membrane and of placed mechanisms are
//! instances, sorted by cell and then by site. The populations of a group are consecutive and in this order.

use std::sync::Arc;

use dendrion_morphology::{CvTree, Morphology};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The method for the gates of detailed cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gates {
    /// Linearly implicit Crank-Nicolson with V held constant: a rational function of the step.
    #[default]
    Rational,
    /// Exponential Euler with V held constant, which is exact for linear gates ("cnexp" in NEURON).
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
    /// Ordinary neurons, which have compartments and are advanced independently of other populations.
    #[default]
    Neurons,
    /// Detailed cells. The populations that follow, up to the last one that refers to these cells, belong to them.
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

impl Cable {
    /// Returns whether the step of mechanisms has a part that follows the solution of the tree.
    pub fn is_split(&self) -> bool {
        self.staggered || self.gates == Gates::Coupled
    }

    /// Returns the lengths and the diameters of all CVs according to the morphology (um).
    pub fn geometry(&self) -> [Vec<f64>; 2] {
        let cvs = &self.tree.cvs;
        [cvs.iter().map(|cv| cv.length).collect(), cvs.iter().map(|cv| cv.diameter).collect()]
    }

    /// Checks the cable of the cells at `path`.
    pub(crate) fn validate(&self, path: &str) -> Result<(), Error> {
        let count = self.tree.cvs.len();
        if self.staggered && self.gates == Gates::Coupled {
            let accepted = "false, because coupled gates are solved together with V";
            return Err(Error::parameter(path, "staggered", true, accepted));
        }
        if self.spike_at >= count {
            let accepted = format!("a CV below {count}, the number of CVs");
            return Err(Error::parameter(path, "spike_at", self.spike_at, accepted));
        }
        Ok(())
    }
}

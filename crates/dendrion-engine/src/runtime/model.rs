//! The model of the network, and the data that are compiled and derived from it.

use std::sync::{Arc, OnceLock};

use dendrion_equations::{Rate, rates};
use dendrion_kernels::{Level, Scalar};
use dendrion_model::{Error, Network, Rounding};

use super::index::Index;
use super::population::Cells;
use super::target::{Target, Targets, full_name};
use crate::inputs::Current;

/// A model and its programs. Setting parameters changes it; runs do not.
#[derive(Debug)]
pub(crate) struct Model<T: Scalar> {
    /// The model without the arrays of connections. Parameters of cells have the values at the time of the build.
    pub(crate) network: Network,
    pub(crate) cells: Vec<Cells<T>>,
    /// All parameters by key.
    pub(crate) targets: Arc<Targets>,
    /// Modules and states by name.
    pub(crate) index: Index,
    /// Path and size of each generator.
    pub(crate) generators: Arc<Vec<(String, usize)>>,
    /// Current generators by index.
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    /// For each projection, whether its weights were set after the build.
    pub(crate) reweighted: Vec<bool>,
    /// The description of the network in saved states, once it has been computed.
    pub(crate) described: OnceLock<Vec<(String, String)>>,
    /// Delays and spike times that were rounded when the network was built.
    pub(crate) rounded: Vec<Rounding>,
    /// The instruction set in use.
    pub(crate) level: Level,
}

impl<T: Scalar> Model<T> {
    /// Returns the index of the population at a path.
    pub(crate) fn population(&self, path: &str) -> Result<usize, Error> {
        match self.index.member(path) {
            Some((population, "")) => Ok(population),
            _ => Err(self.no_population(path)),
        }
    }

    pub(crate) fn no_population(&self, path: &str) -> Error {
        Error::unknown("network", "population", path, self.cells.iter().map(|c| c.path.clone()).collect())
    }

    /// Returns the index of the projection at a path.
    pub(crate) fn projection(&self, path: &str) -> Result<usize, Error> {
        self.index.projection(path).ok_or_else(|| {
            let known = self.network.projections.iter().map(|p| p.path.clone()).collect();
            Error::unknown("network", "projection", path, known)
        })
    }

    /// Returns the rates at which the states of a population change on their own.
    pub(crate) fn rates(&self, population: &str) -> Result<Vec<Rate>, Error> {
        Ok(rates(&self.cells[self.population(population)?].system))
    }

    /// Returns the keys of all parameters.
    pub(crate) fn parameter_names(&self) -> Vec<String> {
        self.targets.iter().map(|(k, _)| k.clone()).collect()
    }

    /// Returns the target of a key.
    pub(crate) fn target(&self, key: &str) -> Result<Target, Error> {
        if let Some(place) = self.targets.place(key) {
            return Ok(self.targets[place].1);
        }
        if let Some(cells) = self.cells.iter().find(|c| full_name(&c.path, "refractory") == key) {
            let what = "refractory was 0 when the network was built, so its equations have no refractory period; build it with refractory > 0 (ms)";
            return Err(Error::structure(&cells.path, what));
        }
        Err(Error::unknown("network", "parameter", key, self.parameter_names()))
    }

    /// Returns an error if there is a plastic projection for which `concerns` is true. `reason` is a clause that says
    /// why it is not supported.
    pub(crate) fn refuse_plastic(&self, reason: &str, concerns: impl Fn(usize) -> bool) -> Result<(), Error> {
        let plastic = (self.network.projections.iter().enumerate())
            .find(|(i, p)| p.plasticity.is_some() && concerns(*i));
        match plastic {
            None => Ok(()),
            Some((_, p)) => {
                let what = format!("has a plasticity rule, but {reason}; create it without one");
                Err(Error::run(&p.path, what))
            }
        }
    }
}

//! The model of the network, and the data that are compiled and derived from it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use dendrion_equations::{Rate, rates};
use dendrion_kernels::{Level, Scalar};
use dendrion_model::{Error, Generator, Network, Plasticity, Rounding};

use super::export_model::InShards;
use super::index::Index;
use super::population::Cells;
use super::store::{ParameterId, ParameterStore, full_name};
use crate::inputs::Current;

/// A model and its programs. Setting parameters changes it; runs do not.
#[derive(Debug)]
pub(crate) struct Model<T: Scalar> {
    /// The model without the values of its parameters and the arrays of its connections.
    pub(crate) network: Network,
    pub(crate) parameters: ParameterStore,
    pub(crate) cells: Vec<Cells<T>>,
    /// Modules and states by name.
    pub(crate) index: Index,
    /// Path and size of each generator.
    pub(crate) generators: Arc<Vec<(String, usize)>>,
    /// Current generators by index.
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    /// For each projection, the arrays that are only in the shards.
    pub(crate) in_shards: Vec<InShards>,
    /// Minimum number of bytes of each sample of a batch.
    pub(crate) sample_memory: f64,
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

    /// Returns the population with this path, or that of a mechanism on detailed cells.
    pub(crate) fn unit(&self, path: &str) -> Result<usize, Error> {
        match self.index.member(path) {
            Some((population, name))
                if name.is_empty() || self.network.populations[population].role.cells().is_some() =>
            {
                Ok(population)
            }
            _ => Err(self.no_population(path)),
        }
    }

    /// Returns the membrane of the detailed cells that are this population.
    pub(crate) fn membrane(&self, population: usize) -> Option<usize> {
        self.network.populations[population].role.cable().map(|_| population + 1)
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

    /// Returns the largest rate at which each state of a population approaches its steady state.
    pub(crate) fn rates(&self, population: &str) -> Result<Vec<Rate>, Error> {
        let population = self.population(population)?;
        Ok(rates(&self.cells[population].system, &self.parameters.of_system(population)?))
    }

    /// Returns a generator with the current values of its parameters.
    pub(crate) fn generator(&self, i: usize) -> Cow<'_, Generator> {
        self.parameters.generator(&self.network, i)
    }

    /// Returns the plasticity of a projection with the current values of its parameters.
    pub(crate) fn plasticity(&self, projection: usize) -> Option<Plasticity> {
        self.parameters.plasticity(&self.network, projection)
    }

    /// Returns the parameter with this key.
    pub(crate) fn parameter(&self, key: &str) -> Result<ParameterId, Error> {
        if let Some(id) = self.parameters.id(key) {
            return Ok(id);
        }
        if let Some(cells) = self.cells.iter().find(|c| full_name(&c.path, "refractory") == key) {
            let what = "refractory was 0 when the network was built, so its equations have no refractory period; build the network with refractory > 0 (ms)";
            return Err(Error::structure(&cells.path, what));
        }
        Err(Error::unknown("network", "parameter", key, self.parameters.keys().collect()))
    }

    /// Returns an error if there is a plastic projection for which `concerns` is true. `reason` is a clause
    /// that says why plasticity is not supported.
    pub(crate) fn refuse_plastic(&self, reason: &str, concerns: impl Fn(usize) -> bool) -> Result<(), Error> {
        let plastic = (self.network.projections.iter().enumerate())
            .find(|(i, p)| p.plasticity.is_some() && concerns(*i));
        match plastic {
            None => Ok(()),
            Some((_, p)) => {
                let what = format!("has a plasticity rule, but {reason}; create the synapse without a rule");
                Err(Error::run(&p.path, what))
            }
        }
    }
}

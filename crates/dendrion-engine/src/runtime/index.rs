//! Index of modules, shards and recorders, for access in constant or logarithmic time.
//!
//! Shards are sorted by population, source blocks by generator, incoming connections by projection, and
//! recorders by probe, so that they can be found by binary search. Names are looked up in hash tables.

use std::collections::HashMap;

use dendrion_kernels::Scalar;
use dendrion_model::Network;

use super::places::{first_of, places, range_of};
use super::population::Cells;
use super::shard::Shard;
use super::store::full_name;
use crate::inputs::SourceBlock;

/// The modules and states of a network by name.
#[derive(Debug)]
pub(crate) struct Index {
    populations: HashMap<String, usize>,
    generators: HashMap<String, usize>,
    projections: HashMap<String, usize>,
    /// Population and row of each state.
    states: HashMap<String, (usize, usize)>,
    /// Populations of placed mechanisms by the population of their cells and the name of a mechanism.
    placed: HashMap<(usize, String), usize>,
}

impl Index {
    pub(crate) fn of<T: Scalar>(network: &Network, cells: &[Cells<T>]) -> Self {
        let states = cells.iter().enumerate().flat_map(|(i, c)| {
            let states = c.system.states.iter().enumerate().filter(|(_, s)| !s.is_internal);
            states.map(move |(row, s)| (full_name(&c.path, &s.name), (i, row)))
        });
        let placed = network.populations.iter().enumerate().flat_map(|(i, p)| {
            let names = p.receptors.iter().map(|r| &r.name).chain(p.mechanisms.iter().map(|m| &m.name));
            p.role
                .cells()
                .into_iter()
                .flat_map(move |cells| names.clone().map(move |n| ((cells, n.clone()), i)))
        });
        Self {
            populations: places(network.populations.iter().map(|p| &p.path)),
            generators: places(network.generators.iter().map(|g| &g.path)),
            projections: places(network.projections.iter().map(|p| &p.path)),
            states: first_of(states),
            placed: placed.collect(),
        }
    }

    pub(crate) fn generator(&self, path: &str) -> Option<usize> {
        self.generators.get(path).copied()
    }

    pub(crate) fn projection(&self, path: &str) -> Option<usize> {
        self.projections.get(path).copied()
    }

    /// Returns the population and the row of a state.
    pub(crate) fn state(&self, key: &str) -> Option<(usize, usize)> {
        self.states.get(key).copied()
    }

    /// Returns the population to which a path belongs and the name of the member in it, which is empty for
    /// the population itself.
    pub(crate) fn member<'a>(&self, path: &'a str) -> Option<(usize, &'a str)> {
        let ends = std::iter::once(path.len()).chain(path.rmatch_indices('/').map(|(i, _)| i));
        let member = |end: usize| path[end..].trim_start_matches('/');
        let (population, member) =
            ends.into_iter().find_map(|end| Some((*self.populations.get(&path[..end])?, member(end))))?;
        // On detailed cells, mechanisms belong to populations of their own.
        let placed = self.placed.get(&(population, member.to_string()));
        Some((placed.copied().unwrap_or(population), member))
    }
}

/// Returns the shards of a population.
pub(crate) fn of_population<T: Scalar>(shards: &[Shard<T>], population: usize) -> &[Shard<T>] {
    &shards[range_of(shards, population, |s| s.place.population)]
}

/// Returns mutable access to the shards of a population.
pub(crate) fn of_population_mut<T: Scalar>(shards: &mut [Shard<T>], population: usize) -> &mut [Shard<T>] {
    let range = range_of(shards, population, |s| s.place.population);
    &mut shards[range]
}

/// Returns the source blocks of a generator.
pub(crate) fn of_generator(source_blocks: &[SourceBlock], generator: usize) -> &[SourceBlock] {
    &source_blocks[range_of(source_blocks, generator, |c| c.generator)]
}

/// Returns mutable access to the source blocks of a generator.
pub(crate) fn of_generator_mut(source_blocks: &mut [SourceBlock], generator: usize) -> &mut [SourceBlock] {
    let range = range_of(source_blocks, generator, |c| c.generator);
    &mut source_blocks[range]
}

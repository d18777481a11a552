//! Where things are, so that finding one costs the same however many there are.
//!
//! Shards are in the order of populations, source blocks in that of generators, incoming connections in that of projections, and
//! recorders in that of probes: a binary search finds them. Names are in hash tables.

use std::collections::HashMap;
use std::ops::Range;

use dendrion_kernels::Scalar;
use dendrion_model::Network;

use super::places::{first_of, places};
use super::population::Cells;
use super::shard::{Incoming, Shard};
use super::target::full_name;
use crate::inputs::SourceBlock;
use crate::recording::recorder::Recorder;

/// Modules and states of a network by name.
#[derive(Debug)]
pub(crate) struct Index {
    populations: HashMap<String, usize>,
    generators: HashMap<String, usize>,
    projections: HashMap<String, usize>,
    /// Population and row of each state.
    states: HashMap<String, (usize, usize)>,
}

impl Index {
    pub(crate) fn of<T: Scalar>(network: &Network, cells: &[Cells<T>]) -> Self {
        let states = cells.iter().enumerate().flat_map(|(i, c)| {
            let name = move |(row, name): (usize, &str)| (full_name(&c.path, name), (i, row));
            c.system.states.iter().map(|s| s.name.as_str()).enumerate().map(name)
        });
        Self {
            populations: places(network.populations.iter().map(|p| &p.path)),
            generators: places(network.generators.iter().map(|g| &g.path)),
            projections: places(network.projections.iter().map(|p| &p.path)),
            states: first_of(states),
        }
    }

    pub(crate) fn generator(&self, path: &str) -> Option<usize> {
        self.generators.get(path).copied()
    }

    pub(crate) fn projection(&self, path: &str) -> Option<usize> {
        self.projections.get(path).copied()
    }

    /// Population and row of a state.
    pub(crate) fn state(&self, key: &str) -> Option<(usize, usize)> {
        self.states.get(key).copied()
    }

    /// The population of a path, and the name in it of the member that has the path, which is empty for the population itself.
    pub(crate) fn member<'a>(&self, path: &'a str) -> Option<(usize, &'a str)> {
        let ends = std::iter::once(path.len()).chain(path.rmatch_indices('/').map(|(i, _)| i));
        let member = |end: usize| path[end..].trim_start_matches('/');
        ends.into_iter().find_map(|end| Some((*self.populations.get(&path[..end])?, member(end))))
    }
}

/// The range of the items whose number is `number`, of items in the order of their numbers.
fn range_of<I>(items: &[I], number: usize, number_of: impl Fn(&I) -> usize) -> Range<usize> {
    let begin = items.partition_point(|item| number_of(item) < number);
    let count = items[begin..].partition_point(|item| number_of(item) == number);
    begin..begin + count
}

/// The shards of a population.
pub(crate) fn of_population<T: Scalar>(shards: &[Shard<T>], population: usize) -> &[Shard<T>] {
    &shards[range_of(shards, population, |s| s.population)]
}

/// The shards of a population, to be changed.
pub(crate) fn of_population_mut<T: Scalar>(shards: &mut [Shard<T>], population: usize) -> &mut [Shard<T>] {
    let range = range_of(shards, population, |s| s.population);
    &mut shards[range]
}

/// The source blocks of a generator.
pub(crate) fn of_generator(source_blocks: &[SourceBlock], generator: usize) -> &[SourceBlock] {
    &source_blocks[range_of(source_blocks, generator, |c| c.generator)]
}

/// The source blocks of a generator, to be changed.
pub(crate) fn of_generator_mut(source_blocks: &mut [SourceBlock], generator: usize) -> &mut [SourceBlock] {
    let range = range_of(source_blocks, generator, |c| c.generator);
    &mut source_blocks[range]
}

impl<T: Scalar> Shard<T> {
    /// The connections of a projection onto the shard.
    pub(crate) fn incoming_of(&self, projection: usize) -> Option<&Incoming<T>> {
        let range = range_of(&self.incoming, projection, |i| i.projection);
        self.incoming[range].first()
    }

    /// The connections of a projection onto the shard, to be changed.
    pub(crate) fn incoming_of_mut(&mut self, projection: usize) -> Option<&mut Incoming<T>> {
        let range = range_of(&self.incoming, projection, |i| i.projection);
        self.incoming[range].first_mut()
    }

    /// What the shard records for a probe of values.
    pub(crate) fn recorder_of(&self, probe: usize) -> Option<&Recorder<T>> {
        let range = range_of(&self.recorders, probe, |r| r.probe);
        let watchers = &self.plasticity.watchers;
        let watcher = || watchers[range_of(watchers, probe, |(_, r)| r.probe)].first().map(|(_, r)| r);
        self.recorders[range].first().or_else(watcher)
    }

    /// What the shard records for a probe of values, to be changed.
    pub(crate) fn recorder_of_mut(&mut self, probe: usize) -> Option<&mut Recorder<T>> {
        let range = range_of(&self.recorders, probe, |r| r.probe);
        let watchers = &mut self.plasticity.watchers;
        let watched = range_of(watchers, probe, |(_, r)| r.probe);
        let watcher = watchers[watched].first_mut().map(|(_, r)| r);
        self.recorders[range].first_mut().or(watcher)
    }
}

#[cfg(test)]
mod tests {
    use super::range_of;

    #[test]
    fn a_search_looks_at_few_items() {
        for (size, most) in [(1_000, 25), (1_000_000, 45)] {
            let items: Vec<usize> = (0..size).collect();
            let looked = std::cell::Cell::new(0);
            let number_of = |n: &usize| {
                looked.set(looked.get() + 1);
                *n
            };
            assert_eq!(range_of(&items, size - 2, number_of), size - 2..size - 1);
            assert!(looked.get() <= most, "{} of {size}", looked.get());
        }
    }

    #[test]
    fn ranges_are_those_of_a_linear_search() {
        for numbers in [vec![], vec![0], vec![0, 0, 2, 2, 2, 5], vec![3; 4], vec![1, 2, 3, 7]] {
            for number in 0..9 {
                let found = range_of(&numbers, number, |n| *n);
                let begin = numbers.iter().position(|n| *n >= number).unwrap_or(numbers.len());
                let count = numbers.iter().filter(|n| **n == number).count();
                assert_eq!(found, begin..begin + count);
            }
        }
    }
}

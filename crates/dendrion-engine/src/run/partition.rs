//! Distribution of a sample's shards and source blocks to threads.
//!
//! Shards are distributed with the greedy "longest processing time" rule of Graham (1969): in descending order of
//! cost, each shard goes to the worker with the lowest cost so far. The most loaded worker then has at most 4/3 of
//! the load of the best partition. Results do not depend on the partition.

use std::collections::BTreeMap;

use dendrion_kernels::Scalar;

use super::member::Member;
use super::worker::Worker;
use crate::inputs::SourceBlock;
use crate::runtime::observer::{Observer, Unobserved};
use crate::runtime::sample::Sample;
use crate::runtime::shard::Shard;

/// A sample, with an observer for each of its shards and source blocks.
#[derive(Debug)]
pub(crate) struct Observed<T: Scalar, O: Observer<T>> {
    pub(crate) sample: Sample<T>,
    pub(crate) of_shards: Vec<O::Shard>,
    pub(crate) of_sources: Vec<O::Sources>,
    /// The step that the last run reached.
    pub(crate) reached: u64,
}

impl<T: Scalar> From<Sample<T>> for Observed<T, Unobserved> {
    fn from(sample: Sample<T>) -> Self {
        let (shards, sources) = (sample.shards.len(), sample.source_blocks.len());
        Self { sample, of_shards: vec![(); shards], of_sources: vec![(); sources], reached: 0 }
    }
}

/// The shards and the source blocks of a sample.
type Members<T, O> =
    (Vec<Member<Shard<T>, <O as Observer<T>>::Shard>>, Vec<Member<SourceBlock, <O as Observer<T>>::Sources>>);

impl<T: Scalar, O: Observer<T>> Observed<T, O> {
    /// Returns every shard and every source block with its observer and its place in the exchange.
    fn members(self) -> Members<T, O> {
        let shards = self.sample.shards.into_iter().zip(self.of_shards).enumerate();
        let sources = self.sample.source_blocks.into_iter().zip(self.of_sources).enumerate();
        (
            shards.map(|(place, (part, observer))| Member { place, part, observer }).collect(),
            sources.map(|(place, (part, observer))| Member { place, part, observer }).collect(),
        )
    }

    /// Converts the sample to a single worker that owns all of it.
    pub(crate) fn into_worker(self) -> Worker<T, O> {
        let reached = self.reached;
        let (shards, sources) = self.members();
        Worker::new(shards, sources, reached)
    }

    /// Converts a worker that owns a whole sample, with its shards and source blocks in order, to that sample.
    pub(crate) fn from_worker(worker: Worker<T, O>) -> Self {
        let mut members = worker.shards;
        members.sort_by_key(|member| member.place);
        let (shards, of_shards) = members.into_iter().map(|m| (m.part, m.observer)).unzip();
        let (source_blocks, of_sources) = worker.sources.into_iter().map(|m| (m.part, m.observer)).unzip();
        let sample = Sample { shards, source_blocks };
        Self { sample, of_shards, of_sources, reached: worker.reached }
    }
}

/// Distributes a sample to `workers` workers: shards by cost (see the module documentation), source blocks in
/// turn.
pub(crate) fn partition<T: Scalar, O: Observer<T>>(
    sample: Observed<T, O>,
    workers: usize,
    cost: impl Fn(&Shard<T>) -> usize,
) -> Vec<Worker<T, O>> {
    let reached = sample.reached;
    let (shards, sources) = sample.members();
    let mut parts: Vec<(Vec<_>, Vec<_>)> = (0..workers).map(|_| (Vec::new(), Vec::new())).collect();
    let mut clusters: BTreeMap<(usize, usize), (usize, Vec<_>)> = BTreeMap::new();
    for member in shards {
        let (total, members) = clusters.entry(member.part.place.cluster).or_default();
        *total += cost(&member.part);
        members.push(member);
    }
    let mut clusters: Vec<_> = clusters.into_iter().collect();
    // Clusters of equal cost keep their order, so that the partition is the same in every run.
    clusters.sort_by_key(|(_, (cost, _))| std::cmp::Reverse(*cost));
    let mut costs = vec![0; workers];
    for (_, (cost, members)) in clusters {
        let least = (0..workers).min_by_key(|w| costs[*w]).unwrap_or(0);
        costs[least] += cost;
        parts[least].0.extend(members);
    }
    for member in sources {
        // Source blocks of a generator have about equal costs.
        parts[member.place % workers].1.push(member);
    }
    parts.into_iter().map(|(shards, sources)| Worker::new(shards, sources, reached)).collect()
}

/// Collects the sample that was distributed to these workers. All workers stop at the same step, so the step
/// that the first worker reached is used.
pub(crate) fn gather<T: Scalar, O: Observer<T>>(
    workers: impl Iterator<Item = Worker<T, O>>,
) -> Observed<T, O> {
    let (mut shards, mut sources, mut reached) = (Vec::new(), Vec::new(), None);
    for worker in workers {
        shards.extend(worker.shards);
        sources.extend(worker.sources);
        reached = reached.or(Some(worker.reached));
    }
    // Other code finds shards by position, so the original order is restored.
    shards.sort_unstable_by_key(|member| member.place);
    sources.sort_unstable_by_key(|member| member.place);
    Observed::from_worker(Worker::new(shards, sources, reached.unwrap_or(0)))
}

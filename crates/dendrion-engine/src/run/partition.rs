//! Who does what: shards and generators distributed to threads.

use dendrion_kernels::Scalar;

use super::worker::Worker;
use crate::inputs::SourceBlock;
use crate::runtime::shard::Shard;

/// Shards of about equal cost, the costliest first to whoever has least; source blocks in turn, for that many threads.
pub(crate) fn partition<T: Scalar>(
    shards: Vec<Shard<T>>,
    source_blocks: Vec<SourceBlock>,
    threads: usize,
    cost: impl Fn(&Shard<T>) -> usize,
) -> Vec<Worker<T>> {
    let mut parts: Vec<(Vec<_>, Vec<_>)> = (0..threads).map(|_| (Vec::new(), Vec::new())).collect();
    let mut shards: Vec<_> = shards.into_iter().enumerate().map(|(i, s)| (cost(&s), i, s)).collect();
    shards.sort_by_key(|(cost, place, _)| (std::cmp::Reverse(*cost), *place));
    let mut costs = vec![0; threads];
    for (cost, place, shard) in shards {
        let least = (0..threads).min_by_key(|t| costs[*t]).unwrap_or(0);
        costs[least] += cost;
        parts[least].0.push((place, shard));
    }
    for (place, source_block) in source_blocks.into_iter().enumerate() {
        parts[place % threads].1.push((place, source_block));
    }
    parts.into_iter().map(|(shards, source_blocks)| Worker::new(shards, source_blocks)).collect()
}

/// The shards and source blocks of all workers, in their order.
pub(crate) fn gather<T: Scalar>(
    workers: impl Iterator<Item = Worker<T>>,
) -> (Vec<Shard<T>>, Vec<SourceBlock>) {
    let (mut shards, mut source_blocks) = (Vec::new(), Vec::new());
    for worker in workers {
        shards.extend(worker.shards);
        source_blocks.extend(worker.source_blocks);
    }
    shards.sort_unstable_by_key(|(place, _)| *place);
    source_blocks.sort_unstable_by_key(|(place, _)| *place);
    (shards.into_iter().map(|(_, s)| s).collect(), source_blocks.into_iter().map(|(_, c)| c).collect())
}

//! Who does what: shards and generators dealt out to threads.

use dendrion_kernels::Scalar;

use super::crew::Crew;
use crate::generate::Chunk;
use crate::shard::Shard;

/// Shards of about equal cost, the costliest first to whoever has least; chunks in turn, for that many threads.
pub(crate) fn deal<T: Scalar>(
    shards: Vec<Shard<T>>,
    chunks: Vec<Chunk>,
    threads: usize,
    cost: impl Fn(&Shard<T>) -> usize,
) -> Vec<Crew<T>> {
    let mut parts: Vec<(Vec<_>, Vec<_>)> = (0..threads).map(|_| (Vec::new(), Vec::new())).collect();
    let mut shards: Vec<_> = shards.into_iter().enumerate().map(|(i, s)| (cost(&s), i, s)).collect();
    shards.sort_by_key(|(cost, place, _)| (std::cmp::Reverse(*cost), *place));
    let mut costs = vec![0; threads];
    for (cost, place, shard) in shards {
        let least = (0..threads).min_by_key(|t| costs[*t]).unwrap_or(0);
        costs[least] += cost;
        parts[least].0.push((place, shard));
    }
    for (place, chunk) in chunks.into_iter().enumerate() {
        parts[place % threads].1.push((place, chunk));
    }
    parts.into_iter().map(|(shards, chunks)| Crew::new(shards, chunks)).collect()
}

/// What crews had, in its order.
pub(crate) fn gather<T: Scalar>(crews: impl Iterator<Item = Crew<T>>) -> (Vec<Shard<T>>, Vec<Chunk>) {
    let (mut shards, mut chunks) = (Vec::new(), Vec::new());
    for crew in crews {
        shards.extend(crew.shards);
        chunks.extend(crew.chunks);
    }
    shards.sort_unstable_by_key(|(place, _)| *place);
    chunks.sort_unstable_by_key(|(place, _)| *place);
    (shards.into_iter().map(|(_, s)| s).collect(), chunks.into_iter().map(|(_, c)| c).collect())
}

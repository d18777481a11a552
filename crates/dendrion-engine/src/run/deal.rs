//! Who does what: shards and generators dealt out to threads.

use dendrion_lanes::Scalar;

use super::crew::Crew;
use crate::generate::Chunk;
use crate::shard::Shard;

/// Runs of shards of about equal cost, chunks in turn, for that many threads.
pub(crate) fn deal<T: Scalar>(
    shards: Vec<Shard<T>>,
    chunks: Vec<Chunk>,
    threads: usize,
    cost: impl Fn(&Shard<T>) -> usize,
) -> Vec<Crew<T>> {
    let total: usize = shards.iter().map(&cost).sum();
    let mut parts: Vec<(Vec<_>, Vec<_>)> = (0..threads).map(|_| (Vec::new(), Vec::new())).collect();
    let mut before = 0;
    for (place, shard) in shards.into_iter().enumerate() {
        let cost = cost(&shard);
        // The thread in whose share of the total the shard's middle falls.
        let thread = (2 * before + cost) * threads / (2 * total.max(1));
        parts[thread.min(threads - 1)].0.push((place, shard));
        before += cost;
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

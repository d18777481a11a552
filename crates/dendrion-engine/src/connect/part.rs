//! Parts: the connections of one projection onto one shard. All parts are built in parallel.

use std::ops::Range;

use dendrion_kernels::Scalar;
use dendrion_model::{Connectivity, Error, Network};

use super::parallel::parallel;
use super::topology::{Topology, build};
use super::{draw, sources};

/// The connections of a projection onto a shard, with their weights and delays (in steps) if these are drawn.
#[derive(Clone, Debug)]
pub(crate) struct Part<T> {
    pub(crate) topology: Topology,
    pub(crate) weights: Option<Vec<T>>,
    pub(crate) delays: Option<Vec<u16>>,
}

/// Returns, for each projection, its parts on the shards of its target. `pairs` contains the results of
/// [`expand`](super::expand), and `shards` contains the neurons of each population's shards.
pub(crate) fn parts<T: Scalar>(
    network: &Network,
    pairs: &[Option<Connectivity>],
    shards: &[Vec<Range<usize>>],
    threads: usize,
) -> Result<Vec<Vec<Part<T>>>, Error> {
    let jobs: Vec<(usize, Range<usize>)> = (network.projections.iter().enumerate())
        .flat_map(|(i, p)| shards[p.population].iter().map(move |neurons| (i, neurons.clone())))
        .collect();
    let built = parallel(threads, jobs.len(), |at| {
        let (i, neurons) = &jobs[at];
        part(network, (*i, pairs[*i].as_ref()), neurons.clone())
    })?;
    let mut parts: Vec<Vec<Part<T>>> = network.projections.iter().map(|_| Vec::new()).collect();
    for ((i, _), part) in jobs.iter().zip(built) {
        parts[*i].push(part);
    }
    Ok(parts)
}

fn part<T: Scalar>(
    network: &Network,
    (projection, pairs): (usize, Option<&Connectivity>),
    neurons: Range<usize>,
) -> Result<Part<T>, Error> {
    let p = &network.projections[projection];
    let first = neurons.start;
    let ends = (sources(network, p), network.populations[p.population].size, p.own_targets(network));
    let count = neurons.len();
    let needed = |error: Error| error.needed_by(&p.path, || format!("the connections onto {count} neurons"));
    let topology = build(p, pairs, ends, neurons, network.seed).map_err(needed)?;
    let weights = draw::weights(p, (network.seed, p.is_signed(network)), &topology, first).map_err(needed)?;
    let delays = draw::delays(p, (network.seed, network.dt), &topology, first).map_err(needed)?;
    Ok(Part { topology, weights, delays })
}

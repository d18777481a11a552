//! The pairs that a projection will connect, for code that computes weights or delays from them.

use dendrion_model::allocate::{append, reserve, room};
use dendrion_model::{Error, Network, Turns, check_memory};

use super::expand::expanded;
use super::sources;
use super::topology::build;
use crate::build::budget::{connections, starts};

/// Number of neurons that are processed together. It is smaller than the number of lanes that a target index can
/// distinguish.
const RANGE: usize = 1 << 15;

/// Returns the sources and targets of the connections that projection number `projection` of a network will
/// have, sorted by source and then by target. Arrays of weights have the same order.
///
/// # Errors
/// Returns an error if [`Network::validate`] does, if there is no such projection, or if the pairs exceed the memory
/// limit.
pub fn pairs(network: &Network, projection: usize, threads: usize) -> Result<(Vec<u32>, Vec<u32>), Error> {
    network.validate()?;
    let Some(p) = network.projections.get(projection) else {
        return Err(Error::structure("network", format!("no projection {projection}")));
    };
    // Per connection, two indices and its lane in a range of neurons. Drawing more pairs than fit would take very long
    // before the memory is exhausted.
    let bytes = 10.0 * connections(p, network) + starts(p, network, RANGE);
    check_memory(&p.path, "the list of its pairs of neurons", bytes)?;
    let found = pairs_of(network, projection, threads);
    found.map_err(|error| error.needed_by(&p.path, || "its pairs of neurons".into()))
}

fn pairs_of(network: &Network, projection: usize, threads: usize) -> Result<(Vec<u32>, Vec<u32>), Error> {
    let (p, drawn) = (&network.projections[projection], expanded(network, projection, threads)?);
    let (sources, size) = (sources(network, p), network.populations[p.population].size);
    let ranges: Vec<usize> = (0..size).step_by(RANGE).collect();
    let build = |first: &usize| {
        let neurons = *first..(first + RANGE).min(size);
        build(p, drawn.as_ref(), (sources, size, p.own_targets(network)), neurons, network.seed)
    };
    let parts = ranges.iter().map(build).collect::<Result<Vec<_>, Error>>()?;
    let count = parts.iter().map(|part| part.targets.len()).sum();
    let (mut pre, mut post, mut turns) = (room(count)?, room(count)?, Turns::default());
    for source in 0..sources {
        for (first, part) in ranges.iter().zip(&parts) {
            let row = part.starts[source] as usize..part.starts[source + 1] as usize;
            turns.pass(1 + row.len())?;
            append(&mut post, part.targets[row].iter().map(|lane| *first as u32 + u32::from(*lane)))?;
        }
        let more = post.len() - pre.len();
        reserve(&mut pre, more)?;
        pre.resize(post.len(), source as u32);
    }
    Ok((pre, post))
}

//! The pairs that a projection will connect, for whoever computes weights or delays from them.

use dendrion_model::{Error, Network};

use super::expand::expanded;
use super::sources;
use super::topology::build;

/// Neurons looked at together; fewer than a lane can name.
const RANGE: usize = 1 << 15;

/// Sources and targets of the connections that projection number `projection` of a network will have, by source, then
/// target: the order of its weights.
///
/// # Errors
/// Whatever [`Network::validate`] finds, or no such projection.
pub fn pairs(network: &Network, projection: usize, threads: usize) -> Result<(Vec<u32>, Vec<u32>), Error> {
    network.validate()?;
    let Some(p) = network.projections.get(projection) else {
        return Err(Error::structure("network", format!("no projection {projection}")));
    };
    let mut p = p.clone();
    if let Some(connectivity) = expanded(network, projection, threads) {
        p.connectivity = connectivity;
    }
    let (sources, size) = (sources(network, &p), network.populations[p.population].size);
    let ranges: Vec<usize> = (0..size).step_by(RANGE).collect();
    let parts: Vec<_> = ranges
        .iter()
        .map(|first| build(&p, (sources, size), *first..(first + RANGE).min(size), network.seed))
        .collect();
    let (mut pre, mut post) = (Vec::new(), Vec::new());
    for source in 0..sources {
        for (first, part) in ranges.iter().zip(&parts) {
            let row = part.starts[source] as usize..part.starts[source + 1] as usize;
            post.extend(part.targets[row].iter().map(|lane| *first as u32 + u32::from(*lane)));
        }
        pre.resize(post.len(), source as u32);
    }
    Ok((pre, post))
}

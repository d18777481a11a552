//! An estimate of the memory that a network needs, computed from the model before anything is allocated.
//!
//! The estimate is a lower bound. It covers states, pending spikes, connections and the arrays that hold them during
//! the build. The engine needs about twice as much.

use dendrion_model::{
    Connectivity, Dtype, Error, Initializer, Network, PerConnection, Population, Projection, Role, Source,
    check_memory,
};

use super::layout::MOST_LANES;

/// Returns an error if the network (already validated) needs more than the memory limit. The error names the
/// module that needs the most memory.
///
/// # Errors
/// [`Error::Memory`] if the limit is exceeded. Also returns an error for a memory limit that is not a number.
pub fn check_network(network: &Network) -> Result<(), Error> {
    let needs = needs(network);
    let total = needs.iter().map(|need| need.bytes).sum::<f64>();
    let most = needs.into_iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes));
    let Some(Need { path, what, bytes }) = most else { return Ok(()) };
    check_memory(path, &what, bytes)?;
    check_memory("network", "the whole network", total)
}

/// Returns a lower bound for the number of bytes that the network (already validated) needs.
pub fn memory_needed(network: &Network) -> f64 {
    needs(network).iter().map(|need| need.bytes).sum()
}

/// The memory that a module needs.
struct Need<'n> {
    path: &'n str,
    what: String,
    bytes: f64,
}

fn needs(network: &Network) -> Vec<Need<'_>> {
    let mut needs = Vec::new();
    let mut onto = vec![Vec::new(); network.populations.len()];
    network.projections.iter().for_each(|q| onto[q.population].push(q));
    for (p, onto) in network.populations.iter().zip(onto) {
        let what = format!("a population of size {}", p.size);
        needs.push(Need { path: &p.path, what, bytes: population(p, &onto, network) });
    }
    for g in &network.generators {
        // This covers the state of the random process of each source.
        let what = format!("a generator of size {}", g.size);
        needs.push(Need { path: &g.path, what, bytes: 8.0 * g.size as f64 });
    }
    for p in &network.projections {
        let count = connections(p, network);
        let what = format!("a projection of {count:.0} connections");
        needs.push(Need { path: &p.path, what, bytes: projection(p, count, network) });
    }
    needs
}

const fn width(network: &Network) -> f64 {
    match network.dtype {
        Dtype::Float32 => 4.0,
        Dtype::Float64 => 8.0,
    }
}

/// Returns the number of bytes that a population needs: one row per state, and a ring of pending input for
/// each receptor that has connections.
fn population(p: &Population, onto: &[&Projection], network: &Network) -> f64 {
    let own = if matches!(p.role, Role::Placed { .. }) { 0 } else { p.compartments.len() };
    let states = own + p.receptors.iter().map(|r| 1 + usize::from(r.rises())).sum::<usize>();
    let mut longest: std::collections::BTreeMap<&[usize], f64> = std::collections::BTreeMap::new();
    for q in onto {
        let slots = longest.entry(&q.receptors).or_default();
        *slots = slots.max(delay(q, network.dt) + 2.0);
    }
    p.size as f64 * width(network) * (states as f64 + longest.values().sum::<f64>())
}

/// Returns a lower bound for the number of bytes that each sample of a batch needs: states and pending
/// spikes. Samples share their connections.
pub(crate) fn sample_memory(network: &Network) -> f64 {
    let mut onto = vec![Vec::new(); network.populations.len()];
    network.projections.iter().for_each(|q| onto[q.population].push(q));
    let populations = network.populations.iter().zip(onto).map(|(p, onto)| population(p, &onto, network));
    let generators = network.generators.iter().map(|g| 8.0 * g.size as f64);
    populations.chain(generators).sum()
}

/// Returns the longest delay of a projection in steps. For drawn delays, this is a value that the draws are likely to
/// reach.
fn delay(p: &Projection, dt: f64) -> f64 {
    let longest = match &p.delay {
        None => 0.0,
        Some(PerConnection::Drawn(initializer)) => likely(initializer),
        Some(given) => given.given().map_or(0.0, |v| v.as_slice().iter().fold(0.0, |a: f64, b| a.max(*b))),
    };
    // Longer delays cause an error when they are set or drawn.
    (longest / dt).min(f64::from(u16::MAX))
}

/// Returns a value that the largest draws of an initializer are likely to reach.
fn likely(initializer: &Initializer) -> f64 {
    match initializer {
        Initializer::Constant { value } => *value,
        Initializer::Uniform { low, high } => low + 0.5 * (high - low),
        Initializer::Normal { mean, .. } => *mean,
        Initializer::LogNormal { mean, .. } => mean.exp(),
        Initializer::Truncated { of, low, high } => likely(of).clamp(*low, *high),
    }
}

fn sources(p: &Projection, network: &Network) -> f64 {
    (match p.pre {
        Source::Population(i) => network.populations[i].size,
        Source::Generator(i) => network.generators[i].size,
    }) as f64
}

/// Returns the number of bytes of the row starts of a projection: one number per source for each group of at most
/// `most` targets.
pub(crate) fn starts(p: &Projection, network: &Network, most: usize) -> f64 {
    4.0 * sources(p, network) * network.populations[p.population].size.div_ceil(most) as f64
}

/// Returns the number of connections of a projection, or the expected number if it is random.
pub(crate) fn connections(p: &Projection, network: &Network) -> f64 {
    let (sources, targets) = (sources(p, network), network.populations[p.population].size as f64);
    match &p.connectivity {
        Connectivity::AllToAll { .. } => sources * targets,
        Connectivity::OneToOne => targets,
        Connectivity::FixedIndegree { degree, .. } => *degree as f64 * targets,
        Connectivity::FixedOutdegree { degree, .. } => *degree as f64 * sources,
        Connectivity::FixedTotal { count, .. } => *count as f64,
        Connectivity::FixedProbability { p, .. } => p * sources * targets,
        Connectivity::Csr { targets, .. } => targets.len() as f64,
    }
}

/// Returns the number of bytes that a projection needs: the target of each connection, its weight and delay
/// if they are individual, and the start of each source's row in each shard.
fn projection(p: &Projection, count: f64, network: &Network) -> f64 {
    let own = |v: &PerConnection| !matches!(v.given().map(|v| v.as_slice().len()), Some(1));
    let weight = if own(&p.weight) || p.plasticity.is_some() { width(network) } else { 0.0 };
    let delay = if p.delay.as_ref().is_some_and(own) { 2.0 } else { 0.0 };
    count * (2.0 + weight + delay) + starts(p, network, MOST_LANES)
}

#[cfg(test)]
mod tests {
    use dendrion_model::{Connectivity, Generator, Network, Population, Projection, Signal, Source};

    use super::{check_network, memory_needed};

    #[test]
    fn a_population_that_does_not_fit_is_refused_before_it_is_built() {
        let mut network = Network::new(0.1);
        network.populations.push(Population::new("cell", 1 << 30, dendrion_model::Params::new()));
        network.populations[0].soma("soma", dendrion_model::Params::new());
        assert!(check_network(&Network::new(0.1)).is_ok());
        // Each of these compartments needs 8 GB.
        for i in 0..2000 {
            network.populations[0].compartment(format!("c{i}"), dendrion_model::Params::new());
        }
        let error = check_network(&network).expect_err("16 TB").to_string();
        assert!(
            error.starts_with("cell: a population of size 1073741824 needs about 17.2 TB of memory"),
            "{error}"
        );
    }

    #[test]
    fn each_shard_has_the_row_starts_of_all_sources() {
        let mut network = Network::new(0.1);
        network.populations.push(Population::new("cells", 1 << 20, []));
        network.generators.push(Generator::new("noise", 1 << 20, Signal::Poisson, [("rate", 1.0)]));
        let without = memory_needed(&network);
        network.projections.push(Projection {
            path: "syn".into(),
            pre: Source::Generator(0),
            population: 0,
            receptors: vec![0],
            connectivity: Connectivity::OneToOne,
            weight: 1.0.into(),
            delay: None,
            plasticity: None,
        });
        // The pending input of two steps, a target per connection, and 2^20 row starts in each of 16 shards.
        let expected = f64::from(1 << 20) * (2.0 * 8.0 + 2.0 + 16.0 * 4.0);
        assert_eq!(memory_needed(&network) - without, expected);
    }
}

//! Construction of a network that is ready to run.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use dendrion_equations::{Exchange as ExchangePlan, Pools, Wiring};
use dendrion_kernels::{Delays, Fanout, FanoutError, Level, Scalar};
use dendrion_model::allocate::{collected, push};
use dendrion_model::{
    Error, Gates, Network, OdeMethod, PerConnection, Population, Projection, Role, Source, Values,
    check_interrupt, steps_of,
};

use crate::build::budget::{check_network, sample_memory};
use crate::build::layout::{Group, Layout};
use crate::build::parameters::take_parameters;
use crate::cable::Plan;
use crate::connect::{Order, Part, Topology, aligned, expand, given_delays, given_weights, parts, sources};
use crate::inputs::{Current, SourceBlock};
use crate::plasticity::state::{on_dendrite, trace_taus};
use crate::plasticity::{Learning, Rule, ShortTerm};
use crate::refused::refused;
use crate::run::{Exchange, Pace, Route, SpikeExchange};
use crate::runtime::core::stride;
use crate::runtime::delivery::{Change, Incoming};
use crate::runtime::ensemble::Ensemble;
use crate::runtime::exchange::settle;
use crate::runtime::export_model::InShards;
use crate::runtime::index::{Index, of_generator, of_population_mut};
use crate::runtime::model::Model;
use crate::runtime::population::{Cells, compile};
use crate::runtime::sample::Sample;
use crate::runtime::shard::Shard;
use crate::runtime::store::ParameterStore;

/// Maximum number of steps in an epoch: long enough that synchronization is cheap, and short enough that
/// Ctrl-C responds quickly and rings stay small.
const LONGEST_EPOCH: u64 = 64;

/// The components of a network, and its maximum number of threads.
type Assembled<T> = (Model<T>, Ensemble<T>, Exchange, usize);

/// Validates and builds a network. `layout` divides a population, given its size and the number of threads.
pub(crate) fn assemble<T: Scalar>(
    mut network: Network,
    level: Level,
    layout: impl Fn(usize, usize) -> Layout,
) -> Result<Assembled<T>, Error> {
    network.validate()?;
    check_network(&network)?;
    let (rounded, sample_memory) = (network.roundings(), sample_memory(&network));
    let threads = network
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let pairs = expand(&network, threads)?;
    let layouts = layouts::<T>(&network, threads, layout);
    let neurons = |l: &Layout| (0..l.shards()).map(|s| l.neurons_of(s)).collect();
    let parts = parts::<T>(&network, &pairs, &layouts.iter().map(neurons).collect::<Vec<_>>(), threads)?;
    drop(pairs);
    let reaches = (network.projections.iter().zip(&parts))
        .map(|(p, parts)| Reach::of(p, parts, network.dt))
        .collect::<Result<Vec<_>, _>>()?;
    let epoch = (network.projections.iter().zip(&reaches))
        .filter_map(|(p, reach)| bound(&network, p, reach))
        .fold(LONGEST_EPOCH, u64::min);
    let ports = Ports::of(&network)?;
    let slots = ports.slots(&network, &reaches, epoch);
    let compiled = (network.populations.iter().zip(&ports.wirings).enumerate())
        .map(|(i, (p, wiring))| {
            check_interrupt()?;
            compile(&network, p, wiring, ports.plans.get(&i).cloned())
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let count = |parts: &Vec<Part<T>>| parts.iter().map(|part| part.topology.targets.len()).sum();
    let counts: Vec<usize> = parts.iter().map(count).collect();
    let mut parameters =
        take_parameters(&mut network, compiled.iter().map(|compiled| &compiled.system), &counts);
    let mut cells = (network.populations.iter().zip(compiled).zip(layouts).enumerate())
        .map(|(i, ((p, compiled), layout))| {
            Cells::new(p, compiled, &parameters.of_system(i)?, layout, (network.run_seed(), level))
        })
        .collect::<Result<Vec<Cells<T>>, Error>>()?;
    for membrane in ports.plans.keys() {
        settle(&mut cells, &mut parameters, *membrane)?;
    }
    cells.iter().try_for_each(Cells::check_initial)?;
    let (mut shards, mut first_shard) = (Vec::new(), Vec::new());
    for (i, c) in cells.iter().enumerate() {
        first_shard.push(shards.len());
        for s in 0..c.layout.shards() {
            check_interrupt()?;
            let head = network.populations[i].role.cells().unwrap_or(i);
            let shard = Shard::new((i, head), s, c, &ports.generators[i], &slots[i]);
            let what = || format!("states and spikes in transit of a population of size {}", c.layout.size);
            shard
                .and_then(|shard| push(&mut shards, shard))
                .map_err(|error| error.needed_by(&c.path, what))?;
        }
    }
    let in_shards = connect(&mut network, &parameters, &ports, &mut shards, (parts, epoch))?;
    let source_blocks = source_blocks(&network, &parameters)?;
    let routes = routes(&network, &cells, &first_shard, &source_blocks);
    let exchange = SpikeExchange::new(shards.len(), source_blocks.len());
    let currents = currents(&network, &parameters)?;
    let fresh = cells.iter().map(|c| vec![true; c.system.states.len()]).collect();
    let index = Index::of(&network, &cells);
    let onto = network.projections.iter().map(|p| p.population).collect();
    let generators = network.generators.iter().map(|g| (g.path.clone(), g.size)).collect();
    let pace = Arc::new(Pace::adaptive(stride(&network, &parameters, &cells, epoch), epoch));
    let model = Model {
        network,
        parameters,
        cells,
        index,
        generators: Arc::new(generators),
        currents: Arc::new(currents),
        in_shards,
        sample_memory,
        described: OnceLock::new(),
        rounded,
        level,
    };
    let ensemble = Ensemble { own: Sample { shards, source_blocks }, batch: Vec::new(), fresh, onto };
    let exchange = Exchange { routes: Arc::new(routes), spikes: Arc::new(exchange), epoch, pace, slots };
    Ok((model, ensemble, exchange, threads))
}

/// Returns the division of each population.
fn layouts<T: Scalar>(
    network: &Network,
    threads: usize,
    layout: impl Fn(usize, usize) -> Layout,
) -> Vec<Layout> {
    let mut group = None;
    let of = |(i, p): (usize, &Population)| {
        if p.role.cable().is_some() {
            let members = network.populations[i..].iter().skip(1).take_while(|q| q.role.cells() == Some(i));
            let (placed, membrane): (Vec<_>, Vec<_>) =
                members.clone().partition(|q| matches!(q.role, Role::Placed { .. }));
            let sites = |of: &[&Population]| of.iter().filter_map(|q| q.sites()).sum::<usize>();
            let has_mechanisms = sites(&placed) >= sites(&membrane);
            // Only receptors have rows of pending input, whose length is limited.
            let most = members.filter(|q| !q.receptors.is_empty()).filter_map(Population::sites).max();
            group = Some(Group::new::<T>(p.size, most.unwrap_or(1), threads, has_mechanisms));
        }
        match (group, &p.role) {
            (_, Role::Neurons) | (None, _) => layout(p.size, threads),
            (Some(group), _) => Layout::of_group::<T>(group, p.sites().unwrap_or(1)),
        }
    };
    network.populations.iter().enumerate().map(of).collect()
}

/// Returns the longest epoch that a projection allows. Spikes that neurons send in an epoch must arrive after
/// its end. Plastic weights need the postsynaptic spikes up to twice the dendritic delay before the arrival
/// of a spike, so an epoch must not be longer than twice the dendritic delay.
fn bound(network: &Network, projection: &Projection, reach: &Reach) -> Option<u64> {
    let least = u64::from(reach.least);
    if projection.learns() {
        let dendritic = &network.populations[projection.population].dendritic_delay;
        return Some(least.min(2 * u64::from(dendritic.iter().copied().min().unwrap_or(1))));
    }
    matches!(projection.pre, Source::Population(_)).then_some(least)
}

/// The shortest and the longest delay of a projection, in steps.
struct Reach {
    least: u16,
    most: u16,
}

impl Reach {
    fn of<T>(projection: &Projection, parts: &[Part<T>], dt: f64) -> Result<Self, Error> {
        let drawn = || parts.iter().flat_map(|p| p.delays.iter().flatten()).copied();
        if let Some(PerConnection::Drawn(_)) = projection.delay {
            return Ok(Self { least: drawn().min().unwrap_or(u16::MAX), most: drawn().max().unwrap_or(0) });
        }
        let Some(delay) = projection.delay.as_ref().and_then(PerConnection::given) else {
            let least = default_delay(projection);
            return Ok(Self { least, most: least });
        };
        let (least, most) =
            delay.as_slice().iter().fold((f64::INFINITY, 0.0), |(a, b), v| (v.min(a), v.max(b)));
        // A projection without connections does not limit epochs.
        let least = if least.is_finite() { least } else { f64::from(u16::MAX) * dt };
        let steps =
            |ms: f64| steps_of(&projection.path, "delay", ms, dt).map(|s| s.min(u64::from(u16::MAX)) as u16);
        Ok(Self { least: steps(least)?, most: steps(most)? })
    }
}

/// Returns the delay, in steps, of a projection that does not specify one.
pub(crate) fn default_delay(projection: &Projection) -> u16 {
    let at_once = matches!(projection.pre, Source::Generator(_)) && !projection.learns();
    u16::from(!at_once)
}

/// The spike port of each projection. Projections share a port if they drive the same receptors and are of the same
/// kind: from generators, from neurons, or plastic. Each kind is delivered at a different time, and separate sums
/// make the order of summation independent of epochs.
struct Ports {
    wirings: Vec<Wiring>,
    /// The generators of each population's current inputs.
    generators: Vec<Vec<usize>>,
    of_projection: Vec<usize>,
    /// What the mechanisms of detailed cells exchange, by the index of the membrane.
    plans: BTreeMap<usize, Arc<Plan>>,
}

impl Ports {
    fn of(network: &Network) -> Result<Self, Error> {
        let n = network.populations.len();
        let mut wirings = vec![Wiring::default(); n];
        for (wiring, population) in wirings.iter_mut().zip(&network.populations) {
            let cells = population.role.cells().and_then(|cells| network.populations.get(cells));
            let cable = cells.and_then(|cells| cells.role.cable());
            wiring.is_coupled = cable.is_some_and(|cable| cable.gates == Gates::Coupled);
            // This is NEURON's order. The rational method reads the middle of the steps of other states instead.
            let is_first = cable.is_some_and(|cable| cable.gates == Gates::Exponential && cable.staggered);
            let pools = if cells.is_some_and(|cells| cells.method == OdeMethod::CrankNicolson) {
                Pools::Middle
            } else {
                Pools::Beginning
            };
            wiring.pools = is_first.then_some(pools);
        }
        let plans = plans(network, &mut wirings)?;
        let mut generators = vec![Vec::new(); n];
        for injection in &network.injections {
            wirings[injection.population].injected.push(injection.compartment);
            generators[injection.population].push(injection.generator);
        }
        let mut of_projection = vec![0; network.projections.len()];
        let mut ports = HashMap::new();
        let sort = |p: &Projection| match p.pre {
            _ if p.learns() => 2,
            Source::Population(_) => 1,
            Source::Generator(_) => 0,
        };
        for which in 0..3 {
            for (i, p) in network.projections.iter().enumerate() {
                if sort(p) != which {
                    continue;
                }
                let received = &mut wirings[p.population].received;
                let mut receptors = p.receptors.clone();
                receptors.sort_unstable();
                receptors.dedup();
                of_projection[i] = *ports.entry((p.population, receptors.clone())).or_insert_with(|| {
                    received.push(receptors);
                    received.len() - 1
                });
            }
            // Each kind of projection has separate ports.
            ports.clear();
        }
        Ok(Self { wirings, generators, of_projection, plans })
    }

    /// Returns the length of each ring. Pending spikes arrive no later than the longest delay after the
    /// current epoch.
    fn slots(&self, network: &Network, reaches: &[Reach], epoch: u64) -> Vec<Vec<usize>> {
        let mut slots: Vec<Vec<usize>> = self.wirings.iter().map(|w| vec![1; w.received.len()]).collect();
        for ((p, reach), port) in network.projections.iter().zip(reaches).zip(&self.of_projection) {
            let slot = &mut slots[p.population][*port];
            *slot = (*slot).max(usize::from(reach.most) + epoch as usize + 1);
        }
        slots
    }
}

/// Finds what the mechanisms of each group of detailed cells exchange. Returns it by the index of the membrane.
fn plans(network: &Network, wirings: &mut [Wiring]) -> Result<BTreeMap<usize, Arc<Plan>>, Error> {
    let mut plans = BTreeMap::new();
    for (i, cells) in network.populations.iter().enumerate() {
        let Some(cable) = cells.role.cable() else { continue };
        let placed = network.populations.iter().skip(i + 2).take_while(|p| p.role.cells() == Some(i));
        let placed: Vec<&Population> = placed.collect();
        let Some(exchange) = ExchangePlan::of(cable, &placed)? else { continue };
        let is_apart = cable.staggered && cable.gates != Gates::Coupled;
        for (wiring, traded) in wirings[i + 2..].iter_mut().zip(&exchange.traded) {
            (wiring.traded, wiring.pools) = (traded.clone(), None);
            wiring.traded.pools_apart = is_apart;
        }
        let of_currents =
            if cells.method == OdeMethod::CrankNicolson { Pools::Middle } else { Pools::Beginning };
        plans.insert(i + 1, Arc::new(Plan { exchange, pools: is_apart.then_some(of_currents) }));
    }
    Ok(plans)
}

/// Moves the connections with their weights and delays to the shards.
fn connect<T: Scalar>(
    network: &mut Network,
    parameters: &ParameterStore,
    ports: &Ports,
    shards: &mut [Shard<T>],
    (parts, epoch): (Vec<Vec<Part<T>>>, u64),
) -> Result<Vec<InShards>, Error> {
    let mut in_shards = Vec::with_capacity(parts.len());
    for (i, mine) in parts.into_iter().enumerate() {
        let p = &network.projections[i];
        let n = sources(network, p);
        let needed = |error: Error| error.needed_by(&p.path, || "its connections".into());
        let order = Order::new(n, mine.iter().map(|part| part.topology.starts.as_slice())).map_err(needed)?;
        let count = order.total();
        check_count(p, count)?;
        let (mut for_weights, mut for_delays) = (order.copy().map_err(needed)?, order);
        let targets = of_population_mut(shards, p.population).iter_mut();
        for (shard, Part { topology, weights, delays }) in targets.zip(mine) {
            check_interrupt()?;
            let Topology { starts, targets } = topology;
            let weights = match (weights, p.weight.given()) {
                (None, Some(values)) => {
                    given_weights::<T>(values, &starts, &mut for_weights).map_err(needed)?
                }
                (drawn, _) => drawn.unwrap_or_default(),
            };
            let given = p.delay.as_ref().and_then(PerConnection::given);
            let delays = match delays {
                Some(drawn) => Delays::Each(drawn),
                None => given_delays(&p.path, given, default_delay(p), &starts, &mut for_delays, network.dt)
                    .map_err(needed)?,
            };
            let (targets, weights) = (aligned(targets).map_err(needed)?, aligned(weights).map_err(needed)?);
            let fanout = Fanout::of(starts, targets, weights, delays, shard.place.input_lanes()).map_err(
                |e| match e {
                    FanoutError::Memory(e) => needed(refused(e)),
                    e => Error::connectivity(&p.path, e.to_string()),
                },
            )?;
            let changed = change(network, parameters, i, shard, (fanout, epoch));
            let (fanout, change) = changed.map_err(needed)?;
            shard.delivery.incoming.push(Incoming {
                projection: i,
                fanout: Arc::new(fanout),
                port: ports.of_projection[i],
                change,
            });
        }
        in_shards.push(InShards::of(&mut network.projections[i]));
    }
    Ok(in_shards)
}

/// Returns how the connections of a projection onto a shard change with spikes.
fn change<T: Scalar>(
    network: &Network,
    parameters: &ParameterStore,
    projection: usize,
    shard: &mut Shard<T>,
    (mut fanout, epoch): (Fanout<T>, u64),
) -> Result<(Fanout<T>, Change), Error> {
    let Some(plasticity) = parameters.plasticity(network, projection) else {
        return Ok((fanout, Change::None));
    };
    let Some(rule) = Rule::of(&plasticity) else {
        let short_term = ShortTerm::new(&plasticity, fanout.starts().len() - 1, network.dt)?;
        return Ok((fanout, Change::ShortTerm(short_term)));
    };
    let (projection, neurons) = (&network.projections[projection], shard.place.neurons.clone());
    let dendritic = collected(on_dendrite(&network.populations[projection.population], neurons.clone()))?;
    let taus = trace_taus(parameters, &shard.place, network.dt);
    crate::plasticity::state::check(network, projection, &rule, &fanout, &dendritic)?;
    shard.delivery.plasticity.open(dendritic, taus, network.dt)?;
    let learning =
        shard.delivery.synapses(&mut fanout).map(|s| Learning::new(rule, &s, epoch)).transpose()?;
    let change = learning.map_or(Change::None, |l| Change::Learning(Box::new(l)));
    Ok((fanout, change))
}

/// Checks that arrays of weights and delays have one value per connection. Some rules draw the number of
/// connections at random.
fn check_count(projection: &Projection, count: usize) -> Result<(), Error> {
    for (name, values) in [("w", Some(&projection.weight)), ("delay", projection.delay.as_ref())] {
        if let Some(PerConnection::Given(Values::Each(v))) = values
            && v.len() != count
        {
            let what = format!(
                "{name} = array of length {}: expected a number or an array of length {count}, the number of connections",
                v.len()
            );
            return Err(Error::connectivity(&projection.path, what));
        }
    }
    Ok(())
}

/// Returns the source blocks of all spike generators in their initial state.
pub(crate) fn source_blocks(
    network: &Network,
    parameters: &ParameterStore,
) -> Result<Vec<SourceBlock>, Error> {
    let mut source_blocks = Vec::new();
    for (i, _) in network.generators.iter().enumerate().filter(|(_, g)| g.is_spiking()) {
        let generator = parameters.generator(network, i);
        source_blocks.extend(SourceBlock::of(i, &generator, network.run_seed(), network.dt)?);
    }
    Ok(source_blocks)
}

/// Returns the current generators by index.
fn currents(network: &Network, parameters: &ParameterStore) -> Result<Vec<Option<Current>>, Error> {
    let of = |(i, g): (usize, &dendrion_model::Generator)| {
        let current = || Current::of(&parameters.generator(network, i), network.dt);
        (!g.is_spiking()).then(current).transpose()
    };
    network.generators.iter().enumerate().map(of).collect()
}

fn routes<T: Scalar>(
    network: &Network,
    cells: &[Cells<T>],
    first: &[usize],
    source_blocks: &[SourceBlock],
) -> Vec<Route> {
    let route = |p: &Projection| match p.pre {
        Source::Population(i) => Route::Shards(first[i]..first[i] + cells[i].layout.shards()),
        Source::Generator(g) => {
            let start = source_blocks.partition_point(|c| c.generator < g);
            Route::Sources(g, start..start + of_generator(source_blocks, g).len())
        }
    };
    network.projections.iter().map(route).collect()
}

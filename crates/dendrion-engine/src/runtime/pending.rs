//! Input in transit: the weights of spikes that have been sent and have not arrived.
//!
//! Together with the states of neurons, the time and the seed, it determines the future of a network without plastic
//! connections. A run can therefore be divided into parts that are called like a function of a state, with a state as its
//! result. The input is stored by population and port, with one value per step and neuron; the first step is the next one.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{filled, room};
use dendrion_model::{Error, check_interrupt};

use super::core::Core;
use super::index::{of_population, of_population_mut};

/// The input in transit of one spike port of a population.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transit {
    /// The path of the population, `.arriving` and the number of the port.
    pub key: String,
    /// The number of steps in which input may arrive.
    pub steps: usize,
    /// The number of neurons.
    pub size: usize,
    pub(crate) population: usize,
    pub(crate) port: usize,
}

/// Returns the ports at which input may be in transit between two runs.
pub(crate) fn transits<T: Scalar>(core: &Core<T>) -> Vec<Transit> {
    let populations = core.exchange.slots.iter().enumerate();
    let of = |(population, slots): (usize, &Vec<usize>)| {
        let label = core.model.network.populations[population].label();
        let size = core.model.cells[population].layout.size;
        // A ring has a slot for each step of the longest delay, one for the current step, and those of an epoch. Input
        // arrives at most a delay after the last step. The step after it has a cotangent if gradients are those of the
        // times of spikes, because a spike that occurs later in a step is delivered later.
        let steps = slots.iter().map(|slots| slots.saturating_sub(core.exchange.epoch as usize));
        let ports = steps.enumerate().filter(|(_, steps)| *steps > 1);
        ports
            .map(|(port, steps)| Transit {
                key: format!("{label}.arriving{port}"),
                steps,
                size,
                population,
                port,
            })
            .collect::<Vec<_>>()
    };
    populations.flat_map(of).collect()
}

fn find<T: Scalar>(core: &Core<T>, key: &str) -> Result<Transit, Error> {
    let known = transits(core);
    let names = || known.iter().map(|transit| transit.key.clone()).collect();
    known
        .iter()
        .find(|transit| transit.key == key)
        .cloned()
        .ok_or_else(|| Error::unknown("network", "input in transit", key, names()))
}

/// Returns the input in transit at a port: one value per step and neuron, sample by sample.
pub(crate) fn transit<T: Scalar>(core: &Core<T>, key: &str) -> Result<Vec<f64>, Error> {
    let Transit { steps, size, population, port, .. } = find(core, key)?;
    let samples = core.ensemble.present();
    let needed = |error: Error| error.needed_by(key, || "its values".into());
    let mut values = room(steps * size * samples.len()).map_err(needed)?;
    for sample in samples {
        let shards = of_population(&sample.shards, population);
        for step in core.clock.now..core.clock.now + steps as u64 {
            for shard in shards {
                let row = shard.delivery.rings[port].row(step).unwrap_or(&[]);
                let mine = shard.place.neurons.len();
                values.extend(row.iter().take(mine).map(|v| v.to_f64()));
                values.resize(values.len() + mine - row.len().min(mine), 0.0);
            }
        }
    }
    Ok(values)
}

/// Sets the input in transit at a port, for all samples.
pub(crate) fn set_transit<T: Scalar>(core: &mut Core<T>, key: &str, values: &[f64]) -> Result<(), Error> {
    let Transit { steps, size, population, port, .. } = find(core, key)?;
    let samples = core.ensemble.batch.len().max(1);
    if values.len() != steps * size * samples {
        let (given, accepted) = (format!("array of length {}", values.len()), steps * size * samples);
        return Err(Error::parameter("network", key, given, format!("length {accepted}")));
    }
    if let Some(v) = values.iter().find(|v| !T::from_f64(**v).is_finite()) {
        return Err(Error::parameter("network", key, v, "a finite number within the range of the dtype"));
    }
    let now = core.clock.now;
    let ensemble = &mut core.ensemble;
    let present =
        if ensemble.batch.is_empty() { std::slice::from_mut(&mut ensemble.own) } else { &mut ensemble.batch };
    for (sample, values) in present.iter_mut().zip(values.chunks((steps * size).max(1))) {
        for shard in of_population_mut(&mut sample.shards, population) {
            let (ring, neurons) = (&mut shard.delivery.rings[port], shard.place.neurons.clone());
            ring.clear_all();
            for (step, row) in (now..).zip(values.chunks(size.max(1))) {
                for (lane, value) in row[neurons.clone()].iter().enumerate().filter(|(_, v)| **v != 0.0) {
                    ring.add(step, lane, T::from_f64(*value));
                }
            }
        }
    }
    Ok(())
}

/// Moves a network that is at its beginning to a later step. Generators draw the spikes of the steps before it, which are
/// discarded, so later spikes are those of a run from the beginning. States keep their values.
pub(crate) fn skip_to<T: Scalar>(core: &mut Core<T>, step: u64) -> Result<(), Error> {
    if let Some(error) = &core.broken {
        return Err(error.clone());
    }
    if core.clock.now > step {
        let what =
            format!("cannot move from step {} back to step {step}; reset the network first", core.clock.now);
        return Err(Error::run("network", what));
    }
    core.clock.check(step - core.clock.now)?;
    core.model.refuse_plastic("a run cannot begin at a later step", |_| true)?;
    for block in core.ensemble.all_source_blocks() {
        check_interrupt()?;
        block.skip_to(step)?;
    }
    core.clock.reach(step);
    core.ensemble.fresh.iter_mut().for_each(|rows| rows.fill(false));
    core.probes.0.iter_mut().for_each(|p| p.begin = step);
    Ok(())
}

/// Returns the values of a port by step, for the neurons of a shard, or zeros for steps without input.
pub(crate) fn rows<T: Scalar>(
    ring: &dendrion_kernels::Ring<T>,
    begin: u64,
    (steps, neurons): (usize, usize),
) -> Result<Vec<f64>, Error> {
    let mut values = filled(steps * neurons, 0.0)?;
    for (step, out) in (begin..).zip(values.chunks_mut(neurons.max(1))) {
        if let Some(row) = ring.row(step) {
            out.iter_mut().zip(row).for_each(|(out, v)| *out = v.to_f64());
        }
    }
    Ok(values)
}

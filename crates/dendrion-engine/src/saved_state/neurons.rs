//! Populations: the states of neurons, and their pending input.

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::{collected, push};

use super::container::{Element, Reader, Writer, senseless};
use crate::runtime::core::Core;
use crate::runtime::index::{of_population, of_population_mut};
use crate::runtime::shard::Shard;
use crate::runtime::store::full_name;

/// A population between two steps.
pub(super) struct Neurons<T> {
    population: usize,
    /// Row of each state, and one value per neuron.
    states: Vec<(usize, Vec<T>)>,
    /// Pending input by port: its position (steps from now times number of neurons, plus the neuron) and its value.
    due: Vec<Vec<(u64, T)>>,
    spikes: u64,
}

/// The names of a population's arrays in a file.
struct Names {
    /// Rows and names.
    states: Vec<(usize, String)>,
    ports: Vec<String>,
    spikes: String,
}

impl Names {
    fn of<T: Scalar>(core: &Core<T>, population: usize, sample: &str) -> Self {
        let cells = &core.model.cells[population];
        let state = |s: &dendrion_equations::StateVar| full_name(&cells.path, &s.name);
        let label = core.model.network.populations[population].label();
        let states = cells.system.states.iter().enumerate().filter(|(_, s)| !s.is_internal);
        Self {
            states: states.map(|(row, s)| (row, format!("{sample}state/{}", state(s)))).collect(),
            ports: (0..core.exchange.slots[population].len())
                .map(|port| format!("{sample}arriving/{label}/{port}"))
                .collect(),
            spikes: format!("{sample}spikes/{label}"),
        }
    }
}

/// Adds a population to a file.
pub(super) fn save<T: Scalar + Element>(
    core: &Core<T>,
    population: usize,
    (sample, shards): (&str, &[Shard<T>]),
    out: &mut Writer,
) {
    let names = Names::of(core, population, sample);
    let size = core.model.cells[population].layout.size;
    let shards = of_population(shards, population);
    for (row, name) in &names.states {
        out.numbers(name, size, shards.iter().flat_map(|s| s.state(*row)).map(T::from_f64));
    }
    for (port, name) in names.ports.iter().enumerate() {
        match due(core, shards, (size, port)) {
            Ok((places, values)) => {
                out.array(&format!("{name}/place"), &places);
                out.array(&format!("{name}/value"), &values);
            }
            Err(error) => out.fail(name, error),
        }
    }
    out.one(&names.spikes, shards.iter().map(|s| s.output.count).fold(0, u64::saturating_add));
}

/// Returns the positions and values of the pending inputs of a port.
fn due<T: Scalar>(
    core: &Core<T>,
    shards: &[Shard<T>],
    (size, port): (usize, usize),
) -> Result<(Vec<u64>, Vec<T>), Error> {
    let (mut places, mut values) = (Vec::new(), Vec::new());
    let slots = shards.first().map_or(0, |s| s.delivery.rings[port].slots() as u64);
    for (ahead, shard) in (0..slots).flat_map(|ahead| shards.iter().map(move |shard| (ahead, shard))) {
        let row = shard.delivery.rings[port].row(core.clock.now + ahead).unwrap_or(&[]);
        for (neuron, value) in shard.place.neurons.clone().zip(row).filter(|(_, v)| **v != T::default()) {
            push(&mut places, ahead * size as u64 + neuron as u64)?;
            push(&mut values, *value)?;
        }
    }
    Ok((places, values))
}

impl<T: Scalar + Element + Into<f64>> Neurons<T> {
    /// Reads a population with this structure.
    pub(super) fn read(
        core: &Core<T>,
        population: usize,
        (now, sample): (u64, &str),
        file: &mut Reader<'_>,
    ) -> Result<Self, Error> {
        let names = Names::of(core, population, sample);
        let size = core.model.cells[population].layout.size;
        let states = names.states.iter().map(|(row, name)| Ok((*row, file.finite::<T>(name, Some(size))?)));
        let states = states.collect::<Result<_, Error>>()?;
        let mut due = Vec::with_capacity(names.ports.len());
        for (name, slots) in names.ports.iter().zip(&core.exchange.slots[population]) {
            let places = file.array::<u64>(&format!("{name}/place"), None)?;
            let values = file.finite::<T>(&format!("{name}/value"), Some(places.len()))?;
            let ascending = places.windows(2).all(|w| w[0] < w[1]);
            if !ascending || places.last().is_some_and(|last| *last >= (slots * size) as u64) {
                return Err(senseless(
                    name,
                    "has positions of pending input that are out of range or not in ascending order",
                ));
            }
            let all = collected(places.into_iter().zip(values));
            due.push(all?);
        }
        let spikes = file.one::<u64>(&names.spikes)?;
        // A neuron sends at most one spike per step.
        if u128::from(spikes) > size as u128 * u128::from(now) {
            return Err(senseless(&names.spikes, "has a number of spikes that is out of range"));
        }
        Ok(Self { population, states, due, spikes })
    }

    /// Restores the neurons of all shards at step `now`. Recordings are removed.
    pub(super) fn restore(self, now: u64, size: usize, shards: &mut [Shard<T>]) {
        let mut spikes = self.spikes;
        for shard in of_population_mut(shards, self.population) {
            for (row, values) in &self.states {
                shard.set_state(*row, |neuron| values[neuron].to_f64());
            }
            let (first, lanes) = (shard.place.neurons.start, shard.place.neurons.len());
            for (ring, due) in shard.delivery.rings.iter_mut().zip(&self.due) {
                ring.clear_all();
                for (place, value) in due {
                    let (ahead, neuron) = (place / size as u64, (place % size as u64) as usize);
                    if let Some(lane) = neuron.checked_sub(first).filter(|lane| *lane < lanes) {
                        ring.add(now + ahead, lane, *value);
                    }
                }
            }
            // The first shard gets the spike count of the whole population.
            shard.output.count = std::mem::take(&mut spikes);
            shard.forget_recordings();
            (shard.fault, shard.shortage) = (None, None);
        }
    }
}

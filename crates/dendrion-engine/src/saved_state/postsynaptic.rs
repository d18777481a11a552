//! The spikes of neurons with plastic connections, as far back as weight updates need them.

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::{collected, extend, room};

use super::container::{Reader, Writer, senseless, trace};
use crate::plasticity::PostsynapticSpike;
use crate::plasticity::state::on_dendrite;
use crate::runtime::core::Core;
use crate::runtime::index::{of_population, of_population_mut};

/// The spikes of a population.
pub(super) struct PostsynapticSpikes {
    population: usize,
    neurons: Vec<Vec<PostsynapticSpike>>,
}

/// Returns whether a population has plastic connections.
fn learns<T: Scalar>(core: &Core<T>, population: usize) -> bool {
    let shards = of_population(&core.ensemble.own.shards, population);
    shards.iter().any(|s| s.delivery.plasticity.history.is_some())
}

/// Adds a population to a file if it has plastic connections. All weights must be up to date.
pub(super) fn save<T: Scalar>(core: &Core<T>, population: usize, out: &mut Writer) -> Result<(), Error> {
    if !learns(core, population) {
        return Ok(());
    }
    let cells = &core.model.network.populations[population];
    let (mut starts, mut postsynaptic) = (room(cells.size + 1)?, Vec::new());
    starts.push(0);
    for shard in of_population(&core.ensemble.own.shards, population) {
        let neurons = shard.place.neurons.clone();
        for (lane, on_dendrite) in on_dendrite(cells, neurons).enumerate() {
            // Later decisions need the spikes of the last steps, back to twice the dendritic delay before the
            // current step.
            let safe = core.clock.now as i64 - 1 - 2 * i64::from(on_dendrite);
            let history = shard.delivery.plasticity.history.as_ref();
            extend(&mut postsynaptic, history.map_or(&[], |h| h.since(lane, safe)))?;
            starts.push(postsynaptic.len() as u64);
        }
    }
    let name = format!("spikes_of/{}", cells.label());
    out.array(&format!("{name}/starts"), &starts);
    out.numbers(&format!("{name}/step"), postsynaptic.len(), postsynaptic.iter().map(|p| p.step));
    out.numbers(&format!("{name}/trace"), postsynaptic.len(), postsynaptic.iter().map(|p| p.k));
    out.numbers(&format!("{name}/slow_trace"), postsynaptic.len(), postsynaptic.iter().map(|p| p.slow));
    Ok(())
}

impl PostsynapticSpikes {
    /// Reads a population at step `now` if it has plastic connections.
    pub(super) fn read<T: Scalar>(
        core: &Core<T>,
        population: usize,
        now: u64,
        file: &mut Reader<'_>,
    ) -> Result<Option<Self>, Error> {
        if !learns(core, population) {
            return Ok(None);
        }
        let cells = &core.model.network.populations[population];
        let name = format!("spikes_of/{}", cells.label());
        let starts = file.array::<u64>(&format!("{name}/starts"), Some(cells.size + 1))?;
        let step = file.array::<i64>(&format!("{name}/step"), None)?;
        let mut traces = |what: &str| {
            let name = format!("{name}/{what}");
            file.finite::<f64>(&name, Some(step.len())).and_then(|values| trace(&name, values))
        };
        let (k, slow) = (traces("trace")?, traces("slow_trace")?);
        let ends = (starts.first(), starts.last());
        if ends != (Some(&0), Some(&(step.len() as u64))) || !starts.is_sorted() {
            return Err(senseless(&name, "has starts that do not ascend from 0 to the number of spikes"));
        }
        let mut neurons = room(cells.size)?;
        for row in starts.windows(2).map(|w| w[0] as usize..w[1] as usize) {
            let steps = &step[row.clone()];
            let possible = |step: &i64| (0..now as i64).contains(step);
            if !steps.windows(2).all(|w| w[0] < w[1]) || !steps.iter().all(possible) {
                return Err(senseless(&name, "has spikes that are out of range or not in ascending order"));
            }
            neurons.push(collected(row.map(|i| PostsynapticSpike {
                step: step[i],
                k: k[i],
                slow: slow[i],
            }))?);
        }
        Ok(Some(Self { population, neurons }))
    }

    /// Restores the spikes of all shards at step `now`.
    pub(super) fn restore<T: Scalar>(mut self, core: &mut Core<T>, now: u64) {
        for shard in of_population_mut(&mut core.ensemble.own.shards, self.population) {
            let mine = self.neurons[shard.place.neurons.clone()].iter_mut().map(std::mem::take);
            shard.delivery.plasticity.recall(now, mine);
        }
    }
}

//! The plasticity data that a shard's connections share: the spike history of its neurons, and the probes of weights.

use std::ops::Range;

use dendrion_kernels::{Delays, Fanout, Scalar};
use dendrion_model::{Error, ModuleKind, Network, Population, Projection, Values};

use crate::plasticity::{History, PostsynapticSpike, Rule};
use crate::recording::recorder::Recorder;

/// The plasticity data of a shard. It is empty if no connection has plastic weights.
#[derive(Debug)]
pub(crate) struct PlasticityState<T: Scalar> {
    /// Spikes of the neurons, if any connection has plastic weights.
    pub(crate) history: Option<History>,
    /// Dendritic delays in steps, by lane.
    pub(crate) dendritic: Vec<u16>,
    pub(crate) dt: f64,
    /// The step before which everything that could be decided has been decided.
    pub(crate) decided: u64,
    /// Probes of weights: the projection, and the recorder, whose lanes are the projection's connections onto this
    /// shard.
    pub(crate) watchers: Vec<(usize, Recorder<T>)>,
}

impl<T: Scalar> Default for PlasticityState<T> {
    fn default() -> Self {
        Self { history: None, dendritic: Vec::new(), dt: 0.0, decided: 0, watchers: Vec::new() }
    }
}

impl<T: Scalar> PlasticityState<T> {
    /// Prepares for plastic connections, given the dendritic delay and the time constants (in steps) of each neuron.
    pub(crate) fn open(&mut self, dendritic: Vec<u16>, taus: Vec<[f64; 2]>, dt: f64) {
        if self.history.is_none() {
            (self.history, self.dendritic, self.dt) = (Some(History::new(taus)), dendritic, dt);
        }
    }

    /// Returns the dendritic delay of a neuron in steps.
    pub(crate) fn on_dendrite(&self, lane: usize) -> u16 {
        self.dendritic.get(lane).copied().unwrap_or(1)
    }

    /// Restores the spikes of the neurons. Everything that could be decided before step `now` has been decided.
    pub(crate) fn recall(&mut self, now: u64, postsynaptic: Vec<Vec<PostsynapticSpike>>) {
        self.decided = now;
        if let Some(history) = &mut self.history {
            history.recall(postsynaptic);
        }
    }

    /// Records a spike of a neuron.
    pub(crate) fn remember(&mut self, lane: usize, step: u64) {
        if let Some(history) = &mut self.history {
            history.push(lane, step);
        }
    }
}

/// Returns the dendritic delays and the time constants of traces (in steps) of some neurons of a population.
pub(crate) fn of_neurons(
    population: &Population,
    neurons: Range<usize>,
    dt: f64,
) -> (Vec<u16>, Vec<[f64; 2]>) {
    let all = &population.dendritic_delay;
    let dendritic = |i: usize| all.get(i).or(all.last()).copied().unwrap_or(1);
    let value = |name: &str| ModuleKind::Population.value(&population.params, name);
    let (fast, slow) = (value("stdp_tau"), value("tau_triplet"));
    let tau = |values: &Option<Values>, i: usize| values.as_ref().map_or(f64::NAN, |v| v.get(i)) / dt;
    let taus = neurons.clone().map(|i| [tau(&fast, i), tau(&slow, i)]).collect();
    (neurons.map(dendritic).collect(), taus)
}

/// Checks that no weight exceeds the maximum of the rule, and that no dendritic delay exceeds the delay of the
/// connection.
pub(crate) fn check<T: Scalar>(
    network: &Network,
    projection: &Projection,
    rule: &Rule,
    fanout: &Fanout<T>,
    dendritic: &[u16],
) -> Result<(), Error> {
    let fail = |what: String| Err(Error::connectivity(&projection.path, what));
    // A weight may exceed the maximum by the rounding to the network's type.
    let w_max = T::from_f64(rule.w_max());
    if let Some(w) = fanout.weights().iter().find(|w| **w > w_max) {
        return fail(format!("w = {}: expected at most w_max = {}", w.to_f64(), rule.w_max()));
    }
    for (c, lane) in fanout.targets().iter().enumerate() {
        let delay = match fanout.delays() {
            Delays::Uniform(d) => *d,
            Delays::Each(d) => d[c],
        };
        let on_dendrite = dendritic.get(usize::from(*lane)).copied().unwrap_or(1);
        if on_dendrite > delay {
            let post = &network.populations[projection.population].path;
            let (delay, least) = (f64::from(delay) * network.dt, f64::from(on_dendrite) * network.dt);
            return fail(format!(
                "delay = {delay} ms: expected at least dendritic_delay = {on_dendrite} steps ({least} ms) of {post}, because \
                 the weights are plastic"
            ));
        }
    }
    Ok(())
}

//! The plasticity data that a shard's connections share: the spike history of its neurons, and the probes of weights.

use std::ops::Range;

use dendrion_kernels::{Delays, Fanout, Scalar};
use dendrion_model::allocate::collected;
use dendrion_model::{Error, Network, Population, Projection};

use crate::plasticity::{History, PostsynapticSpike, Rule};
use crate::recording::recorder::Recorder;
use crate::runtime::place::Place;
use crate::runtime::store::{ParameterStore, Target};

/// The plasticity data of a shard. It is empty if no connection has plastic weights.
#[derive(Debug)]
pub(crate) struct PlasticityState<T: Scalar> {
    /// Spikes of the neurons, if any connection has plastic weights.
    pub(crate) history: Option<History>,
    /// Dendritic delays in steps, by lane.
    pub(crate) dendritic: Vec<u16>,
    pub(crate) dt: f64,
    /// The step before which all spikes that could be decided have been decided.
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
    pub(crate) fn open(
        &mut self,
        dendritic: Vec<u16>,
        taus: impl Iterator<Item = [f64; 2]>,
        dt: f64,
    ) -> Result<(), Error> {
        if self.history.is_none() {
            let history = History::new(collected(taus)?)?;
            (self.history, self.dendritic, self.dt) = (Some(history), dendritic, dt);
        }
        Ok(())
    }

    /// Returns the dendritic delay of a neuron in steps.
    pub(crate) fn on_dendrite(&self, lane: usize) -> u16 {
        self.dendritic.get(lane).copied().unwrap_or(1)
    }

    /// Restores the spikes of the neurons. All spikes that could be decided before step `now` have been
    /// decided.
    pub(crate) fn recall(&mut self, now: u64, postsynaptic: impl Iterator<Item = Vec<PostsynapticSpike>>) {
        self.decided = now;
        if let Some(history) = &mut self.history {
            history.recall(postsynaptic);
        }
    }

    /// Records a spike of a neuron.
    pub(crate) fn remember(&mut self, lane: usize, step: u64) -> Result<(), Error> {
        self.history.as_mut().map_or(Ok(()), |history| history.push(lane, step))
    }
}

/// Returns the dendritic delays (in steps) of some neurons of a population.
pub(crate) fn on_dendrite(population: &Population, neurons: Range<usize>) -> impl Iterator<Item = u16> {
    let all = &population.dendritic_delay;
    neurons.map(|i| all.get(i).or(all.last()).copied().unwrap_or(1))
}

/// Returns the time constants of traces (in steps of `dt` ms) of the neurons at a place. Members of detailed cells have
/// those of their cells.
pub(crate) fn trace_taus(
    parameters: &ParameterStore,
    place: &Place,
    dt: f64,
) -> impl Iterator<Item = [f64; 2]> + use<> {
    let traces: Vec<_> = parameters.of(Target::Traces(place.cluster.0)).cloned().collect();
    let tau = move |k: usize, i: usize| traces.get(k).map_or(f64::NAN, |values| values.get(i)) / dt;
    let sites = place.sites;
    place.neurons.clone().map(move |i| [tau(0, i / sites), tau(1, i / sites)])
}

/// Checks that no weight is outside the bounds of the rule, and that no dendritic delay exceeds the delay of the
/// connection.
pub(crate) fn check<T: Scalar>(
    network: &Network,
    projection: &Projection,
    rule: &Rule,
    fanout: &Fanout<T>,
    dendritic: &[u16],
) -> Result<(), Error> {
    let fail = |what: String| Err(Error::connectivity(&projection.path, what));
    // A weight may exceed a bound by the rounding error of the network's type.
    let [w_min, w_max] = rule.bounds();
    if let Some(w) = fanout.weights().iter().find(|w| **w > T::from_f64(w_max)) {
        return fail(format!("w = {}: expected at most w_max = {w_max}", w.to_f64()));
    }
    if let Some(w) = fanout.weights().iter().find(|w| **w < T::from_f64(w_min)) {
        return fail(format!("w = {}: expected at least w_min = {w_min}", w.to_f64()));
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

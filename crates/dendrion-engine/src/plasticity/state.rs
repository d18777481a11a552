//! What a shard's learning connections share: the history of its neurons, and who watches the weights.

use std::ops::Range;
use std::sync::Arc;

use dendrion_kernels::{Delays, Fanout, Scalar};
use dendrion_model::{Error, ModuleKind, Network, Population, Projection, Values};

use crate::plasticity::{History, PostsynapticSpike, Rule, Synapses};
use crate::recording::recorder::Recorder;
use crate::runtime::shard::{Change, Incoming, Shard};

/// Spikes of a neuron kept on average before old ones are dropped.
const KEPT: usize = 64;

/// The part of a shard that learning needs; empty where nothing learns.
#[derive(Debug)]
pub(crate) struct PlasticityState<T: Scalar> {
    /// Spikes of the neurons, if any connection learns.
    pub(crate) history: Option<History>,
    /// Steps on the dendrite, by lane.
    dendritic: Vec<u16>,
    dt: f64,
    /// Everything that could be decided before this step has been.
    decided: u64,
    /// Probes of weights: the projection, and the recorder whose lanes are its connections onto this shard.
    pub(crate) watchers: Vec<(usize, Recorder<T>)>,
}

impl<T: Scalar> Default for PlasticityState<T> {
    fn default() -> Self {
        Self { history: None, dendritic: Vec::new(), dt: 0.0, decided: 0, watchers: Vec::new() }
    }
}

impl<T: Scalar> PlasticityState<T> {
    /// Prepares for connections that learn: steps on the dendrite and time constants (in steps) of each neuron.
    pub(crate) fn open(&mut self, dendritic: Vec<u16>, taus: Vec<[f64; 2]>, dt: f64) {
        if self.history.is_none() {
            (self.history, self.dendritic, self.dt) = (Some(History::new(taus)), dendritic, dt);
        }
    }

    /// Steps on the dendrite of a neuron.
    pub(crate) fn on_dendrite(&self, lane: usize) -> u16 {
        self.dendritic.get(lane).copied().unwrap_or(1)
    }

    /// Takes over the spikes of the neurons, when everything that could be decided before step `now` has been.
    pub(crate) fn recall(&mut self, now: u64, postsynaptic: Vec<Vec<PostsynapticSpike>>) {
        self.decided = now;
        if let Some(history) = &mut self.history {
            history.recall(postsynaptic);
        }
    }

    /// Notes a spike of a neuron.
    pub(crate) fn remember(&mut self, lane: usize, step: u64) {
        if let Some(history) = &mut self.history {
            history.push(lane, step);
        }
    }
}

/// Steps on the dendrite and time constants of traces (in steps) of some neurons of a population.
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

/// Checks connections that are to learn: none stronger than the rule allows, none with more time on the dendrite than in
/// all.
pub(crate) fn check<T: Scalar>(
    network: &Network,
    projection: &Projection,
    rule: &Rule,
    fanout: &Fanout<T>,
    dendritic: &[u16],
) -> Result<(), Error> {
    let fail = |what: String| Err(Error::connectivity(&projection.path, what));
    // A weight that only rounding to the network's type puts above the largest is none.
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
                "delay = {delay} ms: expected at least the part on the dendrite, dendritic_delay = {on_dendrite} steps \
                 ({least} ms) of {post}, as the connections learn"
            ));
        }
    }
    Ok(())
}

impl<T: Scalar> Shard<T> {
    /// Decides everything that can be before step `now`, and records weights.
    pub(crate) fn learn(&mut self, now: u64) {
        let PlasticityState { history: Some(history), dendritic, dt, decided, watchers } =
            &mut self.plasticity
        else {
            return;
        };
        let (begin, history, dt) = (*decided, &*history, *dt);
        watchers.iter_mut().for_each(|(_, r)| r.begin(begin, now.saturating_sub(begin) as usize));
        for t in begin..now {
            for Incoming { projection, fanout, port, change } in &mut self.incoming {
                let Change::Learning(learning) = change else { continue };
                let mut synapses = Synapses { fanout: Arc::make_mut(fanout), history, dendritic, dt };
                for (_, recorder) in watchers.iter_mut().filter(|(p, r)| p == projection && r.is_due(t)) {
                    learning.flush(t, &mut synapses);
                    recorder.sample(begin, t, 0, synapses.fanout.weights());
                }
                learning.decide(t, &mut synapses, &mut self.rings[*port]);
            }
        }
        *decided = now.max(begin);
        self.prune();
    }

    /// Brings all weights up to date with what has been decided.
    pub(crate) fn flush_weights(&mut self) {
        let Some(history) = &self.plasticity.history else { return };
        let (dendritic, dt) = (self.plasticity.dendritic.as_slice(), self.plasticity.dt);
        for Incoming { fanout, change, .. } in &mut self.incoming {
            if let Change::Learning(learning) = change {
                let fanout = Arc::make_mut(fanout);
                learning.flush(self.plasticity.decided, &mut Synapses { fanout, history, dendritic, dt });
            }
        }
    }

    /// How many steps after a spike of its source a connection that learns is looked at, where that is later than the spike.
    pub(crate) fn wait(&self, fanout: &Fanout<T>, c: usize) -> u64 {
        let delay = match fanout.delays() {
            Delays::Uniform(d) => *d,
            Delays::Each(d) => d[c],
        };
        let on_dendrite = self.plasticity.on_dendrite(usize::from(fanout.targets()[c]));
        u64::from(delay).saturating_sub(2 * u64::from(on_dendrite))
    }

    /// Drops spikes that no weight will ask for again, once there are many.
    fn prune(&mut self) {
        let most = KEPT * self.lanes_of_all() + 1024;
        if self.plasticity.history.as_ref().is_none_or(|h| h.len() < most) {
            return;
        }
        self.flush_weights();
        let longest = self.plasticity.dendritic.iter().copied().max().unwrap_or(0);
        let safe = self.plasticity.decided as i64 - 1 - 2 * i64::from(longest);
        if let Some(history) = &mut self.plasticity.history {
            history.forget(safe);
        }
    }

    /// Sets the time constants (in steps) of the neurons' traces from now on.
    pub(crate) fn set_trace_taus(&mut self, taus: Vec<[f64; 2]>) {
        if let Some(history) = &mut self.plasticity.history {
            history.set_taus(taus);
        }
    }

    /// The learning of connections that begin with it, for the shard's neurons.
    pub(crate) fn synapses<'a>(&'a self, fanout: &'a mut Fanout<T>) -> Option<Synapses<'a, T>> {
        let history = self.plasticity.history.as_ref()?;
        Some(Synapses { fanout, history, dendritic: &self.plasticity.dendritic, dt: self.plasticity.dt })
    }

    /// Forgets all that learning and short-term plasticity remember; weights stay.
    pub(crate) fn forget_learning(&mut self) {
        for incoming in &mut self.incoming {
            match &mut incoming.change {
                Change::None => {}
                Change::ShortTerm(short_term) => short_term.reset(),
                Change::Learning(learning) => learning.reset(),
            }
        }
        self.plasticity.decided = 0;
        if let Some(history) = &mut self.plasticity.history {
            history.clear();
        }
    }
}

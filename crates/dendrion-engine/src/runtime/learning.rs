//! Plasticity in a shard: deciding the spikes of plastic connections, and updating their weights.

use dendrion_kernels::{Delays, Fanout, Scalar};
use dendrion_model::Error;

use super::delivery::{Change, Delivery, Incoming, exclusive};
use crate::plasticity::Synapses;
use crate::plasticity::state::PlasticityState;

/// Average number of spikes per neuron above which old spikes are removed.
const KEPT: usize = 64;

impl<T: Scalar> Delivery<T> {
    /// Processes all spikes that can be decided before step `now`, and records weights.
    pub(crate) fn learn(&mut self, now: u64, lanes: usize) -> Result<(), Error> {
        let PlasticityState { history: Some(history), dendritic, dt, decided, watchers } =
            &mut self.plasticity
        else {
            return Ok(());
        };
        let (begin, history, dt) = (*decided, &*history, *dt);
        watchers.iter_mut().for_each(|(_, r)| r.begin(begin, now.saturating_sub(begin) as usize));
        for t in begin..now {
            for Incoming { projection, fanout, port, change } in &mut self.incoming {
                let Change::Learning(learning) = change else { continue };
                let mut synapses = Synapses { fanout: exclusive(fanout)?, history, dendritic, dt };
                for (_, recorder) in watchers.iter_mut().filter(|(p, r)| p == projection && r.is_due(t)) {
                    learning.flush(t, &mut synapses);
                    recorder.sample(begin, t, 0, synapses.fanout.weights());
                }
                learning.decide(t, &mut synapses, &mut self.rings[*port])?;
            }
        }
        *decided = now.max(begin);
        self.prune(lanes)
    }

    /// Updates all weights for the spikes that have been decided.
    pub(crate) fn flush_weights(&mut self) -> Result<(), Error> {
        let Some(history) = &self.plasticity.history else { return Ok(()) };
        let (dendritic, dt) = (self.plasticity.dendritic.as_slice(), self.plasticity.dt);
        for Incoming { fanout, change, .. } in &mut self.incoming {
            if let Change::Learning(learning) = change {
                let mut synapses = Synapses { fanout: exclusive(fanout)?, history, dendritic, dt };
                learning.flush(self.plasticity.decided, &mut synapses);
            }
        }
        Ok(())
    }

    /// Returns the number of steps between a spike of the source and its processing at a plastic connection, or 0 if
    /// it is processed immediately.
    pub(crate) fn wait(&self, fanout: &Fanout<T>, c: usize) -> u64 {
        let delay = match fanout.delays() {
            Delays::Uniform(d) => *d,
            Delays::Each(d) => d[c],
        };
        let on_dendrite = self.plasticity.on_dendrite(usize::from(fanout.targets()[c]));
        u64::from(delay).saturating_sub(2 * u64::from(on_dendrite))
    }

    /// If there are many spikes, removes those that no weight will need again.
    fn prune(&mut self, lanes: usize) -> Result<(), Error> {
        let most = KEPT * lanes + 1024;
        if self.plasticity.history.as_ref().is_none_or(|h| h.len() < most) {
            return Ok(());
        }
        self.flush_weights()?;
        let longest = self.plasticity.dendritic.iter().copied().max().unwrap_or(0);
        let safe = self.plasticity.decided as i64 - 1 - 2 * i64::from(longest);
        if let Some(history) = &mut self.plasticity.history {
            history.forget(safe);
        }
        Ok(())
    }

    /// Replaces the time constants (in steps) of the neurons' traces.
    pub(crate) fn set_trace_taus(&mut self, taus: impl Iterator<Item = [f64; 2]>) {
        if let Some(history) = &mut self.plasticity.history {
            history.set_taus(taus);
        }
    }

    /// Returns the plastic connections of `fanout` with the delays and histories of the shard's neurons.
    pub(crate) fn synapses<'a>(&'a self, fanout: &'a mut Fanout<T>) -> Option<Synapses<'a, T>> {
        let history = self.plasticity.history.as_ref()?;
        Some(Synapses { fanout, history, dendritic: &self.plasticity.dendritic, dt: self.plasticity.dt })
    }

    /// Resets the state of plasticity and of short-term plasticity. Weights keep their values.
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

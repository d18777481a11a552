//! The spikes of a shard's neurons since the oldest weight update, with the traces that they leave.

use dendrion_model::Error;
use dendrion_model::allocate::{filled, push};

/// A postsynaptic spike with the traces of its neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PostsynapticSpike {
    /// Step of the spike.
    pub(crate) step: i64,
    /// Trace just after the spike.
    pub(crate) k: f64,
    /// Slow trace just before the spike.
    pub(crate) slow: f64,
}

/// Spikes by neuron, in ascending order.
#[derive(Debug, Default)]
pub(crate) struct History {
    postsynaptic: Vec<Vec<PostsynapticSpike>>,
    /// Time constants of each neuron's traces, in steps (`stdp_tau`, `tau_triplet`).
    taus: Vec<[f64; 2]>,
    spikes: usize,
}

impl History {
    /// Creates an empty history for neurons whose traces have these time constants, in steps.
    pub(crate) fn new(taus: Vec<[f64; 2]>) -> Result<Self, Error> {
        Ok(Self { postsynaptic: filled(taus.len(), Vec::new())?, taus, spikes: 0 })
    }

    /// Replaces the time constants. The traces that were stored at earlier spikes do not change.
    pub(crate) fn set_taus(&mut self, taus: impl Iterator<Item = [f64; 2]>) {
        self.taus.iter_mut().zip(taus).for_each(|(old, new)| *old = new);
    }

    /// Removes all spikes.
    pub(crate) fn clear(&mut self) {
        self.postsynaptic.iter_mut().for_each(Vec::clear);
        self.spikes = 0;
    }

    /// Adds a spike of neuron `lane`, which must be later than the neuron's last spike.
    pub(crate) fn push(&mut self, lane: usize, step: u64) -> Result<(), Error> {
        let (step, [tau, tau_slow]) = (step as i64, self.taus[lane]);
        let postsynaptic = &mut self.postsynaptic[lane];
        let (k, slow) = postsynaptic.last().map_or((0.0, 0.0), |p| {
            let gap = (step - p.step) as f64;
            (p.k * libm::exp(-gap / tau), (p.slow + 1.0) * libm::exp(-gap / tau_slow))
        });
        push(postsynaptic, PostsynapticSpike { step, k: k + 1.0, slow })?;
        self.spikes += 1;
        Ok(())
    }

    /// Returns the recorded spikes of neuron `lane` that a weight may still need: those from step `safe` on,
    /// and the last one before it.
    pub(crate) fn since(&self, lane: usize, safe: i64) -> &[PostsynapticSpike] {
        let postsynaptic = &self.postsynaptic[lane];
        &postsynaptic[postsynaptic.partition_point(|p| p.step < safe).saturating_sub(1)..]
    }

    /// Replaces all spikes. `postsynaptic` contains the new spikes of each neuron.
    pub(crate) fn recall(&mut self, postsynaptic: impl Iterator<Item = Vec<PostsynapticSpike>>) {
        self.postsynaptic.iter_mut().zip(postsynaptic).for_each(|(old, new)| *old = new);
        self.spikes = self.postsynaptic.iter().map(Vec::len).sum();
    }

    /// Returns the number of recorded spikes.
    pub(crate) const fn len(&self) -> usize {
        self.spikes
    }

    /// Returns the spikes of neuron `lane` after step `from`, up to and including step `to`.
    pub(crate) fn between(&self, lane: usize, from: i64, to: i64) -> &[PostsynapticSpike] {
        let postsynaptic = &self.postsynaptic[lane];
        // Most requests concern the latest spikes, so the search starts at the end.
        let end = postsynaptic.len() - postsynaptic.iter().rev().take_while(|p| p.step > to).count();
        let start = end - postsynaptic[..end].iter().rev().take_while(|p| p.step > from).count();
        &postsynaptic[start..end]
    }

    /// Returns the trace of neuron `lane` at a step, not including a spike at this step.
    pub(crate) fn before(&self, lane: usize, step: i64) -> f64 {
        let post = self.postsynaptic[lane].iter().rev().find(|p| p.step < step);
        post.map_or(0.0, |p| p.k * libm::exp(-((step - p.step) as f64) / self.taus[lane][0]))
    }

    /// Removes spikes before `step`, except for the last one of each neuron, whose traces are still needed.
    pub(crate) fn forget(&mut self, step: i64) {
        for postsynaptic in &mut self.postsynaptic {
            let old = postsynaptic.iter().take_while(|p| p.step < step).count();
            postsynaptic.drain(..old.saturating_sub(1));
        }
        self.spikes = self.postsynaptic.iter().map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    #[test]
    fn traces_and_ranges() {
        let mut history = History::new(vec![[10.0, 50.0]]).unwrap();
        [3, 8, 20].into_iter().for_each(|step| history.push(0, step).unwrap());
        let steps = |from, to| history.between(0, from, to).iter().map(|p| p.step).collect::<Vec<_>>();
        assert_eq!(steps(3, 20), [8, 20]);
        assert_eq!(steps(-1, 19), [3, 8]);
        assert!(steps(20, 30).is_empty());
        let k = |gap: f64| (-gap / 10.0_f64).exp();
        assert!((history.before(0, 20) - k(12.0) - k(17.0)).abs() < 1e-15);
        assert!((history.before(0, 21) - k(1.0) - k(13.0) - k(18.0)).abs() < 1e-15);
        assert_eq!(history.before(0, 3), 0.0);
        let slow = (-12.0 / 50.0_f64).exp() + (-17.0 / 50.0_f64).exp();
        assert!((history.between(0, 8, 20)[0].slow - slow).abs() < 1e-15);
        let before = history.before(0, 25);
        history.forget(21);
        assert_eq!((history.len(), history.before(0, 25)), (1, before));
    }
}

//! Short-term plasticity: resources x and utilization u of Tsodyks, Pawelzik & Markram (1998), updated at
//! each spike as in Maass & Markram (2002), eq. 3 and 4, and in NEST's `tsodyks2_synapse`. Both variables
//! depend only on the source's spikes and are therefore stored by source.

use dendrion_kernels::{Delays, Fanout, Ring, Scalar};
use dendrion_model::allocate::{copied, filled};
use dendrion_model::{Error, Plasticity};

/// The state after a source's last spike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Left {
    pub(crate) last: u64,
    pub(crate) u: f64,
    pub(crate) x: f64,
}

/// The short-term plasticity of the connections of one projection onto one shard.
#[derive(Debug)]
pub(crate) struct ShortTerm {
    utilisation: f64,
    /// Time constants in steps: recovery, facilitation.
    taus: [f64; 2],
    sources: Vec<Option<Left>>,
}

impl ShortTerm {
    /// Creates the state before all spikes, for steps of `dt` ms.
    pub(crate) fn new(plasticity: &Plasticity, sources: usize, dt: f64) -> Result<Self, Error> {
        let mut new = Self { utilisation: 0.0, taus: [1.0, 0.0], sources: filled(sources, None)? };
        new.set(plasticity, dt);
        Ok(new)
    }

    /// Returns a copy.
    pub(crate) fn copy(&self) -> Result<Self, Error> {
        Ok(Self { sources: copied(&self.sources)?, ..*self })
    }

    /// Sets the parameters for later spikes.
    pub(crate) fn set(&mut self, plasticity: &Plasticity, dt: f64) {
        let value = |name| plasticity.kind.value(&plasticity.params, name).map_or(f64::NAN, |v| v.get(0));
        self.utilisation = value("U");
        self.taus = [value("tau_rec") / dt, value("tau_fac") / dt];
    }

    /// Returns to the state before all spikes.
    pub(crate) fn reset(&mut self) {
        self.sources.fill(None);
    }

    /// Returns the state after the last spike of each source.
    pub(crate) fn sources(&self) -> &[Option<Left>] {
        &self.sources
    }

    /// Replaces the state of all sources.
    pub(crate) fn recall(&mut self, sources: &[Option<Left>]) {
        self.sources.copy_from_slice(sources);
    }

    /// Returns the fraction u x of the weight that a spike of `source` at step `n` transmits.
    pub(crate) fn spike(&mut self, source: usize, n: u64) -> f64 {
        let u_rest = self.utilisation;
        let Some(left) = self.sources.get_mut(source) else { return 0.0 };
        let next = match *left {
            None => Left { last: n, u: u_rest, x: 1.0 },
            Some(Left { last, u, x }) => {
                let gap = (n - last) as f64;
                let decay = |tau: f64| if tau > 0.0 { libm::exp(-gap / tau) } else { 0.0 };
                let x = 1.0 + (x - x * u - 1.0) * decay(self.taus[0]);
                let u = u_rest + u * (1.0 - u_rest) * decay(self.taus[1]);
                Left { last: n, u, x }
            }
        };
        *left = Some(next);
        next.u * next.x
    }
}

impl ShortTerm {
    /// Delivers the spikes of `sources` at step `n`, one after another.
    pub(crate) fn deliver<T: Scalar>(
        &mut self,
        fanout: &Fanout<T>,
        sources: &[u32],
        n: u64,
        ring: &mut Ring<T>,
    ) {
        for source in sources.iter().map(|s| *s as usize) {
            let (Some(from), Some(to)) = (fanout.starts().get(source), fanout.starts().get(source + 1))
            else {
                continue;
            };
            let part = self.spike(source, n);
            for c in *from as usize..*to as usize {
                let delay = match fanout.delays() {
                    Delays::Uniform(d) => *d,
                    Delays::Each(d) => d[c],
                };
                let weight = T::from_f64(fanout.weights()[c].to_f64() * part);
                ring.add(n + u64::from(delay), usize::from(fanout.targets()[c]), weight);
            }
        }
    }
}

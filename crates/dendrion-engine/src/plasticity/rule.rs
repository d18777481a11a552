//! STDP rules: the change of a weight in response to a pair or a triplet of spikes.
//!
//! Pairs: Guetig, Aharonov, Rotter & Sompolinsky (2003), as in NEST's `stdp_synapse`. Triplets: Pfister &
//! Gerstner (2006), as in NEST's `stdp_triplet_synapse`. The neuron's own time constants are in its
//! [`super::History`].
//!
//! These papers have weights from 0 to `w_max`. With another minimum, the pair rule applies to the relative weight
//! `(w - w_min)/(w_max - w_min)`, and the triplet rule limits weights to the bounds.

use dendrion_model::{ModuleKind, Plasticity};

/// A rule and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// Pairs of spikes.
    Pair { lambda: f64, alpha: f64, mu_plus: f64, mu_minus: f64, tau_plus: f64, bounds: [f64; 2] },
    /// Triplets of spikes: amplitudes of pairs and of triplets, for facilitation (`plus`) and depression (`minus`).
    Triplet { plus: [f64; 2], minus: [f64; 2], tau_plus: f64, tau_slow: f64, bounds: [f64; 2] },
}

/// The traces of a source's earlier spikes at the synapse.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pre {
    /// The step of the last spike, or `None` before the first one.
    pub(crate) last: Option<u64>,
    /// Trace just after the last spike.
    pub(crate) k: f64,
    /// Slow trace just after the last spike.
    pub(crate) slow: f64,
}

impl Rule {
    /// Returns the STDP rule, or `None` for short-term plasticity, which does not change weights.
    pub(crate) fn of(plasticity: &Plasticity) -> Option<Self> {
        let value = |name| plasticity.kind.value(&plasticity.params, name).map_or(f64::NAN, |v| v.get(0));
        let bounds = [value("w_min"), value("w_max")];
        match plasticity.kind {
            ModuleKind::Stdp => Some(Self::Pair {
                lambda: value("lambda_"),
                alpha: value("alpha"),
                mu_plus: value("mu_plus"),
                mu_minus: value("mu_minus"),
                tau_plus: value("tau_plus"),
                bounds,
            }),
            ModuleKind::TripletStdp => Some(Self::Triplet {
                plus: [value("A_plus"), value("A_plus_triplet")],
                minus: [value("A_minus"), value("A_minus_triplet")],
                tau_plus: value("tau_plus"),
                tau_slow: value("tau_plus_triplet"),
                bounds,
            }),
            _ => None,
        }
    }

    /// Returns the minimum and the maximum weight.
    pub(crate) const fn bounds(&self) -> [f64; 2] {
        match self {
            Self::Pair { bounds, .. } | Self::Triplet { bounds, .. } => *bounds,
        }
    }

    const fn tau_plus(&self) -> f64 {
        match self {
            Self::Pair { tau_plus, .. } | Self::Triplet { tau_plus, .. } => *tau_plus,
        }
    }

    /// Returns the weight after a postsynaptic spike, `gap` ms after the source's last spike. `slow` is the neuron's
    /// slow trace just before its spike.
    pub(crate) fn facilitate(&self, w: f64, pre: &Pre, gap: f64, slow: f64) -> f64 {
        let k = pre.k * libm::exp(-gap / self.tau_plus());
        let [low, high] = self.bounds();
        match self {
            Self::Pair { lambda, mu_plus, .. } => {
                // In single precision, rounding may put a weight just above the maximum.
                let norm = (w - low) / (high - low);
                let norm = (norm + lambda * libm::pow((1.0 - norm).max(0.0), *mu_plus) * k).min(1.0);
                (low + norm * (high - low)).min(high)
            }
            Self::Triplet { plus: [pair, triplet], .. } => (w + k * (pair + triplet * slow)).min(high),
        }
    }

    /// Returns the weight after a spike of the source, `gap` ms after the source's last spike. `k_minus` is
    /// the neuron's trace.
    pub(crate) fn depress(&self, w: f64, pre: &Pre, gap: f64, k_minus: f64) -> f64 {
        let [low, high] = self.bounds();
        match self {
            Self::Pair { lambda, alpha, mu_minus, .. } => {
                // In single precision, rounding may put a weight just below the minimum.
                let norm = ((w - low) / (high - low)).max(0.0);
                let norm = (norm - alpha * lambda * libm::pow(norm, *mu_minus) * k_minus).max(0.0);
                (low + norm * (high - low)).min(high)
            }
            Self::Triplet { minus: [pair, triplet], tau_slow, .. } => {
                let slow = pre.slow * libm::exp(-gap / tau_slow);
                (w - k_minus * (pair + triplet * slow)).max(low)
            }
        }
    }

    /// Returns the source's traces after its spike at step `n`, `gap` ms after its last spike.
    pub(crate) fn advance(&self, pre: &Pre, n: u64, gap: f64) -> Pre {
        let k = pre.k * libm::exp(-gap / self.tau_plus()) + 1.0;
        let slow = match self {
            Self::Pair { .. } => 0.0,
            Self::Triplet { tau_slow, .. } => pre.slow * libm::exp(-gap / tau_slow) + 1.0,
        };
        Pre { last: Some(n), k, slow }
    }
}

#[cfg(test)]
mod tests {
    use dendrion_model::Params;

    use super::*;

    #[test]
    fn every_kind_that_learns_has_a_rule() {
        for kind in ModuleKind::ALL {
            let rule = Rule::of(&Plasticity { kind, params: Params::default() });
            assert_eq!(rule.is_some(), kind.learns(), "{}", kind.name());
        }
    }
}

//! Projections and injections: the connections of a network.

use serde::{Deserialize, Serialize};

use crate::kind::WEIGHT;
use crate::{
    Count, Domain, Error, ModuleKind, Network, ParameterSpec, Params, PerConnection, Receptor, Values,
};

/// The end of messages about negative weights.
pub const INHIBITION: &str = "; for inhibition, connect positive weights to a GABA receptor, or use a CurrentReceptor, whose weights may \
     be negative";

/// The module that sends a projection's spikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The population with this index.
    Population(usize),
    /// The generator with this index.
    Generator(usize),
}

/// The rule that determines which pairs (source, target) are connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connectivity {
    /// Connects every source to every target.
    AllToAll {
        /// Whether a neuron is connected to itself.
        autapses: bool,
    },
    /// Connects source `i` to target `i`.
    OneToOne,
    /// Connects each target to `degree` randomly drawn sources.
    FixedIndegree {
        /// Number of connections per target.
        degree: usize,
        /// Whether a pair may be connected more than once.
        multapses: bool,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Connects each source to `degree` randomly drawn targets.
    FixedOutdegree {
        /// Number of connections per source.
        degree: usize,
        /// Whether a pair may be connected more than once.
        multapses: bool,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Creates `count` connections, each between a randomly drawn source and target.
    FixedTotal {
        /// Total number of connections.
        count: usize,
        /// Whether a pair may be connected more than once.
        multapses: bool,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Connects each pair with probability `p`.
    FixedProbability {
        /// The connection probability.
        p: f64,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Explicit pairs, sorted by source (compressed sparse rows).
    Csr {
        /// Index of each source's first target, followed by the number of targets: one entry more than there are
        /// sources.
        starts: Vec<u32>,
        /// Targets, in ascending order for each source.
        targets: Vec<u32>,
    },
}

impl Connectivity {
    /// Returns whether the pairs are drawn at random.
    pub const fn is_random(&self) -> bool {
        !matches!(self, Self::AllToAll { .. } | Self::OneToOne | Self::Csr { .. })
    }
}

/// The rule by which spikes change the connections of a projection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plasticity {
    /// [`ModuleKind::Stdp`], [`ModuleKind::TripletStdp`] or [`ModuleKind::TsodyksMarkram`].
    pub kind: ModuleKind,
    /// The parameters of the rule, with one value per parameter.
    pub params: Params,
}

impl Plasticity {
    /// Returns whether the rule changes the weights, depending on presynaptic and postsynaptic spikes.
    pub const fn learns(&self) -> bool {
        self.kind.learns()
    }
}

/// Connections with a common rule, from a population or generator to receptors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Path, unique in the network.
    pub path: String,
    /// The presynaptic population or generator.
    pub pre: Source,
    /// Index of the postsynaptic population.
    pub population: usize,
    /// Indices of the driven receptors in that population. A spike adds its weight to the gate of each of them.
    pub receptors: Vec<usize>,
    /// The connected pairs.
    pub connectivity: Connectivity,
    /// Weights: one for all connections, or one per connection in CSR order (by source, then by target).
    pub weight: PerConnection,
    /// Delays in ms, in the same order as the weights. `None` means 0 for projections from a generator, and one
    /// step for projections between neurons and for plastic weights.
    pub delay: Option<PerConnection>,
    /// The plasticity rule; `None` for constant connections.
    pub plasticity: Option<Plasticity>,
}

impl Projection {
    /// Returns the number of targets of a source that belong to the source itself: 1 within a population, the number of
    /// sites from detailed cells to mechanisms on them, and otherwise 0. A source s has the targets from s times this number
    /// on.
    pub fn own_targets(&self, network: &Network) -> usize {
        let Source::Population(pre) = self.pre else { return 0 };
        match network.populations.get(self.population) {
            _ if pre == self.population => 1,
            Some(post) if post.role.cells() == Some(pre) => post.sites().unwrap_or(0),
            _ => 0,
        }
    }

    /// Returns whether weights may be negative: whether all driven receptors accept negative weights.
    pub fn is_signed(&self, network: &Network) -> bool {
        let Some(post) = network.populations.get(self.population) else { return false };
        let signed = |r: &usize| post.receptors.get(*r).is_some_and(Receptor::accepts_negative);
        !self.receptors.is_empty() && self.receptors.iter().all(signed)
    }

    /// Returns the unit and the domain of the weights: those of currents (pA) if all driven receptors are current-based.
    pub fn weight_spec(&self, network: &Network) -> ParameterSpec {
        let mut spec = WEIGHT;
        if self.is_signed(network) {
            spec.domain = Domain::Finite;
            let receptors = &network.populations[self.population].receptors;
            if self.receptors.iter().all(|r| receptors[*r].kind == ModuleKind::CurrentReceptor) {
                spec.unit = "pA";
            }
        }
        spec
    }

    /// Checks weights, for this number of connections.
    ///
    /// # Errors
    /// Returns an error for a wrong number of weights, and for a weight that is not finite, or negative although a
    /// receptor accepts no negative weights.
    pub fn check_weights(
        &self,
        network: &Network,
        values: &Values,
        count: impl Into<Count>,
    ) -> Result<(), Error> {
        let (spec, count) = (self.weight_spec(network), count.into());
        let all = values.as_slice();
        let fits = matches!(values, Values::Scalar(_)) || count.accepts(all.len());
        if fits
            && spec.domain == Domain::NonNegative
            && let Some(i) = all.iter().position(|w| !spec.domain.holds(*w)).filter(|i| all[*i] < 0.0)
        {
            let name = if matches!(values, Values::Each(_)) { format!("w[{i}]") } else { "w".into() };
            let accepted = format!("{}{INHIBITION}", spec.domain.words());
            return Err(Error::parameter(&self.path, name, all[i], accepted));
        }
        spec.check(&self.path, values, count)
    }

    /// Returns whether a plasticity rule changes the weights.
    pub fn learns(&self) -> bool {
        self.plasticity.as_ref().is_some_and(Plasticity::learns)
    }
}

/// Injection of a generator's current into a compartment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// Path, unique in the network.
    pub path: String,
    /// Index of the generator.
    pub generator: usize,
    /// Index of the population.
    pub population: usize,
    /// Index of the compartment in the population.
    pub compartment: usize,
}

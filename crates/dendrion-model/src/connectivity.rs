//! Projections and injections: who drives whom.

use serde::{Deserialize, Serialize};

use crate::{ModuleKind, Params, PerConnection};

/// Where a projection's spikes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The population of that index.
    Population(usize),
    /// The generator of that index.
    Generator(usize),
}

/// Which pairs (source, target) are connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connectivity {
    /// Every source to every target.
    AllToAll {
        /// Whether a neuron is connected to itself.
        autapses: bool,
    },
    /// Source i to target i.
    OneToOne,
    /// Each target draws `degree` sources.
    FixedIndegree {
        /// Connections of each target.
        degree: usize,
        /// Whether a pair may be connected more than once.
        multapses: bool,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Each source draws `degree` targets.
    FixedOutdegree {
        /// Connections of each source.
        degree: usize,
        /// Whether a pair may be connected more than once.
        multapses: bool,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// So many connections in all, each between a source and a target drawn at random.
    FixedTotal {
        /// Connections in all.
        count: usize,
        /// Whether a pair may be connected more than once.
        multapses: bool,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Each pair is connected with probability `p`.
    FixedProbability {
        /// The probability.
        p: f64,
        /// Whether a neuron may be connected to itself.
        autapses: bool,
    },
    /// Given pairs, by source (compressed sparse rows).
    Csr {
        /// Where each source's targets start, and the end: one more than there are sources.
        starts: Vec<u32>,
        /// Targets, ascending within a source.
        targets: Vec<u32>,
    },
}

impl Connectivity {
    /// Whether the pairs are drawn at random.
    pub const fn is_random(&self) -> bool {
        !matches!(self, Self::AllToAll { .. } | Self::OneToOne | Self::Csr { .. })
    }
}

/// How the connections of a projection change with the spikes that pass them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plasticity {
    /// [`ModuleKind::Stdp`], [`ModuleKind::TripletStdp`] or [`ModuleKind::TsodyksMarkram`].
    pub kind: ModuleKind,
    /// Its parameters, one value each.
    pub params: Params,
}

impl Plasticity {
    /// Whether the weights themselves change, by both sides' spikes.
    pub const fn learns(&self) -> bool {
        matches!(self.kind, ModuleKind::Stdp | ModuleKind::TripletStdp)
    }
}

/// Connections from a population or generator onto receptors that share them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Path, unique in the network.
    pub path: String,
    /// Where the spikes come from.
    pub pre: Source,
    /// Index of the postsynaptic population.
    pub population: usize,
    /// Indices of the receptors driven, in that population: a spike adds its weight to the gate of each.
    pub receptors: Vec<usize>,
    /// Which pairs are connected.
    pub connectivity: Connectivity,
    /// Weights: one for all, or one each in CSR order (by source, then target).
    pub weight: PerConnection,
    /// Delays in ms, likewise; `None`: 0 from a generator, one step from neurons and where weights are
    /// learnt.
    pub delay: Option<PerConnection>,
    /// How the connections change; `None`: not at all.
    pub plasticity: Option<Plasticity>,
}

impl Projection {
    /// Whether sources and targets are the same neurons.
    pub fn is_recurrent(&self) -> bool {
        matches!(self.pre, Source::Population(p) if p == self.population)
    }

    /// Whether its weights change by both sides' spikes.
    pub fn learns(&self) -> bool {
        self.plasticity.as_ref().is_some_and(Plasticity::learns)
    }
}

/// A current generator's injection into a compartment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// Path, unique in the network.
    pub path: String,
    /// Index of the generator.
    pub generator: usize,
    /// Index of the population.
    pub population: usize,
    /// Index of the compartment in it.
    pub compartment: usize,
}

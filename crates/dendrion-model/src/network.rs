//! The network: everything one simulation needs to know.

use serde::{Deserialize, Serialize};

use crate::{Generator, Injection, Population, Projection};

/// The floating-point type a network is simulated in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Single precision.
    Float32,
    /// Double precision.
    #[default]
    Float64,
}

/// A network and the settings it is simulated with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Time step in ms.
    pub dt: f64,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Seed of noise and of the spikes of generators, where it differs from that of connections and initial values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_seed: Option<u64>,
    /// Floating-point type.
    pub dtype: Dtype,
    /// Threads to run on; `None`: as many as the machine has. Results do not depend on it.
    pub threads: Option<usize>,
    /// Populations of neurons.
    pub populations: Vec<Population>,
    /// Generators.
    pub generators: Vec<Generator>,
    /// Connections.
    pub projections: Vec<Projection>,
    /// Injected currents.
    pub injections: Vec<Injection>,
}

impl Network {
    /// An empty network: f64, seed 0, all threads.
    pub fn new(dt: f64) -> Self {
        Self {
            dt,
            seed: 0,
            noise_seed: None,
            dtype: Dtype::Float64,
            threads: None,
            populations: Vec::new(),
            generators: Vec::new(),
            projections: Vec::new(),
            injections: Vec::new(),
        }
    }

    /// The seed of the random numbers that a run draws: noise and the spikes of generators.
    pub fn run_seed(&self) -> u64 {
        self.noise_seed.unwrap_or(self.seed)
    }
}

//! The network: the complete input of a simulation.

use serde::{Deserialize, Serialize};

use crate::{Generator, Injection, Population, Projection};

/// The floating-point type of a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Single precision.
    Float32,
    /// Double precision.
    #[default]
    Float64,
}

/// A network together with its simulation settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Time step in ms.
    pub dt: f64,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Seed of noise and of generated spikes; `None` means that `seed` is used. Otherwise, `seed` determines
    /// only connections and initial values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_seed: Option<u64>,
    /// Floating-point type.
    pub dtype: Dtype,
    /// Number of threads; `None` uses all cores of the machine. Results do not depend on the number of
    /// threads.
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
    /// Creates an empty network with time step `dt` (ms), double precision and seed 0, which uses all cores.
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

    /// Returns the seed of the random numbers drawn during a run: noise and generated spikes.
    pub fn run_seed(&self) -> u64 {
        self.noise_seed.unwrap_or(self.seed)
    }
}

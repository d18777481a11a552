//! What goes with a network and is not simulated: who the populations are, what is trained, what is recorded.

use std::collections::BTreeMap;

/// What goes with a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Time to simulate where nothing else is said (ms).
    pub duration: Option<f64>,
    /// By path of the population.
    pub populations: BTreeMap<String, Identity>,
    /// Parameters that training leaves alone, as `path.parameter`.
    pub frozen: Vec<String>,
    /// Projections whose weights are a table of all sources by all targets.
    pub dense: Vec<String>,
    /// What to record.
    pub records: Vec<Record>,
}

/// What a population is called in the whole network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Brain area.
    pub area_name: Option<String>,
    /// Process.
    pub pid: Option<u64>,
    /// Number of the population.
    pub id: Option<u64>,
    /// Number of its first neuron.
    pub neuron_start_id: Option<u64>,
}

/// Something to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What the recording is called.
    pub name: String,
    /// Path of the module.
    pub of: String,
    /// The variable, such as `V` or `spikes`.
    pub variable: String,
    /// Time between samples (ms); `None`: each step.
    pub every: Option<f64>,
    /// Which neurons, or connections; `None`: all.
    pub indices: Option<Vec<u32>>,
}

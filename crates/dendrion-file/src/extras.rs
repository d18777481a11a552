//! Contents of a model file that are not part of the network: the identities of populations, frozen parameters and
//! recordings.

use std::collections::BTreeMap;

/// The contents of a model file other than the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Duration of a simulation if the caller does not specify one (ms).
    pub duration: Option<f64>,
    /// Identities of populations, by path.
    pub populations: BTreeMap<String, Identity>,
    /// Parameters that training does not change, as `path.parameter`.
    pub frozen: Vec<String>,
    /// Projections whose weights are stored as a dense table with one entry per pair of source and target.
    pub dense: Vec<String>,
    /// The recordings.
    pub records: Vec<Record>,
}

/// Identity of a population within a larger model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Brain area.
    pub area_name: Option<String>,
    /// Index of the process.
    pub pid: Option<u64>,
    /// Index of the population.
    pub id: Option<u64>,
    /// Index of its first neuron.
    pub neuron_start_id: Option<u64>,
}

/// A recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Name of the recording.
    pub name: String,
    /// Path of the module.
    pub of: String,
    /// The variable, such as `V` or `spikes`.
    pub variable: String,
    /// Time between samples (ms); `None` records every step.
    pub every: Option<f64>,
    /// Indices of the recorded neurons or connections; `None` records all.
    pub indices: Option<Vec<u32>>,
}

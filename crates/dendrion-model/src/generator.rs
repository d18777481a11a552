//! Generators: what drives a network from outside.

use serde::{Deserialize, Serialize};

use crate::{ModuleKind, Params};

/// What a generator sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Independent Poisson processes of `rate` Hz; a step may hold more than one event of a source.
    Poisson,
    /// A spike with probability `prob` in each step.
    Bernoulli,
    /// Spikes at given times.
    Spikes {
        /// Source of each spike.
        indices: Vec<u32>,
        /// Time of each spike in ms, in any order.
        times: Vec<f64>,
    },
    /// Spikes that are handed to the simulation while it runs.
    Pushed,
    /// A current of `amplitude` pA.
    Dc,
    /// A current given by samples.
    Current(Waveform),
}

/// A current in pA from the generator's `start` on, given by rows of samples.
///
/// Without an `interval` there is one row per step, and 0 after the last. With an interval the current is the linear interpolation of
/// the rows, and 0 after the time of the last row. In both cases a step takes the time average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waveform {
    /// Values per step: 1, or the generator's size.
    pub width: usize,
    /// Rows of `width` values.
    pub values: Vec<f64>,
    /// Time from one row to the next (ms); none for one row per step.
    #[serde(default)]
    pub interval: Option<f64>,
}

/// A generator of spikes or current.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Path, unique in the network.
    pub path: String,
    /// Number of sources.
    pub size: usize,
    /// On from this time (ms). Currents, rates and probabilities are averaged over the step in which they begin.
    pub start: f64,
    /// Off from this time (ms); `None`: never off.
    pub stop: Option<f64>,
    /// `rate`, `prob` or `amplitude`, as the signal has it.
    pub params: Params,
    /// What it sends.
    pub signal: Signal,
    /// Times (ms), ascending, from which its parameter takes one value after the other: then there are as many rows of
    /// values, of one or of one per source, and before the first time it is 0. Without times it is constant.
    pub breaks: Vec<f64>,
    /// Name of its random stream; generators of one name share it. Without a name the stream is its own.
    pub stream: Option<String>,
}

impl Generator {
    /// A generator that is on all the time.
    pub fn new(path: impl Into<String>, size: usize, signal: Signal, params: impl Into<Params>) -> Self {
        let (path, params) = (path.into(), params.into());
        Self { path, size, start: 0.0, stop: None, params, signal, breaks: Vec::new(), stream: None }
    }

    /// The kind of module it is.
    pub const fn kind(&self) -> ModuleKind {
        match self.signal {
            Signal::Poisson => ModuleKind::Poisson,
            Signal::Bernoulli => ModuleKind::Bernoulli,
            Signal::Spikes { .. } | Signal::Pushed => ModuleKind::Spikes,
            Signal::Dc => ModuleKind::Dc,
            Signal::Current(_) => ModuleKind::Current,
        }
    }

    /// The parameter it has, if any, and how many values that takes.
    pub fn parameter(&self) -> Option<(&'static crate::ParameterSpec, usize)> {
        let spec = self.kind().parameters().first()?;
        let given = self.params.get(spec.name).map_or(0, |v| v.as_slice().len());
        let rows = self.breaks.len();
        let wide = rows > 0 && given == rows * self.size;
        Some((spec, if rows == 0 || wide { rows.max(1) * self.size } else { rows }))
    }

    /// Whether it sends spikes (and not current).
    pub const fn is_spiking(&self) -> bool {
        !matches!(self.signal, Signal::Dc | Signal::Current(_))
    }
}

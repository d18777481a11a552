//! Generators: the external input of a network.

use serde::{Deserialize, Serialize};

use crate::{ModuleKind, Params};

/// The output of a generator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Independent Poisson processes with a rate of `rate` Hz. A source may have several events in one step.
    Poisson,
    /// A spike with probability `prob` in each step.
    Bernoulli,
    /// Spikes at specified times.
    Spikes {
        /// Source of each spike.
        indices: Vec<u32>,
        /// Time of each spike in ms, in any order.
        times: Vec<f64>,
    },
    /// Spikes that the caller passes to the simulation during a run.
    Pushed,
    /// A constant current of `amplitude` pA.
    Dc,
    /// A current defined by samples.
    Current(Waveform),
}

/// A current in pA, defined by rows of samples, that begins at the generator's `start`.
///
/// Without an `interval`, each row is the current of one step, and the current is 0 after the last row. With
/// an interval, the current is the linear interpolation of the rows, and 0 after the time of the last row. In
/// both cases, the current of a step is its average over the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waveform {
    /// Number of values per row: 1, or the size of the generator.
    pub width: usize,
    /// Rows of `width` values.
    pub values: Vec<f64>,
    /// Time between rows (ms); `None` for one row per step.
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
    /// Start time (ms). Currents, rates and probabilities are averaged over the step in which they begin.
    pub start: f64,
    /// Stop time (ms); `None` means that the generator never stops.
    pub stop: Option<f64>,
    /// The parameter of the signal: `rate`, `prob` or `amplitude`.
    pub params: Params,
    /// The output.
    pub signal: Signal,
    /// Times (ms), in ascending order, at which the parameter takes its next value. The values then have one
    /// row per time, with one number or one per source; before the first time, the parameter is 0. Without
    /// times, the parameter is constant.
    pub breaks: Vec<f64>,
    /// Name of the random stream. Generators with the same stream name share a stream; a generator without a
    /// stream name has its own stream.
    pub stream: Option<String>,
}

impl Generator {
    /// Creates a generator that is always active.
    pub fn new(path: impl Into<String>, size: usize, signal: Signal, params: impl Into<Params>) -> Self {
        let (path, params) = (path.into(), params.into());
        Self { path, size, start: 0.0, stop: None, params, signal, breaks: Vec::new(), stream: None }
    }

    /// Returns the kind of module.
    pub const fn kind(&self) -> ModuleKind {
        match self.signal {
            Signal::Poisson => ModuleKind::Poisson,
            Signal::Bernoulli => ModuleKind::Bernoulli,
            Signal::Spikes { .. } | Signal::Pushed => ModuleKind::Spikes,
            Signal::Dc => ModuleKind::Dc,
            Signal::Current(_) => ModuleKind::Current,
        }
    }

    /// Returns the parameter of the signal, if the signal has one, and its total number of values.
    pub fn parameter(&self) -> Option<(&'static crate::ParameterSpec, usize)> {
        let spec = self.kind().parameters().first()?;
        let given = self.params.get(spec.name).map_or(0, |v| v.as_slice().len());
        let rows = self.breaks.len();
        let wide = rows > 0 && given == rows * self.size;
        Some((spec, if rows == 0 || wide { rows.max(1) * self.size } else { rows }))
    }

    /// Returns whether the generator emits spikes, as opposed to a current.
    pub const fn is_spiking(&self) -> bool {
        !matches!(self.signal, Signal::Dc | Signal::Current(_))
    }
}

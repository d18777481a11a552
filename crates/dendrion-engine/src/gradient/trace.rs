//! A trace: the data that a run leaves behind so that it can be reversed.

use std::sync::Arc;

use dendrion_equations::System;
use dendrion_kernels::Scalar;

use super::backward::Reversible;
use super::growth::{Growth, Peak};
use super::history::Spares;
use super::schedule::CheckpointSchedule;
use super::shard_trace::GradientObserver;
use crate::inputs::{Current, StandIns};
use crate::recording::recorder::{Lanes, Reads};
use crate::run::{Observed, Route};
use crate::runtime::pending::Transit;
use crate::runtime::population::Engine;
use crate::runtime::store::{ParameterStore, full_name};

/// The properties that a probe had during a run.
#[derive(Clone, Debug)]
pub(crate) enum ProbeSnapshot {
    /// A probe of values: for each shard of the population, the quantity that is read, and the recorded lanes
    /// with their columns.
    Values { population: usize, every: u64, columns: usize, places: Vec<Place> },
    /// A probe of the spikes of a population.
    Spikes { population: usize },
    /// A probe that has no cotangents.
    Other,
}

/// Index of a shard, the quantity that is read, and the recorded lanes with their columns.
type Place = (usize, Reads, Arc<Lanes>);

/// The data that a run leaves behind so that it can be reversed once.
#[derive(Debug)]
pub(crate) struct Trace<T: Scalar> {
    pub(crate) populations: Vec<Reversible<T>>,
    pub(crate) engines: Vec<Arc<Engine<T>>>,
    /// All parameters with the values that they had in the run.
    pub(crate) parameters: ParameterStore,
    /// Path and size of each generator.
    pub(crate) generators: Arc<Vec<(String, usize)>>,
    pub(crate) currents: Arc<Vec<Option<Current>>>,
    pub(crate) given: Vec<StandIns<T>>,
    pub(crate) routes: Arc<Vec<Route>>,
    pub(crate) snapshots_of_probes: Vec<ProbeSnapshot>,
    pub(crate) samples: Vec<Observed<T, GradientObserver>>,
    pub(crate) plan: CheckpointSchedule,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) epoch: u64,
    /// Number of epochs between two barriers.
    pub(crate) meeting: u64,
    pub(crate) threads: usize,
    /// Numbers of shards and source blocks of a sample.
    pub(crate) places: (usize, usize),
    pub(crate) spares: Spares<T>,
    /// The ports at which input may be in transit at the beginning and at the end.
    pub(crate) transits: Vec<Transit>,
}

impl<T: Scalar> Trace<T> {
    /// Returns the maximum number of bytes that the recorded states of all samples occupy at any time during
    /// the run and its reverse.
    pub(crate) const fn memory(&self) -> u64 {
        self.plan.bytes()
    }

    /// Describes a cotangent beyond its limit.
    pub(super) fn growth(
        &self,
        (population, peak): (usize, Peak),
        sample: Option<usize>,
        given: f64,
    ) -> Growth {
        let of = &self.populations[population];
        let attached = |p: &&Reversible<T>| {
            !p.spike.1 && p.system.event.as_ref().is_some_and(|e| e.then.iter().any(|a| a.resets))
        };
        // The reset of the neuron's own population is the most likely cause, followed by that of any other
        // population.
        let through = Some(of).filter(attached).or_else(|| self.populations.iter().find(attached));
        let dt = of.parameters[System::DT].get(0);
        Growth {
            state: full_name(&of.path, &of.system.states[peak.state].name),
            neuron: peak.neuron,
            sample,
            // Rounding removes the error of the product of a step number and dt.
            time: (peak.step as f64 * dt * 1e9).round() / 1e9,
            value: peak.value,
            given,
            through_reset_of: through.map(|p| p.path.clone()),
        }
    }

    /// Returns whether the run can still be reversed.
    pub(crate) const fn is_left(&self) -> bool {
        !self.samples.is_empty()
    }
}

//! Cotangents of the state at the end of a run: of the states of neurons, and of input in transit.
//!
//! The reverse of a run starts with them instead of zeros. Input in transit is added to gates in steps after the end of the
//! run, so its cotangents are the adjoints of arrivals in these steps: the sweep pulls them like all others.

use dendrion_kernels::{Ring, Scalar};
use dendrion_model::Error;

use super::reversal::Reversal;
use super::trace::Trace;
use crate::runtime::pending::Transit;
use crate::runtime::shard::Shard;
use crate::runtime::store::full_name;

/// The cotangents of the end of a run, sample by sample, by key.
pub(crate) type Final<'a> = [(String, &'a [f64])];

/// The checked cotangents of the end of a run.
#[derive(Debug, Default)]
pub(super) struct Finals<'a> {
    /// Population, row and cotangents (one per neuron) of each state.
    states: Vec<(usize, usize, &'a [f64])>,
    /// Cotangents of input in transit: one per step and neuron.
    transits: Vec<(&'a Transit, &'a [f64])>,
    samples: usize,
    /// The largest magnitude of a cotangent.
    pub(super) largest: f64,
}

impl<'a> Finals<'a> {
    /// Checks keys and numbers of values.
    pub(super) fn of<T: Scalar>(
        trace: &'a Trace<T>,
        samples: usize,
        given: &Final<'a>,
    ) -> Result<Self, Error> {
        let mut finals = Self { samples, ..Self::default() };
        for (key, values) in given {
            let values: &'a [f64] = values;
            // Internal states are intermediate results of a step, so they have no value at the end of a run.
            let found = trace.populations.iter().enumerate().find_map(|(p, population)| {
                let is_named = |name: &str| full_name(&population.path, name) == *key;
                let row =
                    population.system.states.iter().position(|s| !s.is_internal && is_named(&s.name))?;
                Some((p, row))
            });
            let size = if let Some((p, row)) = found {
                finals.states.push((p, row, values));
                trace.populations[p].layout.size
            } else if let Some(transit) = trace.transits.iter().find(|transit| transit.key == *key) {
                finals.transits.push((transit, values));
                transit.steps * transit.size
            } else {
                return Err(Error::unknown("backward", "final state", key, known(trace)));
            };
            if values.len() != size * samples {
                let (given, accepted) = (format!("array of length {}", values.len()), size * samples);
                return Err(Error::parameter("backward", key, given, format!("length {accepted}")));
            }
            if let Some(v) = values.iter().find(|v| !T::from_f64(**v).is_finite()) {
                return Err(Error::parameter(
                    "backward",
                    format!("cotangent of {key}"),
                    v,
                    "a finite number",
                ));
            }
            finals.largest = values.iter().fold(finals.largest, |max, v| max.max(v.abs()));
        }
        Ok(finals)
    }

    /// Sets the cotangents of the states of a shard at the end of the run, for sample `b`.
    pub(super) fn start<T: Scalar>(&self, shard: &Shard<T>, b: usize, reversal: &mut Reversal<T>) {
        for (population, row, values) in &self.states {
            if *population == shard.place.population {
                let size = values.len() / self.samples.max(1);
                reversal.start(shard, *row, &values[b * size..][shard.place.neurons.clone()]);
            }
        }
    }

    /// Sets the adjoints of arrivals at a shard after the end of the run, for sample `b`.
    pub(super) fn arrive<T: Scalar>(&self, shard: &Shard<T>, (b, end): (usize, u64), rings: &mut [Ring<T>]) {
        for (transit, values) in &self.transits {
            if transit.population != shard.place.population {
                continue;
            }
            // The cotangents of a sample are contiguous: one row per step in transit.
            let mine = values.chunks((transit.steps * transit.size).max(1)).nth(b).unwrap_or(&[]);
            for (step, row) in (end..).zip(mine.chunks(transit.size.max(1))) {
                let out = rings[transit.port].row_mut(step);
                // Lanes beyond the neurons of the shard receive no input.
                out.fill(T::default());
                let row = &row[shard.place.neurons.clone()];
                out.iter_mut().zip(row).for_each(|(out, v)| *out = T::from_f64(*v));
            }
        }
    }
}

fn known<T: Scalar>(trace: &Trace<T>) -> Vec<String> {
    let states = trace
        .populations
        .iter()
        .flat_map(|p| p.system.states.iter().filter(|s| !s.is_internal).map(|s| full_name(&p.path, &s.name)));
    states.chain(trace.transits.iter().map(|transit| transit.key.clone())).collect()
}

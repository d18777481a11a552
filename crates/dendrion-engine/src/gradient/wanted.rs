//! The parameters and inputs whose cotangents a reverse run computes.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::trace::Trace;
use crate::runtime::target::Target;

/// The parameters and inputs whose cotangents are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Indices of parameters in the trace's targets.
    pub(super) targets: Vec<usize>,
    /// Projections whose weights are wanted.
    pub(crate) weights: Vec<usize>,
    /// Generators of currents of which a parameter, a waveform or a replaced input is wanted.
    pub(crate) generators: Vec<usize>,
    /// Generators whose replaced inputs or waveforms are wanted.
    pub(crate) inputs: Vec<usize>,
}

impl Wanted {
    /// Finds parameters by key and generators by path.
    pub(crate) fn of<T: Scalar>(trace: &Trace<T>, keys: &[String]) -> Result<Self, Error> {
        let mut wanted = Self::default();
        for key in keys {
            if let Some(at) = trace.targets.place(key) {
                wanted.targets.push(at);
                match trace.targets[at].1 {
                    Target::Weights(i) => wanted.weights.push(i),
                    Target::Generator(i) => wanted.generators.push(i),
                    _ => {}
                }
            } else if let Some(at) = trace.generators.iter().position(|(path, _)| path == key) {
                wanted.inputs.push(at);
                wanted.generators.push(at);
            } else {
                let paths = trace.generators.iter().map(|(path, _)| path.clone());
                let known = trace.targets.iter().map(|(k, _)| k.clone()).chain(paths).collect();
                return Err(Error::unknown("backward", "parameter", key, known));
            }
        }
        Ok(wanted)
    }

    /// Returns for each of a population's parameters whether it is wanted.
    pub(crate) fn of_population<T: Scalar>(&self, trace: &Trace<T>, population: usize) -> Vec<bool> {
        let mut wanted = vec![false; trace.populations[population].system.parameters.len()];
        for target in &self.targets {
            if let Target::Cells(p, j) = trace.targets[*target].1
                && p == population
            {
                wanted[j] = true;
            }
        }
        wanted
    }
}

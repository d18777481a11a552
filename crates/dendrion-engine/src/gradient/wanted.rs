//! The parameters and inputs whose cotangents a reverse run computes.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::trace::Trace;
use crate::runtime::store::{Access, ParameterId, Target};

/// The parameters and inputs whose cotangents are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The wanted parameters.
    pub(super) parameters: Vec<ParameterId>,
    /// Projections whose weights are wanted.
    pub(crate) weights: Vec<usize>,
    /// Generators of which a parameter, the waveform or the replacing values are wanted.
    pub(crate) generators: Vec<usize>,
    /// Generators of which the waveform or the replacing values are wanted.
    pub(crate) inputs: Vec<usize>,
    /// Whether the cotangents of input in transit at the beginning of the run are wanted.
    pub(crate) transits: bool,
}

impl Wanted {
    /// Finds parameters by key and generators by path.
    pub(crate) fn of<T: Scalar>(trace: &Trace<T>, keys: &[String]) -> Result<Self, Error> {
        let mut wanted = Self::default();
        for key in keys {
            if let Some(id) = trace.parameters.id(key) {
                wanted.parameters.push(id);
                match trace.parameters[id].target {
                    Target::Weights(i) => wanted.weights.push(i),
                    Target::Generator(i) => wanted.generators.push(i),
                    _ => {}
                }
            } else if let Some(at) = trace.generators.iter().position(|(path, _)| path == key) {
                wanted.inputs.push(at);
                wanted.generators.push(at);
            } else {
                let paths = trace.generators.iter().map(|(path, _)| path.clone());
                let known = trace.parameters.keys().chain(paths).collect();
                return Err(Error::unknown("backward", "parameter", key, known));
            }
        }
        Ok(wanted)
    }

    /// Returns, for each of a population's parameters, whether it is wanted.
    pub(crate) fn of_population<T: Scalar>(&self, trace: &Trace<T>, population: usize) -> Vec<bool> {
        let mut wanted = vec![false; trace.populations[population].parameters.len()];
        for id in &self.parameters {
            if trace.parameters[*id].target == Target::Cells(population) {
                wanted[trace.parameters.number(*id)] = true;
            }
        }
        // Placed mechanisms inherit parameters of the membrane, and initial values depend on those of other mechanisms.
        for id in trace.parameters.ids_of(Target::Cells(population)) {
            if matches!(trace.parameters[id].access, Access::Computed) {
                wanted[trace.parameters.number(id)] = true;
            }
            if let Access::Inherited(from) = &trace.parameters[id].access {
                let source = trace.parameters.source(from);
                if source.is_some_and(|source| self.parameters.contains(&source)) {
                    wanted[trace.parameters.number(id)] = true;
                }
            }
        }
        wanted
    }
}

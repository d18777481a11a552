//! Parameters by name, read and set between runs.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::{Domain, Error, ModuleKind, Network, Values};

use crate::runtime::core::Core;
use crate::runtime::index::{of_generator_mut, places};
use crate::runtime::population::Cells;

/// What a key such as `pyramidal/dend.gL` names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Parameter of a population's system.
    Cells(usize, usize),
    /// The parameter of a generator.
    Generator(usize),
    /// The weights of a projection.
    Weights(usize),
    /// A parameter of a projection's plasticity.
    Rule(usize, &'static str),
    /// A time constant of the traces that a population's neurons leave.
    Trace(usize, &'static str),
}

/// All parameters of a network by their keys, in order.
#[derive(Debug)]
pub(crate) struct Targets {
    all: Vec<(String, Target)>,
    places: HashMap<String, usize>,
}

impl Targets {
    /// The place of a key.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied()
    }
}

impl Deref for Targets {
    type Target = [(String, Target)];

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

/// Time constants that no equation holds.
const TRACES: [&str; 2] = ["stdp_tau", "tau_triplet"];

/// The full name of something in a population: `dend.gL` is of a member, `V_th` of the population itself.
pub(crate) fn full_name(path: &str, key: &str) -> String {
    if key.contains('.') { format!("{path}/{key}") } else { format!("{path}.{key}") }
}

/// All parameters of a network, by their keys.
pub(crate) fn targets<T: Scalar>(cells: &[Cells<T>], network: &Network) -> Targets {
    let mut all = Vec::new();
    for (i, cells) in cells.iter().enumerate() {
        let own = cells.system.parameters.iter().enumerate().skip(1);
        all.extend(own.map(|(j, p)| (full_name(&cells.path, &p.key), Target::Cells(i, j))));
    }
    for (i, cells) in cells.iter().enumerate() {
        all.extend(TRACES.map(|name| (full_name(&cells.path, name), Target::Trace(i, name))));
    }
    for (i, g) in network.generators.iter().enumerate() {
        let name = g.kind().parameters().first().map(|p| p.name);
        all.extend(name.map(|name| (format!("{}.{name}", g.path), Target::Generator(i))));
    }
    let weights = network.projections.iter().enumerate();
    all.extend(weights.map(|(i, p)| (format!("{}.w", p.path), Target::Weights(i))));
    for (i, p) in network.projections.iter().enumerate() {
        let names = p.plasticity.iter().flat_map(|rule| rule.kind.parameters()).map(|spec| spec.name);
        all.extend(names.map(|name| (format!("{}.{name}", p.path), Target::Rule(i, name))));
    }
    let places = places(all.iter().map(|(key, _)| key));
    Targets { all, places }
}

impl<T: Scalar> Core<T> {
    fn target(&self, key: &str) -> Result<Target, Error> {
        if let Some(place) = self.targets.place(key) {
            return Ok(self.targets[place].1);
        }
        if let Some(cells) = self.cells.iter().find(|c| full_name(&c.path, "refractory") == key) {
            let what = "refractory was 0 when the network was made, so its step has no refractory time; make it with refractory > 0 (ms)";
            return Err(Error::structure(&cells.path, what));
        }
        Err(Error::unknown("network", "parameter", key, self.parameter_names()))
    }

    /// For each parameter, whether it is one number or how many there are; of weights, whose number is known elsewhere,
    /// nothing.
    pub(crate) fn shapes(&mut self) -> Vec<Option<usize>> {
        let shape = |values: &Values| match values {
            Values::Scalar(_) => None,
            Values::Each(v) => Some(v.len()),
        };
        let targets = self.targets.clone();
        let one = |(_, target): &(String, Target)| match target {
            Target::Weights(_) => None,
            Target::Cells(i, j) => shape(&self.cells[*i].system.parameters[*j].values),
            _ => shape(&self.value(*target)),
        };
        targets.iter().map(one).collect()
    }

    /// How many numbers each parameter has.
    pub(crate) fn parameter_sizes(&mut self) -> Vec<usize> {
        let shapes = self.shapes().into_iter();
        let size = |((_, target), shape): (&(String, Target), Option<usize>)| match target {
            Target::Weights(i) => self.incoming(*i).map(|(_, i)| i.fanout.targets().len()).sum(),
            _ => shape.unwrap_or(1),
        };
        self.targets.iter().zip(shapes).map(size).collect()
    }

    /// The keys of all parameters.
    pub(crate) fn parameter_names(&self) -> Vec<String> {
        self.targets.iter().map(|(k, _)| k.clone()).collect()
    }

    /// What a parameter accepts.
    pub(crate) fn domain(&self, key: &str) -> Result<Domain, Error> {
        let (module, name) = key.rsplit_once('.').unwrap_or((key, key));
        Ok(match self.target(key)? {
            Target::Cells(i, j) => self.cells[i].system.parameters[j].domain,
            Target::Generator(i) => {
                self.network.generators[i].parameter().map_or(Domain::Finite, |(spec, _)| spec.domain)
            }
            Target::Weights(_) => ModuleKind::Projection.parameter(module, "w")?.domain,
            Target::Rule(i, name) => match &self.network.projections[i].plasticity {
                Some(rule) => rule.kind.parameter(module, name)?.domain,
                None => Domain::Finite,
            },
            Target::Trace(..) => ModuleKind::Population.parameter(module, name)?.domain,
        })
    }

    /// The values of a parameter.
    pub(crate) fn parameter(&mut self, key: &str) -> Result<Values, Error> {
        let target = self.target(key)?;
        Ok(self.value(target))
    }

    /// The values of what a key names.
    pub(crate) fn value(&mut self, target: Target) -> Values {
        match target {
            Target::Cells(i, j) => self.cells[i].system.parameters[j].values.clone(),
            Target::Generator(i) => {
                let generator = &self.network.generators[i];
                let given = generator.parameter().and_then(|(spec, _)| generator.params.get(spec.name));
                given.cloned().unwrap_or(Values::Scalar(0.0))
            }
            Target::Weights(i) => {
                self.flush_weights(i);
                Values::Each(self.connection_table(i).weight)
            }
            Target::Rule(i, name) => {
                let rule = self.network.projections[i].plasticity.as_ref();
                rule.and_then(|p| p.kind.value(&p.params, name)).unwrap_or(Values::Scalar(0.0))
            }
            Target::Trace(i, name) => {
                let params = &self.network.populations[i].params;
                ModuleKind::Population.value(params, name).unwrap_or(Values::Scalar(0.0))
            }
        }
    }

    /// Sets parameters; either all of them or, where one is refused, none.
    pub(crate) fn set_parameters(&mut self, values: Vec<(String, Values)>) -> Result<(), Error> {
        let targets = values.iter().map(|(k, _)| self.target(k)).collect::<Result<Vec<_>, Error>>()?;
        for ((key, values), target) in values.iter().zip(&targets) {
            self.check(key, values, *target)?;
        }
        let mut stale = vec![false; self.cells.len()];
        for ((_, values), target) in values.into_iter().zip(targets) {
            match target {
                Target::Cells(i, j) => {
                    Arc::make_mut(&mut self.cells[i].system).parameters[j].values = values;
                    stale[i] = true;
                }
                Target::Generator(i) => self.set_generator(i, values),
                Target::Weights(i) => self.set_weights(i, &values),
                Target::Rule(i, name) => self.set_rule(i, name, values),
                Target::Trace(i, name) => self.set_trace(i, name, values),
            }
        }
        for (i, _) in stale.into_iter().enumerate().filter(|(_, stale)| *stale) {
            let before = self.cells[i].initial.clone();
            self.cells[i].refresh()?;
            // States stay what they are; those whose initial values moved are no longer these.
            let moved = before.iter().zip(&self.cells[i].initial).map(|(a, b)| a != b);
            self.fresh[i].iter_mut().zip(moved).for_each(|(fresh, moved)| *fresh &= !moved);
        }
        Ok(())
    }

    /// Checks values of what a key names.
    pub(crate) fn check(&self, key: &str, values: &Values, target: Target) -> Result<(), Error> {
        let module = key.rsplit_once('.').map_or(key, |(module, _)| module);
        match target {
            Target::Cells(i, j) => {
                let parameter = &self.cells[i].system.parameters[j];
                let population = &self.network.populations[i];
                parameter.check(module, values, population.size)?;
                if parameter.key == "V_th" && population.soft_reset {
                    population.check_soft_reset(values)?;
                }
                Ok(())
            }
            Target::Generator(i) => {
                let generator = &self.network.generators[i];
                let Some((spec, count)) = generator.parameter() else { return Ok(()) };
                let as_scheduled = values.as_slice().len() == count;
                spec.check(module, values, if as_scheduled { count } else { generator.size })
            }
            Target::Weights(i) => {
                let count = self.incoming(i).map(|(_, incoming)| incoming.fanout.targets().len()).sum();
                ModuleKind::Projection.parameter(module, "w")?.check(module, values, count)?;
                self.check_largest(i, values)
            }
            Target::Rule(i, _) if !self.samples.is_empty() => {
                let what = "the rule of a network that runs with a batch stays as it is; set it before, or after reset()";
                Err(Error::structure(&self.network.projections[i].path, what))
            }
            Target::Rule(i, name) => match &self.network.projections[i].plasticity {
                Some(rule) => {
                    rule.kind.parameter(module, name)?.check(module, values, 1)?;
                    if name == "w_max" { self.check_bound(i, values.get(0)) } else { Ok(()) }
                }
                None => Ok(()),
            },
            Target::Trace(i, name) => {
                let size = self.network.populations[i].size;
                ModuleKind::Population.parameter(module, name)?.check(module, values, size)
            }
        }
    }

    /// Sets a generator's parameter: a table of as many values as before keeps its times, anything else holds at all times.
    fn set_generator(&mut self, i: usize, values: Values) {
        let generator = &mut self.network.generators[i];
        let Some((spec, count)) = generator.parameter() else { return };
        let whole = generator.breaks.is_empty() || values.as_slice().len() != count;
        if whole {
            generator.breaks.clear();
        }
        generator.params.set(spec.name, values.clone());
        let samples = self.samples.iter_mut().flat_map(|s| of_generator_mut(&mut s.source_blocks, i));
        for source_block in of_generator_mut(&mut self.source_blocks, i).iter_mut().chain(samples) {
            source_block.set(&values, whole, self.now);
        }
        if let Some(Some(current)) = Arc::make_mut(&mut self.currents).get_mut(i) {
            current.set(values, whole);
        }
    }
}

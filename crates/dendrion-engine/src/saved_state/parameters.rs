//! The values of parameters, which are part of a saved state.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{collected, filled};
use dendrion_model::{Error, Generator, ModuleKind, Params, Plasticity, Values};

use super::container::{Element, Reader, Writer, refused, senseless};
use crate::inputs::{Current, Schedule};
use crate::plasticity::Rule;
use crate::plasticity::control;
use crate::runtime::connections;
use crate::runtime::core::Core;
use crate::runtime::parameters::{self, value};
use crate::runtime::target::Target;

/// All parameters of a network, checked.
pub(super) struct Parameters<T> {
    values: Vec<(Target, Values)>,
    /// Weights by projection.
    weights: Vec<Vec<T>>,
    generators: Vec<Definition>,
    /// By population and state, whether the state still has the initial value that its parameters determine.
    fresh: Vec<Vec<bool>>,
}

/// The values and times of a generator.
struct Definition {
    params: Params,
    breaks: Vec<f64>,
    schedule: Option<Schedule>,
    current: Option<Current>,
}

/// Adds the parameters to a file. Plastic weights must be up to date.
pub(super) fn save<T: Scalar + Element>(core: &mut Core<T>, out: &mut Writer) -> Result<(), Error> {
    for (key, target) in core.model.targets.clone().iter() {
        match target {
            Target::Weights(i) => {
                let mut order = core.ensemble.order(*i)?;
                let mut weights = filled(order.total(), T::default())?;
                for (_, incoming) in core.ensemble.incoming(*i) {
                    let mine = incoming.fanout.weights();
                    order.interruptible_shard(incoming.fanout.starts(), |place, whole, _| {
                        weights[whole] = mine[place];
                    })?;
                }
                out.repeated(&format!("parameter/{key}"), &weights);
            }
            _ => out.values(&format!("parameter/{key}"), &value(&core.model, &mut core.ensemble, *target)?),
        }
    }
    for generator in core.model.network.generators.iter().filter(|g| g.parameter().is_some()) {
        out.array(&format!("times/{}", generator.path), &generator.breaks);
    }
    for (population, fresh) in core.model.network.populations.iter().zip(&core.ensemble.fresh) {
        let fresh: Vec<u8> = fresh.iter().map(|f| u8::from(*f)).collect();
        out.array(&format!("initial/{}", population.path), &fresh);
    }
    Ok(())
}

impl<T: Scalar + Element + Into<f64>> Parameters<T> {
    /// Reads the parameters of a network with this structure.
    pub(super) fn read(core: &Core<T>, file: &mut Reader<'_>) -> Result<Self, Error> {
        let network = &core.model.network;
        let mut generators = Vec::with_capacity(network.generators.len());
        for generator in &network.generators {
            generators.push(definition(generator, network.dt, file)?);
        }
        let (mut values, mut weights) = (Vec::new(), Vec::new());
        for (key, target) in core.model.targets.iter() {
            match target {
                Target::Generator(_) => {}
                Target::Weights(i) => {
                    let name = format!("parameter/{key}");
                    weights.push(file.finite_repeated::<T>(&name, core.ensemble.order(*i)?.total())?);
                }
                _ => {
                    let found = file.values(&format!("parameter/{key}"))?;
                    check(core, key, *target, &found).map_err(|e| refused(format!("is damaged: {e}")))?;
                    values.push((*target, found));
                }
            }
        }
        let fresh = (network.populations.iter().zip(&core.model.cells))
            .map(|(p, cells)| {
                let flags =
                    file.array::<u8>(&format!("initial/{}", p.path), Some(cells.system.states.len()))?;
                Ok(flags.iter().map(|f| *f != 0).collect())
            })
            .collect::<Result<_, Error>>()?;
        let all = Self { values, weights, generators, fresh };
        all.weights_fit(core)?;
        Ok(all)
    }

    /// Returns the schedule of each generator.
    pub(super) fn schedules(&self) -> Vec<Option<Schedule>> {
        self.generators.iter().map(|g| g.schedule.clone()).collect()
    }

    /// Checks that no weight is negative or exceeds the maximum of its plasticity rule.
    fn weights_fit(&self, core: &Core<T>) -> Result<(), Error> {
        for (i, (projection, weights)) in core.model.network.projections.iter().zip(&self.weights).enumerate()
        {
            if weights.iter().any(|w| *w < T::default()) {
                return Err(senseless(&projection.path, "weights below 0"));
            }
            let Some(plasticity) = &projection.plasticity else { continue };
            let Some(rule) = Rule::of(&self.rule(i, plasticity)) else { continue };
            let most = T::from_f64(rule.w_max());
            if weights.iter().any(|w| *w > most) {
                return Err(senseless(&projection.path, "weights above w_max"));
            }
        }
        Ok(())
    }

    /// Returns a projection's plasticity with the values of the file.
    fn rule(&self, projection: usize, plasticity: &Plasticity) -> Plasticity {
        let mut rule = plasticity.clone();
        for (target, values) in &self.values {
            if let Target::Rule(i, name) = target
                && *i == projection
            {
                rule.params.set(name, values.clone());
            }
        }
        rule
    }

    /// Sets all parameters, or none if programs cannot be linked.
    pub(super) fn restore(self, core: &mut Core<T>) -> Result<(), Error> {
        let weights = self.weights.iter().enumerate().map(|(i, weights)| {
            let values = collected(weights.iter().map(|w| (*w).into()))?;
            core.ensemble.weights_of_shards(i, &Values::Each(values))
        });
        let weights = weights.collect::<Result<Vec<_>, Error>>()?;
        let before: Vec<_> = core
            .model
            .cells
            .iter()
            .map(|c| (c.system.clone(), c.engine.clone(), c.initial.clone()))
            .collect();
        if let Err(error) = self.refresh(core) {
            for (cells, before) in core.model.cells.iter_mut().zip(before) {
                (cells.system, cells.engine, cells.initial) = before;
            }
            return Err(error);
        }
        for i in 0..core.model.network.projections.len() {
            if let Some(plasticity) = &core.model.network.projections[i].plasticity {
                core.model.network.projections[i].plasticity = Some(self.rule(i, plasticity));
                control::take_rule(&core.model, &mut core.ensemble, i);
            }
        }
        for (target, values) in self.values {
            if let Target::Trace(i, name) = target {
                core.model.network.populations[i].params.set(name, values);
                control::take_traces(&core.model, &mut core.ensemble, i);
            }
        }
        for (i, weights) in weights.into_iter().enumerate() {
            connections::put_weights(&mut core.model, &mut core.ensemble, i, weights);
        }
        let currents = Arc::make_mut(&mut core.model.currents);
        for (i, definition) in self.generators.into_iter().enumerate() {
            let generator = &mut core.model.network.generators[i];
            (generator.params, generator.breaks) = (definition.params, definition.breaks);
            if definition.current.is_some() {
                currents[i] = definition.current;
            }
        }
        core.ensemble.fresh = self.fresh;
        Ok(())
    }

    /// Sets the parameters of equations and computes their coefficients.
    fn refresh(&self, core: &mut Core<T>) -> Result<(), Error> {
        let mut stale = vec![false; core.model.cells.len()];
        for (target, values) in &self.values {
            let Target::Cells(i, j) = *target else { continue };
            if !same(&core.model.cells[i].system.parameters[j].values, values) {
                Arc::make_mut(&mut core.model.cells[i].system).parameters[j].values = values.clone();
                stale[i] = true;
            }
        }
        core.model
            .cells
            .iter_mut()
            .zip(stale)
            .filter(|(_, stale)| *stale)
            .try_for_each(|(cells, _)| cells.refresh())
    }
}

/// Returns whether two values have the same form and the same bits.
fn same(a: &Values, b: &Values) -> bool {
    let bits = |v: &Values| v.as_slice().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    matches!(a, Values::Scalar(_)) == matches!(b, Values::Scalar(_)) && bits(a) == bits(b)
}

/// Checks the values of a parameter on their own.
fn check<T: Scalar>(core: &Core<T>, key: &str, target: Target, values: &Values) -> Result<(), Error> {
    let module = key.rsplit_once('.').map_or(key, |(module, _)| module);
    match target {
        Target::Rule(i, name) => match &core.model.network.projections[i].plasticity {
            Some(rule) => rule.kind.parameter(module, name)?.check(module, values, 1),
            None => Ok(()),
        },
        Target::Trace(i, name) => {
            let size = core.model.network.populations[i].size;
            ModuleKind::Population.parameter(module, name)?.check(module, values, size)
        }
        _ => parameters::check(&core.model, &core.ensemble, key, values, target),
    }
}

/// Reads the values and times of a generator.
fn definition(generator: &Generator, dt: f64, file: &mut Reader<'_>) -> Result<Definition, Error> {
    let Some((spec, _)) = generator.parameter() else {
        let (params, breaks) = (generator.params.clone(), generator.breaks.clone());
        return Ok(Definition { params, breaks, schedule: None, current: None });
    };
    let mut new = generator.clone();
    new.params.set(spec.name, file.values(&format!("parameter/{}.{}", generator.path, spec.name))?);
    new.breaks = file.array::<f64>(&format!("times/{}", generator.path), None)?;
    let made = new.validate(dt).and_then(|()| {
        let schedule = Schedule::of(&new, dt)?;
        let current = if new.is_spiking() { None } else { Some(Current::of(&new, dt)?) };
        Ok((schedule, current))
    });
    let (schedule, current) = made.map_err(|e| refused(format!("is damaged: {e}")))?;
    Ok(Definition { params: new.params, breaks: new.breaks, schedule: Some(schedule), current })
}

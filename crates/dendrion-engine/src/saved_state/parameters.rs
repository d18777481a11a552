//! The values of parameters, which are part of a saved state.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{collected, filled};
use dendrion_model::{Error, Plasticity, Values};

use super::container::{Element, Reader, Writer, refused, senseless};
use crate::inputs::{Current, Schedule};
use crate::plasticity::Rule;
use crate::plasticity::control::{take_rule, take_traces};
use crate::runtime::connections;
use crate::runtime::core::Core;
use crate::runtime::parameters::{self, set_cells};
use crate::runtime::store::{ParameterId, Target};

/// The checked values of all parameters of a network.
pub(super) struct Parameters<T> {
    values: Vec<(ParameterId, Arc<Values>)>,
    /// Weights by projection.
    weights: Vec<Vec<T>>,
    generators: Vec<Definition>,
    /// By population and state, whether the state still has the initial value that its parameters determine.
    fresh: Vec<Vec<bool>>,
}

/// The values and times of a generator.
struct Definition {
    values: Option<(ParameterId, Arc<Values>)>,
    breaks: Vec<f64>,
    schedule: Option<Schedule>,
    current: Option<Current>,
}

/// Adds the parameters to a file. Plastic weights must be up to date.
pub(super) fn save<T: Scalar + Element>(core: &mut Core<T>, out: &mut Writer) -> Result<(), Error> {
    let parameters = &core.model.parameters;
    for id in parameters.ids() {
        let name = format!("parameter/{}", parameters[id].key);
        match (parameters[id].target, parameters.get(id)) {
            (Target::Weights(i), _) => {
                let mut order = core.ensemble.order(i)?;
                let mut weights = filled(order.total(), T::default())?;
                for (_, incoming) in core.ensemble.incoming(i) {
                    let mine = incoming.fanout.weights();
                    order.interruptible_shard(incoming.fanout.starts(), |place, whole, _| {
                        weights[whole] = mine[place];
                    })?;
                }
                out.repeated(&name, &weights);
            }
            (_, Some(values)) => out.values(&name, values),
            (_, None) => {}
        }
    }
    for generator in core.model.network.generators.iter().filter(|g| g.parameter().is_some()) {
        out.array(&format!("times/{}", generator.path), &generator.breaks);
    }
    for (population, fresh) in core.model.network.populations.iter().zip(&core.ensemble.fresh) {
        let fresh: Vec<u8> = fresh.iter().map(|f| u8::from(*f)).collect();
        out.array(&format!("initial/{}", population.label()), &fresh);
    }
    Ok(())
}

impl<T: Scalar + Element + Into<f64>> Parameters<T> {
    /// Reads the parameters of a network with this structure.
    pub(super) fn read(core: &Core<T>, file: &mut Reader<'_>) -> Result<Self, Error> {
        let network = &core.model.network;
        let mut generators = Vec::with_capacity(network.generators.len());
        for i in 0..network.generators.len() {
            generators.push(definition(core, i, file)?);
        }
        let (mut values, mut weights) = (Vec::new(), Vec::new());
        for id in core.model.parameters.ids() {
            let name = format!("parameter/{}", core.model.parameters[id].key);
            match core.model.parameters[id].target {
                Target::Generator(_) => {}
                Target::Weights(i) => {
                    weights.push(file.finite_repeated::<T>(&name, core.ensemble.order(i)?.total())?);
                }
                _ => {
                    let found = file.values(&name)?;
                    check(core, id, &found).map_err(|e| refused(format!("is damaged: {e}")))?;
                    values.push((id, Arc::new(found)));
                }
            }
        }
        let fresh = (network.populations.iter().zip(&core.model.cells))
            .map(|(p, cells)| {
                let flags =
                    file.array::<u8>(&format!("initial/{}", p.label()), Some(cells.system.states.len()))?;
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

    /// Checks that no weight is negative, unless its receptors accept it, or outside the bounds of its plasticity rule.
    fn weights_fit(&self, core: &Core<T>) -> Result<(), Error> {
        for (i, (projection, weights)) in core.model.network.projections.iter().zip(&self.weights).enumerate()
        {
            if !projection.is_signed(&core.model.network) && weights.iter().any(|w| *w < T::default()) {
                return Err(senseless(&projection.path, "has weights below 0"));
            }
            let Some(plasticity) = self.rule(core, i) else { continue };
            let Some(rule) = Rule::of(&plasticity) else { continue };
            plasticity
                .check_bounds(&projection.path, projection.is_signed(&core.model.network))
                .map_err(|e| refused(format!("is damaged: {e}")))?;
            let [least, most] = rule.bounds().map(T::from_f64);
            if weights.iter().any(|w| *w > most) {
                return Err(senseless(&projection.path, "has weights above w_max"));
            }
            if weights.iter().any(|w| *w < least) {
                return Err(senseless(&projection.path, "has weights below w_min"));
            }
        }
        Ok(())
    }

    /// Returns a projection's plasticity with the values from the file.
    fn rule(&self, core: &Core<T>, projection: usize) -> Option<Plasticity> {
        let mut rule = core.model.plasticity(projection)?;
        for (id, values) in &self.values {
            let entry = &core.model.parameters[*id];
            if entry.target == Target::Rule(projection) {
                rule.params.share(entry.name(), values.clone());
            }
        }
        Some(rule)
    }

    /// Sets all parameters, or none if programs cannot be linked.
    pub(super) fn restore(self, core: &mut Core<T>) -> Result<(), Error> {
        let weights = self.weights.iter().enumerate().map(|(i, weights)| {
            let values = collected(weights.iter().map(|w| (*w).into()))?;
            core.ensemble.own_connections(i)?;
            core.ensemble.weights_of_shards(i, &Values::Each(values))
        });
        let weights = weights.collect::<Result<Vec<_>, Error>>()?;
        let parameters = &core.model.parameters;
        let is_new = |(id, values): &&(_, Arc<Values>)| !parameters.get(*id).is_some_and(|v| same(v, values));
        let changed: Vec<_> = self.values.iter().filter(is_new).cloned().collect();
        set_cells(&mut core.model, &changed)?;
        for (id, values) in self.values {
            core.model.parameters.set(id, values);
            match core.model.parameters[id].target {
                Target::Rule(i) => take_rule(&core.model, &mut core.ensemble, i),
                Target::Traces(i) => take_traces(&core.model, &mut core.ensemble, i),
                _ => {}
            }
        }
        for (i, weights) in weights.into_iter().enumerate() {
            connections::put_weights(&mut core.model, &mut core.ensemble, i, weights);
        }
        let currents = Arc::make_mut(&mut core.model.currents);
        for (i, definition) in self.generators.into_iter().enumerate() {
            core.model.network.generators[i].breaks = definition.breaks;
            if let Some((id, values)) = definition.values {
                core.model.parameters.set(id, values);
            }
            if definition.current.is_some() {
                currents[i] = definition.current;
            }
        }
        core.ensemble.fresh = self.fresh;
        Ok(())
    }
}

/// Returns whether two sets of values have the same form and the same bits.
fn same(a: &Values, b: &Values) -> bool {
    let bits = |v: &f64| v.to_bits();
    matches!(a, Values::Scalar(_)) == matches!(b, Values::Scalar(_))
        && a.as_slice().iter().map(bits).eq(b.as_slice().iter().map(bits))
}

/// Checks the values of a parameter, but not against the network's current weights and batch, which the file
/// replaces.
fn check<T: Scalar>(core: &Core<T>, id: ParameterId, values: &Values) -> Result<(), Error> {
    match core.model.parameters[id].target {
        Target::Rule(_) | Target::Traces(_) => core.model.parameters[id].check(values),
        _ => parameters::check(&core.model, &core.ensemble, id, values),
    }
}

/// Reads the values and times of a generator.
fn definition<T: Scalar>(core: &Core<T>, i: usize, file: &mut Reader<'_>) -> Result<Definition, Error> {
    let (generator, dt) = (&core.model.network.generators[i], core.model.network.dt);
    let Some(id) = core.model.parameters.ids_of(Target::Generator(i)).next() else {
        let breaks = generator.breaks.clone();
        return Ok(Definition { values: None, breaks, schedule: None, current: None });
    };
    let (entry, mut new) = (&core.model.parameters[id], generator.clone());
    let values = Arc::new(file.values(&format!("parameter/{}", entry.key))?);
    new.params.share(entry.name(), values.clone());
    new.breaks = file.array::<f64>(&format!("times/{}", generator.path), None)?;
    let made = new.validate(dt).and_then(|()| {
        let schedule = Schedule::of(&new, dt)?;
        let current = if new.is_spiking() { None } else { Some(Current::of(&new, dt)?) };
        Ok((schedule, current))
    });
    let (schedule, current) = made.map_err(|e| match e {
        Error::OutOfMemory { .. } => e,
        e => refused(format!("is damaged: {e}")),
    })?;
    let (values, schedule) = (Some((id, values)), Some(schedule));
    Ok(Definition { values, breaks: new.breaks, schedule, current })
}

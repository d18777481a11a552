//! Control of plasticity between runs: parameters of rules, time constants of traces, and whether weights change.

use std::collections::BTreeSet;
use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::{Error, Values};

use super::Rule;
use super::state::trace_taus;
use crate::runtime::connections::flush_weights;
use crate::runtime::delivery::{Change, Incoming};
use crate::runtime::ensemble::Ensemble;
use crate::runtime::index::of_population_mut;
use crate::runtime::model::Model;
use crate::runtime::store::{ParameterId, Target};

/// Sets a parameter of a projection's plasticity. Its values must already have been checked, and all weights must be
/// up to date.
pub(crate) fn set_rule<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    projection: usize,
    (id, values): (ParameterId, Arc<Values>),
) {
    model.parameters.set(id, values);
    take_rule(model, ensemble, projection);
}

/// Passes the current rule of a projection to its connections.
pub(crate) fn take_rule<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>, projection: usize) {
    let Some(plasticity) = model.plasticity(projection) else { return };
    let dt = model.network.dt;
    let shards = ensemble.shards_of(ensemble.onto[projection]);
    for incoming in shards.filter_map(|s| s.delivery.incoming_of_mut(projection)) {
        match (&mut incoming.change, Rule::of(&plasticity)) {
            (Change::Learning(learning), Some(rule)) => learning.set_rule(rule),
            (Change::ShortTerm(short_term), _) => short_term.set(&plasticity, dt),
            _ => {}
        }
    }
}

/// Sets a time constant of the traces of a population's neurons. Its values must already have been checked, and all
/// weights must be up to date.
pub(crate) fn set_trace<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    population: usize,
    (id, values): (ParameterId, Arc<Values>),
) {
    model.parameters.set(id, values);
    take_traces(model, ensemble, population);
}

/// Passes the current time constants of traces to the neurons of a population.
pub(crate) fn take_traces<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>, population: usize) {
    for shard in ensemble.own.shards.iter_mut().filter(|s| s.place.cluster.0 == population) {
        let taus = trace_taus(&model.parameters, &shard.place, model.network.dt);
        shard.delivery.set_trace_taus(taus);
    }
}

/// Returns the projection at `path`, or an error if its weights are not plastic.
fn learner<T: Scalar>(model: &Model<T>, path: &str) -> Result<usize, Error> {
    let all = &model.network.projections;
    model.index.projection(path).filter(|i| all[*i].learns()).ok_or_else(|| {
        let known = all.iter().filter(|p| p.learns()).map(|p| p.path.clone()).collect();
        Error::unknown("network", "plastic projection", path, known)
    })
}

/// Returns whether learning is switched on for the projection at `path`.
pub(crate) fn is_learning<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    path: &str,
) -> Result<bool, Error> {
    let projection = learner(model, path)?;
    let on = |i: &Incoming<T>| matches!(&i.change, Change::Learning(learning) if learning.is_on());
    Ok(ensemble.incoming(projection).any(|(_, incoming)| on(incoming)))
}

/// Switches learning on or off for the projection at `path`.
pub(crate) fn set_learning<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    path: &str,
    on: bool,
) -> Result<(), Error> {
    let projection = learner(model, path)?;
    flush_weights(model, ensemble, projection)?;
    let shards = of_population_mut(&mut ensemble.own.shards, ensemble.onto[projection]);
    for incoming in shards.iter_mut().filter_map(|s| s.delivery.incoming_of_mut(projection)) {
        if let Change::Learning(learning) = &mut incoming.change {
            learning.set_on(on);
        }
    }
    Ok(())
}

/// Checks that all weights lie within the bounds of their plasticity rules if these parameters are set together.
pub(crate) fn check_bounds<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    values: &[(ParameterId, Arc<Values>)],
) -> Result<(), Error> {
    let mut affected = BTreeSet::new();
    for (id, _) in values {
        let entry = &model.parameters[*id];
        match entry.target {
            Target::Weights(i) => affected.insert(i),
            Target::Rule(i) if ["w_min", "w_max"].contains(&entry.name()) => affected.insert(i),
            _ => false,
        };
    }
    affected.into_iter().try_for_each(|i| check_bounds_of(model, ensemble, i, values))
}

fn check_bounds_of<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    projection: usize,
    values: &[(ParameterId, Arc<Values>)],
) -> Result<(), Error> {
    let Some(mut plasticity) = model.plasticity(projection) else { return Ok(()) };
    let (path, mut weights) = (&model.network.projections[projection].path, None);
    for (id, values) in values {
        let entry = &model.parameters[*id];
        if entry.target == Target::Rule(projection) {
            plasticity.params.share(entry.name(), values.clone());
        } else if entry.target == Target::Weights(projection) {
            weights = Some(values);
        }
    }
    plasticity.check_bounds(path, model.network.projections[projection].is_signed(&model.network))?;
    let Some([low, high]) = Rule::of(&plasticity).map(|rule| rule.bounds()) else { return Ok(()) };
    if let Some(weights) = weights {
        let fail = |w: &f64, what: String| Err(Error::parameter(path, "w", w, what));
        return match weights.as_slice().iter().find(|w| **w > high || **w < low) {
            Some(w) if *w > high => fail(w, format!("at most w_max = {high}")),
            Some(w) => fail(w, format!("at least w_min = {low}")),
            None => Ok(()),
        };
    }
    let all = ensemble.incoming(projection).flat_map(|(_, incoming)| incoming.fanout.weights());
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (least, most) = all.fold(none, |(least, most), w| (least.min(w.to_f64()), most.max(w.to_f64())));
    // A weight may exceed a bound by the rounding error of the network's type.
    if most > high && T::from_f64(most) > T::from_f64(high) {
        return Err(Error::parameter(path, "w_max", high, format!("at least the largest weight, {most}")));
    }
    if least < low && T::from_f64(least) < T::from_f64(low) {
        return Err(Error::parameter(path, "w_min", low, format!("at most the smallest weight, {least}")));
    }
    Ok(())
}

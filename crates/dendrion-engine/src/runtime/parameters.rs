//! Access to parameters by name between runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::copied_values;
use dendrion_model::{Error, Generator, Owner, Values};

use super::connections::{flush_weights, flush_weights_onto, put_weights, table_of};
use super::ensemble::Ensemble;
use super::exchange::{Settled, settle};
use super::model::Model;
use super::store::{Axis, ParameterId, Target};
use crate::plasticity::control::{check_bounds, set_rule, set_trace};

/// Returns the number of values of each parameter.
pub(crate) fn parameter_sizes<T: Scalar>(model: &Model<T>) -> Vec<usize> {
    let size = |id: ParameterId| match (model.parameters.get(id), model.parameters[id].axis) {
        (Some(values), _) => values.as_slice().len(),
        (None, Axis::Connection(count)) => count,
        (None, _) => 0,
    };
    model.parameters.ids().map(size).collect()
}

/// Returns the values of a parameter.
pub(crate) fn parameter<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    key: &str,
) -> Result<Values, Error> {
    let id = model.parameter(key)?;
    match (model.parameters.get(id), model.parameters[id].target) {
        (Some(values), _) => {
            copied_values(values).map_err(|error| error.needed_by(key, || "its values".into()))
        }
        (None, Target::Weights(i)) => {
            flush_weights(model, ensemble, i)?;
            let table = ensemble.connection_table(i);
            Ok(Values::Each(table.map_err(|error| table_of(model, i, error))?.weight))
        }
        (None, _) => Err(Error::unknown("network", "parameter", key, Vec::new())),
    }
}

/// Sets parameters, or none of them if one is invalid.
pub(crate) fn set_parameters<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    now: u64,
    values: Vec<(String, Values)>,
) -> Result<(), Error> {
    let found = |(key, values): (String, Values)| Ok((model.parameter(&key)?, Arc::new(values)));
    let values = values.into_iter().map(found).collect::<Result<Vec<_>, Error>>()?;
    for (id, values) in &values {
        check(model, ensemble, *id, values)?;
    }
    check_bounds(model, ensemble, &values)?;
    // Everything that can fail comes first, ending with the parameters of equations, because these can be
    // restored.
    let mut weights = Vec::new();
    for (id, values) in &values {
        match model.parameters[*id].target {
            Target::Weights(i) => {
                let new = ensemble.own_connections(i).and_then(|()| ensemble.weights_of_shards(i, values));
                let path = &model.network.projections[i].path;
                weights.push(new.map_err(|error| error.needed_by(path, || "new weights".into()))?);
                flush_weights(model, ensemble, i)?;
            }
            // Earlier spikes change weights according to the old rule and the old traces.
            Target::Rule(i) => flush_weights(model, ensemble, i)?,
            Target::Traces(i) => flush_weights_onto(ensemble, i)
                .map_err(|error| error.needed_by(&model.cells[i].path, || "its plastic weights".into()))?,
            Target::Network | Target::Cells(_) | Target::Generator(_) => {}
        }
    }
    for (i, initial) in set_cells(model, &values)? {
        // States keep their values. If an initial value changes, the state no longer equals it.
        let moved = initial.iter().zip(&model.cells[i].initial).map(|(a, b)| a != b);
        ensemble.fresh[i].iter_mut().zip(moved).for_each(|(fresh, moved)| *fresh &= !moved);
    }
    let mut weights = weights.into_iter();
    for (id, values) in values {
        match model.parameters[id].target {
            Target::Network | Target::Cells(_) => {}
            Target::Traces(i) => set_trace(model, ensemble, i, (id, values)),
            Target::Generator(i) => set_generator(model, ensemble, now, (i, id, values)),
            Target::Weights(i) => put_weights(model, ensemble, i, weights.next().unwrap_or_default()),
            Target::Rule(i) => set_rule(model, ensemble, i, (id, values)),
        }
    }
    Ok(())
}

/// Sets the parameters of equations among `values`: all of them, or none if programs cannot be linked.
/// Returns the affected populations, with the previous initial values of their states.
pub(crate) fn set_cells<T: Scalar>(
    model: &mut Model<T>,
    values: &[(ParameterId, Arc<Values>)],
) -> Result<Vec<(usize, Vec<Values>)>, Error> {
    let (mut replaced, mut stale) = (Vec::new(), BTreeSet::new());
    for (id, values) in values {
        if let Target::Cells(i) = model.parameters[*id].target {
            replaced.extend(model.parameters.set(*id, values.clone()).map(|old| (*id, old)));
            stale.insert(i);
            stale.extend(model.parameters.heirs(*id));
        }
    }
    let mut before = Vec::new();
    let groups: BTreeSet<usize> =
        stale.iter().filter_map(|i| model.network.populations[*i].role.cells()).collect();
    for i in stale {
        match model.parameters.of_system(i).and_then(|values| model.cells[i].refresh(&values)) {
            Ok(old) => before.push((i, old)),
            Err(error) => {
                for (i, old) in before {
                    model.cells[i].put(old);
                }
                // The order is reversed because a parameter may occur twice in `values`.
                for (id, old) in replaced.into_iter().rev() {
                    model.parameters.set(id, old);
                }
                return Err(error);
            }
        }
    }
    let mut settled = Vec::new();
    for cells in groups {
        match settle(&mut model.cells, &mut model.parameters, cells + 1) {
            Ok(more) => settled.push(more),
            Err(error) => {
                settled
                    .into_iter()
                    .rev()
                    .for_each(|s: Settled<T>| s.undo(&mut model.cells, &mut model.parameters));
                before.into_iter().for_each(|(i, old)| drop(model.cells[i].put(old)));
                replaced.into_iter().rev().for_each(|(id, old)| drop(model.parameters.set(id, old)));
                return Err(error);
            }
        }
    }
    before.extend(settled.into_iter().flat_map(|settled| settled.cells));
    Ok(before.into_iter().map(|(i, (_, initial))| (i, initial)).collect())
}

/// Checks the values of a parameter.
pub(crate) fn check<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    id: ParameterId,
    values: &Values,
) -> Result<(), Error> {
    let entry = &model.parameters[id];
    model.network.dtype.check(entry.module(), entry.name(), values)?;
    match entry.target {
        Target::Generator(i) => return check_generator(model, (i, id), values),
        Target::Rule(i) if !ensemble.batch.is_empty() => {
            let what = "plasticity rules cannot change while the network has a batch; change them before the run, or after reset()";
            return Err(Error::run(&model.network.projections[i].path, what));
        }
        Target::Weights(i) => {
            let Axis::Connection(count) = entry.axis else { return entry.check(values) };
            return model.network.projections[i].check_weights(&model.network, values, count);
        }
        _ => entry.check(values)?,
    }
    match (entry.target, entry.owner, entry.name()) {
        (Target::Cells(i), Owner::Population, "V_th") if model.network.populations[i].soft_reset => {
            model.network.populations[i].check_soft_reset(values)
        }
        _ => Ok(()),
    }
}

fn check_generator<T: Scalar>(
    model: &Model<T>,
    (i, id): (usize, ParameterId),
    values: &Values,
) -> Result<(), Error> {
    let (generator, entry) = (model.generator(i), &model.parameters[id]);
    let as_scheduled = generator.parameter().is_some_and(|(_, count)| values.as_slice().len() == count);
    entry.check_size(values, if as_scheduled { values.as_slice().len() } else { generator.size })?;
    if as_scheduled || generator.breaks.is_empty() {
        return generator.check_rates(values, model.network.dt);
    }
    // A single value, or one per member, applies at all times.
    Generator { breaks: Vec::new(), ..generator.into_owned() }.check_rates(values, model.network.dt)
}

/// Sets a generator's parameter. If the number of values is the same as before, they keep their times;
/// otherwise they apply at all times.
fn set_generator<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    now: u64,
    (i, id, values): (usize, ParameterId, Arc<Values>),
) {
    let generator = model.generator(i);
    let count = generator.parameter().map_or(0, |(_, count)| count);
    let whole = generator.breaks.is_empty() || values.as_slice().len() != count;
    if whole {
        model.network.generators[i].breaks.clear();
    }
    for source_block in ensemble.source_blocks_of(i) {
        source_block.set(&values, whole, now);
    }
    if let Some(Some(current)) = Arc::make_mut(&mut model.currents).get_mut(i) {
        current.set(values.clone(), whole);
    }
    model.parameters.set(id, values);
}

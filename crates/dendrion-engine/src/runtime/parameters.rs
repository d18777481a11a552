//! Access to parameters by name between runs.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::{Domain, Error, ModuleKind, Values};

use super::connections::{flush_weights, put_weights, table_of};
use super::ensemble::Ensemble;
use super::model::Model;
use super::target::Target;
use crate::plasticity::control::{check_bound, check_largest, set_rule, set_trace};

/// Returns the number of values of each parameter, or `None` for a single value and for weights, whose number is
/// known elsewhere.
pub(crate) fn shapes<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>) -> Vec<Option<usize>> {
    let shape = |values: &Values| match values {
        Values::Scalar(_) => None,
        Values::Each(v) => Some(v.len()),
    };
    let targets = model.targets.clone();
    let one = |(_, target): &(String, Target)| match target {
        Target::Weights(_) => None,
        Target::Cells(i, j) => shape(&model.cells[*i].system.parameters[*j].values),
        _ => value(model, ensemble, *target).ok().as_ref().and_then(shape),
    };
    targets.iter().map(one).collect()
}

/// Returns the number of values of each parameter.
pub(crate) fn parameter_sizes<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>) -> Vec<usize> {
    let shapes = shapes(model, ensemble).into_iter();
    let size = |((_, target), shape): (&(String, Target), Option<usize>)| match target {
        Target::Weights(i) => ensemble.incoming(*i).map(|(_, i)| i.fanout.targets().len()).sum(),
        _ => shape.unwrap_or(1),
    };
    model.targets.iter().zip(shapes).map(size).collect()
}

/// Returns the values that a parameter accepts.
pub(crate) fn domain<T: Scalar>(model: &Model<T>, key: &str) -> Result<Domain, Error> {
    let (module, name) = key.rsplit_once('.').unwrap_or((key, key));
    Ok(match model.target(key)? {
        Target::Cells(i, j) => model.cells[i].system.parameters[j].domain,
        Target::Generator(i) => {
            model.network.generators[i].parameter().map_or(Domain::Finite, |(spec, _)| spec.domain)
        }
        Target::Weights(_) => ModuleKind::Projection.parameter(module, "w")?.domain,
        Target::Rule(i, name) => match &model.network.projections[i].plasticity {
            Some(rule) => rule.kind.parameter(module, name)?.domain,
            None => Domain::Finite,
        },
        Target::Trace(..) => ModuleKind::Population.parameter(module, name)?.domain,
    })
}

/// Returns the values of the parameter with this key.
pub(crate) fn parameter<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    key: &str,
) -> Result<Values, Error> {
    let target = model.target(key)?;
    value(model, ensemble, target)
}

/// Returns the values of a target.
pub(crate) fn value<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    target: Target,
) -> Result<Values, Error> {
    Ok(match target {
        Target::Cells(i, j) => model.cells[i].system.parameters[j].values.clone(),
        Target::Generator(i) => {
            let generator = &model.network.generators[i];
            let given = generator.parameter().and_then(|(spec, _)| generator.params.get(spec.name));
            given.cloned().unwrap_or(Values::Scalar(0.0))
        }
        Target::Weights(i) => {
            flush_weights(model, ensemble, i);
            let table = ensemble.connection_table(i);
            Values::Each(table.map_err(|error| table_of(model, i, error))?.weight)
        }
        Target::Rule(i, name) => {
            let rule = model.network.projections[i].plasticity.as_ref();
            rule.and_then(|p| p.kind.value(&p.params, name)).unwrap_or(Values::Scalar(0.0))
        }
        Target::Trace(i, name) => {
            let params = &model.network.populations[i].params;
            ModuleKind::Population.value(params, name).unwrap_or(Values::Scalar(0.0))
        }
    })
}

/// Sets parameters, or none of them if one is invalid.
pub(crate) fn set_parameters<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    now: u64,
    values: Vec<(String, Values)>,
) -> Result<(), Error> {
    let targets = values.iter().map(|(k, _)| model.target(k)).collect::<Result<Vec<_>, Error>>()?;
    for ((key, values), target) in values.iter().zip(&targets) {
        check(model, ensemble, key, values, *target)?;
    }
    // Operations that may fail come first. The parameters of equations are the last of them, because they can be
    // restored.
    let (mut weights, mut of_cells) = (Vec::new(), Vec::new());
    for ((_, values), target) in values.iter().zip(&targets) {
        match target {
            Target::Weights(i) => {
                let new = ensemble.weights_of_shards(*i, values);
                let path = &model.network.projections[*i].path;
                weights.push(new.map_err(|error| error.needed_by(path, || "new weights".into()))?);
            }
            Target::Cells(i, j) => of_cells.push((*i, *j, values.clone())),
            _ => {}
        }
    }
    set_cells(model, ensemble, of_cells)?;
    let mut weights = weights.into_iter();
    for ((_, values), target) in values.into_iter().zip(targets) {
        match target {
            Target::Cells(..) => {}
            Target::Generator(i) => set_generator(model, ensemble, now, (i, values)),
            Target::Weights(i) => {
                flush_weights(model, ensemble, i);
                put_weights(model, ensemble, i, weights.next().unwrap_or_default());
            }
            Target::Rule(i, name) => set_rule(model, ensemble, i, (name, values)),
            Target::Trace(i, name) => set_trace(model, ensemble, i, (name, values)),
        }
    }
    Ok(())
}

/// Sets parameters of equations (population, number, values), or none of them if one fails.
fn set_cells<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    values: Vec<(usize, usize, Values)>,
) -> Result<(), Error> {
    let mut before = std::collections::BTreeMap::new();
    for (i, j, values) in values {
        let cells = &mut model.cells[i];
        let now = || (cells.system.clone(), cells.engine.clone(), cells.initial.clone());
        before.entry(i).or_insert_with(now);
        Arc::make_mut(&mut cells.system).parameters[j].values = values;
    }
    if let Err(error) = before.keys().try_for_each(|i| model.cells[*i].refresh()) {
        for (i, before) in before {
            let cells = &mut model.cells[i];
            (cells.system, cells.engine, cells.initial) = before;
        }
        return Err(error);
    }
    for (i, (_, _, initial)) in before {
        // States keep their values, but a state whose initial value changed no longer equals it.
        let moved = initial.iter().zip(&model.cells[i].initial).map(|(a, b)| a != b);
        ensemble.fresh[i].iter_mut().zip(moved).for_each(|(fresh, moved)| *fresh &= !moved);
    }
    Ok(())
}

/// Checks values for a target.
pub(crate) fn check<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    key: &str,
    values: &Values,
    target: Target,
) -> Result<(), Error> {
    let (module, name) = key.rsplit_once('.').unwrap_or((key, key));
    model.network.dtype.check(module, name, values)?;
    match target {
        Target::Cells(i, j) => {
            let parameter = &model.cells[i].system.parameters[j];
            let population = &model.network.populations[i];
            parameter.check(module, values, population.size)?;
            if parameter.key == "V_th" && population.soft_reset {
                population.check_soft_reset(values)?;
            }
            Ok(())
        }
        Target::Generator(i) => {
            let generator = &model.network.generators[i];
            let Some((spec, count)) = generator.parameter() else { return Ok(()) };
            let as_scheduled = values.as_slice().len() == count;
            spec.check(module, values, if as_scheduled { count } else { generator.size })?;
            if as_scheduled || generator.breaks.is_empty() {
                return generator.check_rates(values, model.network.dt);
            }
            // These values apply at all times.
            let constant = dendrion_model::Generator { breaks: Vec::new(), ..generator.clone() };
            constant.check_rates(values, model.network.dt)
        }
        Target::Weights(i) => {
            let count = ensemble.incoming(i).map(|(_, incoming)| incoming.fanout.targets().len()).sum();
            ModuleKind::Projection.parameter(module, "w")?.check(module, values, count)?;
            check_largest(model, i, values)
        }
        Target::Rule(i, _) if !ensemble.batch.is_empty() => {
            let what = "plasticity rules cannot change while the network has a batch; set it before, or after reset()";
            Err(Error::run(&model.network.projections[i].path, what))
        }
        Target::Rule(i, name) => match &model.network.projections[i].plasticity {
            Some(rule) => {
                rule.kind.parameter(module, name)?.check(module, values, 1)?;
                if name == "w_max" { check_bound(model, ensemble, i, values.get(0)) } else { Ok(()) }
            }
            None => Ok(()),
        },
        Target::Trace(i, name) => {
            let size = model.network.populations[i].size;
            ModuleKind::Population.parameter(module, name)?.check(module, values, size)
        }
    }
}

/// Sets a generator's parameter. A table with the same number of values keeps its times; other values apply at all
/// times.
fn set_generator<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    now: u64,
    (i, values): (usize, Values),
) {
    let generator = &mut model.network.generators[i];
    let Some((spec, count)) = generator.parameter() else { return };
    let whole = generator.breaks.is_empty() || values.as_slice().len() != count;
    if whole {
        generator.breaks.clear();
    }
    generator.params.set(spec.name, values.clone());
    for source_block in ensemble.source_blocks_of(i) {
        source_block.set(&values, whole, now);
    }
    if let Some(Some(current)) = Arc::make_mut(&mut model.currents).get_mut(i) {
        current.set(values, whole);
    }
}

//! Parameters by name, read and set between runs.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::{Domain, Error, ModuleKind, Values};

use super::connections::{flush_weights, set_weights};
use super::ensemble::Ensemble;
use super::model::Model;
use super::target::Target;
use crate::plasticity::control::{check_bound, check_largest, set_rule, set_trace};

/// For each parameter, whether it is one number or how many there are; of weights, whose number is known elsewhere,
/// nothing.
pub(crate) fn shapes<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>) -> Vec<Option<usize>> {
    let shape = |values: &Values| match values {
        Values::Scalar(_) => None,
        Values::Each(v) => Some(v.len()),
    };
    let targets = model.targets.clone();
    let one = |(_, target): &(String, Target)| match target {
        Target::Weights(_) => None,
        Target::Cells(i, j) => shape(&model.cells[*i].system.parameters[*j].values),
        _ => shape(&value(model, ensemble, *target)),
    };
    targets.iter().map(one).collect()
}

/// How many numbers each parameter has.
pub(crate) fn parameter_sizes<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>) -> Vec<usize> {
    let shapes = shapes(model, ensemble).into_iter();
    let size = |((_, target), shape): (&(String, Target), Option<usize>)| match target {
        Target::Weights(i) => ensemble.incoming(*i).map(|(_, i)| i.fanout.targets().len()).sum(),
        _ => shape.unwrap_or(1),
    };
    model.targets.iter().zip(shapes).map(size).collect()
}

/// What a parameter accepts.
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

/// The values of a parameter.
pub(crate) fn parameter<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    key: &str,
) -> Result<Values, Error> {
    let target = model.target(key)?;
    Ok(value(model, ensemble, target))
}

/// The values of what a key names.
pub(crate) fn value<T: Scalar>(model: &Model<T>, ensemble: &mut Ensemble<T>, target: Target) -> Values {
    match target {
        Target::Cells(i, j) => model.cells[i].system.parameters[j].values.clone(),
        Target::Generator(i) => {
            let generator = &model.network.generators[i];
            let given = generator.parameter().and_then(|(spec, _)| generator.params.get(spec.name));
            given.cloned().unwrap_or(Values::Scalar(0.0))
        }
        Target::Weights(i) => {
            flush_weights(model, ensemble, i);
            Values::Each(ensemble.connection_table(i).weight)
        }
        Target::Rule(i, name) => {
            let rule = model.network.projections[i].plasticity.as_ref();
            rule.and_then(|p| p.kind.value(&p.params, name)).unwrap_or(Values::Scalar(0.0))
        }
        Target::Trace(i, name) => {
            let params = &model.network.populations[i].params;
            ModuleKind::Population.value(params, name).unwrap_or(Values::Scalar(0.0))
        }
    }
}

/// Sets parameters; either all of them or, where one is refused, none.
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
    let mut stale = vec![false; model.cells.len()];
    for ((_, values), target) in values.into_iter().zip(targets) {
        match target {
            Target::Cells(i, j) => {
                Arc::make_mut(&mut model.cells[i].system).parameters[j].values = values;
                stale[i] = true;
            }
            Target::Generator(i) => set_generator(model, ensemble, now, (i, values)),
            Target::Weights(i) => set_weights(model, ensemble, i, &values),
            Target::Rule(i, name) => set_rule(model, ensemble, i, (name, values)),
            Target::Trace(i, name) => set_trace(model, ensemble, i, (name, values)),
        }
    }
    for (i, _) in stale.into_iter().enumerate().filter(|(_, stale)| *stale) {
        let before = model.cells[i].initial.clone();
        model.cells[i].refresh()?;
        // States stay what they are; those whose initial values moved are no longer these.
        let moved = before.iter().zip(&model.cells[i].initial).map(|(a, b)| a != b);
        ensemble.fresh[i].iter_mut().zip(moved).for_each(|(fresh, moved)| *fresh &= !moved);
    }
    Ok(())
}

/// Checks values of what a key names.
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
            spec.check(module, values, if as_scheduled { count } else { generator.size })
        }
        Target::Weights(i) => {
            let count = ensemble.incoming(i).map(|(_, incoming)| incoming.fanout.targets().len()).sum();
            ModuleKind::Projection.parameter(module, "w")?.check(module, values, count)?;
            check_largest(model, i, values)
        }
        Target::Rule(i, _) if !ensemble.batch.is_empty() => {
            let what = "the rule of a network that runs with a batch stays as it is; set it before, or after reset()";
            Err(Error::structure(&model.network.projections[i].path, what))
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

/// Sets a generator's parameter: a table of as many values as before keeps its times, anything else holds at all times.
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

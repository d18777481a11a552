//! Access to states by name between runs.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::room;
use dendrion_model::{Error, Values};

use super::ensemble::Ensemble;
use super::index::{of_population, of_population_mut};
use super::model::Model;
use super::population::Cells;
use super::store::full_name;

/// Returns the keys of all states, such as `pyramidal/dend.V`.
pub(crate) fn state_names<T: Scalar>(model: &Model<T>) -> Vec<String> {
    let of = |c: &Cells<T>| -> Vec<String> {
        let states = c.system.states.iter().filter(|s| !s.is_internal);
        states.map(|s| full_name(&c.path, &s.name)).collect()
    };
    model.cells.iter().flat_map(of).collect()
}

fn find_state<T: Scalar>(model: &Model<T>, key: &str) -> Result<(usize, usize), Error> {
    let found = model.index.state(key);
    found.ok_or_else(|| Error::unknown("network", "state", key, state_names(model)))
}

/// Returns the values of a state, one per neuron. With a batch, they are ordered by sample.
pub(crate) fn state<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    key: &str,
) -> Result<Vec<f64>, Error> {
    let (population, row) = find_state(model, key)?;
    let samples = ensemble.present();
    let count = model.cells[population].layout.size * samples.len();
    let mut values = room(count).map_err(|error| error.needed_by(key, || "its values".into()))?;
    let shards = samples.iter().flat_map(|s| of_population(&s.shards, population));
    values.extend(shards.flat_map(|s| s.state(row)));
    Ok(values)
}

/// Sets a state.
pub(crate) fn set_state<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    key: &str,
    values: &Values,
) -> Result<(), Error> {
    let (population, row) = find_state(model, key)?;
    let (module, name) = key.rsplit_once('.').unwrap_or(("network", key));
    let size = model.cells[population].layout.size;
    let all = size * ensemble.batch.len();
    if let Values::Each(v) = values
        && v.len() != size
        && (all == 0 || v.len() != all)
    {
        let given = format!("array of length {}", v.len());
        let accepted = if all == 0 { String::new() } else { format!(", or {all} for all samples") };
        let accepted = format!("a number or an array of length {size}{accepted}");
        return Err(Error::parameter(module, name, given, accepted));
    }
    if let Some(v) = values.as_slice().iter().find(|v| !v.is_finite()) {
        return Err(Error::parameter(module, name, v, "a finite number"));
    }
    model.network.dtype.check(module, name, values)?;
    ensemble.fresh[population][row] = false;
    for shard in of_population_mut(&mut ensemble.own.shards, population) {
        shard.set_state(row, |neuron| values.get(neuron));
    }
    for (b, sample) in ensemble.batch.iter_mut().enumerate() {
        let first = if values.as_slice().len() == all { b * size } else { 0 };
        for shard in of_population_mut(&mut sample.shards, population) {
            shard.set_state(row, |neuron| values.get(first + neuron));
        }
    }
    Ok(())
}

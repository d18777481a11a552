//! Export of the current network as a model.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::collected;
use dendrion_model::{
    Connectivity, Error, ModuleKind, Network, Params, PerConnection, Population, Values, definition,
};

use super::connections::{flush_weights, table_of};
use super::ensemble::Ensemble;
use super::model::Model;

/// Returns the network with the current values of all parameters, and with all arrays.
pub(crate) fn export_model<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
) -> Result<Network, Error> {
    let mut network = model.network.clone();
    for (cells, population) in model.cells.iter().zip(&mut network.populations) {
        for parameter in cells.system.parameters.iter().skip(1) {
            if let Some((params, known)) = module(population, &parameter.key) {
                let name = parameter.key.rsplit('.').next().unwrap_or_default();
                let before = params.get(name).cloned().or(known);
                if before.as_ref() != Some(&parameter.values) {
                    params.set(name, parameter.values.clone());
                }
            }
        }
    }
    for i in 0..network.projections.len() {
        fill(model, ensemble, i, &mut network)?;
    }
    Ok(network)
}

/// Fills in the arrays of a projection, which are stored in the shards.
fn fill<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    i: usize,
    network: &mut Network,
) -> Result<(), Error> {
    let forgotten = |values: &PerConnection| matches!(values, PerConnection::Given(Values::Each(_)));
    let p = &network.projections[i];
    let pairs = matches!(p.connectivity, Connectivity::Csr { .. });
    let weights = model.reweighted[i] || p.learns() || forgotten(&p.weight);
    let delays = p.delay.as_ref().is_some_and(forgotten);
    if !pairs && !weights && !delays {
        return Ok(());
    }
    flush_weights(model, ensemble, i);
    let table = ensemble.connection_table(i).map_err(|error| table_of(model, i, error))?;
    let sources = crate::connect::sources(network, &network.projections[i]);
    let p = &mut network.projections[i];
    if weights {
        p.weight = table.weight.into();
    }
    if delays {
        let ms = collected(table.delay.iter().map(|steps| f64::from(*steps) * model.network.dt))
            .map_err(|error| table_of(model, i, error))?;
        p.delay = Some(ms.into());
    }
    if pairs {
        p.connectivity = csr(&table.pre, table.post, sources);
    }
    Ok(())
}

/// Converts pairs, sorted by source, to compressed sparse rows.
fn csr(pre: &[u32], targets: Vec<u32>, sources: usize) -> Connectivity {
    let mut starts = vec![0_u32; sources + 1];
    for source in pre {
        starts[*source as usize + 1] += 1;
    }
    for k in 0..sources {
        starts[k + 1] += starts[k];
    }
    Connectivity::Csr { starts, targets }
}

/// Returns the parameters of the module to which a key such as `dend.gL` refers, and the default of the parameter.
fn module<'a>(population: &'a mut Population, key: &str) -> Option<(&'a mut Params, Option<Values>)> {
    let default = |kind: ModuleKind, name: &str| {
        kind.parameters().iter().find(|p| p.name == name).map(|p| p.default.map(Values::Scalar))
    };
    let Some((member, name)) = key.rsplit_once('.') else {
        let known = default(ModuleKind::Population, key)?;
        return Some((&mut population.params, known));
    };
    // A compartment has the same name as the receptor that it belongs to, or as its own equations.
    for c in population.compartments.iter_mut().filter(|c| c.name == member) {
        if let Some(known) = default(c.kind(), name) {
            return Some((&mut c.params, known));
        }
    }
    let declared = |path: &str, text: &str| {
        definition(path, text).ok().and_then(|d| d.parameter(name)?.default).map(Values::Scalar)
    };
    if let Some(m) = population.mechanisms.iter_mut().find(|m| m.name == member) {
        let known = declared(&m.name, &m.text);
        return Some((&mut m.params, known));
    }
    if let Some(r) = population.receptors.iter_mut().find(|r| r.name == member) {
        let known = match &r.text {
            Some(text) => declared(&r.name, text),
            None => default(r.kind, name).flatten(),
        };
        return Some((&mut r.params, known));
    }
    if let Some(c) = population.couplings.iter_mut().find(|c| c.name == member) {
        return Some((&mut c.params, None));
    }
    let noise = population.noises.iter_mut().find(|n| n.name == member)?;
    let known = default(noise.kind, name).flatten();
    Some((&mut noise.params, known))
}

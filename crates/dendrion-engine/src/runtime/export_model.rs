//! Export of the current network as a model.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{collected, filled};
use dendrion_model::{Connectivity, Error, Network, PerConnection, Projection, Values};

use super::connections::{flush_weights, table_of};
use super::ensemble::Ensemble;
use super::model::Model;

/// The arrays of a projection that are stored only in the shards and not in its description.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InShards {
    pairs: bool,
    pub(crate) weights: bool,
    delays: bool,
}

impl InShards {
    /// Removes the arrays of a projection from its description. The shards store them, and a second copy
    /// would double the memory.
    pub(crate) fn of(projection: &mut Projection) -> Self {
        let dropped = |values: &mut PerConnection| match values {
            PerConnection::Given(Values::Each(all)) => {
                *all = Vec::new();
                true
            }
            _ => false,
        };
        let pairs = if let Connectivity::Csr { starts, targets } = &mut projection.connectivity {
            (*starts, *targets) = (Vec::new(), Vec::new());
            true
        } else {
            false
        };
        let weights = dropped(&mut projection.weight) || projection.learns();
        Self { pairs, weights, delays: projection.delay.as_mut().is_some_and(dropped) }
    }
}

/// Returns the network with the current values of all parameters and all arrays.
pub(crate) fn export_model<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
) -> Result<Network, Error> {
    let mut network = model.network.copy()?;
    model.parameters.describe(&mut network);
    for (i, in_shards) in model.in_shards.iter().enumerate() {
        if in_shards.pairs || in_shards.weights || in_shards.delays {
            flush_weights(model, ensemble, i)?;
            let described = describe(model, ensemble, &mut network.projections[i], (i, *in_shards));
            described.map_err(|error| table_of(model, i, error))?;
        }
    }
    Ok(network)
}

/// Copies the arrays from the shards to the description of a projection.
fn describe<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    projection: &mut Projection,
    (i, in_shards): (usize, InShards),
) -> Result<(), Error> {
    let table = ensemble.connection_table(i)?;
    if in_shards.weights {
        projection.weight = table.weight.into();
    }
    if in_shards.delays {
        let ms = collected(table.delay.iter().map(|steps| f64::from(*steps) * model.network.dt))?;
        projection.delay = Some(ms.into());
    }
    if in_shards.pairs {
        let sources = crate::connect::sources(&model.network, projection);
        projection.connectivity = csr(&table.pre, table.post, sources)?;
    }
    Ok(())
}

/// Converts pairs, sorted by source, to compressed sparse rows.
fn csr(pre: &[u32], targets: Vec<u32>, sources: usize) -> Result<Connectivity, Error> {
    let mut starts = filled(sources + 1, 0_u32)?;
    for source in pre {
        starts[*source as usize + 1] += 1;
    }
    for k in 0..sources {
        starts[k + 1] += starts[k];
    }
    Ok(Connectivity::Csr { starts, targets })
}

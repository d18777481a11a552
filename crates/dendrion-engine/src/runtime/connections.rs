//! Access to connections between runs. Each shard stores the connections onto its neurons. Tables of a whole
//! projection are sorted by source and then by target.

use std::sync::Arc;

use dendrion_kernels::{Delays, Scalar};
use dendrion_model::{Error, Values};

use super::delivery::{Incoming, exclusive};
use super::ensemble::Ensemble;
use super::index::{of_population, of_population_mut};
use super::model::Model;
use super::shard::Shard;
use crate::connect::{Connections, Order, given_weights};

impl<T: Scalar> Ensemble<T> {
    /// Returns the connections of a projection shard by shard.
    pub(crate) fn incoming(&self, projection: usize) -> impl Iterator<Item = (&Shard<T>, &Incoming<T>)> {
        let shards = of_population(&self.own.shards, self.onto[projection]).iter();
        shards.filter_map(move |s| s.delivery.incoming_of(projection).map(|incoming| (s, incoming)))
    }

    pub(crate) fn order(&self, projection: usize) -> Result<Order, Error> {
        let sources = self.incoming(projection).next().map_or(0, |(_, i)| i.fanout.starts().len() - 1);
        Order::new(sources, self.incoming(projection).map(|(_, i)| i.fanout.starts()))
    }

    /// Returns all connections of a projection, sorted by source and then by target.
    pub(crate) fn connection_table(&self, projection: usize) -> Result<Connections, Error> {
        let mut order = self.order(projection)?;
        let mut table = Connections::with_len(order.total())?;
        for (shard, incoming) in self.incoming(projection) {
            let fanout = &incoming.fanout;
            let first = shard.place.neurons.start as u32;
            order.interruptible_shard(fanout.starts(), |place, whole, source| {
                table.pre[whole] = source as u32;
                table.post[whole] = first + u32::from(fanout.targets()[place]);
                table.weight[whole] = fanout.weights()[place].to_f64();
                table.delay[whole] = match fanout.delays() {
                    Delays::Uniform(d) => *d,
                    Delays::Each(d) => d[place],
                };
            })?;
        }
        Ok(table)
    }

    /// Converts values to the weights of a projection, shard by shard.
    pub(crate) fn weights_of_shards(&self, projection: usize, values: &Values) -> Result<Vec<Vec<T>>, Error> {
        let mut order = self.order(projection)?;
        self.incoming(projection)
            .map(|(_, incoming)| given_weights::<T>(values, incoming.fanout.starts(), &mut order))
            .collect()
    }

    /// Copies the connections of a projection if a batch or a trace shares them, so that their weights can be replaced.
    pub(crate) fn own_connections(&mut self, projection: usize) -> Result<(), Error> {
        for shard in of_population_mut(&mut self.own.shards, self.onto[projection]) {
            if let Some(incoming) = shard.delivery.incoming_of_mut(projection) {
                exclusive(&mut incoming.fanout)?;
            }
        }
        Ok(())
    }

    fn replace_weights(&mut self, projection: usize, weights: Vec<Vec<T>>) {
        let mut weights = weights.into_iter();
        let population = self.onto[projection];
        for shard in of_population_mut(&mut self.own.shards, population) {
            if let Some(incoming) = shard.delivery.incoming_of_mut(projection)
                && let Some(weights) = weights.next()
                && let Some(fanout) = Arc::get_mut(&mut incoming.fanout)
            {
                fanout.weights_mut().copy_from_slice(&weights);
            }
        }
        for sample in &mut self.batch {
            let mine = of_population_mut(&mut sample.shards, population).iter_mut();
            for (mine, own) in mine.zip(of_population(&self.own.shards, population)) {
                if let (Some(mine), Some(own)) =
                    (mine.delivery.incoming_of_mut(projection), own.delivery.incoming_of(projection))
                {
                    mine.fanout = own.fanout.clone();
                }
            }
        }
    }
}

/// Updates the weights of a projection if they are plastic.
pub(crate) fn flush_weights<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    projection: usize,
) -> Result<(), Error> {
    if !model.network.projections[projection].learns() {
        return Ok(());
    }
    flush_weights_onto(ensemble, ensemble.onto[projection])
        .map_err(|error| table_of(model, projection, error))
}

/// Updates all plastic weights of the connections onto a population.
pub(crate) fn flush_weights_onto<T: Scalar>(
    ensemble: &mut Ensemble<T>,
    population: usize,
) -> Result<(), Error> {
    // The mechanisms of detailed cells have populations of their own.
    let is_onto = |s: &&mut Shard<T>| s.place.population == population || s.place.cluster.0 == population;
    ensemble.own.shards.iter_mut().filter(is_onto).try_for_each(|s| s.delivery.flush_weights())
}

/// Returns the number of connections of the projection at a path.
pub(crate) fn connection_count<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    path: &str,
) -> Result<usize, Error> {
    let projection = model.projection(path)?;
    Ok(ensemble.incoming(projection).map(|(_, i)| i.fanout.targets().len()).sum())
}

/// Returns the connections of the projection at a path.
pub(crate) fn connections<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    path: &str,
) -> Result<Connections, Error> {
    let projection = model.projection(path)?;
    flush_weights(model, ensemble, projection)?;
    ensemble.connection_table(projection).map_err(|error| table_of(model, projection, error))
}

/// Adds the path of a projection to an error about its table of connections.
pub(crate) fn table_of<T: Scalar>(model: &Model<T>, projection: usize, error: Error) -> Error {
    error.needed_by(&model.network.projections[projection].path, || "a table of its connections".into())
}

/// Replaces the weights of a projection, shard by shard. Pending plastic changes of the old weights are lost.
/// The connections must not be shared (see [`Ensemble::own_connections`]).
pub(crate) fn put_weights<T: Scalar>(
    model: &mut Model<T>,
    ensemble: &mut Ensemble<T>,
    projection: usize,
    weights: Vec<Vec<T>>,
) {
    model.in_shards[projection].weights = true;
    ensemble.replace_weights(projection, weights);
}

//! States by name and connections by path, read and set between runs.

use std::sync::Arc;

use dendrion_kernels::{Delays, Scalar};
use dendrion_model::{Error, Values};

use crate::connect::{Connections, Order};
use crate::runtime::core::Core;
use crate::runtime::index::{of_population, of_population_mut};
use crate::runtime::parameters::full_name;
use crate::runtime::shard::{Incoming, Shard};

impl<T: Scalar> Core<T> {
    /// The keys of all states, such as `pyramidal/dend.V`.
    pub(crate) fn state_names(&self) -> Vec<String> {
        let of = |c: &crate::runtime::population::Cells<T>| -> Vec<String> {
            c.system.states.iter().map(|s| full_name(&c.path, &s.name)).collect()
        };
        self.cells.iter().flat_map(of).collect()
    }

    fn find_state(&self, key: &str) -> Result<(usize, usize), Error> {
        let found = self.index.state(key);
        found.ok_or_else(|| Error::unknown("network", "state", key, self.state_names()))
    }

    /// The values of a state, one per neuron, sample after sample of a batch.
    pub(crate) fn state(&self, key: &str) -> Result<Vec<f64>, Error> {
        let (population, row) = self.find_state(key)?;
        let samples = self.samples().into_iter();
        Ok(samples
            .flat_map(|(shards, _)| of_population(shards, population))
            .flat_map(|s| s.state(row))
            .collect())
    }

    /// Sets a state.
    pub(crate) fn set_state(&mut self, key: &str, values: &Values) -> Result<(), Error> {
        let (population, row) = self.find_state(key)?;
        let (module, name) = key.rsplit_once('.').unwrap_or(("network", key));
        let size = self.cells[population].layout.size;
        let all = size * self.samples.len();
        if let Values::Each(v) = values
            && v.len() != size
            && v.len() != all
        {
            let given = format!("array of length {}", v.len());
            let accepted = if all == 0 { String::new() } else { format!(", or {all} for all samples") };
            let accepted = format!("a number or an array of length {size}{accepted}");
            return Err(Error::parameter(module, name, given, accepted));
        }
        if let Some(v) = values.as_slice().iter().find(|v| !v.is_finite()) {
            return Err(Error::parameter(module, name, v, "finite numbers"));
        }
        self.fresh[population][row] = false;
        for shard in of_population_mut(&mut self.shards, population) {
            shard.set_state(row, |neuron| values.get(neuron));
        }
        for (b, sample) in self.samples.iter_mut().enumerate() {
            let first = if values.as_slice().len() == all { b * size } else { 0 };
            for shard in of_population_mut(&mut sample.shards, population) {
                shard.set_state(row, |neuron| values.get(first + neuron));
            }
        }
        Ok(())
    }

    /// What a projection delivers, shard by shard.
    pub(crate) fn incoming(&self, projection: usize) -> impl Iterator<Item = (&Shard<T>, &Incoming<T>)> {
        let population = self.network.projections[projection].population;
        let shards = of_population(&self.shards, population).iter();
        shards.filter_map(move |s| s.incoming_of(projection).map(|incoming| (s, incoming)))
    }

    pub(crate) fn order(&self, projection: usize) -> Order {
        let sources = self.incoming(projection).next().map_or(0, |(_, i)| i.fanout.starts().len() - 1);
        Order::new(sources, self.incoming(projection).map(|(_, i)| i.fanout.starts()))
    }

    /// All connections of a projection, by source, then target.
    pub(crate) fn connection_table(&self, projection: usize) -> Connections {
        let mut order = self.order(projection);
        let mut table = Connections::with_len(order.total());
        for (shard, incoming) in self.incoming(projection) {
            let fanout = &incoming.fanout;
            let first = shard.neurons.start as u32;
            order.shard(fanout.starts(), |place, whole, source| {
                table.pre[whole] = source as u32;
                table.post[whole] = first + u32::from(fanout.targets()[place]);
                table.weight[whole] = fanout.weights()[place].to_f64();
                table.delay[whole] = match fanout.delays() {
                    Delays::Uniform(d) => *d,
                    Delays::Each(d) => d[place],
                };
            });
        }
        table
    }

    /// Brings the weights of a projection up to date, if they are learnt.
    pub(crate) fn flush_weights(&mut self, projection: usize) {
        if self.network.projections[projection].learns() {
            let population = self.network.projections[projection].population;
            of_population_mut(&mut self.shards, population).iter_mut().for_each(Shard::flush_weights);
        }
    }

    fn projection(&self, path: &str) -> Result<usize, Error> {
        self.index.projection(path).ok_or_else(|| {
            let known = self.network.projections.iter().map(|p| p.path.clone()).collect();
            Error::unknown("network", "projection", path, known)
        })
    }

    /// How many connections the projection of that path has.
    pub(crate) fn connection_count(&self, path: &str) -> Result<usize, Error> {
        let projection = self.projection(path)?;
        Ok(self.incoming(projection).map(|(_, i)| i.fanout.targets().len()).sum())
    }

    /// The connections of the projection of that path.
    pub(crate) fn connections(&mut self, path: &str) -> Result<Connections, Error> {
        let projection = self.projection(path)?;
        self.flush_weights(projection);
        Ok(self.connection_table(projection))
    }

    /// Sets the weights of a projection (checked before).
    pub(crate) fn set_weights(&mut self, projection: usize, values: &Values) {
        self.flush_weights(projection);
        self.put_weights(projection, values);
    }

    /// Puts weights in the place of others, whatever these were about to learn.
    pub(crate) fn put_weights(&mut self, projection: usize, values: &Values) {
        self.reweighted[projection] = true;
        let mut order = self.order(projection);
        let population = self.network.projections[projection].population;
        for shard in of_population_mut(&mut self.shards, population) {
            if let Some(incoming) = shard.incoming_of_mut(projection) {
                let weights =
                    crate::connect::given_weights::<T>(values, incoming.fanout.starts(), &mut order);
                Arc::make_mut(&mut incoming.fanout).weights_mut().copy_from_slice(&weights);
            }
        }
        for sample in &mut self.samples {
            let mine = of_population_mut(&mut sample.shards, population).iter_mut();
            for (mine, own) in mine.zip(of_population(&self.shards, population)) {
                if let (Some(mine), Some(own)) =
                    (mine.incoming_of_mut(projection), own.incoming_of(projection))
                {
                    mine.fanout = own.fanout.clone();
                }
            }
        }
    }
}

//! Delivery: the connections onto a shard, and the pending spikes of its neurons.

use std::sync::{Arc, RwLockReadGuard};

use dendrion_kernels::{Fanout, Ring, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::extend;

use super::places::range_of;
use super::spikes::Spikes;
use crate::inputs::Given;
use crate::plasticity::state::PlasticityState;
use crate::plasticity::{Learning, ShortTerm};
use crate::refused::refused;

/// The connections of one projection onto one shard.
#[derive(Debug)]
pub(crate) struct Incoming<T: Scalar> {
    pub(crate) projection: usize,
    pub(crate) fanout: Arc<Fanout<T>>,
    /// The ring to which spikes are added.
    pub(crate) port: usize,
    pub(crate) change: Change,
}

/// Returns connections for modification. They are copied if a batch or a trace shares them.
pub(crate) fn exclusive<T: Scalar>(fanout: &mut Arc<Fanout<T>>) -> Result<&mut Fanout<T>, Error> {
    if Arc::strong_count(fanout) > 1 {
        *fanout = Arc::new(fanout.copy().map_err(refused)?);
    }
    Arc::get_mut(fanout).ok_or_else(|| Error::run("network", "connections are in use"))
}

/// The way in which connections change with the spikes that they transmit.
#[derive(Debug)]
pub(crate) enum Change {
    /// Constant weights.
    None,
    /// Short-term plasticity, which depends on the spikes of the source.
    ShortTerm(ShortTerm),
    /// Plastic weights, which depend on the spikes of source and target.
    Learning(Box<Learning>),
}

/// The origin of a projection's spikes.
pub(crate) enum Sent<'a, T: Scalar> {
    /// Spikes of the source's shards or source blocks.
    Spikes(&'a [RwLockReadGuard<'a, Spikes>]),
    /// Values that replace the output of a generator.
    Given(&'a Given<T>),
}

/// The input of a shard.
#[derive(Debug)]
pub(crate) struct Delivery<T: Scalar> {
    /// Pending input by spike port and step.
    pub(crate) rings: Vec<Ring<T>>,
    pub(crate) incoming: Vec<Incoming<T>>,
    /// Data that connections with plastic weights share.
    pub(crate) plasticity: PlasticityState<T>,
    /// The sources of one projection that spike in one step. The memory is reused.
    senders: Vec<u32>,
}

impl<T: Scalar> Delivery<T> {
    pub(crate) const fn new(
        rings: Vec<Ring<T>>,
        incoming: Vec<Incoming<T>>,
        plasticity: PlasticityState<T>,
    ) -> Self {
        Self { rings, incoming, plasticity, senders: Vec::new() }
    }

    /// Returns the connections of a projection onto the shard.
    pub(crate) fn incoming_of(&self, projection: usize) -> Option<&Incoming<T>> {
        let range = range_of(&self.incoming, projection, |i| i.projection);
        self.incoming[range].first()
    }

    /// Returns mutable access to the connections of a projection onto the shard.
    pub(crate) fn incoming_of_mut(&mut self, projection: usize) -> Option<&mut Incoming<T>> {
        let range = range_of(&self.incoming, projection, |i| i.projection);
        self.incoming[range].first_mut()
    }

    /// Copies the connections for a sample of a batch, or to rerun steps. Weights are shared.
    pub(crate) fn clone_connections(&self) -> Result<Vec<Incoming<T>>, Error> {
        let clone = |i: &Incoming<T>| {
            let change = match &i.change {
                Change::ShortTerm(short_term) => Change::ShortTerm(short_term.copy()?),
                // Samples of a batch share their weights, and batches of networks with plastic weights are rejected.
                Change::None | Change::Learning(_) => Change::None,
            };
            Ok(Incoming { projection: i.projection, fanout: i.fanout.clone(), port: i.port, change })
        };
        self.incoming.iter().map(clone).collect()
    }

    /// Adds spikes to the rings, in the order (step, projection, source, connection). `from` returns the spikes of
    /// each projection, and `begin` is the step of the first ones.
    pub(crate) fn deliver<'a>(
        &mut self,
        begin: u64,
        steps: usize,
        from: &impl Fn(usize) -> Option<Sent<'a, T>>,
    ) -> Result<(), Error> {
        for i in 0..steps {
            for incoming in &mut self.incoming {
                let (step, ring) = (begin + i as u64, &mut self.rings[incoming.port]);
                self.senders.clear();
                match from(incoming.projection) {
                    Some(Sent::Spikes(all)) => {
                        all.iter().try_for_each(|s| extend(&mut self.senders, s.at(i)))?;
                    }
                    Some(Sent::Given(given)) => {
                        incoming.fanout.deliver_scaled(given.row(step), step, ring);
                        continue;
                    }
                    None => continue,
                }
                match &mut incoming.change {
                    Change::None => incoming.fanout.deliver(&self.senders, step, ring),
                    Change::ShortTerm(short_term) => {
                        short_term.deliver(&incoming.fanout, &self.senders, step, ring);
                    }
                    Change::Learning(learning) => learning.enqueue(step, &self.senders)?,
                }
            }
        }
        Ok(())
    }
}

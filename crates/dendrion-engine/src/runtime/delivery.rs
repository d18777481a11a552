//! Delivery: the connections onto a shard, and the spikes on their way to its neurons.

use std::sync::Arc;

use dendrion_kernels::{Fanout, Ring, Scalar};

use super::places::range_of;
use super::spikes::Spikes;
use crate::inputs::Given;
use crate::plasticity::state::PlasticityState;
use crate::plasticity::{Learning, ShortTerm};

/// Connections of one projection onto one shard.
#[derive(Debug)]
pub(crate) struct Incoming<T: Scalar> {
    pub(crate) projection: usize,
    pub(crate) fanout: Arc<Fanout<T>>,
    /// Ring the spikes go to.
    pub(crate) port: usize,
    pub(crate) change: Change,
}

/// How connections change with the spikes that pass them.
#[derive(Debug)]
pub(crate) enum Change {
    /// Not at all.
    None,
    /// For a while, by their sources' spikes.
    ShortTerm(ShortTerm),
    /// For good, by both sides' spikes.
    Learning(Box<Learning>),
}

/// Where the spikes of a projection come from.
pub(crate) enum Sent<'a, T: Scalar> {
    /// Shards or source blocks of its sources.
    Spikes(&'a [&'a Spikes]),
    /// What stands in for a generator.
    Given(&'a Given<T>),
}

/// What arrives at a shard.
#[derive(Debug)]
pub(crate) struct Delivery<T: Scalar> {
    /// By spike port, what is due at each step.
    pub(crate) rings: Vec<Ring<T>>,
    pub(crate) incoming: Vec<Incoming<T>>,
    /// What connections that learn share.
    pub(crate) plasticity: PlasticityState<T>,
    /// Sources of one step and projection, while they are delivered.
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

    /// The connections of a projection onto the shard.
    pub(crate) fn incoming_of(&self, projection: usize) -> Option<&Incoming<T>> {
        let range = range_of(&self.incoming, projection, |i| i.projection);
        self.incoming[range].first()
    }

    /// The connections of a projection onto the shard, to be changed.
    pub(crate) fn incoming_of_mut(&mut self, projection: usize) -> Option<&mut Incoming<T>> {
        let range = range_of(&self.incoming, projection, |i| i.projection);
        self.incoming[range].first_mut()
    }

    /// The connections for a sample of a batch, or to run steps again. Their weights are shared.
    pub(crate) fn clone_connections(&self) -> Vec<Incoming<T>> {
        let clone = |i: &Incoming<T>| Incoming {
            projection: i.projection,
            fanout: i.fanout.clone(),
            port: i.port,
            change: match &i.change {
                Change::ShortTerm(short_term) => Change::ShortTerm(short_term.clone()),
                // Samples of a batch share their weights, and are refused where these would be learnt.
                Change::None | Change::Learning(_) => Change::None,
            },
        };
        self.incoming.iter().map(clone).collect()
    }

    /// Adds the spikes of sources to the rings, in the order (step, projection, source, connection). `from` gives
    /// each projection's spikes; `begin` is the step of the first.
    pub(crate) fn deliver<'a>(
        &mut self,
        begin: u64,
        steps: usize,
        from: &impl Fn(usize) -> Option<Sent<'a, T>>,
    ) {
        for i in 0..steps {
            for incoming in &mut self.incoming {
                let (step, ring) = (begin + i as u64, &mut self.rings[incoming.port]);
                self.senders.clear();
                match from(incoming.projection) {
                    Some(Sent::Spikes(all)) => {
                        all.iter().for_each(|s| self.senders.extend_from_slice(s.at(i)));
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
                    Change::Learning(learning) => learning.enqueue(step, &self.senders),
                }
            }
        }
    }
}

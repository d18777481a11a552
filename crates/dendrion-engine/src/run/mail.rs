//! The spikes of an epoch on their way from the exchange to shards.

use std::sync::RwLockReadGuard;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::exchange::Route;
use super::worker::RunPlan;
use crate::runtime::delivery::{Delivery, Sent};
use crate::runtime::spikes::Spikes;

/// Spikes that neurons or generators sent in one epoch. There is at least one.
pub(super) struct Mail<'a, T: Scalar> {
    plan: &'a RunPlan<T>,
    /// The spikes, by shard or by source block.
    spikes: Vec<RwLockReadGuard<'a, Spikes>>,
    is_generated: bool,
    /// The first step of the epoch, and the number of its steps.
    steps: (u64, usize),
}

impl<'a, T: Scalar> Mail<'a, T> {
    /// Returns the spikes that neurons sent in epoch `epoch`, which began at step `begin`, or `None` if they sent none.
    pub(super) fn of_neurons(plan: &'a RunPlan<T>, epoch: u64, begin: u64) -> Option<Self> {
        if plan.routes.is_empty() {
            return None;
        }
        let spikes = plan.exchange.shards(epoch);
        // The number of steps comes from the spikes, because the last epoch of a run may be shorter.
        let steps = spikes.iter().map(|s| s.steps()).max().unwrap_or(0);
        let any = spikes.iter().any(|s| !s.is_empty());
        any.then_some(Self { plan, spikes, is_generated: false, steps: (begin, steps) })
    }

    /// Returns the spikes that generators send in the epoch of `length` steps that begins at `begin`, which they stored
    /// as those of epoch `epoch`. Values that are given replace them.
    pub(super) fn of_generators(
        plan: &'a RunPlan<T>,
        epoch: u64,
        (begin, length): (u64, u64),
    ) -> Option<Self> {
        if plan.routes.is_empty() {
            return None;
        }
        let spikes = plan.exchange.source_blocks(epoch);
        let steps = length.min(plan.end.saturating_sub(begin)) as usize;
        // Most epochs of sparse networks have no spikes. Visiting every projection would then cost more than the
        // steps.
        let any = spikes.iter().any(|s| !s.is_empty()) || plan.given.iter().any(Option::is_some);
        any.then_some(Self { plan, spikes, is_generated: true, steps: (begin, steps) })
    }

    /// Returns the first step in which the spikes may arrive.
    pub(super) const fn first(&self) -> u64 {
        // Generated spikes may arrive in the step in which they are sent.
        if self.is_generated { self.steps.0 } else { self.steps.0 + self.steps.1 as u64 }
    }

    /// Adds the spikes to the inputs of a shard.
    pub(super) fn deliver(&self, delivery: &mut Delivery<T>) -> Result<(), Error> {
        let (begin, steps) = self.steps;
        delivery.deliver(begin, steps, &|projection| match &self.plan.routes[projection] {
            Route::Shards(range) if !self.is_generated => Some(Sent::Spikes(&self.spikes[range.clone()])),
            Route::Sources(generator, range) if self.is_generated => {
                Some(match self.plan.given.get(*generator) {
                    Some(Some(given)) => Sent::Given(given),
                    _ => Sent::Spikes(&self.spikes[range.clone()]),
                })
            }
            _ => None,
        })
    }
}

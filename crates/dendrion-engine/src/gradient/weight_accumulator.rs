//! Weight gradients, accumulated at the sources of connections: the neurons of a shard or a source block of a
//! generator.
//!
//! Connections are stored by source at the shards of their targets, but the contribution of a spike to the
//! gradient is computed where its source is. Each source therefore stores the sums of its own connections,
//! and no two threads ever add to the same sum.

use std::ops::Range;

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::filled;

use super::reverse_edge::ReverseEdge;

/// Cotangents of the weights of connections from some sources, and of the values that replace the output of
/// these sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct WeightAccumulator {
    /// The sources, as a range of indices in their population or generator.
    pub(crate) sources: Range<usize>,
    /// One sum per connection, by projection and index of the target shard.
    sums: Vec<((usize, usize), Vec<f64>)>,
    /// The cotangents of the values that replace the sources' output, step by step, if they are wanted.
    pub(crate) inputs: Option<Vec<f64>>,
}

impl WeightAccumulator {
    pub(crate) fn new(sources: Range<usize>, inputs: Option<usize>) -> Result<Self, Error> {
        let inputs = inputs.map(|steps| filled(steps.saturating_mul(sources.len()), 0.0)).transpose()?;
        Ok(Self { sources, sums: Vec::new(), inputs })
    }

    /// Returns the sums for the connections of an edge, sorted by source.
    pub(crate) fn weights<T: Scalar>(
        &mut self,
        edge: &ReverseEdge<T>,
        sources: Range<usize>,
    ) -> Result<&mut [f64], Error> {
        let key = (edge.projection, edge.target);
        // There are few projections and shards, so a linear search is fast enough.
        let at = self.sums.iter().position(|(k, _)| *k == key).unwrap_or(self.sums.len());
        if at == self.sums.len() {
            self.sums.push((key, filled(edge.fanout.count(sources), 0.0)?));
        }
        Ok(&mut self.sums[at].1)
    }

    /// Takes the sums of a projection's connections onto a shard, if there are any.
    pub(crate) fn take(&mut self, projection: usize, target: usize) -> Option<Vec<f64>> {
        let at = self.sums.iter().position(|(k, _)| *k == (projection, target))?;
        Some(self.sums.swap_remove(at).1)
    }
}

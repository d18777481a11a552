//! The adjoints of the spikes that a shard sends.

use std::ops::Range;

use dendrion_kernels::{Buffer, Scalar};
use dendrion_model::Error;

use super::spiked::of_time;
use crate::refused::refused;
use crate::runtime::shard::Shard;

/// The adjoints of a shard's spikes.
#[derive(Debug)]
pub(crate) struct Sent<T: Scalar> {
    /// The adjoints of the epoch, step by step, for all lanes.
    pub(crate) rows: Buffer<T>,
    /// Whether any spike of the shard has an adjoint.
    pub(super) has_adjoints: bool,
    /// For each table with cotangents of recorded spikes (one row per step of the run), its index and the
    /// size of the population.
    cotangents: Vec<(usize, usize)>,
}

impl<T: Scalar> Sent<T> {
    pub(super) const fn new(cotangents: Vec<(usize, usize)>) -> Self {
        Self { rows: Buffer::new(), has_adjoints: false, cotangents }
    }

    /// Begins an epoch: spike adjoints start with the given cotangents of recorded spikes. The sweep then adds the pulled
    /// adjoints of arrivals. `begin` is the first step of the run. Returns `false` if `goes_on`, which is called for each
    /// step, returned `false`.
    pub(super) fn begin_epoch(
        &mut self,
        shard: &Shard<T>,
        (tables, is_by_time): (&[&[f64]], bool),
        is_received: bool,
        (begin, steps): (u64, Range<u64>),
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        self.has_adjoints = is_received || !self.cotangents.is_empty();
        if !self.has_adjoints {
            return Ok(true);
        }
        let (all, count) = (shard.place.lanes_of_all(), (steps.end - steps.start) as usize);
        self.rows.grow(all * count).map_err(refused)?;
        // Pulled adjoints are added, so rows start at 0. The system provides memory when it is first written, which takes
        // long.
        for row in self.rows.chunks_mut(all.max(1)) {
            if !goes_on() {
                return Ok(false);
            }
            row.fill(T::default());
        }
        for (table, width) in &self.cotangents {
            for step in steps.clone() {
                let out = &mut self.rows[(step - steps.start) as usize * all..];
                let (table, n) = (tables[*table], (step - begin) as usize);
                if is_by_time {
                    for (k, sum) in shard.place.neurons.clone().zip(out) {
                        *sum = sum.plus(T::from_f64(of_time((table, *width), (n, k))));
                    }
                } else {
                    let row = &table[n * width..][shard.place.neurons.clone()];
                    out.iter_mut().zip(row).for_each(|(sum, v)| *sum = sum.plus(T::from_f64(*v)));
                }
            }
        }
        Ok(true)
    }
}

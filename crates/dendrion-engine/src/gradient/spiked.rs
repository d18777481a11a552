//! The neurons that spiked, as rows of lanes.
//!
//! The reverse uses the spikes of the run instead of comparing V with the threshold again. V may lie so close
//! to the threshold that the reverse program, which evaluates V in a different order, would decide
//! differently.

use std::ops::Range;

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::history::History;
use crate::inputs::input_rows::InputRows;
use crate::runtime::shard::Shard;

/// Collects the recorded spikes of a block for the steps of an epoch. A row contains 1 for each neuron that spiked. A
/// step without spikes has no row.
pub(crate) fn spiked<T: Scalar>(
    rows: &mut InputRows<T>,
    (shard, history): (&Shard<T>, &History<T>),
    block: usize,
    steps: Range<u64>,
) -> Result<(), Error> {
    rows.clear();
    let (first, count) = shard.place.neurons_of(block);
    for step in steps {
        let all = history.spikes_at(step);
        // Spikes of a step are sorted by neuron, so those of a block are contiguous.
        let at = |neuron: usize| all.partition_point(|n| (*n as usize) < neuron);
        let mine = &all[at(first)..at(first + count)];
        if mine.is_empty() {
            rows.skip();
            continue;
        }
        let row = rows.push()?;
        row.fill(T::default());
        mine.iter().for_each(|neuron| row[*neuron as usize - first] = T::from_f64(1.0));
    }
    Ok(())
}

//! Who spiked, as rows of lanes.
//!
//! The reverse takes this from the run rather than compare V with the threshold again: V may lie so close to it that the reverse
//! program, which computes V in another order, would decide otherwise.

use std::ops::Range;

use dendrion_kernels::Scalar;

use super::history::History;
use crate::inputs::input_rows::InputRows;
use crate::runtime::shard::Shard;

/// The spikes of a block in the steps of an epoch, as its shard has kept them: 1 for a neuron that spiked; no row where none did.
pub(crate) fn spiked<T: Scalar>(
    rows: &mut InputRows<T>,
    (shard, history): (&Shard<T>, &History<T>),
    block: usize,
    steps: Range<u64>,
) {
    rows.clear();
    let first = shard.place.neurons.start + block * shard.place.lanes;
    for step in steps {
        let all = history.spikes_at(step);
        let at = |neuron: usize| all.partition_point(|n| (*n as usize) < neuron);
        let mine = &all[at(first)..at(first + shard.place.lanes)];
        if mine.is_empty() {
            rows.skip();
            continue;
        }
        let row = rows.push();
        row.fill(T::default());
        mine.iter().for_each(|neuron| row[*neuron as usize - first] = T::from_f64(1.0));
    }
}

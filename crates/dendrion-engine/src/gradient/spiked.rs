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

/// Returns the cotangent of the time of a neuron's spike in a step of the run, from the given cotangents of spikes: the
/// difference between those of the next step and of this one. The last step of the run has no next step, so its
/// difference is that of the preceding step.
pub(super) fn of_time((table, width): (&[f64], usize), (step, neuron): (usize, usize)) -> f64 {
    let at = |step: usize| table.get(step * width + neuron).copied();
    let now = at(step).unwrap_or(0.0);
    match (at(step + 1), step.checked_sub(1).and_then(at)) {
        (Some(next), _) => next - now,
        (None, Some(before)) => now - before,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::of_time;

    #[test]
    fn the_cotangent_of_a_time_is_a_difference_of_steps() {
        let table = (&[1.0, 2.0, 4.0, 8.0, 9.0, 16.0][..], 2);
        assert_eq!([0, 1, 2].map(|step| of_time(table, (step, 0))), [3.0, 5.0, 5.0]);
        assert_eq!([0, 1, 2].map(|step| of_time(table, (step, 1))), [6.0, 8.0, 8.0]);
        assert_eq!(of_time((&[7.0], 1), (0, 0)), 0.0);
    }
}

//! The cotangents of generators: of their parameters, their waveforms and the values that replaced their output.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{copied, filled};
use dendrion_model::{Error, Values};

use super::shard_trace::GradientObserver;
use super::trace::Trace;
use crate::inputs::Given;
use crate::run::Observed;
use crate::runtime::shard::Shard;

/// Returns the sums of a current generator by slot, with one value per neuron unless all neurons share one, and the
/// number of values per slot.
fn flows<T: Scalar>(
    sample: &Observed<T, GradientObserver>,
    generator: usize,
) -> Result<Option<(Vec<f64>, usize)>, Error> {
    let mut found: Option<(Vec<f64>, usize)> = None;
    let of = |population: usize| {
        let shards = sample.sample.shards.iter().zip(&sample.of_shards);
        shards.filter(move |(s, _)| s.place.population == population)
    };
    let mut populations: Vec<usize> = sample.sample.shards.iter().map(|s| s.place.population).collect();
    // Shards are in the order of populations, so equal entries are adjacent.
    populations.dedup();
    for population in populations {
        // Currents are injected into cells.
        let cells = |s: &Shard<T>| s.place.neurons.len() / s.place.sites;
        let size: usize = of(population).map(|(s, _)| cells(s)).sum();
        for (shard, of_shard) in of(population) {
            let Some(reversal) = &of_shard.reversal else { continue };
            for ((g, _), flow) in shard.inputs.currents.iter().zip(&reversal.flows.sums) {
                let (true, Some(flow)) = (*g == generator, flow) else { continue };
                // The sums of a shared current are added up below.
                let width = if flow.shared { 1 } else { size };
                let mine = flow.width;
                let slots = flow.sums.len() / mine.max(1);
                let (sums, _) = match &mut found {
                    Some(found) => found,
                    none => none.insert((filled(slots * width, 0.0)?, width)),
                };
                for (slot, row) in flow.sums.chunks(mine.max(1)).enumerate() {
                    // The order of this sum does not depend on the number of shards; see `Flow`.
                    if flow.shared {
                        row.iter().for_each(|v| sums[slot] += v);
                        continue;
                    }
                    let first = shard.place.neurons.start / shard.place.sites;
                    let out = &mut sums[slot * width + first..][..row.len()];
                    out.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
                }
            }
        }
    }
    Ok(found)
}

/// Returns the cotangent of a generator's parameter. `out` contains zeros in the shape of the parameter.
/// Random draws are held fixed, so the gradients with respect to rates are zero.
pub(super) fn amplitude<T: Scalar>(
    trace: &Trace<T>,
    sample: &Observed<T, GradientObserver>,
    generator: usize,
    mut out: Values,
) -> Result<Values, Error> {
    let stood_in = |g: &Given<T>| g.width > 0;
    let given =
        trace.given.iter().any(|all| all.get(generator).and_then(Option::as_ref).is_some_and(stood_in));
    // If values replaced the generator's output, its own amplitude had no effect.
    let Some((sums, width)) = flows(sample, generator)?.filter(|_| !given) else { return Ok(out) };
    match &mut out {
        Values::Scalar(total) => *total = sums.iter().sum(),
        Values::Each(all) if all.len() == sums.len() => all.copy_from_slice(&sums),
        // All neurons share one value, for each time or for all times.
        Values::Each(all) => {
            let count = all.len();
            for (slot, row) in sums.chunks(width).enumerate() {
                all[slot.min(count - 1)] += row.iter().sum::<f64>();
            }
        }
    }
    Ok(out)
}

/// Returns the cotangents of the values that replaced a generator's output, or of its waveform.
pub(super) fn input<T: Scalar>(
    trace: &Trace<T>,
    sample: &Observed<T, GradientObserver>,
    b: usize,
    generator: usize,
) -> Result<Vec<f64>, Error> {
    let size = trace.generators[generator].1;
    let given = trace.given[b].get(generator).is_some_and(Option::is_some);
    let blocks = sample.sample.source_blocks.iter().zip(&sample.of_sources);
    let spikes = blocks.filter(|(block, _)| block.generator == generator);
    // For a generator of spikes, the first source block holds the cotangents of the whole table (see
    // `prepare` in `reverse_run.rs`).
    if let Some(inputs) =
        spikes.filter_map(|(_, of)| of.accumulator.as_ref()?.inputs.as_ref()).find(|i| !i.is_empty())
    {
        return copied(inputs);
    }
    match flows(sample, generator)? {
        Some((sums, _)) => Ok(sums),
        None if given => filled((trace.end - trace.begin) as usize * size, 0.0),
        None => Ok(Vec::new()),
    }
}

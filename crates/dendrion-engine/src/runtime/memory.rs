//! The memory for a batch and for the recordings of a run. It is compared with the limit before it is
//! allocated, and it is allocated before the run begins.

use dendrion_kernels::Scalar;
use dendrion_model::{Error, check_memory};

use crate::recording::probe::{ProbeId, What};
use crate::recording::recorder::samples;
use crate::runtime::core::Core;

/// Number of bytes below which memory is not checked, because reading the limit would take longer than a
/// short run.
const SMALL: f64 = 64e6;

/// Checks that the states of a batch fit into the memory limit.
pub(crate) fn check_batch_memory<T: Scalar>(core: &Core<T>, batch: usize) -> Result<(), Error> {
    let bytes = batch as f64 * core.model.sample_memory;
    if bytes < SMALL && batch < 1 << 20 {
        return Ok(());
    }
    // The second term covers the vectors that each sample has, even if they are nearly empty.
    check_memory("network", &format!("a batch of {batch} samples"), bytes + 512.0 * batch as f64)
}

/// Checks that the existing recordings, and those of the next `steps` steps, fit into the memory limit. Spikes are
/// not counted, because their number is not known in advance.
pub(crate) fn check_recorded_memory<T: Scalar>(
    core: &Core<T>,
    steps: u64,
    batch: usize,
) -> Result<(), Error> {
    let (mut total, mut most) = (0.0, (0.0, 0, 0.0, 0));
    for (id, probe) in core.probes.0.iter().enumerate() {
        let What::Values { every, columns } = probe.what else { continue };
        let further = samples(core.clock.now, core.clock.now.saturating_add(steps), every);
        let rows = further as f64 + core.probes.rows(&core.ensemble, ProbeId(id)) as f64;
        let bytes = rows * columns as f64 * batch as f64 * size_of::<T>() as f64;
        total += bytes;
        if bytes > most.0 {
            most = (bytes, probe.population, rows, columns);
        }
    }
    if total < SMALL {
        return Ok(());
    }
    let (bytes, population, rows, columns) = most;
    let of_batch = if batch > 1 { format!(" in each of {batch} samples of a batch") } else { String::new() };
    let what = format!("a recording of {columns} values at {rows} times{of_batch}");
    check_memory(&core.model.cells[population].path, &what, bytes)?;
    check_memory("network", "all recordings of this run", total)
}

/// Allocates the memory for the values that probes record in the next `steps` steps, so that a failure does
/// not change the network. The memory for spikes is allocated during the run.
pub(crate) fn make_room<T: Scalar>(core: &mut Core<T>, steps: u64) -> Result<(), Error> {
    let begin = core.clock.now;
    let end = begin.saturating_add(steps);
    let paths = &core.model.network;
    for shard in core.ensemble.present_shards_mut() {
        let needed = |error: Error| {
            let path = &paths.populations[shard.place.population].path;
            error.needed_by(path, || format!("a recording of {steps} steps"))
        };
        shard.recorders.iter_mut().try_for_each(|r| r.make_room(begin, end)).map_err(needed)?;
        let plasticity = &mut shard.delivery.plasticity;
        // Weights are recorded when they are decided, which may be in a later run.
        let begin = plasticity.decided.min(begin);
        for (projection, recorder) in &mut plasticity.watchers {
            let path = &paths.projections[*projection].path;
            let room = recorder.make_room(begin, end);
            room.map_err(|error| error.needed_by(path, || format!("a recording of {steps} steps")))?;
        }
    }
    Ok(())
}

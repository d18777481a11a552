//! The columns of a probe of weights.

use dendrion_kernels::Scalar;
use dendrion_model::Error;
use dendrion_model::allocate::{collected, push, room};

use crate::runtime::ensemble::Ensemble;

/// Returns the recorded connections (index in the shard, column of the probe) of each shard that has connections of a
/// projection. The columns are those in `indices`, or all connections, sorted by source and then by target.
pub(super) fn columns_of_shards<T: Scalar>(
    ensemble: &Ensemble<T>,
    projection: usize,
    indices: Option<&[usize]>,
) -> Result<Vec<Vec<(u32, u32)>>, Error> {
    let mut order = ensemble.order(projection)?;
    let chosen = indices.map(sorted).transpose()?;
    let mut of_shards = Vec::new();
    for (_, incoming) in ensemble.incoming(projection) {
        let (starts, count) = (incoming.fanout.starts(), incoming.fanout.targets().len());
        let mut columns = room(if chosen.is_none() { count } else { 0 })?;
        let mut done = Ok(());
        order.interruptible_shard(starts, |place, whole, _| {
            let place = place as u32;
            let Some(chosen) = &chosen else { return columns.push((place, whole as u32)) };
            let first = chosen.partition_point(|(i, _)| *i < whole);
            for (_, column) in chosen[first..].iter().take_while(|(i, _)| *i == whole) {
                if done.is_ok() {
                    done = push(&mut columns, (place, *column));
                }
            }
        })?;
        done?;
        of_shards.push(columns);
    }
    Ok(of_shards)
}

/// Returns the chosen connections with their columns, sorted by connection. A connection may have several columns.
fn sorted(indices: &[usize]) -> Result<Vec<(usize, u32)>, Error> {
    let mut chosen = collected(indices.iter().copied().zip(0..))?;
    chosen.sort_unstable();
    Ok(chosen)
}

//! Weights and delays of a shard's connections, out of arrays that follow the order of the whole projection: by
//! source, then target.

use dendrion_kernels::{Delays, Scalar};
use dendrion_model::{Error, Values, steps_of};

/// The order of a whole projection, walked shard by shard: each source's connections come in the order of shards.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Where the next shard's connections of each source are.
    next: Vec<usize>,
}

impl Order {
    /// From the row starts of all shards.
    pub(crate) fn new<'a>(sources: usize, shards: impl Iterator<Item = &'a [u32]>) -> Self {
        let mut counts = vec![0_usize; sources + 1];
        for starts in shards {
            for (count, row) in counts[1..].iter_mut().zip(starts.windows(2)) {
                *count += (row[1] - row[0]) as usize;
            }
        }
        (0..sources).for_each(|i| counts[i + 1] += counts[i]);
        Self { next: counts }
    }

    /// Connections of the projection.
    pub(crate) fn total(&self) -> usize {
        self.next.last().copied().unwrap_or(0)
    }

    /// Calls `f(place in the shard, place in the projection, source)` for each connection of the next shard.
    pub(crate) fn shard(&mut self, starts: &[u32], mut f: impl FnMut(usize, usize, usize)) {
        for (source, row) in starts.windows(2).enumerate() {
            for place in row[0] as usize..row[1] as usize {
                f(place, self.next[source], source);
                self.next[source] += 1;
            }
        }
    }
}

/// Weights of a shard with these row starts.
pub(crate) fn given_weights<T: Scalar>(values: &Values, starts: &[u32], order: &mut Order) -> Vec<T> {
    let count = starts.last().map_or(0, |n| *n as usize);
    let mut weights = vec![T::from_f64(values.get(0)); count];
    if let Values::Each(all) = values {
        order.shard(starts, |place, whole, _| weights[place] = T::from_f64(all[whole]));
    }
    weights
}

/// Delays in steps of a shard with these row starts; `least` where none are given.
pub(crate) fn given_delays(
    path: &str,
    values: Option<&Values>,
    least: u16,
    starts: &[u32],
    order: &mut Order,
    dt: f64,
) -> Result<Delays, Error> {
    let steps = |ms: f64| steps_of(path, "delay", ms, dt).map(|s| s as u16);
    let Some(values) = values else { return Ok(Delays::Uniform(least)) };
    if let Some(ms) = values.uniform() {
        return Ok(Delays::Uniform(steps(ms)?));
    }
    let all = values.as_slice().iter().map(|ms| steps(*ms)).collect::<Result<Vec<u16>, Error>>()?;
    let mut each = vec![0; starts.last().map_or(0, |n| *n as usize)];
    order.shard(starts, |place, whole, _| each[place] = all[whole]);
    Ok(Delays::Each(each))
}

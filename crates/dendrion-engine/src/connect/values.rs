//! Conversion of weights and delays from arrays of the whole projection, which are sorted by source and then
//! by target, to the arrays of a shard.

use dendrion_kernels::{Buffer, Delays, Plain, Scalar};
use dendrion_model::allocate::{BLOCK, copied, filled, room};
use dendrion_model::{Error, Turns, Values, check_interrupt, steps_of};

use crate::refused::refused;

/// Cost of rounding a time to steps, in the work units that `Turns` counts.
const ROUND: usize = 8;

/// Maps each shard's connections to their positions in the arrays of the whole projection, in which the
/// connections of each source are sorted by shard.
#[derive(Debug)]
pub(crate) struct Order {
    /// For each source, the position of its first connection onto the next shard.
    next: Vec<usize>,
}

impl Order {
    /// Creates the order from the row starts of all shards.
    pub(crate) fn new<'a>(sources: usize, shards: impl Iterator<Item = &'a [u32]>) -> Result<Self, Error> {
        let mut counts = filled(sources + 1, 0_usize)?;
        for starts in shards {
            for (count, row) in counts[1..].iter_mut().zip(starts.windows(2)) {
                *count += (row[1] - row[0]) as usize;
            }
        }
        (0..sources).for_each(|i| counts[i + 1] += counts[i]);
        Ok(Self { next: counts })
    }

    /// Returns a copy.
    pub(crate) fn copy(&self) -> Result<Self, Error> {
        Ok(Self { next: copied(&self.next)? })
    }

    /// Returns the number of connections of the projection.
    pub(crate) fn total(&self) -> usize {
        self.next.last().copied().unwrap_or(0)
    }

    /// Calls `f(index in the shard, index in the projection, source)` for each connection of the next shard.
    pub(crate) fn shard(&mut self, starts: &[u32], mut f: impl FnMut(usize, usize, usize)) {
        for (source, row) in starts.windows(2).enumerate() {
            for place in row[0] as usize..row[1] as usize {
                f(place, self.next[source], source);
                self.next[source] += 1;
            }
        }
    }

    /// Like [`Order::shard`], but stops at an interrupt.
    pub(crate) fn interruptible_shard(
        &mut self,
        starts: &[u32],
        mut f: impl FnMut(usize, usize, usize),
    ) -> Result<(), Error> {
        let mut turns = Turns::default();
        for (source, row) in starts.windows(2).enumerate() {
            turns.pass(1 + (row[1] - row[0]) as usize)?;
            for place in row[0] as usize..row[1] as usize {
                f(place, self.next[source], source);
                self.next[source] += 1;
            }
        }
        Ok(())
    }
}

/// Moves values to aligned memory. Large arrays are copied in blocks, between which an interrupt can end the
/// work.
#[allow(clippy::needless_pass_by_value)] // The values are freed here, before others are copied.
pub(crate) fn aligned<T: Plain>(values: Vec<T>) -> Result<Buffer<T>, Error> {
    let mut copy = Buffer::zeroed(values.len()).map_err(refused)?;
    for (to, from) in copy.chunks_mut(BLOCK).zip(values.chunks(BLOCK)) {
        check_interrupt()?;
        to.copy_from_slice(from);
    }
    Ok(copy)
}

/// Returns the weights of a shard with these row starts.
pub(crate) fn given_weights<T: Scalar>(
    values: &Values,
    starts: &[u32],
    order: &mut Order,
) -> Result<Vec<T>, Error> {
    let count = starts.last().map_or(0, |n| *n as usize);
    let mut weights = filled(count, T::from_f64(values.get(0)))?;
    if let Values::Each(all) = values {
        order.interruptible_shard(starts, |place, whole, _| weights[place] = T::from_f64(all[whole]))?;
    }
    Ok(weights)
}

/// Returns the delays, in steps, of a shard with these row starts, or `least` if the projection does not
/// specify delays.
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
    let (mut all, mut turns) = (room(values.as_slice().len())?, Turns::default());
    for ms in values.as_slice() {
        turns.pass(ROUND)?;
        all.push(steps(*ms)?);
    }
    let mut each = filled(starts.last().map_or(0, |n| *n as usize), 0)?;
    order.interruptible_shard(starts, |place, whole, _| each[place] = all[whole])?;
    Ok(Delays::Each(each))
}

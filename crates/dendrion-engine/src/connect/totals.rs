//! Random division of a fixed number of connections among targets. A binary tree over all targets, which is the same
//! for every division into shards, splits the number exactly: with hypergeometric counts if each pair can be drawn
//! only once, and with binomial counts otherwise. A shard follows the branches that lead to its neurons and needs no
//! other data.

use std::ops::Range;

use dendrion_model::{Error, check_interrupt};

use crate::random::{Purpose, Stream, binomial, hypergeometric};

/// Calls `each(target, connections)` for the neurons of a shard that have connections, in ascending order.
/// `cells` is the maximum number of sources of a target, or `None` if pairs may repeat.
pub(crate) fn totals(
    seed: u64,
    path: &str,
    n: u64,
    targets: usize,
    cells: Option<u64>,
    neurons: Range<usize>,
    mut each: impl FnMut(usize, usize),
) -> Result<(), Error> {
    let stream = Stream::new(seed, path, Purpose::Totals);
    Tree { stream, cells, neurons }.descend(1, 0..targets, n, &mut each)
}

struct Tree {
    stream: Stream,
    cells: Option<u64>,
    neurons: Range<usize>,
}

impl Tree {
    /// Splits the `n` connections of a branch. Branches are numbered from 1, and the children of branch b are 2b and
    /// 2b + 1.
    fn descend(
        &self,
        branch: u64,
        targets: Range<usize>,
        n: u64,
        each: &mut impl FnMut(usize, usize),
    ) -> Result<(), Error> {
        if n == 0 || targets.start >= self.neurons.end || targets.end <= self.neurons.start {
            return Ok(());
        }
        if targets.len() == 1 {
            each(targets.start, n as usize);
            return Ok(());
        }
        // Drawing a count takes microseconds if there are millions of connections.
        check_interrupt()?;
        let middle = targets.start + targets.len() / 2;
        let (left, right) = ((middle - targets.start) as u64, (targets.end - middle) as u64);
        let u = self.stream.uniform(0, branch);
        let on_left = match self.cells {
            Some(cells) => hypergeometric(u, n, left * cells, right * cells),
            None => binomial(u, n, left, right),
        };
        self.descend(2 * branch, targets.start..middle, on_left, each)?;
        self.descend(2 * branch + 1, middle..targets.end, n - on_left, each)
    }
}

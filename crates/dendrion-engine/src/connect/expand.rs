//! Rules whose draws cannot be made target by target: a fixed outdegree becomes given pairs, drawn in parallel from a
//! stream of each source.

use dendrion_model::{Connectivity, Network, Projection, Source};

use crate::random::{Purpose, Stream};

/// Connections a thread draws at a time.
const CHUNK: usize = 1 << 16;

/// Draws the projections that need it.
pub(crate) fn expand(network: &mut Network, threads: usize) {
    for i in 0..network.projections.len() {
        if let Some(pairs) = expanded(network, i, threads) {
            network.projections[i].connectivity = pairs;
        }
    }
}

/// The pairs of a projection whose rule is drawn so.
pub(super) fn expanded(network: &Network, projection: usize, threads: usize) -> Option<Connectivity> {
    let p = &network.projections[projection];
    let sources = match p.pre {
        Source::Population(i) => network.populations.get(i)?.size,
        Source::Generator(i) => network.generators.get(i)?.size,
    };
    let targets = network.populations.get(p.population)?.size;
    let stream = Stream::new(network.seed, &p.path, Purpose::Connections);
    match p.connectivity {
        Connectivity::FixedOutdegree { degree, multapses, autapses } => {
            let cells = Cells::of(p, sources, targets, autapses);
            Some(outdegree(stream, &cells, degree, multapses, threads))
        }
        _ => None,
    }
}

/// The pairs that may be connected, numbered by source, then target.
struct Cells {
    sources: usize,
    /// Targets of a source: all, or all but itself.
    row: usize,
    skip_self: bool,
}

impl Cells {
    fn of(projection: &Projection, sources: usize, targets: usize, autapses: bool) -> Self {
        let skip_self = projection.is_recurrent() && !autapses;
        Self { sources, row: targets - usize::from(skip_self), skip_self }
    }

    /// The target that is number `i` of those of a source.
    const fn target(&self, source: usize, i: usize) -> u32 {
        if self.skip_self && i >= source { i as u32 + 1 } else { i as u32 }
    }
}

/// Each source's targets, from draws of its own.
fn outdegree(stream: Stream, cells: &Cells, degree: usize, multapses: bool, threads: usize) -> Connectivity {
    let rows = (CHUNK / degree.max(1)).max(1);
    let chunks = cells.sources.div_ceil(rows);
    let parts = parallel(threads, chunks, |chunk| {
        let mut seen = vec![u32::MAX; if multapses { 0 } else { cells.row }];
        let mut targets = Vec::new();
        for source in chunk * rows..((chunk + 1) * rows).min(cells.sources) {
            let start = targets.len();
            let mut draw = 0;
            while targets.len() < start + degree {
                let i = stream.below(source as u32, draw, cells.row as u32) as usize;
                draw += 1;
                let known =
                    seen.get_mut(i).is_some_and(|s| std::mem::replace(s, source as u32) == source as u32);
                if !known {
                    targets.push(cells.target(source, i));
                }
            }
            targets[start..].sort_unstable();
        }
        targets
    });
    let starts = (0..=cells.sources).map(|s| (s * degree) as u32).collect();
    Connectivity::Csr { starts, targets: parts.concat() }
}

/// `f` of 0, 1, ... `n` - 1, in that order, computed by several threads.
pub(crate) fn parallel<R: Send>(threads: usize, n: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if at >= n {
                return done;
            }
            done.push((at, f(at)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(n)).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        // A helper that panicked takes the calling thread with it when the scope ends.
        helpers.into_iter().for_each(|h| all.extend(h.join().unwrap_or_default()));
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, r)| r).collect()
}

#[cfg(test)]
mod tests {
    use super::{Cells, outdegree};
    use crate::random::{Purpose, Stream};
    use dendrion_model::Connectivity;

    #[test]
    fn outdegrees_do_not_depend_on_threads() {
        let stream = Stream::new(3, "syn", Purpose::Connections);
        for (degree, multapses) in [(30, false), (39, false), (30, true)] {
            let cells = Cells { sources: 40, row: 39, skip_self: true };
            let one = outdegree(stream, &cells, degree, multapses, 1);
            assert_eq!(outdegree(stream, &cells, degree, multapses, 3), one);
            let Connectivity::Csr { starts, mut targets } = one else { continue };
            let rows: Vec<_> = starts.windows(2).map(|r| r[0] as usize..r[1] as usize).collect();
            for (source, row) in rows.into_iter().enumerate() {
                let row = &mut targets[row];
                assert!(row.is_sorted() && !row.contains(&(source as u32)));
                assert!(multapses || row.windows(2).all(|w| w[0] < w[1]));
            }
        }
    }
}

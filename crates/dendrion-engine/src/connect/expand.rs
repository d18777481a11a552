//! Rules whose draws cannot be made target by target: fixed outdegree and fixed total become given pairs, drawn in
//! parallel from streams of each source, or of each connection's number.

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
        Connectivity::FixedTotal { count, multapses, autapses } => {
            let cells = Cells::of(p, sources, targets, autapses);
            Some(total(stream, &cells, count, multapses, threads))
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

/// Pairs drawn from all, numbered by the order of drawing.
fn total(stream: Stream, cells: &Cells, count: usize, multapses: bool, threads: usize) -> Connectivity {
    let all = cells.sources as u64 * cells.row as u64;
    let draw = |from: usize, to: usize| {
        let chunks = (to - from).div_ceil(CHUNK);
        let of = |chunk: usize| {
            let begin = from + chunk * CHUNK;
            (begin..(begin + CHUNK).min(to)).map(|i| stream.below_wide(0, i as u64, all)).collect::<Vec<_>>()
        };
        parallel(threads, chunks, of).concat()
    };
    let mut pairs = if multapses {
        draw(0, count)
    } else if (count as u64) <= all / 2 {
        distinct(count, draw)
    } else {
        // Most pairs are connected: draw those that are not.
        let mut left_out = distinct((all - count as u64) as usize, draw).into_iter().peekable();
        (0..all).filter(|cell| left_out.next_if_eq(cell).is_none()).collect()
    };
    pairs.sort_unstable();
    rows(cells, &pairs)
}

/// The first `count` different numbers that `draw(from, to)` gives, ascending: a sample without replacement.
fn distinct(count: usize, draw: impl Fn(usize, usize) -> Vec<u64>) -> Vec<u64> {
    let mut drawn: Vec<(u64, u64)> = Vec::new();
    let mut next = 0;
    while drawn.len() < count {
        let to = next + (count - drawn.len()) * 9 / 8 + 16;
        drawn.extend(draw(next, to).into_iter().zip(next as u64..));
        drawn.sort_unstable();
        drawn.dedup_by_key(|(cell, _)| *cell);
        next = to;
    }
    // Too many: the last ones drawn go.
    drawn.sort_unstable_by_key(|(_, when)| *when);
    drawn.truncate(count);
    let mut cells: Vec<u64> = drawn.into_iter().map(|(cell, _)| cell).collect();
    cells.sort_unstable();
    cells
}

/// Pairs, ascending, as compressed sparse rows.
fn rows(cells: &Cells, pairs: &[u64]) -> Connectivity {
    let row = cells.row as u64;
    let mut starts = vec![0; cells.sources + 1];
    let mut targets = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let source = (pair / row) as usize;
        starts[source + 1] += 1;
        targets.push(cells.target(source, (pair % row) as usize));
    }
    (0..cells.sources).for_each(|s| starts[s + 1] += starts[s]);
    Connectivity::Csr { starts, targets }
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
    use super::{Cells, distinct, outdegree, total};
    use crate::random::{Purpose, Stream};
    use dendrion_model::Connectivity;

    fn pairs(connectivity: Connectivity) -> Vec<(usize, u32)> {
        let Connectivity::Csr { starts, targets } = connectivity else { return Vec::new() };
        let row = |s: usize| targets[starts[s] as usize..starts[s + 1] as usize].iter().map(move |t| (s, *t));
        (0..starts.len() - 1).flat_map(row).collect()
    }

    fn cells(skip_self: bool) -> Cells {
        Cells { sources: 40, row: 40 - usize::from(skip_self), skip_self }
    }

    #[test]
    fn rules_do_not_depend_on_threads() {
        let stream = Stream::new(3, "syn", Purpose::Connections);
        for multapses in [false, true] {
            let cells = cells(true);
            let one = pairs(outdegree(stream, &cells, 30, multapses, 1));
            assert_eq!(pairs(outdegree(stream, &cells, 30, multapses, 3)), one);
            assert!(one.iter().all(|(s, t)| *s != *t as usize));
            let one = pairs(total(stream, &cells, 700, multapses, 1));
            assert_eq!(pairs(total(stream, &cells, 700, multapses, 3)), one);
            assert_eq!(one.len(), 700);
            assert!(one.iter().all(|(s, t)| *s != *t as usize));
        }
    }

    #[test]
    fn without_multapses_no_pair_comes_twice() {
        let stream = Stream::new(3, "syn", Purpose::Connections);
        for count in [1, 700, 801, 1500, 1600] {
            let mut all = pairs(total(stream, &cells(false), count, false, 2));
            all.dedup();
            assert_eq!(all.len(), count);
        }
        let mut all = pairs(outdegree(stream, &cells(false), 40, false, 2));
        all.dedup();
        assert_eq!(all.len(), 1600);
    }

    /// Every pair is as likely as any other: over many seeds each is drawn about as often.
    #[test]
    fn totals_are_uniform() {
        for count in [400, 1200] {
            let mut often = vec![0.0; 1600];
            let runs = 400;
            for seed in 0..runs {
                let stream = Stream::new(seed, "syn", Purpose::Connections);
                for (s, t) in pairs(total(stream, &cells(false), count, false, 1)) {
                    often[s * 40 + t as usize] += 1.0;
                }
            }
            let p = count as f64 / 1600.0;
            let (mean, variance) = (runs as f64 * p, runs as f64 * p * (1.0 - p));
            let chi = often.iter().map(|n| (n - mean) * (n - mean) / variance).sum::<f64>();
            assert!((chi - 1600.0).abs() < 4.5 * (2.0_f64 * 1600.0).sqrt(), "{chi}");
        }
    }

    #[test]
    fn distinct_numbers_are_the_first_ones() {
        let given = [5, 3, 5, 3, 9, 1, 3, 7, 0];
        let draw = |from: usize, to: usize| (from..to).map(|i| given[i % 9]).collect();
        assert_eq!(distinct(4, draw), [1, 3, 5, 9]);
    }
}

//! The connections from sources to the lanes of a shard. Each shard is built independently, from draws that depend
//! only on the target neuron, so the result does not depend on threads.

use std::ops::Range;

use dendrion_model::allocate::{append, collected, copied, filled, reserve, room};
use dendrion_model::{Connectivity, Error, Projection, Turns, check_interrupt};

use super::totals::totals;
use crate::random::{Purpose, Stream};

/// Cost of a draw, or of the search for a shard's part of a row, in the work units that `Turns` counts.
const DRAW: usize = 8;
const FIND: usize = 32;
/// Number of pairs that are sorted between two checks for an interrupt.
const PIECE: usize = 1 << 16;

/// The connections of a projection onto one shard, sorted by source and then by target (compressed sparse rows).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Start of the targets of each source, and the end of the last one.
    pub(crate) starts: Vec<u32>,
    /// Lanes of the shard, in ascending order within a source.
    pub(crate) targets: Vec<u16>,
}

/// Builds the connections of a projection from `sources` sources to `targets` targets, for the neurons of one
/// shard. `expanded` contains its pairs, if they have already been drawn. `own` is the number of targets of a source that
/// belong to the source itself (`Projection::own_targets`).
pub(crate) fn build(
    projection: &Projection,
    expanded: Option<&Connectivity>,
    (sources, targets, own): (usize, usize, usize),
    neurons: Range<usize>,
    seed: u64,
) -> Result<Topology, Error> {
    let drawn = |autapses: bool| Drawn {
        stream: Stream::new(seed, &projection.path, Purpose::Connections),
        sources: sources as u32,
        own: if autapses { 0 } else { own as u32 },
    };
    match expanded.unwrap_or(&projection.connectivity) {
        Connectivity::AllToAll { autapses: false } if own > 0 => all_but_self((sources, own), &neurons),
        Connectivity::AllToAll { .. } => all(sources, &neurons),
        Connectivity::OneToOne => {
            let before = |i: usize| (i.clamp(neurons.start, neurons.end) - neurons.start) as u32;
            let starts = collected((0..=sources).map(before))?;
            Ok(Topology { starts, targets: collected(0..neurons.len() as u16)? })
        }
        Connectivity::Csr { starts, targets } => slice(starts, targets, &neurons),
        Connectivity::FixedIndegree { degree, multapses, autapses } => {
            let degrees = collected(neurons.clone().map(|target| (target, *degree)))?;
            drawn(*autapses).by_degree(degrees, *multapses, neurons.start)
        }
        Connectivity::FixedProbability { p, autapses } => {
            let (drawn, mut turns) = (drawn(*autapses), Turns::default());
            let mut pairs = Vec::new();
            for (lane, target) in neurons.enumerate() {
                drawn.probability((target as u32, lane as u16), *p, &mut pairs, &mut turns)?;
            }
            by_source(sources, &pairs)
        }
        Connectivity::FixedTotal { count, multapses, autapses } => {
            let (drawn, first) = (drawn(*autapses), neurons.start);
            let cells = (!multapses).then_some((sources - usize::from(drawn.own > 0)) as u64);
            let mut degrees = room(neurons.len())?;
            totals(seed, &projection.path, *count as u64, targets, cells, neurons, |target, degree| {
                degrees.push((target, degree));
            })?;
            drawn.by_degree(degrees, *multapses, first)
        }
        // This rule has already been converted to pairs (see `expand.rs`).
        Connectivity::FixedOutdegree { .. } => by_source(sources, &[]),
    }
}

fn all(sources: usize, neurons: &Range<usize>) -> Result<Topology, Error> {
    let n = neurons.len();
    let (mut starts, mut targets, mut turns) = (room(sources + 1)?, room(sources * n)?, Turns::default());
    starts.push(0);
    for _ in 0..sources {
        turns.pass(1 + n)?;
        targets.extend(0..n as u16);
        starts.push(targets.len() as u32);
    }
    Ok(Topology { starts, targets })
}

fn all_but_self((sources, own): (usize, usize), neurons: &Range<usize>) -> Result<Topology, Error> {
    let n = neurons.len();
    let (mut starts, mut targets, mut turns) = (room(sources + 1)?, room(sources * n)?, Turns::default());
    starts.push(0);
    for source in 0..sources {
        turns.pass(1 + n)?;
        targets.extend(neurons.clone().filter(|n| *n / own != source).map(|n| (n - neurons.start) as u16));
        starts.push(targets.len() as u32);
    }
    Ok(Topology { starts, targets })
}

/// Random draws of the sources of a target.
struct Drawn {
    stream: Stream,
    sources: u32,
    /// Number of targets that a source is not connected to because they belong to itself.
    own: u32,
}

impl Drawn {
    /// Returns whether a target belongs to a source that is not connected to itself.
    const fn is_own(&self, source: u32, target: u32) -> bool {
        self.own > 0 && target / self.own == source
    }

    /// Draws the sources of each target, whose number of connections is known, on a shard whose first neuron
    /// is `first`.
    fn by_degree(
        &self,
        degrees: Vec<(usize, usize)>,
        multapses: bool,
        first: usize,
    ) -> Result<Topology, Error> {
        let sources = self.sources as usize;
        let mut seen = filled(if multapses { 0 } else { sources }, u32::MAX)?;
        let mut pairs = room(degrees.iter().map(|(_, degree)| degree).sum())?;
        let mut turns = Turns::default();
        for (target, degree) in degrees {
            let lane = (target - first) as u16;
            let each = |source| pairs.push((source, lane));
            self.indegree(target as u32, degree, &mut seen, &mut turns, each)?;
        }
        by_source(sources, &pairs)
    }

    /// Draws `degree` sources. If `seen` has one mark per source, no source is drawn twice.
    fn indegree(
        &self,
        target: u32,
        degree: usize,
        seen: &mut [u32],
        turns: &mut Turns,
        mut each: impl FnMut(u32),
    ) -> Result<(), Error> {
        let mut draw = 0;
        let mut found = 0;
        while found < degree {
            turns.pass(DRAW)?;
            let source = self.stream.below(target, draw, self.sources);
            draw += 1;
            if self.is_own(source, target) {
                continue;
            }
            if let Some(mark) = seen.get_mut(source as usize)
                && std::mem::replace(mark, target) == target
            {
                continue;
            }
            each(source);
            found += 1;
        }
        Ok(())
    }

    /// Draws each source with probability `p`. The gaps between drawn sources are geometrically distributed.
    fn probability(
        &self,
        (target, lane): (u32, u16),
        p: f64,
        pairs: &mut Vec<(u32, u16)>,
        turns: &mut Turns,
    ) -> Result<(), Error> {
        let mut source = 0.0;
        for draw in 0.. {
            turns.pass(DRAW)?;
            source += self.stream.failures(target, draw, p);
            if source >= f64::from(self.sources) {
                break;
            }
            if !self.is_own(source as u32, target) {
                if pairs.len() == pairs.capacity() {
                    reserve(pairs, 1)?;
                }
                pairs.push((source as u32, lane));
            }
            source += 1.0;
        }
        Ok(())
    }
}

/// Sorts pairs (source, lane), which are in the order of lanes, by source. A counting sort keeps the lanes of
/// a source ascending.
fn by_source(sources: usize, pairs: &[(u32, u16)]) -> Result<Topology, Error> {
    let mut starts = filled(sources + 1, 0_u32)?;
    for pairs in pairs.chunks(PIECE) {
        check_interrupt()?;
        pairs.iter().for_each(|(source, _)| starts[*source as usize + 1] += 1);
    }
    (0..sources).for_each(|i| starts[i + 1] += starts[i]);
    let mut next = copied(&starts)?;
    let mut targets = filled(pairs.len(), 0)?;
    for pairs in pairs.chunks(PIECE) {
        check_interrupt()?;
        for (source, lane) in pairs {
            let at = &mut next[*source as usize];
            targets[*at as usize] = *lane;
            *at += 1;
        }
    }
    Ok(Topology { starts, targets })
}

/// Returns the columns of a compressed sparse row (CSR) matrix that belong to the shard's neurons, numbered from the
/// first of these neurons.
fn slice(starts: &[u32], targets: &[u32], neurons: &Range<usize>) -> Result<Topology, Error> {
    let mut part = Topology { starts: room(starts.len())?, targets: Vec::new() };
    let mut turns = Turns::default();
    part.starts.push(0);
    for row in starts.windows(2) {
        let row = &targets[row[0] as usize..row[1] as usize];
        let at = |neuron: usize| row.partition_point(|t| (*t as usize) < neuron);
        let mine = &row[at(neurons.start)..at(neurons.end)];
        turns.pass(FIND + mine.len())?;
        append(&mut part.targets, mine.iter().map(|t| (*t as usize - neurons.start) as u16))?;
        part.starts.push(part.targets.len() as u32);
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use dendrion_model::{Connectivity, Projection, Source};

    use super::build;

    fn projection(connectivity: Connectivity) -> Projection {
        Projection {
            path: "syn".into(),
            pre: Source::Population(0),
            population: 0,
            receptors: vec![0],
            connectivity,
            weight: 1.0.into(),
            delay: None,
            plasticity: None,
        }
    }

    /// Returns all pairs for a division into shards.
    fn pairs(p: &Projection, n: usize, cut: &[usize]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for ends in cut.windows(2) {
            let t =
                build(p, None, (n, cut[cut.len() - 1], cut[cut.len() - 1] / n), ends[0]..ends[1], 9).unwrap();
            for source in 0..n {
                let row = &t.targets[t.starts[source] as usize..t.starts[source + 1] as usize];
                all.extend(row.iter().map(|lane| (source, ends[0] + *lane as usize)));
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn rules_do_not_depend_on_shards() {
        let rules = [
            Connectivity::AllToAll { autapses: true },
            Connectivity::AllToAll { autapses: false },
            Connectivity::OneToOne,
            Connectivity::FixedIndegree { degree: 5, multapses: false, autapses: false },
            Connectivity::FixedIndegree { degree: 30, multapses: true, autapses: true },
            Connectivity::FixedProbability { p: 0.3, autapses: true },
            Connectivity::FixedTotal { count: 137, multapses: false, autapses: false },
            Connectivity::FixedTotal { count: 500, multapses: true, autapses: true },
        ];
        for rule in rules {
            let p = projection(rule);
            assert_eq!(pairs(&p, 20, &[0, 20]), pairs(&p, 20, &[0, 7, 8, 20]), "{:?}", p.connectivity);
        }
    }

    #[test]
    fn indegree_has_its_degree_and_no_more_than_it_allows() {
        let p = projection(Connectivity::FixedIndegree { degree: 19, multapses: false, autapses: false });
        let all = pairs(&p, 20, &[0, 20]);
        let mut expected: Vec<_> = (0..20).flat_map(|i| (0..20).map(move |j| (i, j))).collect();
        expected.retain(|(i, j)| i != j);
        assert_eq!(all, expected);
    }

    #[test]
    fn detailed_cells_are_not_connected_to_their_own_sites() {
        let rules = [
            Connectivity::AllToAll { autapses: false },
            Connectivity::FixedIndegree { degree: 7, multapses: false, autapses: false },
            Connectivity::FixedProbability { p: 1.0, autapses: false },
            Connectivity::FixedTotal { count: 8 * 7 * 3, multapses: false, autapses: false },
        ];
        let mut expected: Vec<_> = (0..8).flat_map(|i| (0..24).map(move |j| (i, j))).collect();
        expected.retain(|(i, j)| *i != j / 3);
        for rule in rules {
            let p = projection(rule);
            assert_eq!(pairs(&p, 8, &[0, 6, 24]), expected, "{:?}", p.connectivity);
        }
    }

    /// All pairs are equally likely: over many seeds, each pair is drawn about equally often.
    #[test]
    fn totals_are_met_and_uniform() {
        for (count, autapses) in [(100, true), (300, false)] {
            let p = projection(Connectivity::FixedTotal { count, multapses: false, autapses });
            let (runs, mut often) = (400, vec![0.0; 400]);
            for seed in 0..runs {
                let t = build(&p, None, (20, 20, 1), 0..20, seed).unwrap();
                assert_eq!(t.targets.len(), count);
                for source in 0..20 {
                    for lane in &t.targets[t.starts[source] as usize..t.starts[source + 1] as usize] {
                        often[source * 20 + *lane as usize] += 1.0;
                    }
                }
            }
            let cells = if autapses { 400.0 } else { 380.0 };
            assert_eq!(often.iter().filter(|n| **n == 0.0).count(), if autapses { 0 } else { 20 });
            let p = count as f64 / cells;
            let (mean, variance) = (runs as f64 * p, runs as f64 * p * (1.0 - p));
            let chi: f64 = often.iter().filter(|n| **n > 0.0).map(|n| (n - mean).powi(2) / variance).sum();
            assert!((chi - cells).abs() < 4.5 * (2.0 * cells).sqrt(), "{chi} of {cells}");
        }
    }

    #[test]
    fn probability_is_met() {
        let p = projection(Connectivity::FixedProbability { p: 0.1, autapses: false });
        let n = pairs(&p, 400, &[0, 400]).len() as f64;
        let expected = 400.0 * 399.0 * 0.1;
        assert!((n - expected).abs() < 4.0 * (expected * 0.9).sqrt(), "{n} of {expected}");
        let all = projection(Connectivity::FixedProbability { p: 1.0, autapses: true });
        assert_eq!(pairs(&all, 10, &[0, 10]).len(), 100);
        let none = projection(Connectivity::FixedProbability { p: 0.0, autapses: true });
        assert_eq!(pairs(&none, 10, &[0, 10]).len(), 0);
    }
}

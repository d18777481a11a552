//! Rules that cannot be drawn target by target. Connections with a fixed outdegree are drawn in parallel, with one
//! random stream per source, and become explicit pairs.

use dendrion_model::allocate::{append, collected, filled, room};
use dendrion_model::{Connectivity, Error, Network, Source, Turns};

use super::parallel::parallel;
use crate::random::{Purpose, Stream};

/// Number of connections that a thread draws at a time.
const CHUNK: usize = 1 << 16;
/// Cost of a draw, in the work units that `Turns` counts.
const DRAW: usize = 8;

/// Draws the connections of all projections with such a rule (see the module documentation).
pub(crate) fn expand(network: &Network, threads: usize) -> Result<Vec<Option<Connectivity>>, Error> {
    (0..network.projections.len()).map(|i| expanded(network, i, threads)).collect()
}

/// Returns the connected pairs of a projection, or `None` if it has a different rule.
pub(super) fn expanded(
    network: &Network,
    projection: usize,
    threads: usize,
) -> Result<Option<Connectivity>, Error> {
    let p = &network.projections[projection];
    let Connectivity::FixedOutdegree { degree, multapses, autapses } = p.connectivity else {
        return Ok(None);
    };
    let sources = match p.pre {
        Source::Population(i) => network.populations[i].size,
        Source::Generator(i) => network.generators[i].size,
    };
    let targets = network.populations[p.population].size;
    let stream = Stream::new(network.seed, &p.path, Purpose::Connections);
    let own = if autapses { 0 } else { p.own_targets(network) };
    let cells = Cells { sources, row: targets - own, own };
    outdegree(stream, &cells, degree, multapses, threads)
        .map(Some)
        .map_err(|error| error.needed_by(&p.path, || format!("{} connections", sources * degree)))
}

/// The pairs that may be connected, numbered by source and then by target.
struct Cells {
    sources: usize,
    /// Number of targets of a source: all of them, or all except its own.
    row: usize,
    /// Number of targets that a source is not connected to because they belong to itself.
    own: usize,
}

impl Cells {
    /// Returns target number `i` of a source.
    const fn target(&self, source: usize, i: usize) -> u32 {
        if i >= source * self.own { (i + self.own) as u32 } else { i as u32 }
    }
}

/// Draws the targets of each source from its own stream.
fn outdegree(
    stream: Stream,
    cells: &Cells,
    degree: usize,
    multapses: bool,
    threads: usize,
) -> Result<Connectivity, Error> {
    let rows = (CHUNK / degree.max(1)).max(1);
    let chunks = cells.sources.div_ceil(rows);
    let parts = parallel(threads, chunks, |chunk| {
        let mut seen = filled(if multapses { 0 } else { cells.row }, u32::MAX)?;
        let sources = chunk * rows..((chunk + 1) * rows).min(cells.sources);
        let (mut targets, mut turns) = (room(sources.len() * degree)?, Turns::default());
        for source in sources {
            let start = targets.len();
            let mut draw = 0;
            while targets.len() < start + degree {
                turns.pass(DRAW)?;
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
        Ok(targets)
    })?;
    let starts = collected((0..=cells.sources).map(|s| (s * degree) as u32))?;
    let mut targets = room(cells.sources * degree)?;
    for part in parts {
        append(&mut targets, part)?;
    }
    Ok(Connectivity::Csr { starts, targets })
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
            let cells = Cells { sources: 40, row: 39, own: 1 };
            let one = outdegree(stream, &cells, degree, multapses, 1);
            assert_eq!(outdegree(stream, &cells, degree, multapses, 3), one);
            let Ok(Connectivity::Csr { starts, mut targets }) = one else { continue };
            let rows: Vec<_> = starts.windows(2).map(|r| r[0] as usize..r[1] as usize).collect();
            for (source, row) in rows.into_iter().enumerate() {
                let row = &mut targets[row];
                assert!(row.is_sorted() && !row.contains(&(source as u32)));
                assert!(multapses || row.windows(2).all(|w| w[0] < w[1]));
            }
        }
    }

    #[test]
    fn detailed_cells_are_not_connected_to_their_own_sites() {
        let cells = Cells { sources: 4, row: 9, own: 3 };
        let all = |source| (0..9).map(|i| cells.target(source, i)).collect::<Vec<_>>();
        assert_eq!(all(0), [3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(all(2), [0, 1, 2, 3, 4, 5, 9, 10, 11]);
        assert_eq!(all(3), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

//! Short-term plasticity: the state after each source's last spike. Each shard stores the state for all
//! sources, so only that of one shard is saved.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::collected;
use dendrion_model::{Error, Source};

use super::container::{Reader, Writer, senseless};
use crate::connect::sources;
use crate::plasticity::Left;
use crate::runtime::core::Core;
use crate::runtime::delivery::Change;
use crate::runtime::index::{of_population, of_population_mut};
use crate::runtime::shard::Shard;

/// The states of a projection's sources.
pub(super) struct Lefts {
    projection: usize,
    population: usize,
    sources: Vec<Option<Left>>,
}

/// Adds a projection to a file if it has short-term plasticity.
pub(super) fn save<T: Scalar>(
    core: &Core<T>,
    projection: usize,
    (sample, shards): (&str, &[Shard<T>]),
    out: &mut Writer,
) {
    let population = core.ensemble.onto[projection];
    let changes = of_population(shards, population).iter().filter_map(|s| s.delivery.incoming_of(projection));
    let Some(lefts) = changes.into_iter().find_map(|i| match &i.change {
        Change::ShortTerm(short_term) => Some(short_term.sources()),
        _ => None,
    }) else {
        return;
    };
    let name = format!("{sample}short_term/{}", core.model.network.projections[projection].path);
    let all = |f: fn(&Left) -> f64| lefts.iter().map(move |l| l.as_ref().map_or(0.0, f));
    let last = lefts.iter().map(|l| l.map_or(-1, |l| l.last as i64));
    out.numbers(&format!("{name}/last"), lefts.len(), last);
    out.numbers(&format!("{name}/u"), lefts.len(), all(|l| l.u));
    out.numbers(&format!("{name}/x"), lefts.len(), all(|l| l.x));
}

impl Lefts {
    /// Reads a projection with short-term plasticity at step `now`. Its generators are at most an epoch ahead of this
    /// step.
    pub(super) fn read<T: Scalar>(
        core: &Core<T>,
        projection: usize,
        (now, sample): (u64, &str),
        file: &mut Reader<'_>,
    ) -> Result<Self, Error> {
        let p = &core.model.network.projections[projection];
        let (name, count) = (format!("{sample}short_term/{}", p.path), sources(&core.model.network, p));
        let last = file.array::<i64>(&format!("{name}/last"), Some(count))?;
        let u = file.finite::<f64>(&format!("{name}/u"), Some(count))?;
        let x = file.finite::<f64>(&format!("{name}/x"), Some(count))?;
        let queued = match p.pre {
            Source::Population(_) => now,
            Source::Generator(i) => {
                file.one::<u64>(&format!("{sample}generator/{}/sent", core.model.network.generators[i].path))?
            }
        };
        if last.iter().any(|last| *last >= queued as i64) {
            return Err(senseless(&name, "has spikes of sources that are out of range"));
        }
        let left = |i: usize| Some(Left { last: u64::try_from(last[i]).ok()?, u: u[i], x: x[i] });
        Ok(Self { projection, population: p.population, sources: collected((0..count).map(left))? })
    }

    /// Restores the states in all shards.
    pub(super) fn restore<T: Scalar>(&self, shards: &mut [Shard<T>]) {
        for shard in of_population_mut(shards, self.population) {
            let incoming = shard.delivery.incoming_of_mut(self.projection);
            if let Some(Change::ShortTerm(short_term)) = incoming.map(|i| &mut i.change) {
                short_term.recall(&self.sources);
            }
        }
    }
}

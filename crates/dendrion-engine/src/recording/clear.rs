//! Recordings that are cleared, cut short, or end with their probe.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use crate::inputs::SourceBlock;
use crate::recording::probe::{Probe, ProbeId, What};
use crate::recording::recorder::{Recorder, samples};
use crate::runtime::core::Core;
use crate::runtime::index::{of_generator_mut, of_population_mut};
use crate::runtime::shard::Shard;

impl<T: Scalar> Core<T> {
    /// Lets a probe begin anew at the present step: what it recorded is forgotten, in all samples of a batch. Its memory is kept
    /// for what comes, or given back where `release` says so.
    pub(crate) fn forget_recording(&mut self, id: ProbeId, release: bool) -> Result<(), Error> {
        let now = self.now;
        self.live(id)?.begin = now;
        self.each_recorder(id, |recorder| recorder.clear(release));
        self.prune_logs(id, release);
        Ok(())
    }

    /// Ends a probe: nothing more is recorded for it, and what it recorded is forgotten. Other probes keep their numbers.
    pub(crate) fn remove_probe(&mut self, id: ProbeId) -> Result<(), Error> {
        self.live(id)?;
        for shard in self.shards_of(self.probes[id.0].population) {
            shard.recorders.retain(|r| r.probe != id.0);
            shard.plasticity.watchers.retain(|(_, r)| r.probe != id.0);
        }
        let Probe { population, what, .. } = self.probes[id.0].clone();
        self.probes[id.0].what = What::Removed;
        // Spikes are logged once for all probes of a population or a generator.
        match what {
            What::Spikes { .. } => self.prune_spikes(population, true),
            What::Generated { generator, .. } => self.prune_generated(generator, true),
            What::Values { .. } | What::Removed => {}
        }
        Ok(())
    }

    /// A probe that was not removed.
    fn live(&mut self, id: ProbeId) -> Result<&mut Probe, Error> {
        let found = self.probes.get_mut(id.0).filter(|p| !matches!(p.what, What::Removed));
        found.ok_or_else(|| Error::structure("network", format!("has no probe {}, or it was removed", id.0)))
    }

    /// The shards of a population, those of the samples of a batch too.
    fn shards_of(&mut self, population: usize) -> impl Iterator<Item = &mut Shard<T>> {
        let samples = self.samples.iter_mut().flat_map(move |s| of_population_mut(&mut s.shards, population));
        of_population_mut(&mut self.shards, population).iter_mut().chain(samples)
    }

    /// The source blocks of a generator, those of the samples of a batch too.
    fn source_blocks_of(&mut self, generator: usize) -> impl Iterator<Item = &mut SourceBlock> {
        let samples =
            self.samples.iter_mut().flat_map(move |s| of_generator_mut(&mut s.source_blocks, generator));
        of_generator_mut(&mut self.source_blocks, generator).iter_mut().chain(samples)
    }

    fn each_recorder(&mut self, id: ProbeId, change: impl Fn(&mut Recorder<T>)) {
        let population = self.probes[id.0].population;
        self.shards_of(population).filter_map(|s| s.recorder_of_mut(id.0)).for_each(change);
    }

    fn prune_logs(&mut self, id: ProbeId, release: bool) {
        match self.probes[id.0] {
            Probe { population, what: What::Spikes { .. }, .. } => self.prune_spikes(population, release),
            Probe { what: What::Generated { generator, .. }, .. } => self.prune_generated(generator, release),
            _ => {}
        }
    }

    /// Forgets the spikes of a population that none of its probes needs.
    fn prune_spikes(&mut self, population: usize, release: bool) {
        let alike = |p: &&Probe| p.population == population && matches!(p.what, What::Spikes { .. });
        let least = self.probes.iter().filter(alike).map(|p| p.begin).min();
        self.shards_of(population).for_each(|s| prune(&mut s.log, least, release));
    }

    /// Forgets the spikes of a generator that none of its probes needs.
    fn prune_generated(&mut self, generator: usize, release: bool) {
        let alike = |p: &&Probe| matches!(p.what, What::Generated { generator: g, .. } if g == generator);
        let least = self.probes.iter().filter(alike).map(|p| p.begin).min();
        self.source_blocks_of(generator).for_each(|c| prune(&mut c.log, least, release));
    }

    /// Forgets what was recorded after the state at `step`.
    pub(crate) fn cut_recordings(&mut self, step: u64) {
        let probes = &self.probes;
        let of_samples = self.samples.iter_mut().flat_map(|s| &mut s.shards);
        for shard in self.shards.iter_mut().chain(of_samples) {
            let watchers = shard.plasticity.watchers.iter_mut().map(|(_, r)| r);
            for recorder in shard.recorders.iter_mut().chain(watchers) {
                if let What::Values { every, .. } = probes[recorder.probe].what {
                    let begin = probes[recorder.probe].begin;
                    recorder.truncate(samples(begin, (step + 1).max(begin), every) as usize);
                }
            }
            if let Some(log) = &mut shard.log {
                log.retain(|(at, _)| *at < step);
            }
        }
        let of_samples = self.samples.iter_mut().flat_map(|s| &mut s.source_blocks);
        for log in self.source_blocks.iter_mut().chain(of_samples).filter_map(|c| c.log.as_mut()) {
            log.retain(|(at, _)| *at < step);
        }
    }
}

/// Forgets the spikes before step `least`; with no step, ends the log.
fn prune(log: &mut Option<Vec<(u64, u32)>>, least: Option<u64>, release: bool) {
    let Some(least) = least else {
        *log = None;
        return;
    };
    if let Some(log) = log {
        log.retain(|(step, _)| *step >= least);
        if release {
            log.shrink_to_fit();
        }
    }
}

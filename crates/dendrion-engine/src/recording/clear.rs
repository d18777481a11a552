//! Clearing, truncating and removing recordings.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use crate::recording::probe::{Probe, ProbeId, Probes, What};
use crate::recording::recorder::samples;
use crate::runtime::ensemble::Ensemble;

impl Probes {
    /// Discards the recording of a probe in all samples of a batch and restarts it at the current step. Its memory is
    /// kept for further samples, or freed if `release` is true.
    pub(crate) fn forget<T: Scalar>(
        &mut self,
        ensemble: &mut Ensemble<T>,
        now: u64,
        (id, release): (ProbeId, bool),
    ) -> Result<(), Error> {
        self.live(id)?.begin = now;
        let shards = ensemble.shards_of(self.0[id.0].population);
        shards.filter_map(|s| s.recorder_of_mut(id.0)).for_each(|recorder| recorder.clear(release));
        self.prune_logs(ensemble, id, release);
        Ok(())
    }

    /// Removes a probe and its recording. Other probes keep their numbers.
    pub(crate) fn remove<T: Scalar>(&mut self, ensemble: &mut Ensemble<T>, id: ProbeId) -> Result<(), Error> {
        self.live(id)?;
        for shard in ensemble.shards_of(self.0[id.0].population) {
            shard.recorders.retain(|r| r.probe != id.0);
            shard.delivery.plasticity.watchers.retain(|(_, r)| r.probe != id.0);
        }
        let Probe { population, what, .. } = self.0[id.0].clone();
        self.0[id.0].what = What::Removed;
        // Spikes are logged once for all probes of a population or a generator.
        match what {
            What::Spikes { .. } => self.prune_spikes(ensemble, population, true),
            What::Generated { generator, .. } => self.prune_generated(ensemble, generator, true),
            What::Values { .. } | What::Removed => {}
        }
        Ok(())
    }

    /// Returns a probe, or an error if it was removed.
    fn live(&mut self, id: ProbeId) -> Result<&mut Probe, Error> {
        let found = self.0.get_mut(id.0).filter(|p| !matches!(p.what, What::Removed));
        found.ok_or_else(|| {
            Error::run("network", format!("has no probe {}; the probe may have been removed", id.0))
        })
    }

    fn prune_logs<T: Scalar>(&self, ensemble: &mut Ensemble<T>, id: ProbeId, release: bool) {
        match self.0[id.0] {
            Probe { population, what: What::Spikes { .. }, .. } => {
                self.prune_spikes(ensemble, population, release);
            }
            Probe { what: What::Generated { generator, .. }, .. } => {
                self.prune_generated(ensemble, generator, release);
            }
            _ => {}
        }
    }

    /// Removes the logged spikes of a population that none of its probes needs.
    fn prune_spikes<T: Scalar>(&self, ensemble: &mut Ensemble<T>, population: usize, release: bool) {
        let alike = |p: &&Probe| p.population == population && matches!(p.what, What::Spikes { .. });
        let least = self.0.iter().filter(alike).map(|p| p.begin).min();
        ensemble.shards_of(population).for_each(|s| prune(&mut s.output.log, least, release));
    }

    /// Removes the logged spikes of a generator that none of its probes needs.
    fn prune_generated<T: Scalar>(&self, ensemble: &mut Ensemble<T>, generator: usize, release: bool) {
        let alike = |p: &&Probe| matches!(p.what, What::Generated { generator: g, .. } if g == generator);
        let least = self.0.iter().filter(alike).map(|p| p.begin).min();
        ensemble.source_blocks_of(generator).for_each(|c| prune(&mut c.log, least, release));
    }

    /// Removes values that were recorded from step `values` on, and spikes from step `spikes` on.
    pub(crate) fn cut<T: Scalar>(&self, ensemble: &mut Ensemble<T>, values: u64, spikes: u64) {
        let probes = &self.0;
        for shard in ensemble.all_shards() {
            let watchers = shard.delivery.plasticity.watchers.iter_mut().map(|(_, r)| r);
            for recorder in shard.recorders.iter_mut().chain(watchers) {
                if let What::Values { every, .. } = probes[recorder.probe].what {
                    let begin = probes[recorder.probe].begin;
                    recorder.truncate(samples(begin, values.max(begin), every) as usize);
                }
            }
            if let Some(log) = &mut shard.output.log {
                log.retain(|(at, _)| *at < spikes);
            }
        }
        for log in ensemble.all_source_blocks().filter_map(|c| c.log.as_mut()) {
            log.retain(|(at, _)| *at < spikes);
        }
    }
}

/// Removes the spikes before step `least`, or ends the log if there is no such step.
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

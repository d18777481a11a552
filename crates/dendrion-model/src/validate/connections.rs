//! Checks of generators, projections and injections.

use super::Checked;
use crate::{
    Connectivity, Domain, Error, Generator, Injection, ModuleKind, Network, PerConnection, Projection, Role,
    Signal, Source, Values, Waveform, steps_of,
};

impl Generator {
    /// Checks a generator on its own, for a network with time step `dt` (ms).
    ///
    /// # Errors
    /// Returns the first error found in its size, parameter, times, spikes or currents.
    pub fn validate(&self, dt: f64) -> Checked {
        if self.size == 0 || u32::try_from(self.size).is_err() {
            return Err(Error::parameter(&self.path, "size", self.size, "an integer from 1 to 2^32 - 1"));
        }
        self.values()?;
        if let Some(missing) = self.kind().parameters().iter().find(|p| !self.params.has(p.name)) {
            let accepted = format!("{} ({})", missing.domain.words(), missing.unit);
            return Err(Error::parameter(&self.path, missing.name, "None", accepted));
        }
        if let Some(rates) = self.params.get("rate") {
            self.check_rates(rates, dt)?;
        }
        steps_of(&self.path, "start", self.start, dt)?;
        self.stop.map_or(Ok(0), |t| steps_of(&self.path, "stop", t, dt))?;
        match &self.signal {
            Signal::Spikes { indices, times } => self.spikes(indices, times, dt),
            Signal::Current(wave) => {
                if wave.width != 1 && wave.width != self.size {
                    let value = format!("array with {} values per step", wave.width);
                    let accepted = format!("shape (steps,) or (steps, {})", self.size);
                    return Err(Error::parameter(&self.path, "waveform", value, accepted));
                }
                self.interval(wave)?;
                let bad = wave.values.iter().position(|v| !v.is_finite());
                bad.map_or(Ok(()), |i| {
                    let name = format!("waveform[{}]", i / wave.width);
                    Err(Error::parameter(&self.path, name, wave.values[i], "a finite number (pA)"))
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks the sampling interval of a waveform, and that there are enough samples to interpolate.
    fn interval(&self, wave: &Waveform) -> Checked {
        let Some(interval) = wave.interval else { return Ok(()) };
        if !interval.is_finite() || interval <= 0.0 {
            return Err(Error::parameter(&self.path, "interval", interval, "a finite time > 0 (ms)"));
        }
        let samples = wave.values.len() / wave.width.max(1);
        if samples < 2 {
            let value = format!("{samples} sample{}", if samples == 1 { "" } else { "s" });
            return Err(Error::parameter(
                &self.path,
                "waveform",
                value,
                "at least 2 samples, because an interval is given",
            ));
        }
        Ok(())
    }

    /// Checks the parameter and the times at which its value changes.
    fn values(&self) -> Checked {
        let count = self.parameter().map_or(self.size, |(_, count)| count);
        for (k, t) in self.breaks.iter().enumerate() {
            if !Domain::NonNegative.holds(*t) || (k > 0 && *t <= self.breaks[k - 1]) {
                let accepted = "a finite time >= 0 (ms), later than the previous one";
                return Err(Error::parameter(&self.path, format!("times[{k}]"), t, accepted));
            }
        }
        self.kind().check(&self.path, &self.params, count)
    }

    fn spikes(&self, indices: &[u32], times: &[f64], dt: f64) -> Checked {
        if indices.len() != times.len() {
            let value = format!("array of length {}", indices.len());
            let accepted = format!("as many indices as times ({})", times.len());
            return Err(Error::parameter(&self.path, "indices", value, accepted));
        }
        if let Some(k) = indices.iter().position(|i| *i as usize >= self.size) {
            let accepted = format!("an integer below the size of the generator ({})", self.size);
            return Err(Error::parameter(&self.path, format!("indices[{k}]"), indices[k], accepted));
        }
        let bad = times.iter().position(|t| steps_of("", "", *t, dt).is_err());
        bad.map_or(Ok(()), |k| {
            Err(Error::parameter(&self.path, format!("times[{k}]"), times[k], "a finite time >= 0 (ms)"))
        })
    }
}

impl Projection {
    pub(super) fn validate(&self, network: &Network) -> Checked {
        let Some(post) = network.populations.get(self.population) else {
            return Err(Error::structure(&self.path, "the postsynaptic population is not in the network"));
        };
        if self.receptors.is_empty() || self.receptors.iter().any(|r| *r >= post.receptors.len()) {
            return Err(Error::structure(
                &self.path,
                format!("has no target receptors; expected at least one receptor of {}", post.path),
            ));
        }
        let sources = self.sources(network)?;
        let own = self.own_targets(network);
        self.pairs((sources, post.size), own)?;
        let known = match &self.connectivity {
            Connectivity::AllToAll { autapses } => Some(cells((sources, post.size), own, *autapses)),
            Connectivity::OneToOne => Some(post.size),
            Connectivity::FixedIndegree { degree, .. } => Some(degree.saturating_mul(post.size)),
            Connectivity::FixedOutdegree { degree, .. } => Some(degree.saturating_mul(sources)),
            Connectivity::FixedTotal { count, .. } => Some(*count),
            Connectivity::FixedProbability { .. } => None,
            Connectivity::Csr { targets, .. } => Some(targets.len()),
        };
        if let Some(n) = known.filter(|n| u32::try_from(*n).is_err()) {
            let what = format!("{n} connections: expected fewer than 2^32 in one projection");
            return Err(Error::connectivity(&self.path, what));
        }
        self.per_connection("w", &self.weight, known, network)?;
        self.delay.as_ref().map_or(Ok(()), |d| {
            self.per_connection("delay", d, known, network)?;
            d.given().map_or(Ok(()), |d| self.delays_reach_neurons(d, network))
        })
    }

    fn sources(&self, network: &Network) -> Result<usize, Error> {
        let missing = || Error::structure(&self.path, "the presynaptic module is not in the network");
        match self.pre {
            Source::Population(i) => network.populations.get(i).map(|p| p.size).ok_or_else(missing),
            Source::Generator(i) => {
                let generator = network.generators.get(i).ok_or_else(missing)?;
                if !generator.is_spiking() {
                    let what = format!(
                        "{} generates a current, not spikes; inject the current into a compartment instead",
                        generator.path
                    );
                    return Err(Error::structure(&self.path, what));
                }
                Ok(generator.size)
            }
        }
    }

    fn pairs(&self, (sources, targets): (usize, usize), own: usize) -> Checked {
        let fail = |what: String| Err(Error::connectivity(&self.path, what));
        match &self.connectivity {
            Connectivity::AllToAll { .. } => Ok(()),
            Connectivity::OneToOne if sources == targets => Ok(()),
            Connectivity::OneToOne => fail(format!(
                "one-to-one connections require equal numbers of sources and targets, but there are {sources} and {targets}"
            )),
            Connectivity::FixedIndegree { degree, multapses, autapses } => {
                let pool = sources - usize::from(!autapses && own > 0);
                self.enough("degree", *degree, pool, "sources", *multapses)
            }
            Connectivity::FixedOutdegree { degree, multapses, autapses } => {
                let pool = targets - if *autapses { 0 } else { own };
                self.enough("degree", *degree, pool, "targets", *multapses)
            }
            Connectivity::FixedTotal { count, multapses, autapses } => {
                let pool = cells((sources, targets), own, *autapses);
                self.enough("n", *count, pool, "pairs", *multapses)
            }
            Connectivity::FixedProbability { p, .. } if Domain::Probability.holds(*p) => Ok(()),
            Connectivity::FixedProbability { p, .. } => {
                Err(Error::parameter(&self.path, "p", p, Domain::Probability.words()))
            }
            Connectivity::Csr { starts, targets: t } => {
                let ascending = || starts.windows(2).all(|r| t[r[0] as usize..r[1] as usize].is_sorted());
                let shaped = starts.len() == sources + 1
                    && starts.first() == Some(&0)
                    && starts.last().is_some_and(|e| *e as usize == t.len())
                    && starts.is_sorted();
                if shaped && ascending() && t.iter().all(|j| (*j as usize) < targets) {
                    return Ok(());
                }
                fail(format!(
                    "expected connections of shape ({sources}, {targets}) as compressed sparse rows, with targets in ascending order"
                ))
            }
        }
    }

    /// Checks that there are enough partners to draw from.
    fn enough(&self, name: &str, wanted: usize, pool: usize, what: &str, multapses: bool) -> Checked {
        if wanted <= pool || (multapses && pool > 0) {
            return Ok(());
        }
        let more = if multapses { "" } else { ", or allow multiple connections per pair" };
        let what = format!("{name} = {wanted}: expected at most {pool}, the number of {what}{more}");
        Err(Error::connectivity(&self.path, what))
    }

    fn per_connection(
        &self,
        name: &str,
        values: &PerConnection,
        known: Option<usize>,
        network: &Network,
    ) -> Checked {
        let values = match values {
            PerConnection::Given(values) => values,
            PerConnection::Drawn(initializer) => return initializer.check(),
        };
        match (values, known) {
            (Values::Each(v), Some(n)) if v.len() != n => {
                let what = format!(
                    "{name} = array of length {}: expected a number or an array of length {n}, the number of connections",
                    v.len()
                );
                Err(Error::connectivity(&self.path, what))
            }
            _ if name == "w" => self.check_weights(network, values, values.as_slice().len()),
            _ => {
                let spec = ModuleKind::Projection.parameter(&self.path, name)?;
                spec.check(&self.path, values, values.as_slice().len())
            }
        }
    }

    fn delays_reach_neurons(&self, delay: &Values, network: &Network) -> Checked {
        let least = u64::from(matches!(self.pre, Source::Population(_)));
        for (i, d) in delay.as_slice().iter().enumerate() {
            let steps = steps_of(&self.path, "delay", *d, network.dt)?;
            let name = if matches!(delay, Values::Each(_)) { format!("delay[{i}]") } else { "delay".into() };
            if steps < least {
                let accepted = format!("at least dt = {} ms for connections between neurons", network.dt);
                return Err(Error::parameter(&self.path, name, d, accepted));
            }
            if steps > u64::from(u16::MAX) {
                let accepted = format!("at most {} ms (65535 steps)", 65535.0 * network.dt);
                return Err(Error::parameter(&self.path, name, d, accepted));
            }
        }
        Ok(())
    }
}

impl Injection {
    pub(super) fn validate(&self, network: &Network) -> Checked {
        let fail = |what: String| Err(Error::structure(&self.path, what));
        let Some(generator) = network.generators.get(self.generator) else {
            return fail("the generator is not in the network".into());
        };
        let Some(post) = network.populations.get(self.population) else {
            return fail("the population is not in the network".into());
        };
        let (places, size) = match (&post.role, post.sites()) {
            (Role::Membrane { .. }, Some(sites)) if sites > 0 => (sites, post.size / sites),
            _ => (post.compartments.len(), post.size),
        };
        if self.compartment >= places {
            return fail(format!("compartment {} of {} does not exist", self.compartment, post.path));
        }
        if generator.is_spiking() {
            return fail(format!(
                "{} generates spikes, not a current; connect it to a receptor instead",
                generator.path
            ));
        }
        if generator.size != 1 && generator.size != size {
            return fail(format!(
                "{} has size {}, but {} has size {}: expected equal sizes, or a generator of size 1",
                generator.path, generator.size, post.path, size
            ));
        }
        Ok(())
    }
}

/// Returns the number of possible pairs, with or without the pairs of a neuron with itself.
const fn cells((sources, targets): (usize, usize), own: usize, autapses: bool) -> usize {
    sources * targets - if autapses { 0 } else { sources * own }
}

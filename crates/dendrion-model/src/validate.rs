//! The one place that says whether a network makes sense.

use std::collections::HashSet;

use crate::{
    Compartment, Connectivity, Coupling, Domain, Error, Generator, Injection, ModuleKind, Network,
    Population, Projection, Receptor, Signal, Source, Values, steps_of,
};

type Checked = Result<(), Error>;

impl Network {
    /// Checks everything that can be known before a run.
    ///
    /// # Errors
    /// The first thing found wrong, naming module, parameter, value, and what would be accepted.
    pub fn validate(&self) -> Checked {
        if !Domain::Positive.holds(self.dt) {
            return Err(Error::parameter("network", "dt", self.dt, "a finite number > 0 (ms)"));
        }
        if self.threads == Some(0) {
            return Err(Error::parameter(
                "network",
                "threads",
                0,
                "a whole number >= 1, or none for all cores",
            ));
        }
        self.paths_are_unique()?;
        self.populations.iter().try_for_each(Population::validate)?;
        self.generators.iter().try_for_each(|g| g.validate(self.dt))?;
        self.projections.iter().try_for_each(|p| p.validate(self))?;
        self.injections.iter().try_for_each(|i| i.validate(self))
    }

    fn paths_are_unique(&self) -> Checked {
        let paths = (self.populations.iter().map(|p| &p.path))
            .chain(self.generators.iter().map(|g| &g.path))
            .chain(self.projections.iter().map(|p| &p.path))
            .chain(self.injections.iter().map(|i| &i.path));
        let mut seen = HashSet::new();
        for path in paths {
            if !seen.insert(path) {
                return Err(Error::structure(path, "two modules of this name; give one another name"));
            }
        }
        Ok(())
    }
}

impl Population {
    fn validate(&self) -> Checked {
        if self.size == 0 || u32::try_from(self.size).is_err() {
            return Err(Error::parameter(&self.path, "size", self.size, "a whole number from 1 to 2^32 - 1"));
        }
        ModuleKind::Population.check(&self.path, &self.params, self.size)?;
        self.one_soma()?;
        self.names_are_unique()?;
        self.reset_is_possible()?;
        self.compartments.iter().try_for_each(|c| c.validate(self))?;
        self.receptors.iter().try_for_each(|r| r.validate(self))?;
        self.couplings.iter().try_for_each(|c| c.validate(self))?;
        self.couplings_form_a_tree()
    }

    fn one_soma(&self) -> Checked {
        let somas: Vec<_> = self.compartments.iter().filter(|c| c.soma).map(|c| c.name.as_str()).collect();
        match somas.len() {
            1 => Ok(()),
            0 => Err(Error::structure(
                &self.path,
                "has no soma; a neuron needs exactly one LeakyIF compartment",
            )),
            n => {
                let what = format!("has {n} somas ({}); a neuron has exactly one LeakyIF", somas.join(", "));
                Err(Error::structure(&self.path, what))
            }
        }
    }

    /// A compartment and a receptor may share a name (a receptor that is a compartment of its own); no other two.
    fn names_are_unique(&self) -> Checked {
        let of_kind = |names: Vec<&String>| {
            let mut seen = HashSet::new();
            match names.into_iter().find(|n| !seen.insert(*n)) {
                Some(n) => {
                    Err(Error::structure(self.path_of(n), "two modules of this name; give one another name"))
                }
                None => Ok(()),
            }
        };
        of_kind(self.compartments.iter().map(|c| &c.name).collect())?;
        of_kind(self.receptors.iter().map(|r| &r.name).collect())?;
        of_kind(self.couplings.iter().map(|c| &c.name).collect())
    }

    fn reset_is_possible(&self) -> Checked {
        let v_th = ModuleKind::Population.value(&self.params, "V_th").unwrap_or(Values::Scalar(1.0));
        if self.soft_reset { self.check_soft_reset(&v_th) } else { Ok(()) }
    }

    /// Checks thresholds that a spike subtracts.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not above 0: V would never come back under it.
    pub fn check_soft_reset(&self, v_th: &Values) -> Checked {
        let accepted = "V_th > 0 where V_reset is None (a spike subtracts V_th), or a V_reset (mV)";
        match v_th.as_slice().iter().find(|v| **v <= 0.0) {
            Some(v) => Err(Error::parameter(&self.path, "V_th", v, accepted)),
            None => Ok(()),
        }
    }

    fn couplings_form_a_tree(&self) -> Checked {
        let mut root: Vec<usize> = (0..self.compartments.len()).collect();
        for coupling in &self.couplings {
            let (a, b) = (root[coupling.a], root[coupling.b]);
            if a == b {
                let (a, b) = (&self.compartments[coupling.a].name, &self.compartments[coupling.b].name);
                let what = format!("couples {a} and {b}, which closes a loop; compartments form a tree");
                return Err(Error::structure(self.path_of(&coupling.name), what));
            }
            root.iter_mut().filter(|r| **r == a).for_each(|r| *r = b);
        }
        let alone = (0..root.len()).find(|i| root[*i] != root[0]);
        alone.map_or(Ok(()), |i| {
            let (name, first) = (&self.compartments[i].name, &self.compartments[0].name);
            let what = format!("is not connected to {first}; couple every compartment by an MCConn");
            Err(Error::structure(self.path_of(name), what))
        })
    }
}

impl Compartment {
    fn validate(&self, population: &Population) -> Checked {
        self.check(&population.path_of(&self.name), population.size)
    }

    /// Checks a compartment by itself, `path` being what to call it.
    ///
    /// # Errors
    /// A parameter outside its domain; half a geometry; a geometry whose `gL` or `C` was left absolute; an
    /// `area_factor` without an area.
    pub fn check(&self, path: &str, size: usize) -> Checked {
        self.kind().check(path, &self.params, size)?;
        if self.params.has("length") != self.params.has("diameter") {
            let missing = if self.params.has("length") { "diameter" } else { "length" };
            return Err(Error::parameter(
                path,
                missing,
                "None",
                "length and diameter together, or neither (um)",
            ));
        }
        let scaled = |v: &Values| v.as_slice().iter().any(|f| *f != 1.0);
        if !self.has_geometry() && self.params.get("area_factor").is_some_and(scaled) {
            let given = "a factor on an area";
            return Err(Error::parameter(
                path,
                "area_factor",
                given,
                "length and diameter beside it (um), or 1",
            ));
        }
        for (name, example) in [("gL", "gL=50 (uS/cm2)"), ("C", "C=1 (uF/cm2)")] {
            let spec = self.kind().parameter(path, name)?;
            let left = self.params.get(name).is_none_or(|v| v.uniform() == spec.default);
            if self.has_geometry() && left {
                let value = format!("{} (the absolute default)", spec.default.unwrap_or_default());
                let accepted = format!("a specific value with length and diameter, such as {example}");
                return Err(Error::parameter(path, name, value, accepted));
            }
        }
        Ok(())
    }
}

impl Receptor {
    fn validate(&self, population: &Population) -> Checked {
        let path = population.path_of(&self.name);
        self.check(&path, population.size)?;
        if self.on >= population.compartments.len() {
            return Err(Error::structure(path, format!("compartment {} does not exist", self.on)));
        }
        Ok(())
    }

    /// Checks a receptor by itself, `path` being what to call it.
    ///
    /// # Errors
    /// A parameter outside its domain, or no `t_decay`.
    pub fn check(&self, path: &str, size: usize) -> Checked {
        self.kind.check(path, &self.params, size)?;
        if !self.params.has("t_decay") {
            return Err(Error::parameter(path, "t_decay", "None", "a time constant > 0 (ms)"));
        }
        Ok(())
    }
}

impl Coupling {
    fn validate(&self, population: &Population) -> Checked {
        let path = population.path_of(&self.name);
        ModuleKind::Coupling.check(&path, &self.params, population.size)?;
        for end in [self.a, self.b] {
            let Some(compartment) = population.compartments.get(end) else {
                return Err(Error::structure(path, format!("compartment {end} does not exist")));
            };
            if !self.params.has("g") && !compartment.has_axial_geometry() {
                let accepted = format!(
                    "a conductance >= 0 (nS), or length, diameter and r_axial on both compartments ({} lacks them)",
                    compartment.name
                );
                return Err(Error::parameter(path, "g", "None", accepted));
            }
        }
        Ok(())
    }
}

impl Generator {
    fn validate(&self, dt: f64) -> Checked {
        if self.size == 0 || u32::try_from(self.size).is_err() {
            return Err(Error::parameter(&self.path, "size", self.size, "a whole number from 1 to 2^32 - 1"));
        }
        self.kind().check(&self.path, &self.params, self.size)?;
        if let Some(missing) = self.kind().parameters().iter().find(|p| !self.params.has(p.name)) {
            let accepted = format!("{} ({})", missing.domain.words(), missing.unit);
            return Err(Error::parameter(&self.path, missing.name, "None", accepted));
        }
        steps_of(&self.path, "start", self.start, dt)?;
        self.stop.map_or(Ok(0), |t| steps_of(&self.path, "stop", t, dt))?;
        match &self.signal {
            Signal::Spikes { indices, times } => self.spikes(indices, times, dt),
            Signal::Current(wave) => {
                if wave.width != 1 && wave.width != self.size {
                    let value = format!("{} values per step", wave.width);
                    let accepted = format!("shape (steps,) or (steps, {})", self.size);
                    return Err(Error::parameter(&self.path, "waveform", value, accepted));
                }
                let bad = wave.values.iter().position(|v| !v.is_finite());
                bad.map_or(Ok(()), |i| {
                    let name = format!("waveform[{}]", i / wave.width);
                    Err(Error::parameter(&self.path, name, wave.values[i], "finite numbers (pA)"))
                })
            }
            _ => Ok(()),
        }
    }

    fn spikes(&self, indices: &[u32], times: &[f64], dt: f64) -> Checked {
        if indices.len() != times.len() {
            let value = format!("array of length {}", indices.len());
            let accepted = format!("as many indices as times ({})", times.len());
            return Err(Error::parameter(&self.path, "indices", value, accepted));
        }
        if let Some(k) = indices.iter().position(|i| *i as usize >= self.size) {
            let accepted = format!("whole numbers below the size of the generator ({})", self.size);
            return Err(Error::parameter(&self.path, format!("indices[{k}]"), indices[k], accepted));
        }
        let bad = times.iter().position(|t| steps_of("", "", *t, dt).is_err());
        bad.map_or(Ok(()), |k| {
            Err(Error::parameter(&self.path, format!("times[{k}]"), times[k], "finite times >= 0 (ms)"))
        })
    }
}

impl Projection {
    fn validate(&self, network: &Network) -> Checked {
        let Some(post) = network.populations.get(self.population) else {
            return Err(Error::structure(&self.path, "its postsynaptic population is not in the network"));
        };
        if self.receptors.is_empty() || self.receptors.iter().any(|r| *r >= post.receptors.len()) {
            return Err(Error::structure(&self.path, format!("drives no receptor of {}", post.path)));
        }
        let sources = self.sources(network)?;
        self.pairs(sources, post.size)?;
        let known = match &self.connectivity {
            Connectivity::AllToAll => Some(sources * post.size),
            Connectivity::OneToOne => Some(post.size),
            Connectivity::FixedIndegree { degree, .. } => Some(degree * post.size),
            Connectivity::FixedProbability { .. } => None,
            Connectivity::Csr { targets, .. } => Some(targets.len()),
        };
        self.per_connection("w", &self.weight, known)?;
        self.delay.as_ref().map_or(Ok(()), |d| {
            self.per_connection("delay", d, known)?;
            self.delays_reach_neurons(d, network)
        })
    }

    fn sources(&self, network: &Network) -> Result<usize, Error> {
        let missing = || Error::structure(&self.path, "its presynaptic module is not in the network");
        match self.pre {
            Source::Population(i) => network.populations.get(i).map(|p| p.size).ok_or_else(missing),
            Source::Generator(i) => {
                let generator = network.generators.get(i).ok_or_else(missing)?;
                if !generator.is_spiking() {
                    let what = format!("{} sends current, not spikes; inject it by ConnGen", generator.path);
                    return Err(Error::structure(&self.path, what));
                }
                Ok(generator.size)
            }
        }
    }

    fn pairs(&self, sources: usize, targets: usize) -> Checked {
        let fail = |what: String| Err(Error::connectivity(&self.path, what));
        match &self.connectivity {
            Connectivity::AllToAll => Ok(()),
            Connectivity::OneToOne if sources == targets => Ok(()),
            Connectivity::OneToOne => fail(format!(
                "one-to-one needs as many sources as targets, but there are {sources} and {targets}"
            )),
            Connectivity::FixedIndegree { degree, multapses, autapses } => {
                let pool = sources
                    - usize::from(
                        !autapses && matches!(self.pre, Source::Population(p) if p == self.population),
                    );
                if (*multapses && pool > 0) || *degree <= pool {
                    return Ok(());
                }
                fail(format!(
                    "degree = {degree}: expected at most the {pool} sources there are, or multapses"
                ))
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
                    "expected connections of shape ({sources}, {targets}) as compressed sparse rows, targets ascending"
                ))
            }
        }
    }

    fn per_connection(&self, name: &str, values: &Values, known: Option<usize>) -> Checked {
        let spec = ModuleKind::Projection.parameter(&self.path, name)?;
        match (values, known) {
            (Values::Each(v), Some(n)) if v.len() != n => {
                let what =
                    format!("{name}: expected one value or {n}, one per connection, but got {}", v.len());
                Err(Error::connectivity(&self.path, what))
            }
            (Values::Each(v), None) => {
                let what = format!(
                    "{name}: expected one value for a rule that draws its number of connections, but got {}",
                    v.len()
                );
                Err(Error::connectivity(&self.path, what))
            }
            _ => spec.check(&self.path, values, values.as_slice().len()),
        }
    }

    fn delays_reach_neurons(&self, delay: &Values, network: &Network) -> Checked {
        let least = u64::from(matches!(self.pre, Source::Population(_)));
        for (i, d) in delay.as_slice().iter().enumerate() {
            let steps = steps_of(&self.path, "delay", *d, network.dt)?;
            let name = if matches!(delay, Values::Each(_)) { format!("delay[{i}]") } else { "delay".into() };
            if steps < least {
                let accepted = format!("at least dt = {} ms between neurons", network.dt);
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
    fn validate(&self, network: &Network) -> Checked {
        let fail = |what: String| Err(Error::structure(&self.path, what));
        let Some(generator) = network.generators.get(self.generator) else {
            return fail("its generator is not in the network".into());
        };
        let Some(post) = network.populations.get(self.population) else {
            return fail("its population is not in the network".into());
        };
        if self.compartment >= post.compartments.len() {
            return fail(format!("compartment {} of {} does not exist", self.compartment, post.path));
        }
        if generator.is_spiking() {
            return fail(format!("{} sends spikes, not current; connect it to a receptor", generator.path));
        }
        if generator.size != 1 && generator.size != post.size {
            return fail(format!(
                "{} has size {}, {} has {}: expected the same size, or a generator of size 1",
                generator.path, generator.size, post.path, post.size
            ));
        }
        Ok(())
    }
}

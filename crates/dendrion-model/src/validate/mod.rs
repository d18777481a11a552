//! Validation: all checks of a network before a simulation is built.

mod cable;
mod connections;
mod parts;
mod plasticity;
mod range;
mod spikes;

pub use spikes::{MOST_SPIKES_OF_A_SOURCE, MOST_SPIKES_OF_A_STEP};

use std::collections::HashSet;
use std::sync::Arc;

use dendrion_language::{Target, Trigger};

use crate::{Domain, Error, Mechanism, ModuleKind, Network, Population, Role, Values, definition};

type Checked = Result<(), Error>;

impl Network {
    /// Performs all checks that are possible before a run.
    ///
    /// # Errors
    /// Returns the first error found, with the module, the parameter, the value and the accepted values.
    pub fn validate(&self) -> Checked {
        if !Domain::Positive.holds(self.dt) {
            return Err(Error::parameter("network", "dt", self.dt, "a finite number > 0 (ms)"));
        }
        if self.threads == Some(0) {
            return Err(Error::parameter(
                "network",
                "threads",
                0,
                "an integer >= 1, or no value for all cores",
            ));
        }
        self.paths_are_unique()?;
        self.populations.iter().try_for_each(Population::validate)?;
        self.groups_are_complete()?;
        self.generators.iter().try_for_each(|g| g.validate(self.dt))?;
        self.projections.iter().try_for_each(|p| p.validate(self))?;
        self.projections.iter().try_for_each(|p| p.plasticity_fits(self))?;
        self.injections.iter().try_for_each(|i| i.validate(self))?;
        self.numbers_are_in_range()
    }

    fn paths_are_unique(&self) -> Checked {
        let paths = (self.populations.iter().filter(|p| p.role.cells().is_none()).map(|p| &p.path))
            .chain(self.generators.iter().map(|g| &g.path))
            .chain(self.projections.iter().map(|p| &p.path))
            .chain(self.injections.iter().map(|i| &i.path));
        let mut seen = HashSet::new();
        for path in paths {
            if !seen.insert(path) {
                return Err(Error::structure(path, "two modules have this name; rename one of them"));
            }
        }
        Ok(())
    }
}

impl Population {
    fn validate(&self) -> Checked {
        if self.size == 0 || u32::try_from(self.size).is_err() {
            let (size, accepted) = match self.sites() {
                Some(sites) if sites > 0 && self.size > 0 => {
                    let most = u32::MAX as usize / sites;
                    let what =
                        format!("at most {most} cells, because each has {sites} control volumes or sites");
                    (self.size / sites, what)
                }
                _ => (self.size, "an integer from 1 to 2^32 - 1".into()),
            };
            return Err(Error::parameter(&self.path, "size", size, accepted));
        }
        ModuleKind::Population.check(&self.path, &self.params, self.size)?;
        self.surrogate.check(&self.path)?;
        match &self.role {
            Role::Neurons => {}
            Role::Cells(cable) => return self.validate_cells(cable),
            Role::Membrane { .. } => return self.validate_membrane(),
            Role::Placed { place, .. } => return self.validate_placed(*place),
        }
        self.one_soma()?;
        self.names_are_unique()?;
        self.reset_is_possible()?;
        self.relative_surrogate_is_possible()?;
        self.compartments.iter().try_for_each(|c| c.validate(self))?;
        self.receptors.iter().try_for_each(|r| r.validate(self))?;
        self.couplings.iter().try_for_each(|c| c.validate(self))?;
        self.noises.iter().try_for_each(|n| n.validate(self))?;
        self.mechanisms.iter().try_for_each(|m| m.validate(self))?;
        self.couplings_form_a_tree()
    }

    fn one_soma(&self) -> Checked {
        let somas: Vec<_> = self.compartments.iter().filter(|c| c.soma).map(|c| c.name.as_str()).collect();
        match somas.len() {
            1 => Ok(()),
            0 => Err(Error::structure(
                &self.path,
                "has no soma; a neuron needs exactly one compartment with a threshold",
            )),
            n => {
                let what = format!(
                    "has {n} somas ({}); a neuron needs exactly one compartment with a threshold",
                    somas.join(", ")
                );
                Err(Error::structure(&self.path, what))
            }
        }
    }

    /// Checks that names are unique. Only a compartment and a receptor may share a name, namely if the
    /// receptor has its own compartment.
    fn names_are_unique(&self) -> Checked {
        let of_kind = |names: Vec<&String>| {
            let mut seen = HashSet::new();
            match names.into_iter().find(|n| !seen.insert(*n)) {
                Some(n) => {
                    Err(Error::structure(self.path_of(n), "two modules have this name; rename one of them"))
                }
                None => Ok(()),
            }
        };
        of_kind(self.compartments.iter().map(|c| &c.name).collect())?;
        of_kind(self.receptors.iter().map(|r| &r.name).collect())?;
        // The equations of a soma have the name of their compartment.
        let is_own = |m: &&Mechanism| self.compartments.get(m.on).is_none_or(|c| c.name != m.name);
        let own = self.mechanisms.iter().filter(is_own).map(|m| &m.name);
        of_kind(own.chain(self.receptors.iter().map(|r| &r.name)).collect())?;
        of_kind(self.mechanisms.iter().map(|m| &m.name).collect())?;
        of_kind(self.couplings.iter().map(|c| &c.name).collect())?;
        of_kind(
            self.noises.iter().map(|n| &n.name).chain(self.compartments.iter().map(|c| &c.name)).collect(),
        )
    }

    fn reset_is_possible(&self) -> Checked {
        if !self.reset {
            return self.nothing_resets();
        }
        let (spike, width) = (self.params.has("V_spike"), self.params.has("spike_width"));
        if spike != width {
            let missing = if spike { "spike_width" } else { "V_spike" };
            let accepted = "either both V_spike (mV) and spike_width (ms), or neither";
            return Err(Error::parameter(&self.path, missing, "None", accepted));
        }
        if spike && self.soft_reset {
            let accepted = "a V_reset (mV), because V_spike is set";
            return Err(Error::parameter(&self.path, "V_reset", "None", accepted));
        }
        let v_th = ModuleKind::Population.value(&self.params, "V_th");
        let v_th = v_th.unwrap_or_else(|| Arc::new(Values::Scalar(1.0)));
        if self.soft_reset { self.check_soft_reset(&v_th) } else { Ok(()) }
    }

    /// Checks that a population without a reset has no parameters or equations that define a reset.
    fn nothing_resets(&self) -> Checked {
        let accepted = "no value, because reset is false and a spike does not change V";
        for name in ["V_reset", "V_spike", "spike_width"] {
            if let Some(values) = self.params.get(name) {
                return Err(Error::parameter(&self.path, name, values.get(0), accepted));
            }
        }
        if self.soft_reset {
            return Err(Error::parameter(&self.path, "V_reset", "soft", accepted));
        }
        let times = self.params.get("refractory");
        if let Some(time) = times.and_then(|v| v.as_slice().iter().find(|t| **t != 0.0)) {
            let accepted = "0, because reset is false and every upward crossing of V_th is a spike";
            return Err(Error::parameter(&self.path, "refractory", time, accepted));
        }
        match self.soma_that_resets_itself()? {
            None => Ok(()),
            Some(soma) => {
                let what =
                    "sets V on a spike, but reset is false; set reset to true or remove the assignment to V";
                Err(Error::structure(soma, what))
            }
        }
    }

    /// Checks the thresholds of a soft reset.
    ///
    /// # Errors
    /// Returns [`Error::Parameter`] for a threshold that is not greater than 0, since subtracting it would
    /// not move V below the threshold.
    pub fn check_soft_reset(&self, v_th: &Values) -> Checked {
        let accepted = "a value > 0 (mV), because V_reset is not set and a spike subtracts V_th; alternatively, set V_reset (mV)";
        match v_th.as_slice().iter().find(|v| **v <= 0.0) {
            Some(v) => Err(Error::parameter(&self.path, "V_th", v, accepted)),
            None => Ok(()),
        }
    }

    /// Checks that `V_reset` determines V after a spike, since a relative surrogate divides by `V_th` - `V_reset`.
    fn relative_surrogate_is_possible(&self) -> Checked {
        if !self.surrogate.is_relative {
            return Ok(());
        }
        let without = if !self.reset {
            "reset is false".to_string()
        } else if self.soft_reset {
            "a spike subtracts V_th".to_string()
        } else if let Some(soma) = self.soma_that_resets_itself()? {
            format!("the equations of {soma} set V on a spike")
        } else {
            return Ok(());
        };
        let accepted = format!("false, because V_reset is not used here ({without})");
        Err(Error::parameter(&self.path, "surrogate relative", "true", accepted))
    }

    /// Returns the path of the soma if its equations set V on a spike.
    fn soma_that_resets_itself(&self) -> Result<Option<String>, Error> {
        for mechanism in
            self.mechanisms.iter().filter(|m| self.compartments.get(m.on).is_some_and(|c| c.soma))
        {
            let path = self.path_of(&mechanism.name);
            let definition = definition(&path, &mechanism.text)?;
            let spikes = definition.events.iter().filter(|e| matches!(e.trigger, Trigger::Spike));
            if spikes.flat_map(|e| &e.then).any(|a| matches!(a.target, Target::Potential)) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Checks that `V_th` - `V_reset`, by which a relative surrogate divides, is greater than 0. Only gradients
    /// need this.
    ///
    /// # Errors
    /// Returns [`Error::Parameter`] for a `V_reset` that is not below `V_th`.
    pub fn check_relative_surrogate(&self, v_th: &Values, v_reset: &Values) -> Checked {
        if !self.surrogate.is_relative {
            return Ok(());
        }
        match (0..self.size).find(|i| v_reset.get(*i) >= v_th.get(*i)) {
            None => Ok(()),
            Some(i) => {
                let name =
                    if v_reset.as_slice().len() > 1 { format!("V_reset[{i}]") } else { "V_reset".into() };
                let accepted = format!(
                    "a potential below V_th = {} mV, as gradients with a relative surrogate require",
                    v_th.get(i)
                );
                Err(Error::parameter(&self.path, name, v_reset.get(i), accepted))
            }
        }
    }

    fn couplings_form_a_tree(&self) -> Checked {
        let mut root: Vec<usize> = (0..self.compartments.len()).collect();
        for coupling in &self.couplings {
            let (a, b) = (root[coupling.a], root[coupling.b]);
            if a == b {
                let (a, b) = (&self.compartments[coupling.a].name, &self.compartments[coupling.b].name);
                let what = format!(
                    "couples {a} and {b}, which are already connected; the couplings must form a tree"
                );
                return Err(Error::structure(self.path_of(&coupling.name), what));
            }
            root.iter_mut().filter(|r| **r == a).for_each(|r| *r = b);
        }
        let alone = (0..root.len()).find(|i| root[*i] != root[0]);
        alone.map_or(Ok(()), |i| {
            let (name, first) = (&self.compartments[i].name, &self.compartments[0].name);
            let what = format!("is not connected to {first}; connect all compartments with axial couplings");
            Err(Error::structure(self.path_of(name), what))
        })
    }
}

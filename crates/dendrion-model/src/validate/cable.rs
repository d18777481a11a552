//! Checks of detailed cells.

use super::Checked;
use crate::{Cable, Error, ModuleKind, Network, OdeMethod, Place, Population, Role};

/// Maximum number of sites of a receptor per cell, because a connection stores its target in 16 bits.
const MOST_SITES: usize = 1 << 16;

impl Network {
    /// Checks that the populations of each group of detailed cells are complete, consecutive and consistent.
    pub(super) fn groups_are_complete(&self) -> Checked {
        for (i, population) in self.populations.iter().enumerate() {
            let fail = |what: &str| Err(Error::structure(&population.path, what));
            if population.role.cable().is_some() {
                let next = self.populations.get(i + 1).map(|p| &p.role);
                if !matches!(next, Some(Role::Membrane { cells, .. }) if *cells == i) {
                    return fail(
                        "detailed cells have no membrane; add the population of their membrane after them",
                    );
                }
            }
            let Some(cells) = population.role.cells() else { continue };
            let Some(owner) = self.populations.get(cells).filter(|p| p.role.cable().is_some()) else {
                return fail("belongs to detailed cells that do not exist");
            };
            let between = self.populations.get(cells + 1..i).unwrap_or(&[]);
            if cells >= i
                || owner.path != population.path
                || between.iter().any(|p| p.role.cells() != Some(cells))
            {
                return fail(
                    "the populations of a group of detailed cells must be consecutive and have the same path",
                );
            }
            let count = owner.role.cable().map_or(0, |cable| cable.tree.cvs.len());
            let sites = population.sites().unwrap_or(0);
            if owner.size.checked_mul(sites) != Some(population.size) {
                return fail("the size is not the number of cells times the number of sites");
            }
            match &population.role {
                Role::Membrane { cvs, .. } if *cvs != count => {
                    return fail("the membrane has a different number of CVs");
                }
                Role::Placed { sites, .. } => {
                    if let Some(cv) = sites.iter().find(|cv| **cv as usize >= count) {
                        let what = format!("is placed on CV {cv}; expected a CV below {count}");
                        return Err(Error::structure(&population.path, what));
                    }
                }
                Role::Membrane { .. } => population.one_value_per_cell("r_axial", owner.size)?,
                _ => {}
            }
        }
        self.names_are_unique_in_groups()
    }

    fn names_are_unique_in_groups(&self) -> Checked {
        let mut seen = std::collections::HashSet::new();
        for population in &self.populations {
            let Some(cells) = population.role.cells() else { continue };
            let names = population.mechanisms.iter().map(|m| &m.name);
            for name in names.chain(population.receptors.iter().map(|r| &r.name)) {
                if name.is_empty() || !seen.insert((cells, name)) {
                    let what = "two modules have this name; rename one of them";
                    return Err(Error::structure(population.path_of(name), what));
                }
            }
        }
        Ok(())
    }
}

impl Population {
    pub(super) fn validate_cells(&self, cable: &Cable) -> Checked {
        if !matches!(self.method, OdeMethod::ImplicitEuler | OdeMethod::CrankNicolson) {
            let accepted =
                "IMPLICIT_EULER or CRANK_NICOLSON, which can solve the coupled equations of the CVs";
            return Err(Error::parameter(&self.path, "odemethod", self.method.name(), accepted));
        }
        for name in ["V_spike", "spike_width"] {
            if let Some(values) = self.params.get(name) {
                let accepted = "no value, because the reset of detailed cells has one stage";
                return Err(Error::parameter(&self.path, name, values.get(0), accepted));
            }
        }
        self.has_only(&[])?;
        self.reset_is_possible()?;
        self.relative_surrogate_is_possible()?;
        if self.reset && self.surrogate.is_event_prop() {
            let accepted = "EventProp with reset=false, because the reset of detailed cells has no derivative with respect to \
                the time of a spike; or a surrogate such as Sigmoid";
            return Err(Error::parameter(&self.path, "surrogate", "EventProp", accepted));
        }
        cable.validate(&self.path)
    }

    pub(super) fn validate_membrane(&self) -> Checked {
        self.has_only(&["compartments"])?;
        let params = self.compartments.first().map(|c| &c.params);
        let Some(params) = params.filter(|_| self.compartments.len() == 1) else {
            return Err(Error::structure(
                &self.path,
                "a membrane has exactly one compartment, without a name",
            ));
        };
        params.iter().filter(|(name, _)| *name != "r_axial").try_for_each(|(name, values)| {
            ModuleKind::Cable.parameter(&self.path, name)?.check(&self.path, values, self.count())
        })
    }

    pub(super) fn validate_placed(&self, place: Place) -> Checked {
        self.has_only(&["compartments", "receptors", "mechanisms"])?;
        if place == Place::Density && !self.receptors.is_empty() {
            let what = "receptors are placed at points; use at= instead of on=";
            return Err(Error::structure(self.path_of(&self.receptors[0].name), what));
        }
        if let (Some(receptor), Some(sites)) = (self.receptors.first(), self.sites())
            && sites > MOST_SITES
        {
            let accepted =
                format!("at most {MOST_SITES} points per cell; divide them among several receptors");
            return Err(Error::parameter(
                self.path_of(&receptor.name),
                "at",
                format!("{sites} points"),
                accepted,
            ));
        }
        self.receptors.iter().try_for_each(|r| r.validate(self))?;
        self.mechanisms.iter().try_for_each(|m| m.validate(self))
    }

    /// Checks that all lists of modules are empty except for these.
    fn has_only(&self, lists: &[&str]) -> Checked {
        let counts = [
            ("compartments", self.compartments.len()),
            ("receptors", self.receptors.len()),
            ("couplings", self.couplings.len()),
            ("noises", self.noises.len()),
            ("mechanisms", self.mechanisms.len()),
        ];
        match counts.iter().find(|(name, count)| *count > 0 && !lists.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let what = format!("this population of a group of detailed cells cannot have {name}");
                Err(Error::structure(&self.path, what))
            }
        }
    }

    /// Checks a parameter that has one value for all cells or one per cell.
    fn one_value_per_cell(&self, name: &str, cells: usize) -> Checked {
        let Some(values) = self.compartments.first().and_then(|c| c.params.get(name)) else { return Ok(()) };
        ModuleKind::Cable.parameter(&self.path, name)?.check(&self.path, values, cells)
    }
}

//! The populations of a group of detailed cells.

use std::sync::Arc;

use dendrion_morphology::Cv;

use crate::{Cable, Count, Network, Params, Place, Population, Role};

impl Population {
    /// Creates the populations of detailed cells: the cells and their membrane. `first` is the index that the
    /// first of them will have in the network. Without a length or diameter, the CVs have those of the morphology.
    pub fn cable(mut cells: Self, cable: Cable, membrane: impl Into<Params>, first: usize) -> [Self; 2] {
        let mut params = membrane.into();
        for (name, derived) in ["length", "diameter"].into_iter().zip(cable.geometry()) {
            if !params.has(name) {
                params.set(name, derived);
            }
        }
        let size = cells.size.saturating_mul(cable.tree.cvs.len());
        let mut unit = Self::new(cells.path.clone(), size, Params::new());
        unit.compartment("", params);
        unit.role = Role::Membrane { cells: first, cvs: cable.tree.cvs.len() };
        unit.method = cells.method;
        cells.role = Role::Cells(cable);
        [cells, unit]
    }

    /// Creates an empty population of mechanisms placed on the cells at index `index`.
    pub fn placed(&self, index: usize, sites: Vec<u32>, place: Place) -> Option<Self> {
        let cable = self.role.cable()?;
        let mut unit = Self::new(self.path.clone(), self.size.saturating_mul(sites.len()), Params::new());
        let of = |value: &dyn Fn(&Cv) -> f64| -> Vec<f64> {
            sites.iter().map(|cv| cable.tree.cvs.get(*cv as usize).map_or(f64::NAN, value)).collect()
        };
        unit.compartment("", Params::new().with("distance", of(&|cv| cv.distance)));
        unit.method = self.method;
        unit.dendritic_delay = each_site(&self.dendritic_delay, sites.len());
        unit.role = Role::Placed { cells: index, sites: Arc::new(sites), place };
        Some(unit)
    }

    /// Returns a name that is unique among all populations of the network.
    pub fn label(&self) -> String {
        let first = self.receptors.first().map(|r| &r.name).or(self.mechanisms.first().map(|m| &m.name));
        match (&self.role, first) {
            (Role::Neurons | Role::Cells(_), _) => self.path.clone(),
            (Role::Placed { .. }, Some(name)) => self.path_of(name),
            _ => format!("{}/(membrane)", self.path),
        }
    }

    /// Returns the number of sites of each cell, or `None` for neurons and cells, which have no sites.
    pub fn sites(&self) -> Option<usize> {
        match &self.role {
            Role::Neurons | Role::Cells(_) => None,
            Role::Membrane { cvs, .. } => Some(*cvs),
            Role::Placed { sites, .. } => Some(sites.len()),
        }
    }

    /// Returns the numbers of values that the population's parameters may have.
    pub fn count(&self) -> Count {
        Count { all: self.size, sites: self.sites().unwrap_or(self.size) }
    }
}

impl Network {
    /// Sets the dendritic delay of a population (steps), with one value or one per neuron. The mechanisms of detailed
    /// cells get the delays of their cells.
    pub fn set_dendritic_delay(&mut self, population: usize, steps: Vec<u16>) {
        for placed in &mut self.populations {
            // Membranes receive no spikes, so they have no delays.
            if let Role::Placed { cells, sites, .. } = &placed.role
                && *cells == population
            {
                placed.dendritic_delay = each_site(&steps, sites.len());
            }
        }
        if let Some(population) = self.populations.get_mut(population) {
            population.dendritic_delay = steps;
        }
    }
}

/// Returns one value, or the value of each cell for all of its sites.
fn each_site(values: &[u16], sites: usize) -> Vec<u16> {
    match values {
        [one] => vec![*one],
        all => all.iter().flat_map(|value| std::iter::repeat_n(*value, sites)).collect(),
    }
}

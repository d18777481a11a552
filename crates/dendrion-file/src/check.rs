//! Checks that a network can be built, using an amount of memory that does not depend on the numbers in its
//! file.

use dendrion_engine::{Simulation, memory_needed};
use dendrion_language::TextError;
use dendrion_model::{
    Connectivity, Error, Network, Params, PerConnection, Population, Role, Signal, Source, Values,
};

use crate::{File, Record};

/// The size of a checked network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Number of neurons in all populations.
    pub neurons: u64,
    /// Number of compartments of all neurons.
    pub compartments: u64,
    /// Number of connections of all projections, if the complete network was built.
    pub connections: Option<u64>,
}

/// Maximum number of bytes of a network that is built completely.
const SMALL: f64 = 256e6;

impl File {
    /// Performs the checks of [`File::simulation`]. If the network needs more than 256 MB, only one neuron of each
    /// population and one connection of each projection are built, so errors in other drawn delays are not found.
    ///
    /// # Errors
    /// As for [`File::simulation`].
    pub fn check(&self) -> Result<Checked, TextError> {
        let neurons =
            self.network.populations.iter().map(|p| if p.sites().is_none() { p.size as u64 } else { 0 });
        let neurons = neurons.sum();
        let compartments = self.network.populations.iter().map(compartments).sum();
        let mut checked = Checked { neurons, compartments, connections: None };
        if memory_needed(&self.network) <= SMALL {
            checked.connections = Some(self.simulation()?.0.summary().connections);
            return Ok(checked);
        }
        for record in &self.extras.records {
            let Some(population) = self.recorded(record) else { continue };
            let beyond = record.indices.iter().flatten().find(|i| **i as usize >= population.size);
            if let Some(i) = beyond {
                let module = format!("record {}", record.name);
                let size = population.size;
                let members = if population.sites().is_some() { "members" } else { "neurons" };
                let why = format!(
                    "{module}: indices: {i}: expected an integer below {size}, the number of {members}"
                );
                return Err(TextError::new(&self.text, self.places.of(&module, "indices"), why));
            }
        }
        let mut extras = self.extras.clone();
        extras.records.iter_mut().for_each(|r| r.indices = None);
        let small = Self {
            network: one_of_each(&self.network).map_err(|error| self.locate(&error))?,
            extras,
            text: self.text.clone(),
            places: self.places.clone(),
        };
        let simulation: Result<(Simulation, _), TextError> = small.simulation();
        simulation.map(|_| checked)
    }

    /// Returns the population to which the recorded module belongs.
    fn recorded(&self, record: &Record) -> Option<&Population> {
        let of =
            |path: &str| record.of.strip_prefix(path).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        let populations = &self.network.populations;
        let (i, first) = populations.iter().enumerate().find(|(_, p)| of(&p.path))?;
        if first.role.cable().is_none() || record.variable == "spikes" {
            return Some(first);
        }
        let mut group = populations[i + 1..].iter().take_while(|p| p.role.cells() == Some(i));
        let holds = |p: &&Population| {
            let mut names = p.receptors.iter().map(|r| &r.name).chain(p.mechanisms.iter().map(|m| &m.name));
            names.any(|name| p.path_of(name) == record.of)
        };
        group.clone().find(holds).or_else(|| group.next())
    }
}

/// Returns the number of compartments of all neurons of a population. Control volumes are compartments.
const fn compartments(p: &Population) -> u64 {
    match p.role {
        Role::Neurons => p.size as u64 * p.compartments.len() as u64,
        Role::Membrane { .. } => p.size as u64,
        Role::Cells(_) | Role::Placed { .. } => 0,
    }
}

/// Returns a network with one neuron of each population, one member of each generator and one connection of each
/// projection.
fn one_of_each(network: &Network) -> Result<Network, Error> {
    let mut small = network.copy()?;
    for p in &mut small.populations {
        // A single cell has as many members as it has sites.
        let kept = p.sites().unwrap_or(1);
        p.size = kept;
        p.dendritic_delay.truncate(1);
        let own = [&mut p.params];
        let parts = (p.compartments.iter_mut().map(|c| &mut c.params))
            .chain(p.receptors.iter_mut().map(|r| &mut r.params))
            .chain(p.couplings.iter_mut().map(|c| &mut c.params))
            .chain(p.noises.iter_mut().map(|n| &mut n.params))
            .chain(p.mechanisms.iter_mut().map(|m| &mut m.params));
        own.into_iter().chain(parts).for_each(|params| first_values(params, kept));
    }
    for g in &mut small.generators {
        g.size = 1;
        g.breaks.clear();
        first_values(&mut g.params, 1);
        match &mut g.signal {
            Signal::Spikes { indices, times } => (*indices, *times) = (Vec::new(), Vec::new()),
            Signal::Current(wave) => {
                wave.width = 1;
                wave.values.truncate(1);
            }
            _ => {}
        }
    }
    for p in &mut small.projections {
        let is_recurrent = matches!(p.pre, Source::Population(i) if i == p.population);
        let has_sites = small.populations.get(p.population).is_some_and(|post| post.sites().is_some());
        p.connectivity = if is_recurrent || has_sites {
            Connectivity::AllToAll { autapses: true }
        } else {
            Connectivity::OneToOne
        };
        for values in [Some(&mut p.weight), p.delay.as_mut()].into_iter().flatten() {
            if let PerConnection::Given(Values::Each(v)) = values {
                let least = v.iter().copied().reduce(f64::min).unwrap_or(1.0);
                *values = PerConnection::Given(Values::Scalar(least));
            }
        }
    }
    Ok(small)
}

/// Keeps the values of the first members.
fn first_values(params: &mut Params, kept: usize) {
    let first = |values: &Values| match values {
        Values::Each(v) if kept == 1 => v.first().map(|v| Values::Scalar(*v)),
        Values::Each(v) if v.len() > kept => v.get(..kept).map(|v| Values::Each(v.to_vec())),
        _ => None,
    };
    let arrays: Vec<(String, Values)> =
        params.iter().filter_map(|(name, values)| Some((name.to_string(), first(values)?))).collect();
    arrays.into_iter().for_each(|(name, values)| params.set(&name, values));
}

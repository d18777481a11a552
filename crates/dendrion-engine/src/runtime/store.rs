//! The parameters of a network, by id and by key, and their values, which are stored only here.
//!
//! The build moves the values from the network's description to the store (`build/parameters.rs`), and
//! [`ParameterStore::describe`] writes them back. Values are shared, so copying the store for a trace costs
//! one pointer per parameter. The weights of connections are stored in the shards.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::{Index, Range};
use std::sync::Arc;

use dendrion_model::allocate::room;
use dendrion_model::{
    Count, Domain, Error, Generator, Network, Owner, Params, Plasticity, Values, check_values,
};

/// The number of a parameter in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParameterId(u32);

/// The part of a network that a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// The network. Its only parameter is the time step, which cannot be set and cannot be found by key.
    Network,
    /// The equations of a population.
    Cells(usize),
    /// The traces of a population's postsynaptic spikes, which are not part of its equations.
    Traces(usize),
    /// A generator.
    Generator(usize),
    /// The weights of a projection.
    Weights(usize),
    /// The plasticity of a projection.
    Rule(usize),
}

/// The number of values of a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Axis {
    /// One value for the network.
    Network,
    /// One value for a population or projection.
    Population,
    /// One value shared by all neurons or members, one for each of them, or one for each site of detailed cells.
    Neuron(Count),
    /// One value shared by this many connections, or one value for each of them.
    Connection(usize),
}

/// The description of a parameter.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The path of the module, a dot and the name.
    pub(crate) key: Arc<str>,
    /// Position of the name in the key.
    pub(crate) name: usize,
    /// Unit, empty for pure numbers.
    pub(crate) unit: Cow<'static, str>,
    pub(crate) domain: Domain,
    pub(crate) axis: Axis,
    pub(crate) target: Target,
    /// The module of the population that the parameter belongs to, if it belongs to a population.
    pub(crate) owner: Owner,
    /// The default, if the network's description did not have a value.
    pub(crate) default: Option<f64>,
    /// Whether users can read and set it.
    pub(crate) access: Access,
}

/// Access to a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// Users can read and set it.
    Public,
    /// It follows from the morphology.
    Internal,
    /// It is the initial value of a quantity of other mechanisms (`runtime/exchange.rs`).
    Computed,
    /// Its value is that of another parameter of these cells, at these sites.
    Inherited(Inherited),
}

/// The source of an inherited parameter: a parameter of the membrane of detailed cells.
#[derive(Clone, Debug)]
pub(crate) struct Inherited {
    /// The names of the parameters, of which the first one that exists is used.
    pub(crate) names: &'static [&'static str],
    /// The population of the membrane.
    pub(crate) membrane: usize,
    pub(crate) sites: Arc<Vec<u32>>,
    /// Number of CVs of a cell.
    pub(crate) cvs: usize,
}

impl Inherited {
    /// Returns the values at the sites, for values of the membrane.
    pub(crate) fn gather(&self, values: &Arc<Values>) -> Result<Arc<Values>, Error> {
        let Values::Each(all) = &**values else { return Ok(values.clone()) };
        Ok(Arc::new(Values::Each(at_sites(all, self.cvs, &self.sites)?)))
    }
}

/// Returns the values at the sites of each cell, for values of all CVs.
pub(crate) fn at_sites(values: &[f64], cvs: usize, sites: &[u32]) -> Result<Vec<f64>, Error> {
    let mut found = room(values.len() / cvs.max(1) * sites.len())?;
    for cell in values.chunks(cvs) {
        found.extend(sites.iter().map(|cv| cell[*cv as usize]));
    }
    Ok(found)
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        &self.key[self.name..]
    }

    pub(crate) fn module(&self) -> &str {
        &self.key[..self.name.saturating_sub(1)]
    }

    /// Checks the number of values and that each lies in the domain.
    pub(crate) fn check(&self, values: &Values) -> Result<(), Error> {
        let size = match self.axis {
            Axis::Network | Axis::Population => 1.into(),
            Axis::Neuron(count) => count,
            Axis::Connection(size) => size.into(),
        };
        self.check_size(values, size)
    }

    /// Like [`Entry::check`], but expects `size` values.
    pub(crate) fn check_size(&self, values: &Values, size: impl Into<Count>) -> Result<(), Error> {
        check_values((self.module(), self.name(), &self.unit), self.domain, values, size)
    }

    /// Returns the parameters of the entry's module in a description of the network.
    fn params<'n>(&self, network: &'n mut Network) -> Option<&'n mut Params> {
        match self.target {
            Target::Network | Target::Weights(_) => None,
            Target::Cells(i) | Target::Traces(i) => network.populations.get_mut(i)?.params_of(self.owner),
            Target::Generator(i) => Some(&mut network.generators.get_mut(i)?.params),
            Target::Rule(i) => Some(&mut network.projections.get_mut(i)?.plasticity.as_mut()?.params),
        }
    }
}

/// The descriptions of all parameters.
#[derive(Debug)]
struct Catalog {
    entries: Vec<Entry>,
    index: HashMap<Arc<str>, ParameterId>,
    /// The ids of each target's parameters are consecutive.
    of: HashMap<Target, Range<u32>>,
}

/// The parameters of a network and their values.
#[derive(Clone, Debug)]
pub(crate) struct ParameterStore {
    catalog: Arc<Catalog>,
    /// Values by id; `None` for values that are stored in the shards.
    values: Vec<Option<Arc<Values>>>,
}

impl Index<ParameterId> for ParameterStore {
    type Output = Entry;

    fn index(&self, id: ParameterId) -> &Entry {
        &self.catalog.entries[id.0 as usize]
    }
}

impl ParameterStore {
    /// Moves the values of parameters from a description to the store.
    pub(crate) fn take(entries: Vec<Entry>, network: &mut Network) -> Self {
        let (mut index, mut of) = (HashMap::with_capacity(entries.len()), HashMap::new());
        let mut values = Vec::with_capacity(entries.len());
        for (i, entry) in (0_u32..).zip(&entries) {
            of.entry(entry.target).or_insert(i..i).end = i + 1;
            if !matches!(entry.axis, Axis::Network) && matches!(entry.access, Access::Public) {
                index.entry(entry.key.clone()).or_insert(ParameterId(i));
            }
            let in_shards = matches!(entry.axis, Axis::Connection(_));
            let given = entry.params(network).and_then(|params| params.take(entry.name()));
            let default = || Arc::new(Values::Scalar(entry.default.unwrap_or(0.0)));
            let is_stored = !in_shards && !matches!(entry.access, Access::Inherited(_));
            values.push(is_stored.then(|| given.unwrap_or_else(default)));
        }
        Self { catalog: Arc::new(Catalog { entries, index, of }), values }
    }

    /// Writes the values to a description of the network. Defaults are omitted if they were omitted before.
    pub(crate) fn describe(&self, network: &mut Network) {
        for (entry, values) in self.catalog.entries.iter().zip(&self.values) {
            let Some(values) = values else { continue };
            if matches!(entry.access, Access::Computed) {
                continue;
            }
            let is_left_out = entry.default.is_some_and(|default| **values == Values::Scalar(default));
            if !is_left_out && let Some(params) = entry.params(network) {
                params.share(entry.name(), values.clone());
            }
        }
    }

    /// Returns the parameter with this key.
    pub(crate) fn id(&self, key: &str) -> Option<ParameterId> {
        self.catalog.index.get(key).copied()
    }

    /// Returns all parameters that users can set, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ParameterId> + use<'_> {
        let all = (self.range(Target::Network).end..self.values.len() as u32).map(ParameterId);
        all.filter(|id| matches!(self[*id].access, Access::Public))
    }

    /// Returns the parameter from which another one is inherited.
    pub(crate) fn source(&self, inherited: &Inherited) -> Option<ParameterId> {
        let of =
            |name: &&str| self.ids_of(Target::Cells(inherited.membrane)).find(|id| self[*id].name() == *name);
        inherited.names.iter().find_map(of)
    }

    /// Returns the populations whose parameters are inherited from a parameter.
    pub(crate) fn heirs(&self, id: ParameterId) -> impl Iterator<Item = usize> + '_ {
        let Target::Cells(membrane) = self[id].target else { return Vec::new().into_iter() };
        let inherits = |entry: &Entry| match (&entry.access, entry.target) {
            (Access::Inherited(from), Target::Cells(i)) if from.membrane == membrane => {
                (self.source(from) == Some(id)).then_some(i)
            }
            _ => None,
        };
        let mut heirs: Vec<usize> = self.catalog.entries.iter().filter_map(inherits).collect();
        // A population may inherit a parameter under two names.
        heirs.dedup();
        heirs.into_iter()
    }

    /// Returns the keys of all parameters except the time step, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        self.ids().map(|id| self[id].key.to_string())
    }

    /// Returns the values of a parameter, unless they are stored in the shards.
    pub(crate) fn get(&self, id: ParameterId) -> Option<&Arc<Values>> {
        self.values[id.0 as usize].as_ref()
    }

    /// Sets the values of a parameter (already checked), and returns the previous ones.
    pub(crate) fn set(&mut self, id: ParameterId, values: Arc<Values>) -> Option<Arc<Values>> {
        self.values[id.0 as usize].replace(values)
    }

    fn range(&self, target: Target) -> Range<u32> {
        self.catalog.of.get(&target).cloned().unwrap_or_default()
    }

    /// Returns the parameters of a target.
    pub(crate) fn ids_of(&self, target: Target) -> impl Iterator<Item = ParameterId> + use<> {
        self.range(target).map(ParameterId)
    }

    /// Returns the number of a parameter in its system, in which the time step has number 0.
    pub(crate) fn number(&self, id: ParameterId) -> usize {
        1 + (id.0 - self.range(self[id].target).start) as usize
    }

    /// Returns the values of all parameters of a target.
    pub(crate) fn of(&self, target: Target) -> impl Iterator<Item = &Arc<Values>> {
        self.ids_of(target).filter_map(|id| self.get(id))
    }

    /// Returns the values of all parameters of a population's system, by number.
    pub(crate) fn of_system(&self, population: usize) -> Result<Vec<Arc<Values>>, Error> {
        let zero = || Arc::new(Values::Scalar(0.0));
        let value = |id: ParameterId| match (self.get(id), &self[id].access) {
            (Some(values), _) => Ok(values.clone()),
            (None, Access::Inherited(from)) => {
                let source = self.source(from).and_then(|id| self.get(id));
                let values = source.map_or_else(|| Ok(zero()), |values| from.gather(values));
                let what = || "a copy of its values at the sites of mechanisms".into();
                values.map_err(|error| error.needed_by(&self[id].key, what))
            }
            (None, _) => Ok(zero()),
        };
        self.ids_of(Target::Network).chain(self.ids_of(Target::Cells(population))).map(value).collect()
    }

    fn params(&self, target: Target) -> Params {
        let mut params = Params::new();
        for id in self.ids_of(target) {
            if let Some(values) = self.get(id) {
                params.share(self[id].name(), values.clone());
            }
        }
        params
    }

    /// Returns a generator with the current values of its parameters.
    pub(crate) fn generator<'n>(&self, network: &'n Network, i: usize) -> Cow<'n, Generator> {
        let generator = &network.generators[i];
        if self.range(Target::Generator(i)).is_empty() {
            return Cow::Borrowed(generator);
        }
        Cow::Owned(Generator { params: self.params(Target::Generator(i)), ..generator.clone() })
    }

    /// Returns the plasticity of a projection with the current values of its parameters.
    pub(crate) fn plasticity(&self, network: &Network, i: usize) -> Option<Plasticity> {
        let kind = network.projections[i].plasticity.as_ref()?.kind;
        Some(Plasticity { kind, params: self.params(Target::Rule(i)) })
    }
}

/// Returns the full name of a parameter or state in a population. Names with a dot, such as `dend.gL`, belong to a
/// module of the population, others to the population itself.
pub(crate) fn full_name(path: &str, key: &str) -> String {
    if key.contains('.') { format!("{path}/{key}") } else { format!("{path}.{key}") }
}

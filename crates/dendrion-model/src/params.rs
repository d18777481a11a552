//! Parameter values (shared by all neurons, or one per neuron) and the domains of parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// The value of a parameter: one for the whole population, or one per member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One value for all members.
    Scalar(f64),
    /// One value per member.
    Each(Vec<f64>),
}

impl Values {
    /// Returns the value of member `i`, or the last value if there are fewer values.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Self::Scalar(v) => *v,
            Self::Each(v) => v.get(i).or(v.last()).copied().unwrap_or(f64::NAN),
        }
    }

    /// Returns the value of member `i`. If there are fewer values than members, they repeat: the values of the sites
    /// of a cell are those of the sites of every cell.
    pub fn of(&self, i: usize) -> f64 {
        match self {
            Self::Scalar(v) => *v,
            Self::Each(v) => v.get(i % v.len().max(1)).copied().unwrap_or(f64::NAN),
        }
    }

    /// Returns all stored values: one, or one per member.
    pub fn as_slice(&self) -> &[f64] {
        match self {
            Self::Scalar(v) => std::slice::from_ref(v),
            Self::Each(v) => v,
        }
    }

    /// Returns the common value if all members have the same one.
    pub fn uniform(&self) -> Option<f64> {
        let (first, rest) = self.as_slice().split_first()?;
        rest.iter().all(|v| v.to_bits() == first.to_bits()).then_some(*first)
    }
}

impl From<f64> for Values {
    fn from(v: f64) -> Self {
        Self::Scalar(v)
    }
}

impl From<Vec<f64>> for Values {
    fn from(v: Vec<f64>) -> Self {
        Self::Each(v)
    }
}

/// The set of numbers that a parameter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Any finite number.
    Finite,
    /// A finite number greater than 0.
    Positive,
    /// A finite number of at least 0.
    NonNegative,
    /// A number from 0 to 1, both included.
    Probability,
}

impl Domain {
    /// Returns whether `v` lies in the domain.
    pub fn holds(self, v: f64) -> bool {
        v.is_finite()
            && match self {
                Self::Finite => true,
                Self::Positive => v > 0.0,
                Self::NonNegative => v >= 0.0,
                Self::Probability => (0.0..=1.0).contains(&v),
            }
    }

    /// Describes the domain in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Finite => "a finite number",
            Self::Positive => "a finite number > 0",
            Self::NonNegative => "a finite number >= 0",
            Self::Probability => "a number in [0, 1]",
        }
    }
}

/// The number of values that a parameter may have: one, one per member, or one per site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Number of members.
    pub all: usize,
    /// Number of sites of a cell. If there are no sites, the number of members.
    pub sites: usize,
}

impl Count {
    /// Returns whether a parameter may have this number of individual values.
    pub const fn accepts(self, values: usize) -> bool {
        values == self.all || values == self.sites
    }
}

impl From<usize> for Count {
    fn from(all: usize) -> Self {
        Self { all, sites: all }
    }
}

/// The specification of a parameter: its name, unit, default and domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Name, as users write it.
    pub name: &'static str,
    /// Unit, empty for pure numbers.
    pub unit: &'static str,
    /// Default; `None` if the parameter has no default.
    pub default: Option<f64>,
    /// The accepted values.
    pub domain: Domain,
    /// Short description.
    pub doc: &'static str,
}

impl ParameterSpec {
    /// Checks the values of this parameter for a module with `size` members or a [`Count`].
    ///
    /// # Errors
    /// Returns [`Error::Parameter`] for an array with the wrong length or a value outside the domain.
    pub fn check(&self, module: &str, values: &Values, size: impl Into<Count>) -> Result<(), Error> {
        check_values((module, self.name, self.unit), self.domain, values, size)
    }
}

/// Checks the values of a parameter for a module with `size` members or a [`Count`]. The module, name and unit appear in the error
/// message.
///
/// # Errors
/// Returns [`Error::Parameter`] for an array with the wrong length or a value outside the domain.
pub fn check_values(
    (module, name, unit): (&str, &str, &str),
    domain: Domain,
    values: &Values,
    size: impl Into<Count>,
) -> Result<(), Error> {
    let count: Count = size.into();
    if let Values::Each(v) = values
        && !count.accepts(v.len())
    {
        let given = format!("array of length {}", v.len());
        let Count { all, sites } = count;
        let accepted = if all == sites {
            format!("a number or an array of length {all}, the size of the module")
        } else {
            format!(
                "a number, or an array of length {sites} (one value per site) or {all} (one value per cell and site)"
            )
        };
        return Err(Error::parameter(module, name, given, accepted));
    }
    let Some(i) = values.as_slice().iter().position(|v| !domain.holds(*v)) else { return Ok(()) };
    let each = matches!(values, Values::Each(_));
    let name = if each { format!("{name}[{i}]") } else { name.to_string() };
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    Err(Error::parameter(module, name, values.as_slice()[i], format!("{}{unit}", domain.words())))
}

/// The specified parameters of a module, by name. Copies share their arrays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(BTreeMap<String, Arc<Values>>);

impl Params {
    /// Creates an empty set of parameters.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a parameter, replacing an earlier value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Values>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &str, value: impl Into<Values>) {
        self.share(name, Arc::new(value.into()));
    }

    /// Sets a parameter to values that may have other owners.
    pub fn share(&mut self, name: &str, values: Arc<Values>) {
        self.0.insert(name.to_string(), values);
    }

    /// Removes a parameter and returns its values.
    pub fn take(&mut self, name: &str) -> Option<Arc<Values>> {
        self.0.remove(name)
    }

    /// Returns the specified value of `name`.
    pub fn get(&self, name: &str) -> Option<&Values> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// Returns the specified value of `name` as a shared pointer.
    pub fn shared(&self, name: &str) -> Option<Arc<Values>> {
        self.0.get(name).cloned()
    }

    /// Returns whether a value was specified for `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns all specified parameters, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_ref()))
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, Values>::deserialize(deserializer)?;
        Ok(Self(given.into_iter().map(|(name, values)| (name, Arc::new(values))).collect()))
    }
}

impl<const N: usize> From<[(&str, f64); N]> for Params {
    fn from(pairs: [(&str, f64); N]) -> Self {
        pairs.into_iter().fold(Self::new(), |p, (name, v)| p.with(name, v))
    }
}

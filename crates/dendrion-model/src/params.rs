//! Parameters: a value for all neurons or one each, and what values a parameter accepts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A parameter's value: one for the whole population, or one for each member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One value for all.
    Scalar(f64),
    /// One value each.
    Each(Vec<f64>),
}

impl Values {
    /// The value of member `i`; the last one where there are fewer.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Self::Scalar(v) => *v,
            Self::Each(v) => v.get(i).or(v.last()).copied().unwrap_or(f64::NAN),
        }
    }

    /// All values stored: one, or one each.
    pub fn as_slice(&self) -> &[f64] {
        match self {
            Self::Scalar(v) => std::slice::from_ref(v),
            Self::Each(v) => v,
        }
    }

    /// The one value that all members share, if they do.
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

/// The numbers a parameter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Any finite number.
    Finite,
    /// A finite number above zero.
    Positive,
    /// A finite number of at least zero.
    NonNegative,
    /// A number from 0 to 1, both included.
    Probability,
}

impl Domain {
    /// Whether `v` is accepted.
    pub fn holds(self, v: f64) -> bool {
        v.is_finite()
            && match self {
                Self::Finite => true,
                Self::Positive => v > 0.0,
                Self::NonNegative => v >= 0.0,
                Self::Probability => (0.0..=1.0).contains(&v),
            }
    }

    /// The domain in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Finite => "a finite number",
            Self::Positive => "a finite number > 0",
            Self::NonNegative => "a finite number >= 0",
            Self::Probability => "a number in [0, 1]",
        }
    }
}

/// What is known of a parameter: its name, unit, default and domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Name, as users write it.
    pub name: &'static str,
    /// Unit, empty for pure numbers.
    pub unit: &'static str,
    /// Default; `None` where the parameter may be left out.
    pub default: Option<f64>,
    /// What values it accepts.
    pub domain: Domain,
    /// What it means.
    pub doc: &'static str,
}

impl ParameterSpec {
    /// Checks one parameter of `size` members.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an array of another length or a value outside the domain.
    pub fn check(&self, module: &str, values: &Values, size: usize) -> Result<(), Error> {
        check_values((module, self.name, self.unit), self.domain, values, size)
    }
}

/// Checks values of a parameter of `size` members, which is named by its module, its name and its unit.
///
/// # Errors
/// [`Error::Parameter`] for an array of another length or a value outside the domain.
pub fn check_values(
    (module, name, unit): (&str, &str, &str),
    domain: Domain,
    values: &Values,
    size: usize,
) -> Result<(), Error> {
    if let Values::Each(v) = values
        && v.len() != size
    {
        let given = format!("array of length {}", v.len());
        let accepted = format!("a number or an array of length {size}, the size of the module");
        return Err(Error::parameter(module, name, given, accepted));
    }
    let Some(i) = values.as_slice().iter().position(|v| !domain.holds(*v)) else { return Ok(()) };
    let each = matches!(values, Values::Each(_));
    let name = if each { format!("{name}[{i}]") } else { name.to_string() };
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    Err(Error::parameter(module, name, values.as_slice()[i], format!("{}{unit}", domain.words())))
}

/// The parameters a module was given, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Params(BTreeMap<String, Values>);

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// With one more parameter, replacing an earlier value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Values>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets one parameter.
    pub fn set(&mut self, name: &str, value: impl Into<Values>) {
        self.0.insert(name.to_string(), value.into());
    }

    /// The value given for `name`.
    pub fn get(&self, name: &str) -> Option<&Values> {
        self.0.get(name)
    }

    /// Whether `name` was given.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All parameters given, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }
}

impl<const N: usize> From<[(&str, f64); N]> for Params {
    fn from(pairs: [(&str, f64); N]) -> Self {
        pairs.into_iter().fold(Self::new(), |p, (name, v)| p.with(name, v))
    }
}

//! Mechanisms that are text: channels, receptors and somas in the language of equations.

use dendrion_language::{Bound, Definition, define};
use serde::{Deserialize, Serialize};

use crate::params::{Domain, check_values};
use crate::{Error, Params, Values};

/// A mechanism on a compartment, such as a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mechanism {
    /// Name, unique among the population's mechanisms, receptors and compartments, but that a soma's own equations go by
    /// the name of their compartment.
    pub name: String,
    /// Index of the compartment it acts on and whose V it sees.
    pub on: usize,
    /// Its equations.
    pub text: String,
    /// Its parameters, as the text declares them.
    pub params: Params,
}

/// The definition that the text of the mechanism at `path` is.
///
/// # Errors
/// [`Error::Text`] with the first thing found wrong, and where.
pub fn definition(path: &str, text: &str) -> Result<Definition, Error> {
    define(text).map_err(|error| Error::Text { module: path.into(), message: error.to_string() })
}

impl From<Bound> for Domain {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Finite => Self::Finite,
            Bound::Positive => Self::Positive,
            Bound::NonNegative => Self::NonNegative,
            Bound::Fraction => Self::Probability,
        }
    }
}

/// The value of a parameter that a text declares: as given, or the default.
///
/// # Errors
/// [`Error::UnknownName`] for one it does not declare, [`Error::Parameter`] for one without a value.
pub fn written_value(
    path: &str,
    definition: &Definition,
    params: &Params,
    name: &str,
) -> Result<Values, Error> {
    let Some(parameter) = definition.parameter(name) else {
        let known = definition.parameters.iter().map(|p| p.name.clone()).collect();
        return Err(Error::unknown(path, "parameter", name, known));
    };
    let default = || parameter.default.map(Values::Scalar);
    params.get(name).cloned().or_else(default).ok_or_else(|| {
        let unit = if parameter.unit.text.is_empty() {
            String::new()
        } else {
            format!(" ({})", parameter.unit.text)
        };
        Error::parameter(path, name, "None", format!("{}{unit}", parameter.bound.words()))
    })
}

/// Checks the parameters given to a mechanism of `size` members.
///
/// # Errors
/// The first one that the text does not declare, that is missing, of the wrong length, or out of bounds.
pub fn check_written(path: &str, definition: &Definition, params: &Params, size: usize) -> Result<(), Error> {
    for (name, _) in params.iter() {
        written_value(path, definition, params, name)?;
    }
    for parameter in &definition.parameters {
        let values = written_value(path, definition, params, &parameter.name)?;
        let domain = Domain::from(parameter.bound);
        check_values((path, &parameter.name, &parameter.unit.text), domain, &values, size)?;
    }
    Ok(())
}

//! Mechanisms defined by text: channels, receptors and somas in the equation language.

use std::sync::Arc;

use dendrion_language::{Bound, Definition, define};
use serde::{Deserialize, Serialize};

use crate::params::{Domain, check_values};
use crate::{Count, Error, Params, Values};

/// A mechanism on a compartment, such as a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mechanism {
    /// Name, unique among the population's mechanisms, receptors and compartments. The equations of a soma are the
    /// exception: they have the name of their compartment.
    pub name: String,
    /// Index of the compartment on which the mechanism acts and whose V it reads.
    pub on: usize,
    /// The equations.
    pub text: String,
    /// Values of the parameters that the text declares.
    pub params: Params,
}

/// Parses the text of the mechanism at `path`.
///
/// # Errors
/// Returns [`Error::Text`] with the first error in the text and its position.
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

/// Returns the value of a parameter that a text declares: the specified value, without copying it, or the default.
///
/// # Errors
/// Returns [`Error::UnknownName`] if the text does not declare the parameter, and [`Error::Parameter`] if it
/// has neither a value nor a default.
pub fn written_value(
    path: &str,
    definition: &Definition,
    params: &Params,
    name: &str,
) -> Result<Arc<Values>, Error> {
    let Some(parameter) = definition.parameter(name) else {
        let known = definition.parameters.iter().map(|p| p.name.clone()).collect();
        return Err(Error::unknown(path, "parameter", name, known));
    };
    let default = || parameter.default.map(|v| Arc::new(Values::Scalar(v)));
    params.shared(name).or_else(default).ok_or_else(|| {
        let unit = if parameter.unit.text.is_empty() {
            String::new()
        } else {
            format!(" ({})", parameter.unit.text)
        };
        Error::parameter(path, name, "None", format!("{}{unit}", parameter.bound.words()))
    })
}

/// Checks the parameters of a mechanism in a population of `size` neurons.
///
/// # Errors
/// Returns an error for the first parameter that the text does not declare, that is missing, that has the wrong
/// length or that is out of bounds.
pub fn check_written(
    path: &str,
    definition: &Definition,
    params: &Params,
    size: impl Into<Count>,
) -> Result<(), Error> {
    let size = size.into();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{definition, written_value};
    use crate::{Error, ModuleKind, Params, Values};

    #[test]
    fn values_are_shared() -> Result<(), Error> {
        let values = Arc::new(Values::Each(vec![1.0; 1000]));
        let mut params = Params::new();
        params.share("g", values.clone());
        let own = definition("cell.k", "I = g*V : pA; g = 5 nS; h = 2")?;
        assert!(Arc::ptr_eq(&written_value("cell.k", &own, &params, "g")?, &values));
        assert_eq!(*written_value("cell.k", &own, &params, "h")?, Values::Scalar(2.0));
        let found = ModuleKind::Ampa.value(&params, "g");
        assert!(found.is_some_and(|found| Arc::ptr_eq(&found, &values)));
        Ok(())
    }
}

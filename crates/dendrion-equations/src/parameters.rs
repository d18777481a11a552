//! The parameters of a system, and the lookup of their values. The system itself stores no values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use dendrion_model::{Domain, Owner, Population, Values};

use crate::system::System;

/// A parameter of a system.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Key within the population, such as `dend.gL`. The parameters of the population itself have no prefix
    /// (`V_th`).
    pub key: String,
    /// Name within its module, such as `gL`.
    pub name: Cow<'static, str>,
    /// Unit, empty for pure numbers.
    pub unit: Cow<'static, str>,
    /// The accepted values.
    pub domain: Domain,
    /// The module to which the parameter belongs; `None` for the time step.
    pub owner: Option<Owner>,
    /// The value that is used if the module does not specify one.
    pub default: Option<f64>,
}

/// All parameters of a system, by number. The first one is the time step.
#[derive(Clone, Debug)]
pub struct Parameters {
    all: Vec<Parameter>,
    numbers: HashMap<(Owner, Cow<'static, str>), usize>,
}

impl Parameters {
    /// Creates a list that contains only the time step.
    pub(crate) fn new() -> Self {
        let (key, name, unit) = ("dt".into(), "dt".into(), "ms".into());
        let dt = Parameter { key, name, unit, domain: Domain::Positive, owner: None, default: None };
        Self { all: vec![dt], numbers: HashMap::new() }
    }

    /// Adds a parameter and returns its number.
    pub(crate) fn push(&mut self, parameter: Parameter) -> usize {
        let number = self.all.len();
        if let Some(owner) = parameter.owner {
            self.numbers.entry((owner, parameter.name.clone())).or_insert(number);
        }
        self.all.push(parameter);
        number
    }

    /// Returns the number of a module's parameter, if the equations contain it.
    pub fn number(&self, owner: Owner, name: &str) -> Option<usize> {
        self.numbers.get(&(owner, Cow::Borrowed(name))).copied()
    }
}

impl Deref for Parameters {
    type Target = [Parameter];

    fn deref(&self) -> &[Parameter] {
        &self.all
    }
}

impl System {
    /// Returns the values of all parameters by number, as specified in the description of the population, for
    /// time steps of `dt` ms.
    pub fn values(&self, population: &Population, dt: f64) -> Vec<Arc<Values>> {
        // A copy shares its arrays.
        let mut population = population.clone();
        let value = |p: &Parameter| {
            let given = p.owner.and_then(|owner| population.params_of(owner)?.take(&p.name));
            given.unwrap_or_else(|| Arc::new(Values::Scalar(p.default.unwrap_or(dt))))
        };
        self.parameters.iter().map(value).collect()
    }
}

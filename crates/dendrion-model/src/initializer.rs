//! Initializers: distributions from which weights and delays are drawn.

use serde::{Deserialize, Serialize};

use crate::{Domain, Error, Values};

/// A distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// Always `value`.
    Constant {
        /// The value.
        value: f64,
    },
    /// A uniform distribution between `low` and `high`.
    Uniform {
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// A normal distribution.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation, >= 0.
        std: f64,
    },
    /// A log-normal distribution: the exponential of a normally distributed number.
    LogNormal {
        /// Mean of the normally distributed number.
        mean: f64,
        /// Standard deviation of the normally distributed number, >= 0.
        sigma: f64,
    },
    /// Another distribution, redrawn until the value lies between `low` and `high`.
    Truncated {
        /// The distribution that is truncated.
        of: Box<Initializer>,
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
}

impl Initializer {
    /// Returns the name of the distribution, as users write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Constant { .. } => "Constant",
            Self::Uniform { .. } => "Uniform",
            Self::Normal { .. } => "Normal",
            Self::LogNormal { .. } => "LogNormal",
            Self::Truncated { .. } => "Truncated",
        }
    }

    /// Checks the parameters of the distribution.
    ///
    /// # Errors
    /// Returns an error if a number is not finite (except for the bounds of a truncation), if bounds are in
    /// the wrong order, or if a standard deviation is negative.
    pub fn check(&self) -> Result<(), Error> {
        let name = self.name();
        let number = |what: &str, v: f64, domain: Domain| {
            if domain.holds(v) { Ok(()) } else { Err(Error::parameter(name, what, v, domain.words())) }
        };
        let ordered = |low: f64, high: f64| {
            if low <= high {
                return Ok(());
            }
            Err(Error::parameter(name, "high", high, format!("a number >= low ({low})")))
        };
        match self {
            Self::Constant { value } => number("value", *value, Domain::Finite),
            Self::Uniform { low, high } => {
                number("low", *low, Domain::Finite)?;
                number("high", *high, Domain::Finite)?;
                ordered(*low, *high)
            }
            Self::Normal { mean, std } => {
                number("mean", *mean, Domain::Finite)?;
                number("std", *std, Domain::NonNegative)
            }
            Self::LogNormal { mean, sigma } => {
                number("mean", *mean, Domain::Finite)?;
                number("sigma", *sigma, Domain::NonNegative)
            }
            Self::Truncated { of, low, high } => {
                of.check()?;
                for (what, v) in [("low", low), ("high", high)] {
                    if v.is_nan() {
                        return Err(Error::parameter(name, what, v, "a number"));
                    }
                }
                ordered(*low, *high)
            }
        }
    }
}

/// A value per connection, either specified or drawn when the connections are created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerConnection {
    /// One value for all connections, or one per connection.
    Given(Values),
    /// Drawn for each connection.
    Drawn(Initializer),
}

impl PerConnection {
    /// Returns the values if they are specified explicitly.
    pub const fn given(&self) -> Option<&Values> {
        match self {
            Self::Given(values) => Some(values),
            Self::Drawn(_) => None,
        }
    }
}

impl<V: Into<Values>> From<V> for PerConnection {
    fn from(values: V) -> Self {
        Self::Given(values.into())
    }
}

//! Derivatives of the spike. A spike is a step function of V - `V_th` and has no useful derivative. Simulations use
//! the step function; gradients replace its derivative with a surrogate, a function of x = V - `V_th` (Neftci, Mostafa
//! & Zenke 2019), which is a text in the equation language (see [`formula`]). Instead, they can differentiate the times
//! of spikes (`EventProp`; Wunderlich & Pehle 2021).

use dendrion_language::{Formula, Parameter, formula};
use serde::{Deserialize, Serialize};

use crate::{Domain, Error};

/// The name of `EventProp` in model files and in Python.
pub const EVENT_PROP: &str = "EventProp";

macro_rules! built_in {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $file:literal;)*) => {
        /// The built-in surrogates. The parameters of each surrogate, with defaults and bounds, are declared
        /// in its text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SurrogateKind {
            $($(#[$doc])* $kind,)*
        }

        impl SurrogateKind {
            /// All built-in surrogates.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the name in model files and in Python.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Returns the text.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$kind => include_str!(concat!("surrogate/", $file, ".eqs")),)* }
            }
        }
    };
}

built_in! {
    /// α s (1 - s) with s = 1 / (1 + exp(-α x)).
    Sigmoid = "Sigmoid", "sigmoid";
    /// 1 / (1 + α |x|)² (Zenke & Ganguli 2018).
    FastSigmoid = "FastSigmoid", "fast_sigmoid";
    /// α / 2 / (1 + (π α x / 2)²) (Fang et al. 2021).
    Atan = "ATan", "atan";
    /// α max(0, 1 - α |x|) (Esser et al. 2016).
    Triangle = "Triangle", "triangle";
    /// The normal density N(x | 0, σ²).
    Gaussian = "Gaussian", "gaussian";
    /// (1 + h) N(x | 0, σ²) - h N(x | σ, (s σ)²) - h N(x | -σ, (s σ)²) (Yin, Corradi & Bohté 2021).
    MultiGaussian = "MultiGaussian", "multi_gaussian";
}

impl SurrogateKind {
    /// Returns the surrogate with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Returns the parameters, in the order in which the text declares them.
    pub fn parameters(self) -> Vec<Parameter> {
        let parsed = formula(self.text());
        parsed.map(|f| f.definition.parameters.into_iter().skip(1).collect()).unwrap_or_default()
    }
}

/// A function of x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurrogateFunction {
    /// A built-in function, with the values of its parameters in the order in which its text declares them.
    BuiltIn(SurrogateKind, Vec<f64>),
    /// The text of a user-defined function.
    Own(String),
    /// No function: spike times are differentiated.
    EventProp,
}

/// A function of x = V - `V_th` (mV) that replaces the derivative of the spike with respect to V (1/mV), or `EventProp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surrogate {
    /// The function.
    pub function: SurrogateFunction,
    /// Whether the function is evaluated at the relative distance x = (V - `V_th`)/(`V_th` - `V_reset`). Its
    /// steepness and width are then dimensionless, and the derivative of the spike with respect to V is its value
    /// divided by `V_th` - `V_reset`.
    pub is_relative: bool,
}

impl Default for Surrogate {
    fn default() -> Self {
        Self::new(SurrogateKind::Sigmoid, [])
    }
}

impl Surrogate {
    /// Creates a built-in surrogate. Parameters for which no number is specified have their default values.
    pub fn new(kind: SurrogateKind, numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        let parameters = kind.parameters();
        numbers.extend(parameters.iter().skip(numbers.len()).map(|p| p.default.unwrap_or(f64::NAN)));
        Self { function: SurrogateFunction::BuiltIn(kind, numbers), is_relative: false }
    }

    /// Creates a user-defined surrogate from a text such as `1 / (1 + x^2)`.
    pub fn own(text: impl Into<String>) -> Self {
        Self { function: SurrogateFunction::Own(text.into()), is_relative: false }
    }

    /// Differentiates spike times.
    pub const fn event_prop() -> Self {
        Self { function: SurrogateFunction::EventProp, is_relative: false }
    }

    /// Returns whether spike times are differentiated.
    pub const fn is_event_prop(&self) -> bool {
        matches!(self.function, SurrogateFunction::EventProp)
    }

    /// Returns this surrogate as a function of (V - `V_th`)/(`V_th` - `V_reset`).
    #[must_use]
    pub fn relative(self) -> Self {
        Self { is_relative: true, ..self }
    }

    /// Returns the text of the function, which is empty for `EventProp`.
    pub fn text(&self) -> &str {
        match &self.function {
            SurrogateFunction::BuiltIn(kind, _) => kind.text(),
            SurrogateFunction::Own(text) => text,
            SurrogateFunction::EventProp => "",
        }
    }

    /// Returns the parsed function, in which the defaults of the parameters are the values of this surrogate.
    ///
    /// # Errors
    /// Returns [`Error::Text`] if the text is invalid, and [`Error::Run`] for `EventProp`.
    pub fn formula(&self, path: &str) -> Result<Formula, Error> {
        if self.is_event_prop() {
            let what = "EventProp differentiates spike times, so it has no surrogate derivative";
            return Err(Error::run(path, what));
        }
        let mut formula = formula(self.text())
            .map_err(|error| Error::Text { module: path.into(), message: error.to_string() })?;
        if let SurrogateFunction::BuiltIn(_, numbers) = &self.function {
            let parameters = formula.definition.parameters.iter_mut().skip(1);
            parameters.zip(numbers).for_each(|(parameter, v)| parameter.default = Some(*v));
        }
        Ok(formula)
    }

    /// Checks the text and the values of the parameters.
    ///
    /// # Errors
    /// Returns an error if the text is invalid or a parameter is outside its domain.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        if self.is_event_prop() {
            let accepted = "false, because EventProp has no argument";
            let relative = || Error::parameter(path, "surrogate relative", "true", accepted);
            return if self.is_relative { Err(relative()) } else { Ok(()) };
        }
        let formula = self.formula(path)?;
        for parameter in formula.definition.parameters.iter().skip(1) {
            let value = parameter.default.unwrap_or(f64::NAN);
            if !Domain::from(parameter.bound).holds(value) {
                let name = format!("surrogate {}", parameter.name);
                return Err(Error::parameter(path, name, value, parameter.bound.words()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Surrogate, SurrogateKind};

    #[test]
    fn event_prop_has_no_function() {
        assert_eq!(Surrogate::event_prop().check("cell"), Ok(()));
        let relative = Surrogate::event_prop().relative().check("cell").unwrap_err().to_string();
        assert_eq!(
            relative,
            "cell: surrogate relative = true: expected false, because EventProp has no argument"
        );
        let formula = Surrogate::event_prop().formula("cell").unwrap_err().to_string();
        assert!(formula.contains("EventProp differentiates spike times"), "{formula}");
    }

    #[test]
    fn built_in_surrogates_are_valid_with_their_defaults() {
        for kind in SurrogateKind::ALL {
            assert_eq!(Surrogate::new(*kind, []).check("cell"), Ok(()), "{kind:?}");
            assert!(!kind.parameters().is_empty(), "{kind:?}");
            assert_eq!(SurrogateKind::from_name(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn parameters_are_checked_against_the_bounds_of_the_text() {
        let gaussian = Surrogate::new(SurrogateKind::Gaussian, [0.0]);
        let message = "cell: surrogate sigma = 0: expected a finite number > 0";
        assert_eq!(gaussian.check("cell").unwrap_err().to_string(), message);
        assert_eq!(gaussian.relative().check("cell").unwrap_err().to_string(), message);
        assert!(Surrogate::new(SurrogateKind::MultiGaussian, [0.5, 0.1, f64::NAN]).check("cell").is_err());
    }

    #[test]
    fn texts_are_checked() {
        assert_eq!(Surrogate::own("y = 1 + abs(x); 1/y^2").check("cell"), Ok(()));
        let error = Surrogate::own("1/(1 + abs(V))").check("cell").unwrap_err().to_string();
        assert!(
            error.contains("cell: error in the equations: line 1, column 12: unknown name 'V'"),
            "{error}"
        );
    }
}

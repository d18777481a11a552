//! Surrogate derivatives of the spike (Neftci, Mostafa & Zenke 2019). A spike is a step function of V - `V_th` and
//! has no useful derivative. Simulations use the step function; gradients replace its derivative with one of these
//! functions.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Maximum number of tokens of an expression.
const MOST_TOKENS: usize = 4096;

/// A function of x = V - `V_th` (mV) that replaces the derivative of the spike with respect to V (1/mV).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surrogate {
    /// α s (1 - s) with s = 1 / (1 + exp(-α x)).
    Sigmoid {
        /// Steepness (1/mV).
        alpha: f64,
    },
    /// 1 / (1 + α |x|)² (Zenke & Ganguli 2018).
    FastSigmoid {
        /// Steepness (1/mV).
        alpha: f64,
    },
    /// α / 2 / (1 + (π α x / 2)²) (Fang et al. 2021).
    Atan {
        /// Steepness (1/mV).
        alpha: f64,
    },
    /// α max(0, 1 - α |x|) (Esser et al. 2016).
    Triangle {
        /// Steepness (1/mV).
        alpha: f64,
    },
    /// The normal density N(x | 0, σ²).
    Gaussian {
        /// Width (mV).
        sigma: f64,
    },
    /// (1 + h) N(x | 0, σ²) - h N(x | σ, (s σ)²) - h N(x | -σ, (s σ)²) (Yin, Corradi & Bohté 2021).
    MultiGaussian {
        /// Width (mV).
        sigma: f64,
        /// Height of the sides.
        h: f64,
        /// Width of the sides, in σ.
        s: f64,
    },
    /// A user-defined function, as tokens in postfix order.
    Own(Vec<Token>),
    /// Another surrogate σ, evaluated at the relative distance x = (V - `V_th`)/(`V_th` - `V_reset`) instead of V -
    /// `V_th`. Its steepness and width are dimensionless. The derivative of the spike with respect to V is
    /// σ(x)/(`V_th` - `V_reset`).
    Relative(Box<Surrogate>),
}

impl Default for Surrogate {
    fn default() -> Self {
        Self::Sigmoid { alpha: 4.0 }
    }
}

/// A token of an expression in postfix order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Token {
    /// V - `V_th` (mV).
    X,
    /// A number.
    Number(f64),
    /// -a
    Neg,
    /// |a|
    Abs,
    /// √a
    Sqrt,
    /// e^a
    Exp,
    /// log a
    Log,
    /// tanh a
    Tanh,
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a · b
    Mul,
    /// a / b
    Div,
    /// The smaller of a and b
    Min,
    /// The larger of a and b
    Max,
    /// a^b
    Pow,
    /// 1 if a > b, else 0
    Greater,
    /// 1 if a >= b, else 0
    GreaterEqual,
    /// b if a is not 0, else c
    Select,
}

impl Token {
    /// Returns the operation or variable with this name. Numbers have no name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "x" => Self::X,
            "neg" => Self::Neg,
            "abs" => Self::Abs,
            "sqrt" => Self::Sqrt,
            "exp" => Self::Exp,
            "log" => Self::Log,
            "tanh" => Self::Tanh,
            "add" => Self::Add,
            "sub" => Self::Sub,
            "mul" => Self::Mul,
            "div" => Self::Div,
            "min" => Self::Min,
            "max" => Self::Max,
            "pow" => Self::Pow,
            "greater" => Self::Greater,
            "greater_equal" => Self::GreaterEqual,
            "select" => Self::Select,
            _ => return None,
        })
    }

    /// Returns the number of arguments.
    pub const fn arity(self) -> usize {
        match self {
            Self::X | Self::Number(_) => 0,
            Self::Neg | Self::Abs | Self::Sqrt | Self::Exp | Self::Log | Self::Tanh => 1,
            Self::Select => 3,
            _ => 2,
        }
    }
}

impl Surrogate {
    /// Returns this surrogate, evaluated at (V - `V_th`)/(`V_th` - `V_reset`).
    #[must_use]
    pub fn relative(self) -> Self {
        if self.is_relative() { self } else { Self::Relative(Box::new(self)) }
    }

    /// Returns whether the argument is (V - `V_th`)/(`V_th` - `V_reset`).
    pub const fn is_relative(&self) -> bool {
        matches!(self, Self::Relative(_))
    }

    /// Returns the function without [`Surrogate::Relative`].
    pub fn function(&self) -> &Self {
        match self {
            Self::Relative(function) => function.function(),
            function => function,
        }
    }

    /// Checks the parameters, or that the tokens form exactly one expression.
    ///
    /// # Errors
    /// Returns an error for a parameter outside its domain, or for tokens that do not form one expression.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        let numbers: &[(&str, f64)] = match self {
            Self::Sigmoid { alpha }
            | Self::FastSigmoid { alpha }
            | Self::Atan { alpha }
            | Self::Triangle { alpha } => &[("alpha", *alpha)],
            Self::Gaussian { sigma } => &[("sigma", *sigma)],
            Self::MultiGaussian { sigma, h, s } => &[("sigma", *sigma), ("h", *h), ("s", *s)],
            Self::Own(tokens) => return well_formed(path, tokens),
            Self::Relative(function) => return function.check(path),
        };
        match numbers.iter().find(|(_, v)| !v.is_finite() || *v <= 0.0) {
            Some((name, v)) => {
                Err(Error::parameter(path, format!("surrogate {name}"), v, "a finite number > 0"))
            }
            None => Ok(()),
        }
    }
}

fn well_formed(path: &str, tokens: &[Token]) -> Result<(), Error> {
    if tokens.len() > MOST_TOKENS {
        let given = format!("an expression of {} operations and numbers", tokens.len());
        return Err(Error::parameter(path, "surrogate", given, format!("at most {MOST_TOKENS}")));
    }
    let mut depth = 0_usize;
    for token in tokens {
        let finite = !matches!(token, Token::Number(v) if !v.is_finite());
        let Some(rest) = depth.checked_sub(token.arity()).filter(|_| finite) else {
            let given = format!("{tokens:?}");
            return Err(Error::parameter(path, "surrogate", given, "an expression in postfix order"));
        };
        depth = rest + 1;
    }
    if depth == 1 {
        return Ok(());
    }
    Err(Error::parameter(path, "surrogate", format!("{tokens:?}"), "one expression in postfix order"))
}

#[cfg(test)]
mod tests {
    use super::{Surrogate, Token};

    #[test]
    fn numbers_and_tokens_are_checked() {
        assert!(Surrogate::default().check("cell").is_ok());
        assert!(Surrogate::Gaussian { sigma: 0.0 }.check("cell").is_err());
        assert!(Surrogate::Gaussian { sigma: 0.0 }.relative().check("cell").is_err());
        assert!(Surrogate::default().relative().relative().check("cell").is_ok());
        let own = |tokens: &[Token]| Surrogate::Own(tokens.to_vec()).check("cell");
        assert!(own(&[Token::X, Token::Abs, Token::Number(1.0), Token::Add]).is_ok());
        assert!(own(&[Token::X, Token::Add]).is_err());
        assert!(own(&[Token::X, Token::X]).is_err());
        assert!(own(&[Token::Number(f64::NAN)]).is_err());
        let mut long = vec![Token::X];
        long.resize(4096, Token::Tanh);
        assert!(own(&long).is_ok());
        long.push(Token::Tanh);
        let error = own(&long).expect_err("one too many").to_string();
        assert!(error.contains("4097 operations and numbers: expected at most 4096"), "{error}");
    }
}

//! The functions and operators of expressions: one table of their names, symbols, precedences, arities and values.
//!
//! The parsers of equations and of NMODL, the printer, the checker, the expression graph and the formulas in
//! error messages all use this table. The graph knows only [`Unary`] and [`Binary`], which have derivatives;
//! the other functions are translated to these. Programs (`dendrion-kernels`) have their own operations,
//! which are close to those of the processor and often fused; that crate depends on no other crate of the
//! workspace.

/// Functions of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-a`
    Neg,
    /// Absolute value
    Abs,
    /// Square root
    Sqrt,
    /// `e` to the power `a`
    Exp,
    /// 2 to the power `a`; created by the compiler
    Exp2,
    /// `exp(a) - 1`, accurate for small `a`
    Expm1,
    /// Natural logarithm
    Log,
    /// `log(1 + a)`, accurate for small `a`
    Log1p,
    /// `(exp(a) - 1) / a`, and 1 for `a = 0`: the function φ₁ of exponential integrators
    Exprel,
    /// Hyperbolic tangent
    Tanh,
    /// Nearest integer; halves are rounded away from zero. Created by the compiler
    Round,
    /// Derivative of the logistic function: e / (1 + e)² with e = exp(-|a|)
    LogisticSlope,
}

/// Functions of two numbers. Comparisons return 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// The smaller of two values
    Min,
    /// The larger of two values
    Max,
    /// `a` to the power `b`
    Pow,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
}

/// Functions and operators. Conditions are the numbers 1 and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// A function of one number
    Unary(Unary),
    /// A function of two numbers
    Binary(Binary),
    /// Logarithm to base 10
    Log10,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// True if both conditions hold
    And,
    /// True if at least one condition holds
    Or,
    /// True if the condition does not hold
    Not,
    /// `min(max(a, b), c)`
    Clip,
    /// `b` if the condition `a` holds, else `c`
    Where,
}

impl From<Unary> for Function {
    fn from(f: Unary) -> Self {
        Self::Unary(f)
    }
}

impl From<Binary> for Function {
    fn from(f: Binary) -> Self {
        Self::Binary(f)
    }
}

/// Precedence levels of expressions, from lowest to highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `or`
    Or,
    /// `and`
    And,
    /// `not`
    Not,
    /// `<`, `<=`, `>`, `>=`
    Comparison,
    /// `+`, `-`
    Sum,
    /// `*`, `/`
    Product,
    /// Signs
    Sign,
    /// `^`
    Power,
    /// Numbers, names, calls, and expressions in parentheses
    Primary,
}

impl Level {
    /// Returns the next higher level.
    #[must_use]
    pub const fn above(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Sign,
            Self::Sign => Self::Power,
            Self::Power | Self::Primary => Self::Primary,
        }
    }
}

/// The notation of a function in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// An operator before its operand.
    Prefix(&'static str, Level),
    /// An operator between its operands.
    Infix(&'static str, Level),
    /// `name(a, b)`
    Call(&'static str),
    /// A function that only the compiler creates. Texts cannot call it; the name appears in error messages.
    Internal(&'static str),
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 29] = [
        Self::Unary(Unary::Exp),
        Self::Unary(Unary::Log),
        Self::Log10,
        Self::Unary(Unary::Log1p),
        Self::Unary(Unary::Expm1),
        Self::Unary(Unary::Exprel),
        Self::Unary(Unary::LogisticSlope),
        Self::Unary(Unary::Sqrt),
        Self::Unary(Unary::Tanh),
        Self::Unary(Unary::Abs),
        Self::Binary(Binary::Pow),
        Self::Binary(Binary::Min),
        Self::Binary(Binary::Max),
        Self::Clip,
        Self::Where,
        Self::Unary(Unary::Neg),
        Self::Binary(Binary::Add),
        Self::Binary(Binary::Sub),
        Self::Binary(Binary::Mul),
        Self::Binary(Binary::Div),
        Self::Binary(Binary::Greater),
        Self::Binary(Binary::GreaterEqual),
        Self::Less,
        Self::LessEqual,
        Self::And,
        Self::Or,
        Self::Not,
        Self::Unary(Unary::Exp2),
        Self::Unary(Unary::Round),
    ];

    /// Returns the notation of the function. `pow(a, b)` and `a ** b` are other spellings of `a^b`, and `a if
    /// c else b` is another spelling of `where(c, a, b)`.
    pub const fn notation(self) -> Notation {
        match self {
            Self::Unary(Unary::Neg) => Notation::Prefix("-", Level::Sign),
            Self::Unary(Unary::Abs) => Notation::Call("abs"),
            Self::Unary(Unary::Sqrt) => Notation::Call("sqrt"),
            Self::Unary(Unary::Exp) => Notation::Call("exp"),
            Self::Unary(Unary::Exp2) => Notation::Internal("exp2"),
            Self::Unary(Unary::Expm1) => Notation::Call("expm1"),
            Self::Unary(Unary::Log) => Notation::Call("log"),
            Self::Unary(Unary::Log1p) => Notation::Call("log1p"),
            Self::Unary(Unary::Exprel) => Notation::Call("exprel"),
            Self::Unary(Unary::Tanh) => Notation::Call("tanh"),
            Self::Unary(Unary::Round) => Notation::Internal("round"),
            Self::Unary(Unary::LogisticSlope) => Notation::Call("logistic_slope"),
            Self::Binary(Binary::Add) => Notation::Infix("+", Level::Sum),
            Self::Binary(Binary::Sub) => Notation::Infix("-", Level::Sum),
            Self::Binary(Binary::Mul) => Notation::Infix("*", Level::Product),
            Self::Binary(Binary::Div) => Notation::Infix("/", Level::Product),
            Self::Binary(Binary::Min) => Notation::Call("min"),
            Self::Binary(Binary::Max) => Notation::Call("max"),
            Self::Binary(Binary::Pow) => Notation::Infix("^", Level::Power),
            Self::Binary(Binary::Greater) => Notation::Infix(">", Level::Comparison),
            Self::Binary(Binary::GreaterEqual) => Notation::Infix(">=", Level::Comparison),
            Self::Log10 => Notation::Call("log10"),
            Self::Less => Notation::Infix("<", Level::Comparison),
            Self::LessEqual => Notation::Infix("<=", Level::Comparison),
            Self::And => Notation::Infix("and", Level::And),
            Self::Or => Notation::Infix("or", Level::Or),
            Self::Not => Notation::Prefix("not", Level::Not),
            Self::Clip => Notation::Call("clip"),
            Self::Where => Notation::Call("where"),
        }
    }

    /// Returns the number of arguments.
    pub const fn arity(self) -> usize {
        match self {
            Self::Unary(_) | Self::Log10 | Self::Not => 1,
            Self::Binary(_) | Self::Less | Self::LessEqual | Self::And | Self::Or => 2,
            Self::Clip | Self::Where => 3,
        }
    }

    /// Returns the name by which texts call the function, or `None` if they cannot call it.
    pub(crate) fn name(self) -> Option<&'static str> {
        match (self, self.notation()) {
            (Self::Binary(Binary::Pow), _) => Some("pow"),
            (_, Notation::Call(name)) => Some(name),
            _ => None,
        }
    }

    /// Returns the function that texts call by this name.
    pub(crate) fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == Some(name))
    }

    /// Returns the function that is called by this name or written with this symbol. The sign is called `neg`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "neg" => Some(Self::Unary(Unary::Neg)),
            "not" => Some(Self::Not),
            _ => Self::called(name).or_else(|| Self::infix(name).map(|(function, _)| function)),
        }
    }

    /// Returns whether the value is a condition.
    pub const fn is_condition(self) -> bool {
        matches!(self.notation(), Notation::Infix(_, Level::Or | Level::And | Level::Comparison))
            || matches!(self, Self::Not)
    }

    /// Returns the infix operator with this symbol, and its precedence.
    pub(crate) fn infix(symbol: &str) -> Option<(Self, Level)> {
        let symbol = if symbol == "**" { "^" } else { symbol };
        Self::ALL.into_iter().find_map(|f| match f.notation() {
            Notation::Infix(s, level) if s == symbol => Some((f, level)),
            _ => None,
        })
    }

    /// Returns the value of the function. A missing operand is treated as NaN.
    pub fn evaluate(self, operands: &[f64]) -> f64 {
        let at = |i: usize| operands.get(i).copied().unwrap_or(f64::NAN);
        let (a, b) = (at(0), at(1));
        match self {
            Self::Unary(f) => f.evaluate(a),
            Self::Binary(f) => f.evaluate(a, b),
            Self::Log10 => libm::log10(a),
            Self::Less => Binary::Greater.evaluate(b, a),
            Self::LessEqual => Binary::GreaterEqual.evaluate(b, a),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
            Self::Not => truth(a == 0.0),
            Self::Clip => Binary::Min.evaluate(Binary::Max.evaluate(a, b), at(2)),
            Self::Where if a == 0.0 => at(2),
            Self::Where => b,
        }
    }
}

impl Unary {
    /// Returns the value of the function, which does not depend on the platform.
    pub fn evaluate(self, a: f64) -> f64 {
        match self {
            Self::Neg => -a,
            Self::Abs => a.abs(),
            Self::Sqrt => a.sqrt(),
            Self::Exp => libm::exp(a),
            Self::Exp2 => libm::exp2(a),
            Self::Expm1 => libm::expm1(a),
            Self::Log => libm::log(a),
            Self::Log1p => libm::log1p(a),
            Self::Exprel if a == 0.0 => 1.0,
            Self::Exprel => libm::expm1(a) / a,
            Self::Tanh => libm::tanh(a),
            Self::Round => a.round(),
            Self::LogisticSlope => {
                let e = libm::exp(-a.abs());
                e / ((1.0 + e) * (1.0 + e))
            }
        }
    }
}

impl Binary {
    /// Returns the value of the function, which does not depend on the platform.
    pub fn evaluate(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Min if a < b => a,
            Self::Max if a > b => a,
            Self::Min | Self::Max => b,
            Self::Pow => libm::pow(a, b),
            Self::Greater => truth(a > b),
            Self::GreaterEqual => truth(a >= b),
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::{Binary, Function, Notation};

    /// A name or a symbol identifies one function, except for `-`, which is both a prefix and an infix
    /// operator.
    #[test]
    fn notations_are_unique() {
        for (i, f) in Function::ALL.into_iter().enumerate() {
            for g in Function::ALL.into_iter().skip(i + 1) {
                assert_ne!(f.notation(), g.notation());
            }
        }
    }

    #[test]
    fn operators_have_as_many_operands_as_their_notation_shows() {
        for f in Function::ALL {
            match f.notation() {
                Notation::Prefix(..) => assert_eq!(f.arity(), 1, "{f:?}"),
                Notation::Infix(..) => assert_eq!(f.arity(), 2, "{f:?}"),
                Notation::Call(_) | Notation::Internal(_) => {}
            }
        }
    }

    #[test]
    fn powers_have_three_spellings() {
        let power = Function::Binary(Binary::Pow);
        assert_eq!(Function::called("pow"), Some(power));
        assert_eq!(Function::infix("^"), Function::infix("**"));
        assert_eq!(Function::infix("^").map(|(f, _)| f), Some(power));
    }
}

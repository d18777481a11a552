//! Surrogate derivatives of the spike as functions of their argument x. The built-in functions use exponentials of
//! negative arguments only, which cannot overflow.

use std::f64::consts::{PI, TAU};

use dendrion_model::{Surrogate, Token};

use crate::expr::Expr;

/// Returns the derivative at `x`.
pub(crate) fn derivative<'g>(surrogate: &Surrogate, x: Expr<'g>) -> Expr<'g> {
    let one = x.number(1.0);
    match surrogate {
        Surrogate::Sigmoid { alpha } => (x * *alpha).logistic_slope() * *alpha,
        Surrogate::FastSigmoid { alpha } => {
            let below = one + x.abs() * *alpha;
            one / (below * below)
        }
        Surrogate::Atan { alpha } => {
            let z = x * (PI / 2.0 * alpha);
            x.number(alpha / 2.0) / (one + z * z)
        }
        Surrogate::Triangle { alpha } => (one - x.abs() * *alpha).at_least(0.0) * *alpha,
        Surrogate::Gaussian { sigma } => normal(x, 0.0, *sigma),
        Surrogate::MultiGaussian { sigma, h, s } => {
            let sides = normal(x, *sigma, s * sigma) + normal(x, -*sigma, s * sigma);
            normal(x, 0.0, *sigma) * (1.0 + h) - sides * *h
        }
        Surrogate::Own(tokens) => own(tokens, x),
        Surrogate::Relative(function) => derivative(function, x),
    }
}

/// Returns the normal density N(x | mean, sigma²).
fn normal(x: Expr<'_>, mean: f64, sigma: f64) -> Expr<'_> {
    let z = (x - mean) * (1.0 / sigma);
    (z * z * -0.5).exp() * (1.0 / (TAU.sqrt() * sigma))
}

/// Returns the value of an expression in postfix order, which must be valid.
fn own<'g>(tokens: &[Token], x: Expr<'g>) -> Expr<'g> {
    let mut stack: Vec<Expr<'g>> = Vec::new();
    for token in tokens {
        let nothing = x.number(0.0);
        let mut next = || stack.pop().unwrap_or(nothing);
        let value = match token.arity() {
            0 => match token {
                Token::Number(v) => x.number(*v),
                _ => x,
            },
            1 => one_argument(*token, next()),
            2 => {
                let b = next();
                two_arguments(*token, next(), b)
            }
            _ => {
                let (c, b) = (next(), next());
                next().choose(b, c)
            }
        };
        stack.push(value);
    }
    stack.pop().unwrap_or_else(|| x.number(0.0))
}

fn one_argument(token: Token, a: Expr<'_>) -> Expr<'_> {
    match token {
        Token::Neg => -a,
        Token::Abs => a.abs(),
        Token::Sqrt => a.sqrt(),
        Token::Exp => a.exp(),
        Token::Log => a.ln(),
        _ => a.tanh(),
    }
}

fn two_arguments<'g>(token: Token, a: Expr<'g>, b: Expr<'g>) -> Expr<'g> {
    match token {
        Token::Add => a + b,
        Token::Sub => a - b,
        Token::Mul => a * b,
        Token::Div => a / b,
        Token::Min => b.above(a).choose(a, b),
        Token::Max => a.above(b).choose(a, b),
        Token::Pow => a.to_the(b),
        Token::Greater => a.above(b),
        _ => a.reaches(b),
    }
}

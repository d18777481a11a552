//! Functions of one variable `x` as text: definitions of intermediate values, followed by an expression.
//!
//! ```
//! let text = "alpha = 2; y = 1 + alpha * abs(x); 1 / y^2";
//! let formula = dendrion_language::formula(text)?;
//! let names: Vec<&str> = formula.definition.parameters.iter().map(|p| p.name.as_str()).collect();
//! assert_eq!(names, ["x", "alpha"]);
//! # Ok::<(), dendrion_language::TextError>(())
//! ```

use crate::check;
use crate::definition::{Definition, Id};
use crate::error::{Span, TextError};
use crate::lex::{self, Kind, LINE, Lexed, Token};
use crate::parse;
use crate::stack::with_stack;

/// A function of `x`, whose argument and value are pure numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// The names and expressions of the text. The first parameter is `x`; the other parameters are constants
    /// with default values.
    pub definition: Definition,
    /// The value.
    pub value: Id,
}

/// Parses and checks the text of a function of `x`.
///
/// # Errors
/// Returns the first error found, with its position.
pub fn formula(text: &str) -> Result<Formula, TextError> {
    with_stack(|| {
        let mut lexed = lex::lex(text)?;
        name_value(text, &mut lexed, "in terms of x, such as '1 / (1 + x^2)'")?;
        check::formula(text, &parse::parse(text, lexed, true)?)
    })
}

/// Turns the expression at the end into a definition with an empty name, so that the text can be parsed like that of
/// a mechanism. Messages contain an `example`.
pub(crate) fn name_value(text: &str, lexed: &mut Lexed, example: &str) -> Result<(), TextError> {
    let is_end = |token: &Token| matches!(token.kind, LINE | Kind::Symbol(";") | Kind::End);
    let tokens = &lexed.tokens;
    let Some(last) = tokens.iter().rposition(|token| !is_end(token)) else {
        let message = format!("the text is empty; expected an expression {example}");
        return Err(TextError::new(text, Span::default(), message));
    };
    let first = tokens[..last].iter().rposition(is_end).map_or(0, |i| i + 1);
    if tokens[first..=last].iter().any(|token| token.kind == Kind::Symbol("=")) {
        let span = tokens[first].span.to(tokens[last].span);
        let message = format!("the last statement is a definition; expected an expression {example}");
        return Err(TextError::new(text, span, message));
    }
    let start = tokens[first].span.start;
    let empty = Span::new(start, start);
    let name = [Kind::Name, Kind::Symbol("=")].map(|kind| Token { kind, span: empty });
    lexed.tokens.splice(first..first, name);
    Ok(())
}

//! The equation language: text with units that defines a mechanism.
//!
//! ```
//! let text = "
//! I = g * n * (E - V)                    : pA
//! dn/dt = (1/(1 + exp(-(V - Vn)/8 mV)) - n) / tau_n  : 1
//! g = 5 nS (>= 0)       # maximal conductance
//! E = -90 mV; Vn = -30 mV; tau_n = 0.5 ms
//! ";
//! let definition = dendrion_language::define(text)?;
//! assert_eq!(definition.parameters.len(), 4);
//! assert_eq!(definition.parameters[0].unit.text, "nS");
//!
//! let error = dendrion_language::define("I = g * (E - Vm) : pA\ng = 5 nS; E = -90 mV").unwrap_err();
//! assert_eq!((error.line, error.column), (1, 14));
//! # Ok::<(), dendrion_language::TextError>(())
//! ```
//!
//! [`define`] processes a text in three steps: the lexer splits it into tokens, the parser builds a
//! [`Syntax`] tree, and the checker resolves names and checks dimensions. Every error is a [`TextError`] with
//! the line, the column and a caret under the offending part. [`formula`] does the same for a function of one
//! variable. Time and memory are proportional to the length of the text.

mod check;
pub mod cursor;
mod definition;
mod density;
mod error;
mod expression_text;
mod formula;
mod function;
mod lex;
mod parse;
mod print;
mod stack;
pub mod syntax;
mod unit;
mod unit_text;
mod write;

pub use definition::{
    Assignment, Current, Definition, Diffuse, Event, Export, Expression, Flag, Given, Id, Import, Parameter,
    State, Target, Term, Trigger, Written,
};
pub use density::Density;
pub use error::{Span, TextError, nearest, shortened, suggestion, write_excerpt};
pub use expression_text::ExpressionText;
pub use formula::{Formula, formula};
pub use function::{Binary, Function, Level, Notation, Unary};
pub use stack::{recurse, with_stack};
pub use syntax::Bound;
pub use unit::{Dimension, Factor, Unit, ten_to};
pub use unit_text::{UnitText, unit_text};
pub use write::{Value, write_formula};

use syntax::Syntax;

/// Parses and checks a text.
///
/// # Errors
/// Returns the first error found, with its position.
pub fn define(text: &str) -> Result<Definition, TextError> {
    with_stack(|| check::check(text, &parse(text)?, text.to_string()))
}

/// Parses a text.
///
/// # Errors
/// Returns the first error found, with its position.
pub fn parse(text: &str) -> Result<Syntax, TextError> {
    with_stack(|| parse::parse(text, lex::lex(text)?, false))
}

/// Returns the names that a text cannot define: keywords, functions, and quantities of the compartment.
pub fn reserved_names() -> impl Iterator<Item = &'static str> {
    let words = parse::KEYWORDS.into_iter().chain(parse::WORDS);
    let functions = Function::ALL.into_iter().filter_map(Function::name);
    words.chain(functions).chain(check::GIVEN.iter().map(|(name, _)| *name)).chain(["pi", "I"])
}

/// Checks a syntax tree whose positions refer to `source`.
///
/// # Errors
/// Returns the first error found, with its position in `source`.
pub fn check(source: &str, syntax: &Syntax) -> Result<Definition, TextError> {
    with_stack(|| check::check(source, syntax, syntax.to_string()))
}

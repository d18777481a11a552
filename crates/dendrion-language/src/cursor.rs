//! The code shared by the parsers of equations and NMODL: a position in a list of tokens, and the parsing of
//! expressions.
//!
//! Both are recursive-descent parsers. [`Expressions::climb`] parses expressions by precedence climbing:
//!
//! ```text
//! climb(min):
//!     a = a prefix operator of level >= min and climb(its level), or a primary expression
//!     while the next token is an infix operator of level >= min:
//!         b = climb(the level above that of the operator; for a power, the level of signs)
//!         a = operator(a, b)
//!     return a
//! ```
//!
//! Operators of one level are therefore left-associative, with two exceptions. Comparisons cannot be chained.
//! Powers are right-associative, because the exponent is parsed at the level of signs: `a^b^c` is `a^(b^c)`, and
//! `a^-b^c` is `a^(-(b^c))`.

use crate::error::{Span, TextError};
use crate::function::Level;

/// The kind of a token. `S` is the type of the tokens that exist in only one of the languages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<S> {
    /// A number.
    Number(f64),
    /// A name or a keyword.
    Name,
    /// An operator or a bracket.
    Symbol(&'static str),
    /// A token of one language.
    Special(S),
    /// The end of the text.
    End,
}

/// A token and its position.
#[derive(Clone, Copy, Debug)]
pub struct Token<S> {
    /// The kind.
    pub kind: Kind<S>,
    /// The position.
    pub span: Span,
}

/// A position in the tokens of a text.
#[derive(Debug)]
pub struct Cursor<'t, S> {
    text: &'t str,
    tokens: Vec<Token<S>>,
    at: usize,
    depth: usize,
}

impl<'t, S: Copy> Cursor<'t, S> {
    /// Creates a cursor at the first token of a text.
    pub const fn new(text: &'t str, tokens: Vec<Token<S>>) -> Self {
        Self { text, tokens, at: 0, depth: 0 }
    }

    /// Returns the text.
    pub const fn source(&self) -> &'t str {
        self.text
    }
}

/// Returns the length in bytes of the number at the beginning of `rest`, if there is one: digits, a decimal point,
/// digits, an exponent.
pub fn number_length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let whole = digits(0);
    let mut end = whole;
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if end == 0 || (whole == 0 && end == 1) {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    Some(end)
}

/// Maximum nesting depth of parentheses, operators and blocks.
pub const DEEPEST: usize = 100;

/// The result of parsing.
pub type Parsed<T> = Result<T, TextError>;

/// A recursive-descent parser.
pub trait Parser<'t>: Sized {
    /// The type of the tokens that exist only in this language.
    type Special: Copy + PartialEq;

    /// Returns the cursor.
    fn cursor(&self) -> &Cursor<'t, Self::Special>;

    /// Returns the cursor.
    fn cursor_mut(&mut self) -> &mut Cursor<'t, Self::Special>;

    /// Creates an error that names the current token and the expected one.
    fn unexpected(&self, expected: &str) -> TextError;

    /// Returns the error message for constructs that are nested more than [`DEEPEST`] levels deep.
    fn too_deep() -> String;

    /// Returns the current token.
    fn peek(&self) -> Token<Self::Special> {
        self.ahead(0)
    }

    /// Returns the token `n` tokens after the current one.
    fn ahead(&self, n: usize) -> Token<Self::Special> {
        let cursor = self.cursor();
        let end = Span::new(cursor.text.len(), cursor.text.len());
        cursor.tokens.get(cursor.at + n).copied().unwrap_or(Token { kind: Kind::End, span: end })
    }

    /// Returns the last token that was consumed.
    fn behind(&self) -> Option<Token<Self::Special>> {
        let cursor = self.cursor();
        cursor.at.checked_sub(1).and_then(|at| cursor.tokens.get(at)).copied()
    }

    /// Consumes `n` tokens.
    fn advance(&mut self, n: usize) {
        self.cursor_mut().at += n;
    }

    /// Consumes and returns the current token.
    fn next(&mut self) -> Token<Self::Special> {
        let token = self.peek();
        self.advance(1);
        token
    }

    /// Returns the text at a position.
    fn text(&self, span: Span) -> &'t str {
        span.of(self.cursor().text)
    }

    /// Returns whether the current token is this symbol.
    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek().kind, Kind::Symbol(s) if s == symbol)
    }

    /// Consumes the current token if it is this symbol.
    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.advance(usize::from(found));
        found
    }

    /// Returns the current word, or an empty text if the current token is not a word.
    fn word(&self) -> &'t str {
        let token = self.peek();
        if token.kind == Kind::Name { self.text(token.span) } else { "" }
    }

    /// Consumes the current token if it is this word.
    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.word() == word;
        self.advance(usize::from(found));
        found
    }

    /// Consumes a symbol. `place` follows the symbol in the error message.
    ///
    /// # Errors
    /// Returns an error if the current token is not this symbol.
    fn expect(&mut self, symbol: &str, place: &str) -> Parsed<Token<Self::Special>> {
        if self.is(symbol) { Ok(self.next()) } else { Err(self.unexpected(&format!("'{symbol}' {place}"))) }
    }

    /// Creates an error.
    fn error(&self, span: Span, message: impl Into<String>) -> TextError {
        TextError::new(self.cursor().text, span, message)
    }

    /// Calls `inner` one nesting level deeper.
    ///
    /// # Errors
    /// Returns an error if `inner` fails or if the level exceeds [`DEEPEST`].
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.cursor().depth >= DEEPEST {
            return Err(self.error(self.peek().span, Self::too_deep()));
        }
        self.cursor_mut().depth += 1;
        let found = inner(self);
        self.cursor_mut().depth -= 1;
        found
    }
}

/// A parser of expressions.
pub trait Expressions<'t>: Parser<'t> {
    /// Functions and operators.
    type Function;
    /// Identifies an expression.
    type Id: Copy;

    /// The message for `a < b < c`.
    const CHAINED: &'static str;

    /// Returns the prefix operator at the current token, with its precedence. The function is `None` for a
    /// sign without effect.
    fn prefix(&self) -> Option<(Option<Self::Function>, Level)>;

    /// Returns the infix operator at the current token, with its precedence.
    ///
    /// # Errors
    /// Returns an error if the parser recognizes the operator only in order to reject it with a specific
    /// message.
    fn infix(&self) -> Parsed<Option<(Self::Function, Level)>>;

    /// Parses a number, a name, a call, or an expression in parentheses.
    ///
    /// # Errors
    /// Returns an error if no such expression begins at the current token.
    fn primary(&mut self) -> Parsed<Self::Id>;

    /// Applies a function.
    fn apply(&mut self, function: Self::Function, operands: Vec<Self::Id>, span: Span) -> Self::Id;

    /// Returns the position of an expression.
    fn span(&self, id: Self::Id) -> Span;

    /// Parses an expression with operators of precedence `min` or higher.
    ///
    /// # Errors
    /// Returns an error if the expression is invalid.
    fn climb(&mut self, min: Level) -> Parsed<Self::Id> {
        let mut a = self.operand(min)?;
        while let Some((function, level)) = self.infix()?.filter(|(_, level)| *level >= min) {
            self.advance(1);
            let b = if level == Level::Power {
                self.deeper(|p| p.climb(Level::Sign))?
            } else {
                self.climb(level.above())?
            };
            if level == Level::Comparison && matches!(self.infix()?, Some((_, Level::Comparison))) {
                return Err(self.error(self.peek().span, Self::CHAINED));
            }
            let span = self.span(a).to(self.span(b));
            a = self.apply(function, vec![a, b], span);
        }
        Ok(a)
    }

    /// Parses an operand and its prefix operators.
    ///
    /// # Errors
    /// Returns an error if the operand is invalid.
    fn operand(&mut self, min: Level) -> Parsed<Self::Id> {
        let start = self.peek().span;
        let Some((function, level)) = self.prefix().filter(|(_, level)| *level >= min) else {
            return self.primary();
        };
        self.advance(1);
        let a = self.deeper(|p| p.climb(level))?;
        let span = start.to(self.span(a));
        Ok(function.map_or(a, |function| self.apply(function, vec![a], span)))
    }
}

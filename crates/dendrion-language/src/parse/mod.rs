//! Recursive-descent parser: builds a syntax tree from tokens.

mod expression;
mod statement;

use crate::error::{Span, TextError};
use crate::lex::{Kind, Lexed, Token};
use crate::syntax::{Id, Node, Syntax};

/// Maximum nesting depth of parentheses and operators.
const DEEPEST: usize = 100;

/// Reserved words.
pub(crate) const KEYWORDS: [&str; 11] =
    ["on", "after", "for", "and", "or", "not", "if", "else", "where", "import", "export"];

/// Parses a text.
pub(crate) fn parse(text: &str, lexed: &Lexed) -> Result<Syntax, TextError> {
    let mut parser = Parser { text, tokens: &lexed.tokens, at: 0, depth: 0, syntax: Syntax::default() };
    parser.statements()?;
    Ok(parser.syntax)
}

struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    syntax: Syntax,
}

type Parsed<T> = Result<T, TextError>;

impl Parser<'_> {
    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, n: usize) -> Token {
        let end = Token { kind: Kind::End, span: Span::new(self.text.len(), self.text.len()) };
        self.tokens.get(self.at + n).copied().unwrap_or(end)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek().kind, Kind::Symbol(s) if s == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek().kind == Kind::Name && self.peek().span.of(self.text) == word
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str, place: &str) -> Parsed<Token> {
        if self.is(symbol) { Ok(self.next()) } else { Err(self.unexpected(&format!("'{symbol}' {place}"))) }
    }

    /// Consumes a name that is not a keyword. `what` describes the expected name in the error message.
    fn name(&mut self, what: &str) -> Parsed<Span> {
        let token = self.peek();
        let word = token.span.of(self.text);
        if token.kind == Kind::Name && !KEYWORDS.contains(&word) {
            self.at += 1;
            return Ok(token.span);
        }
        Err(self.unexpected(what))
    }

    /// Creates an error about the current token, which differs from the expected one.
    fn unexpected(&self, expected: &str) -> TextError {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "unexpected end of the text".to_string(),
            Kind::Line => "unexpected end of the line".to_string(),
            _ => format!("unexpected '{}'", token.span.of(self.text)),
        };
        self.error(token.span, format!("{found}; expected {expected}"))
    }

    fn error(&self, span: Span, message: impl Into<String>) -> TextError {
        TextError::new(self.text, span, message)
    }

    fn push(&mut self, node: Node, span: Span) -> Id {
        self.syntax.nodes.push((node, span));
        self.syntax.nodes.len() - 1
    }

    fn span(&self, id: Id) -> Span {
        self.syntax.nodes[id].1
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return Err(self.error(self.peek().span, format!("expressions are nested more than {DEEPEST} levels deep; name inner parts to reduce the depth")));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }
}

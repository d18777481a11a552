//! Recursive-descent parser: builds a syntax tree from tokens.

mod blocks;
mod declare;
mod expression;
mod refused;
mod statement;

use crate::error::{NmodlError, Span};
use crate::lex::{Kind, Lexed, Token};
use crate::syntax::{File, Id, Name, Node};

/// Maximum nesting depth of parentheses and blocks.
const DEEPEST: usize = 100;

/// Parses a file. Also returns its comments.
pub(crate) fn parse(source: &str, lexed: Lexed) -> Result<(File<'_>, Vec<Span>), NmodlError> {
    let Lexed { tokens, comments, notes } = lexed;
    let mut parser = Parser { source, tokens, at: 0, depth: 0, file: File { notes, ..File::default() } };
    parser.blocks()?;
    Ok((parser.file, comments))
}

struct Parser<'t> {
    source: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    file: File<'t>,
}

type Parsed<T> = Result<T, NmodlError>;

impl<'t> Parser<'t> {
    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, n: usize) -> Token {
        let end = Token { kind: Kind::End, span: Span::new(self.source.len(), self.source.len()) };
        self.tokens.get(self.at + n).copied().unwrap_or(end)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn text(&self, span: Span) -> &'t str {
        self.source.get(span.start..span.end).unwrap_or("")
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek().kind, Kind::Symbol(s) if s == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    /// Returns the current word, or an empty text if the current token is not a word.
    fn word(&self) -> &'t str {
        let token = self.peek();
        if token.kind == Kind::Name { self.text(token.span) } else { "" }
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.word() == word;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str, place: &str) -> Parsed<Token> {
        if self.is(symbol) { Ok(self.next()) } else { Err(self.unexpected(&format!("'{symbol}' {place}"))) }
    }

    fn name(&mut self, what: &str) -> Parsed<Name<'t>> {
        let token = self.peek();
        if token.kind != Kind::Name {
            return Err(self.unexpected(what));
        }
        self.at += 1;
        Ok(Name { text: self.text(token.span), span: token.span })
    }

    /// Parses a number with an optional sign.
    fn number(&mut self, what: &str) -> Parsed<f64> {
        let negative = self.accept("-");
        if let Kind::Number(value) = self.peek().kind {
            self.at += 1;
            return Ok(if negative { -value } else { value });
        }
        let word = self.word();
        let named = self.file.constants.iter().find(|(name, _)| name.text == word).map(|(_, value)| *value);
        let Some(value) = named else { return Err(self.unexpected(what)) };
        self.at += 1;
        Ok(if negative { -value } else { value })
    }

    /// Parses names separated by commas.
    fn names(&mut self, what: &str) -> Parsed<Vec<Name<'t>>> {
        let mut names = vec![self.name(what)?];
        while self.accept(",") {
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    /// Parses an optional unit in parentheses and returns its text.
    fn unit(&mut self) -> Parsed<Option<&'t str>> {
        if !self.is("(") {
            return Ok(None);
        }
        let open = self.next().span;
        while !self.is(")") {
            if matches!(self.peek().kind, Kind::End | Kind::Symbol("(" | "{" | "}")) {
                return Err(self.unexpected("')' after the unit"));
            }
            self.at += 1;
        }
        let close = self.next().span;
        Ok(Some(self.text(Span::new(open.end, close.start)).trim()))
    }

    /// Creates an error about the current token, which differs from the expected one.
    fn unexpected(&self, expected: &str) -> NmodlError {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "unexpected end of the file".to_string(),
            Kind::Verbatim => return self.refused(token.span, refused::VERBATIM),
            Kind::Return => return self.refused(token.span, refused::RETURN),
            Kind::Title => "unexpected title".to_string(),
            Kind::Symbol("[") => return self.refused(token.span, refused::ARRAY),
            _ => format!("unexpected '{}'", self.text(token.span)),
        };
        self.error(token.span, format!("{found}; expected {expected}"))
    }

    fn error(&self, span: Span, message: impl Into<String>) -> NmodlError {
        NmodlError::new(self.source, span, message)
    }

    /// Creates an error about a part of NMODL that is not supported.
    fn refused(&self, span: Span, why: &str) -> NmodlError {
        self.error(span, format!("'{}' cannot be translated: {why}", self.text(span)))
    }

    fn note(&mut self, span: Span, text: impl Into<String>) {
        self.file.notes.add(self.source, span, text);
    }

    fn push(&mut self, node: Node<'t>, span: Span) -> Id {
        self.file.nodes.push((node, span));
        self.file.nodes.len() - 1
    }

    fn span(&self, id: Id) -> Span {
        self.file.nodes.get(id).map_or_else(Span::default, |(_, span)| *span)
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return Err(
                self.error(self.peek().span, format!("this is nested more than {DEEPEST} levels deep"))
            );
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }
}

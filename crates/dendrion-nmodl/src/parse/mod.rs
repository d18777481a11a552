//! Recursive-descent parser: builds a syntax tree from tokens.

mod blocks;
mod declare;
mod expression;
mod refused;
mod statement;

use dendrion_language::cursor::{self, Cursor, DEEPEST, Parsed, Parser as _};

use crate::error::{NmodlError, Span};
use crate::lex::{Kind, Lexed, Special};
use crate::syntax::{File, Id, Name, Node};

/// Parses a file. Also returns its comments.
pub(crate) fn parse(source: &str, lexed: Lexed) -> Result<(File<'_>, Vec<Span>), NmodlError> {
    let Lexed { tokens, comments, notes } = lexed;
    let file = File { notes, ..File::default() };
    let mut parser = Parser { cursor: Cursor::new(source, tokens), file };
    parser.blocks()?;
    Ok((parser.file, comments))
}

struct Parser<'t> {
    cursor: Cursor<'t, Special>,
    file: File<'t>,
}

impl<'t> cursor::Parser<'t> for Parser<'t> {
    type Special = Special;

    fn cursor(&self) -> &Cursor<'t, Special> {
        &self.cursor
    }

    fn cursor_mut(&mut self) -> &mut Cursor<'t, Special> {
        &mut self.cursor
    }

    fn unexpected(&self, expected: &str) -> NmodlError {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "unexpected end of the file".to_string(),
            Kind::Special(Special::Verbatim) => return self.refused(token.span, refused::VERBATIM),
            Kind::Special(Special::Return) => return self.refused(token.span, refused::RETURN),
            Kind::Special(Special::Title) => "unexpected title".to_string(),
            Kind::Symbol("[") => return self.refused(token.span, refused::ARRAY),
            _ => format!("unexpected '{}'", self.text(token.span)),
        };
        self.error(token.span, format!("{found}; expected {expected}"))
    }

    fn too_deep() -> String {
        format!("the code is nested more than {DEEPEST} levels deep")
    }
}

impl<'t> Parser<'t> {
    fn name(&mut self, what: &str) -> Parsed<Name<'t>> {
        let token = self.peek();
        if token.kind != Kind::Name {
            return Err(self.unexpected(what));
        }
        self.advance(1);
        Ok(Name { text: self.text(token.span), span: token.span })
    }

    /// Parses a number with an optional sign.
    fn number(&mut self, what: &str) -> Parsed<f64> {
        let negative = self.accept("-");
        if let Kind::Number(value) = self.peek().kind {
            self.advance(1);
            return Ok(if negative { -value } else { value });
        }
        let word = self.word();
        let named = self.file.constants.iter().find(|(name, _)| name.text == word).map(|(_, value)| *value);
        let Some(value) = named else { return Err(self.unexpected(what)) };
        self.advance(1);
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
            self.advance(1);
        }
        let close = self.next().span;
        Ok(Some(self.text(Span::new(open.end, close.start)).trim()))
    }

    /// Creates an error about an NMODL construct that is not supported.
    fn refused(&self, span: Span, why: &str) -> NmodlError {
        self.error(span, format!("'{}' cannot be translated: {why}", self.text(span)))
    }

    fn note(&mut self, span: Span, text: impl Into<String>) {
        self.file.notes.add(self.cursor.source(), span, text);
    }

    fn push(&mut self, node: Node<'t>, span: Span) -> Id {
        self.file.nodes.push((node, span));
        self.file.nodes.len() - 1
    }
}

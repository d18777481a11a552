//! Recursive-descent parser: builds a syntax tree from tokens.

mod expression;
mod statement;

use crate::cursor::{self, Cursor, DEEPEST, Parsed, Parser as _};
use crate::error::{Span, TextError};
use crate::lex::{Kind, LINE, Lexed, Special};
use crate::syntax::{Id, Node, Syntax};

/// Reserved words.
pub(crate) const KEYWORDS: [&str; 11] =
    ["on", "after", "for", "and", "or", "not", "if", "else", "where", "import", "export"];

/// Parses a text. Also returns the comments, each with the byte at which it starts.
pub(crate) fn parse(text: &str, lexed: Lexed) -> Result<(Syntax, Vec<(usize, String)>), TextError> {
    let mut parser = Parser { cursor: Cursor::new(text, lexed.tokens), syntax: Syntax::default() };
    parser.statements()?;
    Ok((parser.syntax, lexed.comments))
}

struct Parser<'t> {
    cursor: Cursor<'t, Special>,
    syntax: Syntax,
}

impl<'t> cursor::Parser<'t> for Parser<'t> {
    type Special = Special;

    fn cursor(&self) -> &Cursor<'t, Special> {
        &self.cursor
    }

    fn cursor_mut(&mut self) -> &mut Cursor<'t, Special> {
        &mut self.cursor
    }

    fn unexpected(&self, expected: &str) -> TextError {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "unexpected end of the text".to_string(),
            LINE => "unexpected end of the line".to_string(),
            _ => format!("unexpected '{}'", self.text(token.span)),
        };
        self.error(token.span, format!("{found}; expected {expected}"))
    }

    fn too_deep() -> String {
        format!(
            "expressions are nested more than {DEEPEST} levels deep; name inner parts to reduce the depth"
        )
    }
}

impl Parser<'_> {
    /// Consumes a name that is not a keyword. `what` describes the expected name in the error message.
    fn name(&mut self, what: &str) -> Parsed<Span> {
        let token = self.peek();
        if token.kind == Kind::Name && !KEYWORDS.contains(&self.word()) {
            self.advance(1);
            return Ok(token.span);
        }
        Err(self.unexpected(what))
    }

    fn push(&mut self, node: Node, span: Span) -> Id {
        self.syntax.nodes.push((node, span));
        self.syntax.nodes.len() - 1
    }
}

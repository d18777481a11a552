//! Recursive-descent parser: builds a syntax tree from tokens.

mod comments;
mod expression;
mod statement;
mod unit;

use crate::cursor::{self, Cursor, DEEPEST, Parsed, Parser as _};
use crate::error::TextError;
use crate::lex::{Kind, LINE, Lexed, Special};
use crate::syntax::{Name, Syntax};
pub(crate) use unit::Units;

/// Reserved words.
pub(crate) const KEYWORDS: [&str; 12] =
    ["on", "after", "for", "and", "or", "not", "if", "else", "where", "import", "export", "diffuse"];

/// Words that have a special meaning only in events, but that cannot be used as names of quantities.
pub(crate) const WORDS: [&str; 3] = ["event", "spike", "weight"];

/// Parses a text. `is_formula` is true for a function of `x`, which consists of definitions without units.
pub(crate) fn parse(text: &str, lexed: Lexed, is_formula: bool) -> Result<Syntax, TextError> {
    let first = lexed.tokens.iter().find(|token| token.kind != LINE).copied();
    let cursor = Cursor::new(text, lexed.tokens);
    let mut parser = Parser { cursor, syntax: Syntax::default(), is_formula };
    parser.statements()?;
    comments::attach(text, first, lexed.comments, &mut parser.syntax);
    Ok(parser.syntax)
}

struct Parser<'t> {
    cursor: Cursor<'t, Special>,
    syntax: Syntax,
    is_formula: bool,
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
    fn name(&mut self, what: &str) -> Parsed<Name> {
        let token = self.peek();
        if token.kind == Kind::Name && !KEYWORDS.contains(&self.word()) {
            self.advance(1);
            return Ok(Name::new(self.text(token.span), token.span));
        }
        Err(self.unexpected(what))
    }
}

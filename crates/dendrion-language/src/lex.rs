//! Lexer: splits a text into tokens.

use crate::cursor::{self, number_length};
use crate::error::{Span, TextError};

/// Maximum length of a text in bytes.
const LONGEST: usize = 100_000;

/// The token that exists only in this language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Special {
    /// The end of a line, outside all parentheses and brackets.
    Line,
}

pub(crate) type Kind = cursor::Kind<Special>;
pub(crate) type Token = cursor::Token<Special>;

/// The kind of the token at the end of a line.
pub(crate) const LINE: Kind = Kind::Special(Special::Line);

/// The tokens of a text. The last one is [`Kind::End`].
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    /// The comments, each with the byte at which it starts.
    pub(crate) comments: Vec<(usize, String)>,
}

/// Longer symbols come first, so that `>=` is not read as `>` and `=`.
const SYMBOLS: [&str; 22] = [
    "**", ">=", "<=", "==", "!=", "+=", "-=", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", ":", ";",
    "=", ">", "<",
];

/// Splits a text into tokens.
pub(crate) fn lex(text: &str) -> Result<Lexed, TextError> {
    if text.len() > LONGEST {
        let message = format!("the text has {} bytes; expected at most {LONGEST}", text.len());
        return Err(TextError::new(text, Span::new(0, 1), message));
    }
    let mut lexed = Lexed { tokens: Vec::new(), comments: Vec::new() };
    let (mut at, mut depth) = (0_usize, 0_usize);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if c == '\n' {
            if depth == 0 {
                lexed.tokens.push(Token { kind: LINE, span: Span::new(at, at + 1) });
            }
            1
        } else if c.is_whitespace() {
            c.len_utf8()
        } else if c == '#' {
            let length = rest.find('\n').unwrap_or(rest.len());
            lexed.comments.push((at, rest[1..length].trim().to_string()));
            length
        } else {
            let token = token(text, at, c)?;
            match token.kind {
                Kind::Symbol("(" | "[") => depth += 1,
                Kind::Symbol(")" | "]") => depth = depth.saturating_sub(1),
                _ => {}
            }
            lexed.tokens.push(token);
            token.span.end - at
        };
        at += length;
    }
    lexed.tokens.push(Token { kind: LINE, span: Span::new(at, at) });
    lexed.tokens.push(Token { kind: Kind::End, span: Span::new(at, at) });
    Ok(lexed)
}

fn token(text: &str, at: usize, c: char) -> Result<Token, TextError> {
    let rest = &text[at..];
    if let Some(length) = number_length(rest) {
        let span = Span::new(at, at + length);
        let value: f64 = rest[..length].parse().unwrap_or(f64::NAN);
        if !value.is_finite() {
            return Err(TextError::new(text, span, format!("{} is not a finite number", &rest[..length])));
        }
        return Ok(Token { kind: Kind::Number(value), span });
    }
    if c.is_alphabetic() || c == '_' {
        let length = rest.find(|d: char| !(d.is_alphanumeric() || d == '_')).unwrap_or(rest.len());
        return Ok(Token { kind: Kind::Name, span: Span::new(at, at + length) });
    }
    if let Some(symbol) = SYMBOLS.into_iter().find(|s| rest.starts_with(s)) {
        return Ok(Token { kind: Kind::Symbol(symbol), span: Span::new(at, at + symbol.len()) });
    }
    let span = Span::new(at, at + c.len_utf8());
    Err(TextError::new(text, span, format!("unexpected character {c:?}")))
}

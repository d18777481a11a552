//! Lexer: splits a text into tokens.

use crate::error::{Span, TextError};

/// Maximum length of a text in bytes.
const LONGEST: usize = 100_000;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number(f64),
    /// A name or a keyword.
    Name,
    Symbol(&'static str),
    /// The end of a line, outside all parentheses and brackets.
    Line,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

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
                lexed.tokens.push(Token { kind: Kind::Line, span: Span::new(at, at + 1) });
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
    lexed.tokens.push(Token { kind: Kind::Line, span: Span::new(at, at) });
    lexed.tokens.push(Token { kind: Kind::End, span: Span::new(at, at) });
    Ok(lexed)
}

fn token(text: &str, at: usize, c: char) -> Result<Token, TextError> {
    let rest = &text[at..];
    let starts_number =
        c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit()));
    if starts_number {
        let length = number_length(rest);
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

/// Returns the length in bytes of the number at the beginning of `rest`: digits, a decimal point, digits, an
/// exponent.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

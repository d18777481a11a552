//! Lexer: splits a file into tokens. Line ends have no meaning in NMODL, except that they end comments and titles.

use dendrion_language::cursor::{self, number_length};

use crate::error::{NmodlError, Notes, Span};
use crate::verbatim::{self, Effect};

/// Maximum length of a file in bytes.
const LONGEST: usize = 200_000;
/// Maximum length of a name. Other names are derived from it, so long names would be repeated many times.
const LONGEST_NAME: usize = 100;

/// The tokens that exist only in NMODL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Special {
    /// The text after TITLE.
    Title,
    /// A string in quotation marks.
    Text,
    /// A C block that has an effect; the token covers its first line.
    Verbatim,
    /// A C block that returns and has no other effect.
    Return,
    /// An ontology term, such as `CHEBI:29101`.
    Term,
    /// A character that the supported subset of NMODL does not use.
    Other,
}

pub(crate) type Kind = cursor::Kind<Special>;
pub(crate) type Token = cursor::Token<Special>;

/// The tokens of a file. The last one is [`Kind::End`].
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    /// Comments after `:` or `?`, without these characters.
    pub(crate) comments: Vec<Span>,
    pub(crate) notes: Notes,
}

/// Longer symbols come first, so that `>=` is not read as `>` and `=`.
const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", ">=", "<=", "+", "-", "*", "/", "^", "(", ")", "{", "}", "[", "]", ",", "=", "<",
    ">", "!", "'", ";", "~",
];

/// Splits a file into tokens.
pub(crate) fn lex(source: &str) -> Result<Lexed, NmodlError> {
    if source.len() > LONGEST {
        let message = format!("the file has {} bytes; expected at most {LONGEST}", source.len());
        return Err(NmodlError::new(source, Span::default(), message));
    }
    let mut lexed = Lexed::default();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        at += lexed.step(source, at, rest)?;
    }
    lexed.tokens.push(Token { kind: Kind::End, span: Span::new(source.len(), source.len()) });
    Ok(lexed)
}

impl Lexed {
    /// Reads the token at the beginning of `rest` and returns its length in bytes.
    fn step(&mut self, source: &str, at: usize, rest: &str) -> Result<usize, NmodlError> {
        let Some(c) = rest.chars().next() else { return Ok(1) };
        if c.is_whitespace() {
            return Ok(c.len_utf8());
        }
        if c == ':' || c == '?' {
            let length = line_length(rest);
            self.comments.push(Span::new(at + 1, at + length));
            return Ok(length);
        }
        if c.is_ascii_alphabetic() || c == '_' {
            return self.word(source, at, rest);
        }
        let (kind, length) = if let Some(length) = number_length(rest) {
            let text = rest.get(..length).unwrap_or("");
            let value: f64 = text.parse().unwrap_or(f64::NAN);
            if !value.is_finite() {
                let message = format!("{text} is not a finite number");
                return Err(NmodlError::new(source, Span::new(at, at + length), message));
            }
            (Kind::Number(value), length)
        } else if c == '"' {
            let line = rest.get(..line_length(rest)).unwrap_or(rest);
            let end = line.get(1..).and_then(|l| l.find('"'));
            (Kind::Special(Special::Text), end.map_or(line.len(), |i| i + 2))
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|s| rest.starts_with(s)) {
            (Kind::Symbol(symbol), symbol.len())
        } else {
            (Kind::Special(Special::Other), c.len_utf8())
        };
        self.push(kind, at, length);
        Ok(length)
    }

    fn push(&mut self, kind: Kind, at: usize, length: usize) {
        self.tokens.push(Token { kind, span: Span::new(at, at + length) });
    }

    /// Reads a name or a keyword, including keywords such as COMMENT that are followed by arbitrary text.
    fn word(&mut self, source: &str, at: usize, rest: &str) -> Result<usize, NmodlError> {
        let length = rest.find(|d: char| !(d.is_ascii_alphanumeric() || d == '_')).unwrap_or(rest.len());
        let span = Span::new(at, at + length);
        match rest.get(..length).unwrap_or("") {
            "TITLE" => {
                let line = line_length(rest);
                self.push(Kind::Special(Special::Title), at + length, line - length);
                Ok(line)
            }
            "COMMENT" => match find_word(rest, "ENDCOMMENT") {
                Some(end) => Ok(end),
                None => Err(NmodlError::new(source, span, "this COMMENT is not closed; expected ENDCOMMENT")),
            },
            "VERBATIM" => self.verbatim(source, at, rest),
            // The colon in an ontology term does not begin a comment.
            "REPRESENTS" => {
                self.push(Kind::Name, at, length);
                let behind = rest.get(length..).unwrap_or("");
                let from = length + behind.len() - behind.trim_start().len();
                let term = term_length(rest.get(from..).unwrap_or(""));
                if term > 0 {
                    self.push(Kind::Special(Special::Term), at + from, term);
                    return Ok(from + term);
                }
                Ok(length)
            }
            _ if length > LONGEST_NAME => {
                let message = format!("this name has {length} characters; expected at most {LONGEST_NAME}");
                Err(NmodlError::new(source, span, message))
            }
            _ => {
                self.push(Kind::Name, at, length);
                Ok(length)
            }
        }
    }

    /// Reads a C block. A block without effect is dropped.
    fn verbatim(&mut self, source: &str, at: usize, rest: &str) -> Result<usize, NmodlError> {
        let (open, close) = ("VERBATIM".len(), "ENDVERBATIM".len());
        let span = Span::new(at, at + open);
        let Some(end) = find_word(rest, "ENDVERBATIM") else {
            return Err(NmodlError::new(source, span, "this VERBATIM is not closed; expected ENDVERBATIM"));
        };
        let inside = rest.get(open..end - close).unwrap_or("");
        match verbatim::effect(inside) {
            Effect::Nothing => self.notes.add(source, span, "VERBATIM is omitted, because it has no effect"),
            Effect::Return => self.push(Kind::Special(Special::Return), at, open),
            Effect::Other(from, to) => {
                self.push(Kind::Special(Special::Verbatim), at + open + from, to - from);
            }
        }
        Ok(end)
    }
}

/// Returns the length in bytes of the ontology term at the beginning of `rest`: a name, a colon, and a name or
/// number, optionally in brackets.
fn term_length(rest: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let open = usize::from(rest.starts_with('['));
    let inner = rest.get(open..).unwrap_or("");
    let prefix = inner.find(|c| !is_part(c)).unwrap_or(inner.len());
    let Some(local) = inner.get(prefix..).and_then(|r| r.strip_prefix(':')) else { return 0 };
    let length = local.find(|c| !is_part(c)).unwrap_or(local.len());
    let end = open + prefix + 1 + length;
    match (prefix, length, open == 1) {
        (0, ..) | (_, 0, _) => 0,
        (.., true) => {
            if rest.get(end..).is_some_and(|r| r.starts_with(']')) {
                end + 1
            } else {
                0
            }
        }
        _ => end,
    }
}

fn line_length(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// Returns the end of the first occurrence of `word` that is not part of a longer name.
fn find_word(rest: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    rest.match_indices(word).map(|(i, _)| (i, i + word.len())).find_map(|(from, to)| {
        let before = rest.get(..from)?.chars().next_back();
        let after = rest.get(to..)?.chars().next();
        (!before.is_some_and(is_part) && !after.is_some_and(is_part)).then_some(to)
    })
}

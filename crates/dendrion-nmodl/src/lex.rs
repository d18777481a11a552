//! From characters to tokens. Ends of lines mean nothing in NMODL, save that they end comments and titles.

use crate::error::{NmodlError, Notes, Span};
use crate::verbatim::{self, Effect};

/// A file longer than that is refused, in bytes.
const LONGEST: usize = 200_000;
/// A name longer than that is refused: it would be repeated in the names that are made of it.
const LONGEST_NAME: usize = 100;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number(f64),
    /// A name or a keyword.
    Name,
    Symbol(&'static str),
    /// What stands behind TITLE.
    Title,
    /// What stands between quotation marks.
    Text,
    /// C that does something: the first line of it.
    Verbatim,
    /// A block of C that returns and does nothing else.
    Return,
    /// A term of an ontology, such as `CHEBI:29101`.
    Term,
    /// A character that NMODL's subset has no use for.
    Other,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// A file in tokens. The last one is [`Kind::End`].
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    /// Comments behind `:` or `?`, each without its sign.
    pub(crate) comments: Vec<Span>,
    pub(crate) notes: Notes,
}

/// Longer ones first, so that `>=` is not `>` and `=`.
const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", ">=", "<=", "+", "-", "*", "/", "^", "(", ")", "{", "}", "[", "]", ",", "=", "<",
    ">", "!", "'", ";", "~",
];

/// Cuts a file into tokens.
pub(crate) fn lex(source: &str) -> Result<Lexed, NmodlError> {
    if source.len() > LONGEST {
        let message = format!("a file of {} bytes; expected at most {LONGEST}", source.len());
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
    /// Reads what stands at the beginning of `rest`, and says how long it is.
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
                let message = format!("{text} is no finite number");
                return Err(NmodlError::new(source, Span::new(at, at + length), message));
            }
            (Kind::Number(value), length)
        } else if c == '"' {
            let line = rest.get(..line_length(rest)).unwrap_or(rest);
            let end = line.get(1..).and_then(|l| l.find('"'));
            (Kind::Text, end.map_or(line.len(), |i| i + 2))
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|s| rest.starts_with(s)) {
            (Kind::Symbol(symbol), symbol.len())
        } else {
            (Kind::Other, c.len_utf8())
        };
        self.push(kind, at, length);
        Ok(length)
    }

    fn push(&mut self, kind: Kind, at: usize, length: usize) {
        self.tokens.push(Token { kind, span: Span::new(at, at + length) });
    }

    /// Reads a name, a keyword, or one of those behind which NMODL's own rules end.
    fn word(&mut self, source: &str, at: usize, rest: &str) -> Result<usize, NmodlError> {
        let length = rest.find(|d: char| !(d.is_ascii_alphanumeric() || d == '_')).unwrap_or(rest.len());
        let span = Span::new(at, at + length);
        match rest.get(..length).unwrap_or("") {
            "TITLE" => {
                let line = line_length(rest);
                self.push(Kind::Title, at + length, line - length);
                Ok(line)
            }
            "COMMENT" => match find_word(rest, "ENDCOMMENT") {
                Some(end) => Ok(end),
                None => Err(NmodlError::new(source, span, "this COMMENT has no end; expected ENDCOMMENT")),
            },
            "VERBATIM" => self.verbatim(source, at, rest),
            // The colon in a term does not begin a comment.
            "REPRESENTS" => {
                self.push(Kind::Name, at, length);
                let behind = rest.get(length..).unwrap_or("");
                let from = length + behind.len() - behind.trim_start().len();
                let term = term_length(rest.get(from..).unwrap_or(""));
                if term > 0 {
                    self.push(Kind::Term, at + from, term);
                    return Ok(from + term);
                }
                Ok(length)
            }
            _ if length > LONGEST_NAME => {
                let message = format!("a name of {length} characters; expected at most {LONGEST_NAME}");
                Err(NmodlError::new(source, span, message))
            }
            _ => {
                self.push(Kind::Name, at, length);
                Ok(length)
            }
        }
    }

    /// Reads a block of C. One that does nothing is dropped.
    fn verbatim(&mut self, source: &str, at: usize, rest: &str) -> Result<usize, NmodlError> {
        let (open, close) = ("VERBATIM".len(), "ENDVERBATIM".len());
        let span = Span::new(at, at + open);
        let Some(end) = find_word(rest, "ENDVERBATIM") else {
            return Err(NmodlError::new(source, span, "this VERBATIM has no end; expected ENDVERBATIM"));
        };
        let inside = rest.get(open..end - close).unwrap_or("");
        match verbatim::effect(inside) {
            Effect::Nothing => self.notes.add(source, span, "VERBATIM is dropped: it does nothing"),
            Effect::Return => self.push(Kind::Return, at, open),
            Effect::Other(from, to) => self.push(Kind::Verbatim, at + open + from, to - from),
        }
        Ok(end)
    }
}

/// Bytes of the ontology term at the beginning of `rest`: a name, a colon, and a name or number. Brackets may enclose it.
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

/// Where the first `word` ends that is no part of a longer name.
fn find_word(rest: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    rest.match_indices(word).map(|(i, _)| (i, i + word.len())).find_map(|(from, to)| {
        let before = rest.get(..from)?.chars().next_back();
        let after = rest.get(to..)?.chars().next();
        (!before.is_some_and(is_part) && !after.is_some_and(is_part)).then_some(to)
    })
}

/// Bytes of the number at the beginning of `rest`, where there is one: digits, a point, digits, an exponent.
fn number_length(rest: &str) -> Option<usize> {
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

//! Modifications of texts: changes to tokens, bytes and lines, and insertion of parts of other texts. Also texts of
//! random words or characters.

use crate::random::Random;

/// Numbers at and beyond the limits of numeric types.
const NUMBERS: [&str; 28] = [
    "0",
    "-0.0",
    "1",
    "2",
    "3",
    "-1",
    "0.5",
    "1e-9",
    "1e9",
    "255",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "4000000000",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e18",
    "1e308",
    "-1e308",
    "1e309",
    "5e-324",
    "nan",
    "inf",
    "-inf",
    "1e999999999",
];

/// Characters that readers of text often handle incorrectly.
const CHARACTERS: [&str; 22] = [
    "\0",
    "\r",
    "\u{b}",
    "\u{85}",
    "\u{a0}",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "\u{301}",
    "\u{200d}",
    "\u{fffd}",
    "µ",
    "Ω",
    "ß",
    "İ",
    "１",
    "٣",
    "𝟙",
    "😀",
    "\u{10ffff}",
    "\t",
    "\\u0000",
];

/// Opening and closing tokens for deep nesting.
const NESTS: [(&str, &str); 10] = [
    ("(", ")"),
    ("-", ""),
    ("not ", ""),
    ("exp(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("{a = ", "}"),
    ("[[", "]]"),
    ("(1 + ", ")"),
    ("if (v > 1) {", "}"),
];

/// Returns a text with one to four modifications, usually one. Pieces of `others` and `words` are inserted.
pub(crate) fn mutated(random: &mut Random, text: &str, others: &[&str], words: &[&str]) -> String {
    let mut text = text.to_string();
    for _ in 0..=random.below(8).min(random.below(8)).min(random.below(4)) {
        text = once(random, &text, others, words);
    }
    text
}

/// Returns a text of fewer than `most` words.
pub(crate) fn words(random: &mut Random, words: &[&str], most: usize) -> String {
    (0..random.below(most)).flat_map(|_| [random.pick(words), " "]).collect()
}

/// Returns a text of up to 60 characters.
pub(crate) fn characters(random: &mut Random) -> String {
    let one = |random: &mut Random| match random.below(4) {
        0 => random.pick(&CHARACTERS).to_string(),
        1 => char::from_u32(random.below(0x11_0000) as u32).map(String::from).unwrap_or_default(),
        _ => char::from(random.within(32..127) as u8).to_string(),
    };
    (0..=random.below(60)).map(|_| one(random)).collect()
}

fn once(random: &mut Random, text: &str, others: &[&str], words: &[&str]) -> String {
    let tokens = tokens(text);
    let at = random.below(tokens.len().max(1));
    match random.below(100) {
        0..20 => replaced(&tokens, at..at + 1, random.pick(words)),
        20..30 => replaced(&tokens, at..at, random.pick(words)),
        30..45 => number(random, &tokens),
        45..55 => replaced(&tokens, at..at + 1, ""),
        55..62 => {
            let end = at + random.within(1..12);
            replaced(&tokens, at..end, "")
        }
        62..72 => {
            let other = tokens_of(random, others);
            let piece = piece(random, &other, 12);
            replaced(&tokens, at..at + random.below(3), &piece)
        }
        72..80 => {
            let piece = piece(random, &tokens, 30);
            replaced(&tokens, at..at, &piece)
        }
        80..85 => lines(random, text),
        85..89 => bytes(random, text),
        89..93 => replaced(&tokens, at..at + random.below(2), random.pick(&CHARACTERS)),
        93..95 => tokens[..at].concat(),
        95..97 => {
            let other = tokens_of(random, others);
            let from = random.below(other.len().max(1));
            format!("{}{}", tokens[..at].concat(), other[from..].concat())
        }
        97..99 => nested(random, &tokens, at),
        _ => long(random, &tokens, at),
    }
}

fn tokens_of<'a>(random: &mut Random, others: &[&'a str]) -> Vec<&'a str> {
    tokens(random.pick(others))
}

/// Returns some consecutive tokens.
fn piece(random: &mut Random, tokens: &[&str], most: usize) -> String {
    let from = random.below(tokens.len().max(1));
    let until = (from + random.within(1..most)).min(tokens.len());
    tokens[from.min(until)..until].concat()
}

/// Replaces a range of tokens with another text. The range may extend beyond the end.
fn replaced(tokens: &[&str], range: std::ops::Range<usize>, with: &str) -> String {
    let (start, end) = (range.start.min(tokens.len()), range.end.min(tokens.len()));
    [tokens[..start].concat().as_str(), with, tokens[end..].concat().as_str()].concat()
}

/// Replaces one number with another.
fn number(random: &mut Random, tokens: &[&str]) -> String {
    let is_number = |k: &usize| tokens[*k].starts_with(|c: char| c.is_ascii_digit());
    let places: Vec<usize> = (0..tokens.len()).filter(is_number).collect();
    if places.is_empty() {
        return tokens.concat();
    }
    let place = places[random.below(places.len())];
    replaced(tokens, place..place + 1, random.pick(&NUMBERS))
}

/// Repeats, deletes or swaps lines.
fn lines(random: &mut Random, text: &str) -> String {
    let mut all: Vec<&str> = text.split('\n').collect();
    let (from, to) = (random.below(all.len()), random.below(all.len()));
    match random.below(4) {
        0 => all.insert(to, all[from]),
        1 => drop(all.remove(from)),
        2 => all.swap(from, to),
        _ => {
            let line = all[from];
            let times = random.within(1..40);
            all.splice(to..to, std::iter::repeat_n(line, times));
        }
    }
    all.join("\n")
}

/// Replaces bytes. Invalid UTF-8 becomes U+FFFD.
fn bytes(random: &mut Random, text: &str) -> String {
    let mut all = text.as_bytes().to_vec();
    for _ in 0..random.within(1..4) {
        let at = random.below(all.len() + 1);
        match random.below(3) {
            0 if at < all.len() => all[at] ^= 1 << random.below(8),
            1 if at < all.len() => drop(all.remove(at)),
            _ => all.insert(at, random.next() as u8),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Inserts nested tokens with a depth of 100, 1,000 or 10,000, either closed or not.
fn nested(random: &mut Random, tokens: &[&str], at: usize) -> String {
    let (open, close) = NESTS[random.below(NESTS.len())];
    let most = [60, 300, 1000, 10_000][random.below(4)];
    let depth = random.within(1..most);
    let end = (at + 1).min(tokens.len());
    let inside = tokens[at.min(end)..end].concat();
    let close = if random.once_in(4) { String::new() } else { close.repeat(depth) };
    replaced(tokens, at..end, &format!("{}{inside}{close}", open.repeat(depth)))
}

/// Repeats a token or a piece many times.
fn long(random: &mut Random, tokens: &[&str], at: usize) -> String {
    let most = [10, 100, 1000][random.below(3)];
    let times = random.within(1..most);
    let end = (at + random.within(1..6)).min(tokens.len());
    let inside = tokens[at.min(end)..end].concat();
    replaced(tokens, at..end, &inside.repeat(times))
}

/// Splits a text into names, numbers, white space and single characters.
fn tokens(text: &str) -> Vec<&str> {
    let sort = |c: char| match c {
        '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' | '.' => 1,
        ' ' => 2,
        _ => 3,
    };
    let mut found = Vec::with_capacity(text.len() / 2);
    let (mut begin, mut last) = (0, 0);
    for (at, c) in text.char_indices() {
        let own = sort(c);
        if at > begin && (own != last || own == 3) {
            found.push(&text[begin..at]);
            begin = at;
        }
        last = own;
    }
    if begin < text.len() {
        found.push(&text[begin..]);
    }
    found
}

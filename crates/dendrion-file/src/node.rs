//! A document as a tree whose every part knows where it stands in the text, whatever the notation.

use dendrion_language::{Span, TextError};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Something no model has, such as a date, by its name.
    Other(&'static str),
    Flag(bool),
    Whole(i128),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the document.
    Table(Vec<(Key, Node)>),
}

/// The name of an entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) span: Span,
}

impl Node {
    /// What it is, in words.
    pub(crate) const fn words(&self) -> &'static str {
        match &self.value {
            Value::Other(name) => name,
            Value::Flag(_) => "a true or false",
            Value::Whole(_) | Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// A whole number, or as near as a float comes to it.
pub(crate) fn whole_or_number(digits: &str, radix: u32) -> Option<Value> {
    if let Ok(whole) = i128::from_str_radix(digits, radix) {
        return Some(Value::Whole(whole));
    }
    digits.parse().ok().map(Value::Number)
}

/// The document that a text is.
pub(crate) trait Notation {
    /// Reads a text.
    fn read(text: &str) -> Result<Node, TextError>;
}

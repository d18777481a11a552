//! A document as a tree of values with their positions in the text, in a form common to all notations.

use dendrion_language::{Span, TextError};

/// A value with its position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// The content of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A kind of value that models do not use, such as a date, with a description.
    Other(&'static str),
    Flag(bool),
    Whole(i128),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// A table, with its entries in the order of the document.
    Table(Vec<(Key, Node)>),
}

/// The key of a table entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) span: Span,
}

impl Node {
    /// Describes the kind of value in words.
    pub(crate) const fn words(&self) -> &'static str {
        match &self.value {
            Value::Other(name) => name,
            Value::Flag(_) => "true or false",
            Value::Whole(_) | Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// Parses an integer. If it does not fit, the nearest floating-point number is used.
pub(crate) fn whole_or_number(digits: &str, radix: u32) -> Option<Value> {
    if let Ok(whole) = i128::from_str_radix(digits, radix) {
        return Some(Value::Whole(whole));
    }
    digits.parse().ok().map(Value::Number)
}

/// A notation for documents.
pub(crate) trait Notation {
    /// Parses a text.
    fn read(text: &str) -> Result<Node, TextError>;
}

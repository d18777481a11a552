//! The TOML notation.

use dendrion_language::{Span, TextError};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::node::{Key, Node, Notation, Value, whole_or_number};

/// [TOML 1.1](https://toml.io).
pub(crate) struct Toml;

impl Notation for Toml {
    fn read(text: &str) -> Result<Node, TextError> {
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            TextError::new(
                text,
                Span::new(span.start, span.end),
                format!("invalid TOML: {}", error.message()),
            )
        })?;
        let span = Span::new(table.span().start, table.span().end);
        Ok(Node { span, value: entries(table.get_ref()) })
    }
}

fn entries(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let span = Span::new(key.span().start, key.span().end);
        (Key { name: key.get_ref().to_string(), span }, node(value))
    };
    Value::Table(table.iter().map(entry).collect())
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let span = Span::new(value.span().start, value.span().end);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(i) => {
            whole_or_number(i.as_str(), i.radix()).unwrap_or(Value::Other("a number out of range"))
        }
        DeValue::Float(f) => f.as_str().parse().map_or(Value::Other("a number out of range"), Value::Number),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.iter().map(node).collect()),
        DeValue::Table(table) => entries(table),
    };
    Node { span, value }
}

//! The JSON notation.

use dendrion_language::{Span, TextError};
use jsonc_parser::ast::{ObjectProp, ObjectPropName, Value as Ast};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::node::{Key, Node, Notation, Value, whole_or_number};

/// JSON (RFC 8259), extended with comments.
pub(crate) struct Json;

const STRICT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

impl Notation for Json {
    fn read(text: &str) -> Result<Node, TextError> {
        let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT)
            .map_err(|e| TextError::new(text, span(e.range()), format!("invalid JSON: {}", e.kind())))?;
        let root = parsed
            .value
            .ok_or_else(|| TextError::new(text, Span::new(0, 0), "invalid JSON: the file is empty"))?;
        node(text, &root)
    }
}

const fn span(range: Range) -> Span {
    Span::new(range.start, range.end)
}

fn node(text: &str, ast: &Ast<'_>) -> Result<Node, TextError> {
    let value = match ast {
        Ast::StringLit(lit) => Value::Text(lit.value.to_string()),
        Ast::NumberLit(lit) => {
            whole_or_number(lit.value, 10).unwrap_or(Value::Other("a number out of range"))
        }
        Ast::BooleanLit(lit) => Value::Flag(lit.value),
        Ast::NullKeyword(_) => Value::Other("null"),
        Ast::Array(array) => {
            Value::List(array.elements.iter().map(|e| node(text, e)).collect::<Result<_, _>>()?)
        }
        Ast::Object(object) => Value::Table(entries(text, &object.properties)?),
    };
    Ok(Node { span: span(ast.range()), value })
}

fn entries(text: &str, properties: &[ObjectProp<'_>]) -> Result<Vec<(Key, Node)>, TextError> {
    let mut seen = std::collections::HashSet::with_capacity(properties.len());
    let mut entries = Vec::with_capacity(properties.len());
    for property in properties {
        let name = match &property.name {
            ObjectPropName::String(lit) => lit.value.to_string(),
            ObjectPropName::Word(lit) => lit.value.to_string(),
        };
        let at = span(property.name.range());
        if !seen.insert(name.clone()) {
            return Err(TextError::new(text, at, format!("{name:?} occurs twice in the same table")));
        }
        entries.push((Key { name, span: at }, node(text, &property.value)?));
    }
    Ok(entries)
}

//! Schemas of tables, numbers and the parameters of modules.

use dendrion_equations::library;
use dendrion_model::{Domain, ModuleKind, ParameterSpec, definition};
use serde_json::{Map, Value, json};

pub(super) type Table = Map<String, Value>;

pub(super) fn by_name(of: Value) -> Value {
    json!({ "type": "object", "propertyNames": { "pattern": "^[^.]+$" }, "additionalProperties": of })
}

pub(super) fn one_of(variants: Vec<Value>) -> Value {
    json!({ "oneOf": variants })
}

/// Schema of a table with these entries and no other entries.
pub(super) fn closed(entries: Table, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": entries, "required": required, "additionalProperties": false })
}

pub(super) fn table(value: Value) -> Table {
    match value {
        Value::Object(table) => table,
        _ => Table::new(),
    }
}

/// Returns the end of the description of a parameter. The values may be in an array, which a schema cannot restrict.
const fn range(domain: Domain) -> &'static str {
    match domain {
        Domain::Finite => "",
        Domain::Positive => ", > 0",
        Domain::NonNegative => ", >= 0",
        Domain::Probability => ", from 0 to 1",
    }
}

/// Schema of one number in this domain.
pub(super) fn number(domain: Domain) -> Table {
    table(match domain {
        Domain::Finite => json!({ "type": "number" }),
        Domain::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Domain::NonNegative => json!({ "type": "number", "minimum": 0 }),
        Domain::Probability => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
    })
}

fn parameter(spec: &ParameterSpec) -> Value {
    let unit = if spec.unit.is_empty() { String::new() } else { format!(" ({})", spec.unit) };
    let description = format!("{}{unit}{}", spec.doc, range(spec.domain));
    let mut own = table(json!({ "$ref": "#/$defs/values", "description": description }));
    if let Some(default) = spec.default {
        own.insert("default".into(), default.into());
    }
    own.into()
}

pub(super) fn parameters(kind: ModuleKind) -> Table {
    kind.parameters().iter().map(|spec| (spec.name.to_string(), parameter(spec))).collect()
}

/// The parameters that a library text declares.
pub(super) fn written(text: &str) -> Table {
    let Some(definition) = library(text).and_then(|text| definition("library", text).ok()) else {
        return Table::new();
    };
    let one = |p: &dendrion_model::WrittenParameter| {
        let unit = if p.unit.text.is_empty() { String::new() } else { format!("({})", p.unit.text) };
        let description = [p.doc.as_str(), unit.as_str()].join(" ");
        let description = format!("{}{}", description.trim(), range(p.bound.into()));
        let mut own = table(json!({ "$ref": "#/$defs/values", "description": description }));
        if let Some(default) = p.default {
            own.insert("default".into(), default.into());
        }
        (p.name.clone(), own.into())
    };
    definition.parameters.iter().map(one).collect()
}

/// Schema of a module of this kind, with its compartment and its frozen parameters.
pub(super) fn module(kind: &str, extra: &Value, parameters: Table, required: &[&str]) -> Value {
    let mut entries = table(json!({ "kind": { "const": kind }, "frozen": { "$ref": "#/$defs/frozen" } }));
    entries.extend(table(extra.clone()));
    entries.extend(parameters);
    closed(entries, required)
}

/// Schema of a module with its own equations, which declare its parameters.
pub(super) fn own_equations(extra: &Value, required: &[&str]) -> Value {
    let mut entries = table(json!({
        "equations": { "type": "string", "description": "equations in the equation language" },
        "frozen": { "$ref": "#/$defs/frozen" },
    }));
    entries.extend(table(extra.clone()));
    json!({
        "type": "object", "properties": entries, "required": required,
        "additionalProperties": { "$ref": "#/$defs/values" },
    })
}

#[cfg(test)]
mod tests {
    use dendrion_model::{Domain, SurrogateKind};
    use serde_json::{Map, Value};

    use super::{number, written};
    use crate::schema;

    /// Surrogates with a parameter of the same name must have the same bound for it, because they share its entry.
    #[test]
    fn parameters_of_surrogates_have_the_bounds_of_their_texts() {
        let schema = schema();
        let entries = &schema["$defs"]["surrogate"]["properties"];
        for kind in SurrogateKind::ALL {
            for parameter in kind.parameters() {
                let entry = entries[&parameter.name].as_object().cloned().unwrap_or_default();
                let limits: Map<String, Value> =
                    entry.into_iter().filter(|(key, _)| key != "description").collect();
                assert_eq!(limits, number(parameter.bound.into()), "{kind:?} {}", parameter.name);
            }
        }
    }

    #[test]
    fn numbers_have_the_limits_of_their_domains() {
        for (domain, limits) in [
            (Domain::Finite, r#"{"type":"number"}"#),
            (Domain::Positive, r#"{"exclusiveMinimum":0,"type":"number"}"#),
            (Domain::NonNegative, r#"{"minimum":0,"type":"number"}"#),
            (Domain::Probability, r#"{"maximum":1,"minimum":0,"type":"number"}"#),
        ] {
            let expected: Value = serde_json::from_str(limits).unwrap_or_default();
            assert_eq!(Value::from(number(domain)), expected, "{domain:?}");
        }
    }

    #[test]
    fn descriptions_of_library_parameters_contain_the_bound() {
        let described = |name: &str| written("hh_na")[name]["description"].as_str().map(str::to_string);
        assert!(described("g").is_some_and(|text| text.ends_with(", >= 0")), "{:?}", described("g"));
    }
}

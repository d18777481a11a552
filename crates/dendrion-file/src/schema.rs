//! The format's JSON Schema, generated from the table of parameters.

// The functions take temporary values by design.
#![allow(clippy::needless_pass_by_value)]

use dendrion_equations::library;
use dendrion_model::{Domain, ModuleKind, OdeMethod, ParameterSpec, SurrogateKind, definition};
use serde_json::{Map, Value, json};

use crate::read::FORMATS;
use crate::words;

type Table = Map<String, Value>;

/// Returns the JSON Schema (2020-12) of model files, with the unit, default and description of every parameter.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dendrion model",
        "description": "A network of multi-compartment neurons. Units: mV, ms, pF, nS, pA, um, Hz, ohm cm; with length and diameter, C is in uF/cm2 and gL in uS/cm2.",
        "type": "object",
        "required": ["dendrion"],
        "additionalProperties": false,
        "properties": {
            "$schema": { "type": "string" },
            "dendrion": { "enum": FORMATS, "description": "version of the format; 2 is current" },
            "dt": { "type": "number", "exclusiveMinimum": 0, "default": 0.1, "description": "time step (ms)" },
            "seed": { "type": "integer", "minimum": 0, "default": 0, "description": "seed of all random numbers" },
            "noise_seed": { "type": "integer", "minimum": 0, "description": "seed of noise and of generated spikes; the default is seed" },
            "dtype": { "enum": ["float64", "float32"], "default": "float64" },
            "threads": { "type": "integer", "minimum": 1, "description": "number of threads; results do not depend on it" },
            "duration": { "type": "number", "minimum": 0, "description": "duration of a simulation if the caller does not specify one (ms)" },
            "arrays": arrays(),
            "populations": by_name(population()),
            "generators": by_name(one_of(generators())),
            "connections": by_name(connection()),
            "injections": by_name(injection()),
            "record": { "type": "object", "additionalProperties": record() },
        },
        "$defs": {
            "values": values(),
            "frozen": { "type": ["array", "string"], "items": { "type": "string" }, "description": "parameters that training does not change" },
            "initializer": initializer(),
            "surrogate": surrogate(),
        },
    })
}

fn arrays() -> Value {
    let file = json!({ "type": "string", "description": "name of an npz file in the folder of the model" });
    let sha256 =
        json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of that file" });
    let mut entries = Table::new();
    entries.insert("file".into(), file.clone());
    entries.insert("sha256".into(), sha256);
    json!({ "description": "the npz file that contains the arrays", "oneOf": [file, closed(entries, &["file"])] })
}

fn by_name(of: Value) -> Value {
    json!({ "type": "object", "propertyNames": { "pattern": "^[^.]+$" }, "additionalProperties": of })
}

fn one_of(variants: Vec<Value>) -> Value {
    json!({ "oneOf": variants })
}

/// Schema of a table with these entries and no other entries.
fn closed(entries: Table, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": entries, "required": required, "additionalProperties": false })
}

fn table(value: Value) -> Table {
    match value {
        Value::Object(table) => table,
        _ => Table::new(),
    }
}

fn values() -> Value {
    let array = json!({
        "type": "object", "properties": { "array": { "type": "string" } }, "required": ["array"], "additionalProperties": false
    });
    json!({
        "description": "one number for all members, a list with one number per member, or an array of the npz file",
        "oneOf": [{ "type": "number" }, { "type": "array", "items": { "type": "number" } }, array],
    })
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
fn number(domain: Domain) -> Table {
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

fn parameters(kind: ModuleKind) -> Table {
    kind.parameters().iter().map(|spec| (spec.name.to_string(), parameter(spec))).collect()
}

/// The parameters that a library text declares.
fn written(text: &str) -> Table {
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
fn module(kind: &str, extra: &Value, parameters: Table, required: &[&str]) -> Value {
    let mut entries = table(json!({ "kind": { "const": kind }, "frozen": { "$ref": "#/$defs/frozen" } }));
    entries.extend(table(extra.clone()));
    entries.extend(parameters);
    closed(entries, required)
}

/// Schema of a module with its own equations, which declare its parameters.
fn own_equations(extra: &Value, required: &[&str]) -> Value {
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

fn population() -> Value {
    let mut entries = parameters(ModuleKind::Population);
    let reset = json!({
        "description": "potential after a spike (mV), or \"soft\", in which case a spike subtracts V_th", "default": 0.0,
        "oneOf": [{ "$ref": "#/$defs/values" }, { "const": "soft" }],
    });
    entries.insert("V_reset".into(), reset);
    let on = json!({ "on": { "type": "string", "description": "name of the compartment on which it acts" } });
    entries.extend(table(json!({
        "size": { "type": "integer", "minimum": 1, "default": 1, "description": "number of neurons" },
        "method": { "enum": OdeMethod::ALL.map(OdeMethod::name), "default": "euler" },
        "noise_method": { "enum": ["milstein", "euler_maruyama"], "default": "milstein" },
        "reset": { "type": "boolean", "default": true, "description": "whether a spike resets V; if not, a spike is an upward crossing of V_th" },
        "surrogate": { "$ref": "#/$defs/surrogate" },
        "detach_reset": { "type": "boolean", "default": false, "description": "whether gradients omit the derivative of the reset of V; populations created in Python have true by default" },
        "dendritic_delay": { "$ref": "#/$defs/values", "description": "dendritic part of the delay of plastic connections (steps)" },
        "area_name": { "type": "string" },
        "pid": { "type": "integer", "minimum": 0 },
        "id": { "type": "integer", "minimum": 0 },
        "neuron_start_id": { "type": "integer", "minimum": 0 },
        "frozen": { "$ref": "#/$defs/frozen" },
        "compartments": by_name(one_of(compartments())),
        "couplings": by_name(coupling()),
        "receptors": by_name(one_of(receptors(&on))),
        "channels": by_name(one_of(channels(&on))),
        "noises": by_name(one_of(noises(&on))),
    })));
    closed(entries, &["compartments"])
}

fn compartments() -> Vec<Value> {
    let mut passive =
        table(json!({ "kind": { "const": "Compartment" }, "frozen": { "$ref": "#/$defs/frozen" } }));
    passive.extend(parameters(ModuleKind::Compartment));
    let soma = module("LeakyIF", &json!({}), parameters(ModuleKind::Soma), &["kind"]);
    let library = words::SOMAS.iter().map(|(name, text)| {
        let mut all = parameters(ModuleKind::Soma);
        all.extend(written(text));
        module(name, &json!({}), all, &["kind"])
    });
    let mut own = table(json!({ "kind": { "const": "Soma" } }));
    own.extend(parameters(ModuleKind::Soma));
    let own = own_equations(&own.into(), &["kind", "equations"]);
    [closed(passive, &[]), soma].into_iter().chain(library).chain([own]).collect()
}

fn coupling() -> Value {
    let between = json!({ "between": { "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 } });
    let mut entries = table(between);
    entries.insert("frozen".into(), json!({ "$ref": "#/$defs/frozen" }));
    entries.extend(parameters(ModuleKind::Coupling));
    closed(entries, &["between"])
}

fn receptors(on: &Value) -> Vec<Value> {
    let mut extra = table(on.clone());
    extra.insert("scale_g".into(), json!({ "type": "boolean", "default": false }));
    let extra = extra.into();
    let known =
        words::RECEPTORS.iter().map(|(name, kind)| module(name, &extra, parameters(*kind), &["kind", "on"]));
    known.chain([own_equations(on, &["on", "equations"])]).collect()
}

fn channels(on: &Value) -> Vec<Value> {
    let known = words::CHANNELS.iter().map(|(name, text)| module(name, on, written(text), &["kind", "on"]));
    known.chain([own_equations(on, &["on", "equations"])]).collect()
}

fn noises(on: &Value) -> Vec<Value> {
    words::NOISES.iter().map(|(name, kind)| module(name, on, parameters(*kind), &["kind", "on"])).collect()
}

fn generators() -> Vec<Value> {
    let common = json!({
        "size": { "type": "integer", "minimum": 1, "default": 1, "description": "number of sources" },
        "start": { "type": "number", "minimum": 0, "default": 0, "description": "start time (ms)" },
        "stop": { "type": "number", "description": "stop time (ms)" },
    });
    let one = |(name, kind): &(&str, ModuleKind)| {
        let mut extra = table(common.clone());
        extra.extend(match kind {
            ModuleKind::Spikes => table(json!({
                "indices": { "$ref": "#/$defs/values", "description": "source of each spike" },
                "times": { "$ref": "#/$defs/values", "description": "time of each spike (ms)" },
            })),
            ModuleKind::Current => table(json!({
                "waveform": { "$ref": "#/$defs/values", "description": "samples of the current (pA)" },
                "width": { "type": "integer", "minimum": 1, "default": 1, "description": "number of values per sample: 1 or the size" },
                "interval": { "type": "number", "exclusiveMinimum": 0, "description": "time between samples (ms), which are interpolated linearly; without it, each step uses one sample" },
            })),
            _ => table(json!({
                "changes": { "$ref": "#/$defs/values", "description": "times (ms) at which the parameter takes its next value" },
                "stream": { "type": "string", "description": "name of the random stream; generators with the same name share it" },
            })),
        });
        let needed: Vec<&str> = kind.parameters().iter().map(|spec| spec.name).collect();
        module(name, &extra.into(), parameters(*kind), &[&["kind"], needed.as_slice()].concat())
    };
    words::GENERATORS.iter().map(one).collect()
}

fn connection() -> Value {
    let drawn = |what: &str| json!({ "description": what, "anyOf": [{ "$ref": "#/$defs/values" }, { "$ref": "#/$defs/initializer" }] });
    let plasticity = |(name, kind): &(&str, ModuleKind)| {
        let mut entries = table(json!({ "kind": { "const": name } }));
        entries.extend(parameters(*kind));
        closed(entries, &["kind"])
    };
    let entries = json!({
        "from": { "type": "string", "description": "population or generator of spikes" },
        "to": { "type": ["string", "array"], "items": { "type": "string" }, "description": "a receptor, or several receptors of one population" },
        "rule": { "enum": words::RULES },
        "degree": { "type": "integer", "minimum": 0 },
        "n": { "type": "integer", "minimum": 0 },
        "prob": { "type": "number", "minimum": 0, "maximum": 1 },
        "autapses": { "type": "boolean", "default": true },
        "multi_conn": { "type": "boolean", "default": false },
        "pre": { "$ref": "#/$defs/values", "description": "sources of given connections, in ascending order" },
        "post": { "$ref": "#/$defs/values", "description": "targets of given connections, in ascending order for each source" },
        "dense": { "type": "boolean", "description": "whether there is a weight for every pair, sorted by source, then by target" },
        "weight": drawn("amount that a spike adds to the gate, >= 0"),
        "delay": drawn("time from the presynaptic spike to the postsynaptic effect (ms)"),
        "plasticity": one_of(words::PLASTICITIES.iter().map(plasticity).collect()),
        "frozen": { "$ref": "#/$defs/frozen" },
    });
    closed(table(entries), &["from", "to"])
}

fn injection() -> Value {
    closed(table(json!({ "from": { "type": "string" }, "to": { "type": "string" } })), &["from", "to"])
}

fn record() -> Value {
    let entries = json!({
        "of": { "type": "string", "description": "path of a module" },
        "variable": { "type": "string", "description": "recorded variable, such as V or spikes" },
        "every": { "type": "number", "exclusiveMinimum": 0, "description": "time between samples (ms)" },
        "indices": { "$ref": "#/$defs/values", "description": "indices of the recorded neurons" },
    });
    closed(table(entries), &["of", "variable"])
}

fn initializer() -> Value {
    let kind = |name: &str, numbers: &[&str]| {
        let mut entries = table(json!({ "kind": { "const": name } }));
        entries.extend(numbers.iter().map(|n| ((*n).to_string(), json!({ "type": "number" }))));
        closed(entries, &[&["kind"], numbers].concat())
    };
    let truncated = json!({
        "kind": { "const": "Truncated" }, "of": { "$ref": "#/$defs/initializer" },
        "low": { "oneOf": [{ "type": "number" }, { "const": "-inf" }], "default": 0.0 }, "high": { "type": "number" },
    });
    one_of(vec![
        kind("Constant", &["value"]),
        kind("Uniform", &["low", "high"]),
        kind("Normal", &["mean", "std"]),
        kind("LogNormal", &["mean", "sigma"]),
        closed(table(truncated), &["kind", "of"]),
    ])
}

fn surrogate() -> Value {
    let kinds: Vec<&str> = SurrogateKind::ALL.iter().map(|kind| kind.name()).collect();
    let mut entries = table(json!({
        "kind": { "enum": kinds, "default": "Sigmoid" },
        "expression": { "type": "string", "description": "a function of x in the equation language, such as 1 / (1 + x^2)" },
        "postfix": { "type": "array", "items": { "type": ["number", "string"] }, "deprecated": true, "description": "an expression of x in postfix order; use expression" },
        "relative": { "type": "boolean", "default": false, "description": "whether x = (V - V_th)/(V_th - V_reset) instead of V - V_th" },
    }));
    for parameter in SurrogateKind::ALL.iter().flat_map(|kind| kind.parameters()) {
        let mut entry = number(parameter.bound.into());
        entry.insert("description".into(), parameter.doc.into());
        entries.insert(parameter.name, entry.into());
    }
    closed(entries, &[])
}

#[cfg(test)]
mod tests {
    use dendrion_model::{Domain, SurrogateKind};
    use serde_json::{Map, Value};

    use super::{number, schema, written};

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

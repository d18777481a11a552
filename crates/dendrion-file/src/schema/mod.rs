//! The format's JSON Schema, generated from the table of parameters.

// The functions take temporary values by design.
#![allow(clippy::needless_pass_by_value)]

mod cells;
mod common;
mod neurons;

use dendrion_model::{EVENT_PROP, ModuleKind, SurrogateKind};
use serde_json::{Value, json};

use crate::read::FORMATS;
use crate::words;
use cells::cells;
use common::{Table, by_name, closed, module, number, one_of, parameters, table};
use neurons::population;

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
            "dendrion": { "enum": FORMATS, "description": "format version; the current one is 2" },
            "dt": { "type": "number", "exclusiveMinimum": 0, "default": 0.1, "description": "time step (ms)" },
            "seed": { "type": "integer", "minimum": 0, "default": 0, "description": "seed of all random numbers" },
            "noise_seed": { "type": "integer", "minimum": 0, "description": "seed of noise and of generated spikes; the default is seed" },
            "dtype": { "enum": ["float64", "float32"], "default": "float64" },
            "threads": { "type": "integer", "minimum": 1, "description": "number of threads; results do not depend on it" },
            "duration": { "type": "number", "minimum": 0, "description": "duration of a simulation if the caller does not specify one (ms)" },
            "arrays": arrays(),
            "populations": by_name(one_of(vec![population(), cells()])),
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

fn values() -> Value {
    let array = json!({
        "type": "object", "properties": { "array": { "type": "string" } }, "required": ["array"], "additionalProperties": false
    });
    json!({
        "description": "one number for all members, a list with one number per member, or an array of the npz file",
        "oneOf": [{ "type": "number" }, { "type": "array", "items": { "type": "number" } }, array],
    })
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
        "pre": { "$ref": "#/$defs/values", "description": "sources of explicit connections, in ascending order" },
        "post": { "$ref": "#/$defs/values", "description": "targets of explicit connections, in ascending order for each source" },
        "dense": { "type": "boolean", "description": "whether there is a weight for every pair, sorted by source, then by target" },
        "weight": drawn("amount that a spike adds to the gate, >= 0 unless the receptors accept negative weights; in pA for a CurrentReceptor"),
        "delay": drawn("time from the presynaptic spike to the postsynaptic effect (ms)"),
        "plasticity": one_of(words::PLASTICITIES.iter().map(plasticity).collect()),
        "frozen": { "$ref": "#/$defs/frozen" },
    });
    closed(table(entries), &["from", "to"])
}

fn injection() -> Value {
    let at = json!({ "$ref": "#/$defs/values", "description": "the CVs into which the current is injected, if `to` is a population of detailed cells" });
    closed(
        table(json!({ "from": { "type": "string" }, "to": { "type": "string" }, "at": at })),
        &["from", "to"],
    )
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
    let mut kinds: Vec<&str> = SurrogateKind::ALL.iter().map(|kind| kind.name()).collect();
    kinds.push(EVENT_PROP);
    let mut entries = table(json!({
        "kind": { "enum": kinds, "default": "Sigmoid" },
        "expression": { "type": "string", "description": "a function of x in the equation language, such as 1 / (1 + x^2)" },
        "postfix": { "type": "array", "items": { "type": ["number", "string"] }, "deprecated": true, "description": "an expression in x, in postfix order; use expression" },
        "relative": { "type": "boolean", "default": false, "description": "whether x = (V - V_th)/(V_th - V_reset) instead of V - V_th" },
    }));
    for parameter in SurrogateKind::ALL.iter().flat_map(|kind| kind.parameters()) {
        let mut entry = number(parameter.bound.into());
        entry.insert("description".into(), parameter.doc.into());
        entries.insert(parameter.name, entry.into());
    }
    closed(entries, &[])
}

//! Schemas of neurons with compartments.

use dendrion_model::{ModuleKind, OdeMethod};
use serde_json::{Value, json};

use super::common::{Table, by_name, closed, module, one_of, own_equations, parameters, table, written};
use crate::words;

/// The entries that all neurons have: the threshold and the reset, and settings of plasticity and gradients.
pub(super) fn neurons() -> Table {
    let mut entries = parameters(ModuleKind::Population);
    let reset = json!({
        "description": "potential after a spike (mV), or \"soft\", in which case a spike subtracts V_th", "default": 0.0,
        "oneOf": [{ "$ref": "#/$defs/values" }, { "const": "soft" }],
    });
    entries.insert("V_reset".into(), reset);
    entries.extend(table(json!({
        "size": { "type": "integer", "minimum": 1, "default": 1, "description": "number of neurons" },
        "reset": { "type": "boolean", "default": true, "description": "whether a spike resets V; if not, a spike is an upward crossing of V_th" },
        "surrogate": { "$ref": "#/$defs/surrogate" },
        "detach_reset": { "type": "boolean", "default": false, "description": "whether gradients omit the derivative of the reset of V; populations created in Python have true by default" },
        "dendritic_delay": { "$ref": "#/$defs/values", "description": "dendritic part of the delay of plastic connections (steps)" },
        "area_name": { "type": "string" },
        "pid": { "type": "integer", "minimum": 0 },
        "id": { "type": "integer", "minimum": 0 },
        "neuron_start_id": { "type": "integer", "minimum": 0 },
        "frozen": { "$ref": "#/$defs/frozen" },
    })));
    entries
}

pub(super) fn population() -> Value {
    let mut entries = neurons();
    let on = json!({ "on": { "type": "string", "description": "name of the compartment on which it acts" } });
    entries.extend(table(json!({
        "method": { "enum": OdeMethod::ALL.map(OdeMethod::name), "default": "euler" },
        "noise_method": { "enum": ["milstein", "euler_maruyama"], "default": "milstein" },
        "compartments": by_name(one_of(compartments())),
        "couplings": by_name(coupling()),
        "receptors": by_name(one_of(receptors(&on, &["on"]))),
        "channels": by_name(one_of(channels(&on, &["on"]))),
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

/// Schemas of receptors. `on` contains the entries of their place, some of which are required.
pub(super) fn receptors(on: &Value, required: &[&str]) -> Vec<Value> {
    let with = |name: &str, what: &str| {
        let mut entries = table(on.clone());
        entries.insert(name.into(), json!({ "type": "boolean", "default": false, "description": what }));
        Value::from(entries)
    };
    let scaled = with("scale_g", "whether g is divided by the peak of the gate after one spike");
    let signed = with("signed", "whether weights may be negative");
    let needed = [&["kind"], required].concat();
    let known = words::RECEPTORS.iter().map(|(name, kind)| {
        let extra = if *kind == ModuleKind::CurrentReceptor { on } else { &scaled };
        module(name, extra, parameters(*kind), &needed)
    });
    known.chain([own_equations(&signed, &[&["equations"], required].concat())]).collect()
}

/// Schemas of channels; see [`receptors`].
pub(super) fn channels(on: &Value, required: &[&str]) -> Vec<Value> {
    let needed = [&["kind"], required].concat();
    let known = words::CHANNELS.iter().map(|(name, text)| module(name, on, written(text), &needed));
    known.chain([own_equations(on, &[&["equations"], required].concat())]).collect()
}

fn noises(on: &Value) -> Vec<Value> {
    words::NOISES.iter().map(|(name, kind)| module(name, on, parameters(*kind), &["kind", "on"])).collect()
}

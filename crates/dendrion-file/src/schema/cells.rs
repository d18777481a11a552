//! Schema of detailed cells.

use dendrion_model::{Gates, ModuleKind, OdeMethod};
use serde_json::{Value, json};

use super::common::{by_name, closed, one_of, parameters, table};
use super::neurons::{channels, neurons, receptors};
use crate::words;

pub(super) fn cells() -> Value {
    let mut entries = neurons();
    let membrane = parameters(ModuleKind::Cable).into_iter();
    entries.extend(membrane.filter(|(name, _)| words::MEMBRANE.contains(&name.as_str())));
    if let Some(Value::Object(threshold)) = entries.get_mut("V_th") {
        threshold.insert("default".into(), 0.0.into());
    }
    entries.extend(table(json!({
        "method": { "enum": words::CABLE_METHODS.map(OdeMethod::name), "default": OdeMethod::ImplicitEuler.name() },
        "gates": { "enum": words::GATES.map(Gates::name), "default": Gates::default().name(), "description": "method for gates" },
        "staggered": { "type": "boolean", "description": "whether gates are advanced after V, half a step later; the default is true with crank_nicolson, except for coupled gates" },
        "spike_at": { "type": "integer", "minimum": 0, "description": "the CV whose potential is compared with V_th; the default is the centre of the soma or, without a soma, the beginning of the root" },
        "morphology": one_of(vec![cylinders(), sampled()]),
        "mechanisms": by_name(json!({ "anyOf": mechanisms() })),
    })));
    closed(entries, &["morphology"])
}

/// The entries that both forms of a morphology have.
fn sections() -> Value {
    let kind = json!({ "type": ["string", "integer"] });
    json!({
        "kind": { "description": "kind of each section, or of all sections: soma, axon, basal, apical, or an SWC number", "anyOf": [kind, { "type": "array", "items": kind }, { "$ref": "#/$defs/values" }] },
        "parent": { "$ref": "#/$defs/values", "description": "index of the section to which each section is attached, which comes before it; -1 for the first section" },
        "cvs": { "$ref": "#/$defs/values", "description": "number of control volumes (CVs) of each section, or of all sections; at most 1,000,000 in total" },
    })
}

fn cylinders() -> Value {
    let mut entries = table(sections());
    entries.extend(table(json!({
        "length": { "$ref": "#/$defs/values", "description": "length of each section (um)" },
        "diameter": { "$ref": "#/$defs/values", "description": "diameter of each section, or of all sections (um)" },
    })));
    closed(entries, &["kind", "parent", "length", "diameter", "cvs"])
}

fn sampled() -> Value {
    let column = |what: &str| json!({ "$ref": "#/$defs/values", "description": format!("{what} of each sample, in the order of sections (um)") });
    let mut entries = table(sections());
    entries.extend(table(json!({
        "parent_x": { "$ref": "#/$defs/values", "description": "position of each section on its parent, from 0 at the beginning to 1 at the end, which is the default" },
        "samples": { "$ref": "#/$defs/values", "description": "number of samples of each section, at least 2" },
        "x": column("coordinate"),
        "y": column("coordinate"),
        "z": column("coordinate"),
        "diameter": column("diameter"),
        "distance": column("path length from the beginning of the section; by default the sum of the distances between samples,"),
        "warnings": { "type": "array", "items": { "type": "string" }, "description": "unusual properties that were found when the morphology was read" },
    })));
    closed(entries, &["kind", "parent", "samples", "x", "y", "z", "diameter", "cvs"])
}

fn mechanisms() -> Vec<Value> {
    let cvs = json!({ "$ref": "#/$defs/values" });
    let on = json!({ "on": { "description": "the region on which it is placed: all, soma, axon, basal, apical, or its CVs", "anyOf": [{ "type": "string" }, cvs] } });
    let at = json!({ "at": { "$ref": "#/$defs/values", "description": "the CVs of the points at which it is placed" } });
    [receptors(&at, &["at"]), channels(&at, &["at"]), channels(&on, &["on"])].concat()
}

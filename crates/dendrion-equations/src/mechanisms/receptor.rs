//! The built-in receptors: their texts, of a current, a gate and what the conductance is scaled by.

use dendrion_model::{ModuleKind, Receptor};

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("../library/", $name, ".eqs"))
    };
}

/// The text of a receptor: its own, or that of its kind.
pub(crate) fn text(receptor: &Receptor) -> String {
    if let Some(text) = &receptor.text {
        return text.clone();
    }
    let current = match receptor.kind {
        ModuleKind::Nmda => text!("nmda"),
        ModuleKind::Gaba => text!("gaba"),
        _ => text!("ampa"),
    };
    // A gate that jumps peaks at 1 already.
    let (gate, peak) = match (receptor.rises(), receptor.scale_g) {
        (false, _) => (text!("gate_decay"), text!("peak_as_is")),
        (true, false) => (text!("gate_rise"), text!("peak_as_is")),
        (true, true) => (text!("gate_rise"), text!("peak_scaled")),
    };
    [gate, current, peak].concat()
}

/// The text of a membrane.
pub(crate) const MEMBRANE: &str = text!("membrane");

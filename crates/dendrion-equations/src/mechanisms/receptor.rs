//! Texts of the built-in receptors. Each text is assembled from a current, a gate and a scale of the conductance.

use dendrion_model::{ModuleKind, Receptor};

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("../library/", $name, ".eqs"))
    };
}

/// Returns the text of a receptor: its own, or the text for its kind.
pub(crate) fn text(receptor: &Receptor) -> String {
    if let Some(text) = &receptor.text {
        return text.clone();
    }
    if receptor.kind == ModuleKind::CurrentReceptor {
        return if receptor.rises() { text!("current_rise") } else { text!("current_decay") }.into();
    }
    let current = match receptor.kind {
        ModuleKind::Nmda => text!("nmda"),
        ModuleKind::Gaba => text!("gaba"),
        _ => text!("ampa"),
    };
    // A gate that jumps has a peak of 1, so it needs no scaling.
    let (gate, peak) = match (receptor.rises(), receptor.scale_g) {
        (false, _) => (text!("gate_decay"), text!("peak_as_is")),
        (true, false) => (text!("gate_rise"), text!("peak_as_is")),
        (true, true) => (text!("gate_rise"), text!("peak_scaled")),
    };
    [gate, current, peak].concat()
}

/// The text of a membrane.
pub(crate) const MEMBRANE: &str = text!("membrane");

//! Defaults that are written to files.

use dendrion_model::{Error, ModuleKind, Network, Params, Role, definition};

/// Sets explicit values in a network for those defaults that files contain: the threshold, capacitances, leak
/// conductances and parameters of equations. A file that is saved then keeps its meaning if these defaults
/// change.
///
/// # Errors
/// Returns an error if equations cannot be parsed.
pub fn set_defaults(network: &mut Network) -> Result<(), Error> {
    for p in &mut network.populations {
        let path = p.path.clone();
        // The membrane and the mechanisms of detailed cells have no threshold, and placed mechanisms have the
        // membrane of their CVs.
        if p.role.cells().is_none() {
            set_of_kind(&mut p.params, ModuleKind::Population, &["V_th"]);
        }
        if !matches!(p.role, Role::Placed { .. }) {
            p.compartments.iter_mut().for_each(|c| {
                let kind = c.kind();
                set_of_kind(&mut c.params, kind, &["gL", "C"]);
            });
        }
        let receptors = p.receptors.iter_mut().filter_map(|r| Some((r.text.as_deref()?, &mut r.params)));
        for (text, params) in receptors.chain(p.mechanisms.iter_mut().map(|m| (&*m.text, &mut m.params))) {
            for parameter in definition(&path, text)?.parameters {
                set(params, &parameter.name, parameter.default);
            }
        }
    }
    Ok(())
}

fn set_of_kind(params: &mut Params, kind: ModuleKind, names: &[&str]) {
    let specs = kind.parameters().iter().filter(|spec| names.contains(&spec.name));
    specs.for_each(|spec| set(params, spec.name, spec.default));
}

fn set(params: &mut Params, name: &str, default: Option<f64>) {
    if let Some(value) = default.filter(|_| !params.has(name)) {
        params.set(name, value);
    }
}

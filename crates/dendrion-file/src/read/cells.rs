//! Reads detailed cells.
//!
//! In a file, a group of detailed cells is one entry. It becomes several populations: the cells, their membrane, and
//! one for each set of mechanisms on the same CVs (see `dendrion_model::Role`).

use std::sync::Arc;

use dendrion_model::{Cable, Gates, ModuleKind, OdeMethod, Params, Population};
use dendrion_morphology::{CvTree, Morphology};

use super::context::Read;
use super::morphology::morphology;
use super::placed::placed;
use super::table::Table;
use crate::extras::Extras;
use crate::words;

/// Threshold if the file has none (mV). The default of other populations, 1 mV, is for potentials relative to rest.
const V_TH: f64 = 0.0;

/// Reads the populations of a group of detailed cells. `cells` has been read except for its method.
pub(super) fn cells(
    table: &Table<'_, '_>,
    mut cells: Population,
    first: usize,
    extras: &mut Extras,
) -> Read<Vec<Population>> {
    let (morphology, tree) = morphology(table)?;
    let method = table.choice("method", &words::CABLE_METHODS.map(OdeMethod::name))?;
    cells.method = method.and_then(OdeMethod::from_name).unwrap_or(OdeMethod::ImplicitEuler);
    if !cells.params.has("V_th") {
        cells.params.set("V_th", V_TH);
    }
    let gates = table.choice("gates", &words::GATES.map(Gates::name))?;
    let gates = gates.and_then(Gates::from_name).unwrap_or_default();
    // Coupled gates are solved together with V.
    let is_staggered = cells.method == OdeMethod::CrankNicolson && gates != Gates::Coupled;
    let cable = Cable {
        gates,
        staggered: table.flag("staggered")?.unwrap_or(is_staggered),
        spike_at: table.size("spike_at")?.unwrap_or_else(|| default_spike_at(&morphology, &tree)),
        morphology: Arc::new(morphology),
        tree: Arc::new(tree),
    };
    let membrane = membrane(table)?;
    let mut group = Vec::from(Population::cable(cells, cable, membrane, first));
    placed(table, &mut group, first, extras)?;
    Ok(group)
}

/// Returns the CV at the centre of the soma or, without a soma, at the beginning of the root.
fn default_spike_at(morphology: &Morphology, tree: &CvTree) -> usize {
    tree.cv_at(0, if morphology.has_soma() { 0.5 } else { 0.0 })
}

/// Reads the parameters of the membrane. Lengths and diameters follow from the morphology unless the file has others.
fn membrane(table: &Table<'_, '_>) -> Read<Params> {
    let mut params = Params::new();
    for spec in ModuleKind::Cable.parameters().iter().filter(|spec| words::MEMBRANE.contains(&spec.name)) {
        if let Some(values) = table.values(spec.name)? {
            params.set(spec.name, values);
        }
    }
    Ok(params)
}

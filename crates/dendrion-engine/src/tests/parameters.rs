//! The store of parameters: each value is stored only once, and an export writes it to the module from which
//! it came.

use std::sync::Arc;

use dendrion_kernels::Level;
use dendrion_model::{ModuleKind, Network, Population, Values};

use super::network::{SIZES, network};
use crate::runtime::core::Core;

/// The test network without plastic weights, which an export returns as arrays.
fn built() -> (Network, Core<f64>) {
    let mut given = network(1);
    given.projections.retain(|p| !p.learns());
    (given.clone(), Core::new(given, Level::best()).unwrap())
}

#[test]
fn an_export_returns_the_description() {
    let (given, mut core) = built();
    assert_eq!(core.export_model().unwrap(), given);
}

#[test]
fn a_built_network_has_no_second_copy_of_its_values() {
    let (_, core) = built();
    let network = &core.model.network;
    assert!(!network.populations[1].compartments[0].params.has("gL"));
    assert!(!network.generators[2].params.has("amplitude"));
}

#[test]
fn setting_a_parameter_copies_no_other() {
    let (_, mut core) = built();
    let before = core.model.parameters.clone();
    let key = "others/dend.gL";
    core.set_parameters(vec![(key.into(), Values::Each(vec![2.5; SIZES[1]]))]).unwrap();
    for id in before.ids() {
        let (Some(old), Some(new)) = (before.get(id), core.model.parameters.get(id)) else { continue };
        assert_eq!(Arc::ptr_eq(old, new), &*before[id].key != key, "{}", before[id].key);
    }
}

#[test]
fn modules_with_the_same_name_keep_their_own_parameters() {
    let mut cell = Population::new("cell", 1, [("V_th", -50.0), ("V_reset", -60.0)]);
    let soma = cell.soma("soma", []);
    let dend = cell.compartment("ampa", []);
    cell.couple("ampa", soma, dend, Some(1.0));
    cell.receptor("ampa", ModuleKind::Ampa, dend, [("t_decay", 2.0)]);
    let mut network = Network::new(0.1);
    network.populations.push(cell);
    let mut core: Core<f64> = Core::new(network, Level::best()).unwrap();
    core.set_parameters(vec![("cell/ampa.gL".into(), 3.0.into()), ("cell/ampa.E".into(), 5.0.into())])
        .unwrap();
    let cell = core.export_model().unwrap().populations.remove(0);
    assert_eq!(cell.compartments[dend].params, [("gL", 3.0)].into());
    assert_eq!(cell.receptors[0].params, [("E", 5.0), ("t_decay", 2.0)].into());
    assert_eq!(cell.couplings[0].params, [("g", 1.0)].into());
}

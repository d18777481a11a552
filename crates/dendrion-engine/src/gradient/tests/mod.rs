//! Gradients of a network without connections.
#![allow(clippy::unwrap_used)]

use dendrion_model::{
    Generator, Injection, ModuleKind, Network, OdeMethod, Params, Population, Signal, Waveform,
};

mod identical;
mod shortages;
mod stops;

pub(super) const SIZE: usize = 37;

/// Cells with three compartments, one of which is noisy. They spike occasionally.
pub(super) fn network() -> Network {
    let mut cell = Population::new("cell", SIZE, [("V_th", -58.0), ("V_reset", -66.0)]);
    // Only the reset contributes to the gradient with respect to V_th.
    cell.detach_reset = false;
    cell.method = OdeMethod::ImplicitEuler;
    let parts = ["soma", "near", "far"];
    for (i, name) in parts.into_iter().enumerate() {
        let membrane = [("V_rest", -65.0), ("gL", 4.0 + i as f64), ("C", 60.0)];
        if i == 0 {
            cell.soma(name, membrane)
        } else {
            cell.compartment(name, membrane)
        };
    }
    cell.couple("a", 0, 1, Some(9.0));
    cell.couple("b", 1, 2, Some(5.0));
    cell.noise("noise", ModuleKind::WhiteNoise, 1, [("sigma", 8.0)]);
    let mut network = Network::new(0.1);
    network.threads = Some(2);
    let values = (0..400 * SIZE).map(|k| 60.0 + 25.0 * (k % SIZE) as f64 + (k * 7 % 41) as f64).collect();
    let wave = Signal::Current(Waveform { width: SIZE, values, interval: None });
    network.generators.push(Generator::new("wave", SIZE, wave, Params::new()));
    network.injections.push(Injection { path: "on".into(), generator: 0, population: 0, compartment: 2 });
    network.populations.push(cell);
    network
}

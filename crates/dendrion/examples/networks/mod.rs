//! The benchmark network W1, equivalent to the one in `benchmarks/networks.py`.

use dendrion::model::{
    Connectivity, Generator, ModuleKind, Network, PerConnection, Population, Projection, Signal, Source,
};

/// Creates W1 with `size` neurons, and with weights of its input and of its recurrent connections. Without weights, the
/// network consists only of its neurons.
pub(crate) fn w1(size: usize, weights: Option<(f64, f64)>) -> Network {
    let mut network = Network::new(0.1);
    network.populations.push(neurons(size));
    if let Some((driven, recurrent)) = weights {
        let (noise, cells) = (Source::Generator(0), Source::Population(0));
        network.generators.push(Generator::new("noise", 1000, Signal::Poisson, [("rate", 5.0)]));
        network.projections.push(projection("to_prox", noise, vec![0, 1], driven, 1.0));
        network.projections.push(projection("to_dist", noise, vec![2, 3], driven, 1.0));
        network.projections.push(projection("recurrent", cells, vec![0, 1], recurrent, 1.5));
    }
    network
}

fn neurons(size: usize) -> Population {
    let mut cells = Population::new("cells", size, [("V_th", -50.0), ("V_reset", -60.0)]);
    let cylinder = |length, diameter, area_factor| {
        [("gL", 40.0), ("C", 1.0), ("length", length), ("diameter", diameter), ("area_factor", area_factor)]
    };
    let soma = cells.soma("soma", cylinder(25.0, 25.0, 2.8));
    let trunk = cells.compartment("trunk", cylinder(100.0, 2.5, 4.2));
    let prox = cells.compartment("prox", cylinder(100.0, 1.0, 4.2));
    let dist = cells.compartment("dist", cylinder(100.0, 0.5, 4.2));
    cells.couple("soma_trunk", soma, trunk, Some(15.0));
    cells.couple("trunk_prox", trunk, prox, Some(6.0));
    cells.couple("prox_dist", prox, dist, Some(2.0));
    for (name, on) in [("prox", prox), ("dist", dist)] {
        cells.receptor(format!("ampa_{name}"), ModuleKind::Ampa, on, [("g", 0.3), ("t_decay", 2.0)]);
        let nmda = [("g", 0.15), ("t_rise", 2.0), ("t_decay", 60.0)];
        let nmda = cells.receptor(format!("nmda_{name}"), ModuleKind::Nmda, on, nmda);
        cells.receptors[nmda].scale_g = true;
    }
    cells
}

/// Connects a hundred randomly drawn sources to each neuron of the first population.
pub(crate) fn projection(
    path: &str,
    pre: Source,
    receptors: Vec<usize>,
    weight: f64,
    delay: impl Into<PerConnection>,
) -> Projection {
    Projection {
        path: path.into(),
        pre,
        population: 0,
        receptors,
        connectivity: Connectivity::FixedIndegree { degree: 100, multapses: false, autapses: true },
        weight: weight.into(),
        delay: Some(delay.into()),
        plasticity: None,
    }
}

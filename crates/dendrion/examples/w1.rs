//! The benchmark network W1, without Python: compartment-steps per second of its neurons.
//!
//! `cargo run --release --example w1 -- [neurons] [float32|float64] [threads] [quiet]`

use std::time::Instant;

use dendrion::model::{
    Connectivity, Dtype, Generator, ModuleKind, Network, Population, Projection, Signal, Source,
};
use dendrion::{Error, Simulation};

const STEPS: u64 = 10_000;

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

fn projection(path: &str, pre: Source, receptors: Vec<usize>, weight: f64, delay: f64) -> Projection {
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

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |i: usize, default: &str| args.get(i).map_or(default, String::as_str).to_string();
    let size: usize = arg(0, "10000").parse().unwrap_or(10_000);
    let mut network = Network::new(0.1);
    network.dtype = if arg(1, "float64") == "float32" { Dtype::Float32 } else { Dtype::Float64 };
    network.threads = arg(2, "1").parse().ok();
    network.populations.push(neurons(size));
    if arg(3, "") != "quiet" {
        network.generators.push(Generator::new("noise", 1000, Signal::Poisson, [("rate", 5.0)]));
        network.projections.push(projection("to_prox", Source::Generator(0), vec![0, 1], 1.0, 1.0));
        network.projections.push(projection("to_dist", Source::Generator(0), vec![2, 3], 1.0, 1.0));
        network.projections.push(projection("recurrent", Source::Population(0), vec![0, 1], 0.05, 1.5));
    }
    let start = Instant::now();
    let mut simulation = Simulation::new(network)?;
    let built = start.elapsed();
    let start = Instant::now();
    simulation.advance(STEPS)?;
    let ran = start.elapsed().as_secs_f64();
    let summary = simulation.summary();
    let steps = (summary.compartments * STEPS) as f64;
    println!(
        "{} neurons, {} connections built in {:.3} s ({:.1} bytes each); {} threads, {}: {:.3} s, {:.0} M compartment-steps/s, {:.2} Hz",
        summary.neurons,
        summary.connections,
        built.as_secs_f64(),
        summary.connection_bytes as f64 / summary.connections.max(1) as f64,
        summary.threads,
        summary.level,
        ran,
        steps / ran * 1e-6,
        summary.spikes as f64 / summary.neurons as f64 / (STEPS as f64 * 1e-4),
    );
    Ok(())
}

//! Deterministic workloads whose instructions `benchmarks/counts.py` counts, on one thread and in float64.
//!
//! `cargo run --release --example counted -- silent|driven|delivery|calls LENGTH` prints the number of units of
//! work (compartment-steps, delivered connections or calls), the number of spikes, and the instruction level.

use dendrion::model::{
    Generator, Initializer, ModuleKind, Network, PerConnection, Population, Signal, Source,
};
use dendrion::{Error, Simulation};

mod networks;

/// Number of neurons of each workload except the last.
const SIZE: usize = 1000;
/// Number of compartments of the last workload's neuron.
const COMPARTMENTS: usize = 10;

/// Single-compartment neurons to which all sources deliver in every step. Half of the connections share a delay,
/// and half have individual delays. There are few sources with many connections each, so that generating their
/// spikes takes little time.
fn relays() -> Network {
    let mut cells = Population::new("cells", SIZE, [("V_th", 0.0), ("V_reset", -60.0)]);
    let soma = cells.soma("soma", [("C", 100.0), ("gL", 5.0)]);
    for name in ["together", "apart"] {
        cells.receptor(name, ModuleKind::Ampa, soma, [("g", 1e-3), ("t_decay", 2.0)]);
    }
    let mut network = Network::new(0.1);
    network.populations.push(cells);
    network.generators.push(Generator::new("clock", 250, Signal::Bernoulli, [("prob", 1.0)]));
    let each = PerConnection::Drawn(Initializer::Uniform { low: 0.1, high: 3.0 });
    let clock = Source::Generator(0);
    network.projections.push(networks::projection("together", clock, vec![0], 1.0, 1.0));
    network.projections.push(networks::projection("apart", clock, vec![1], 1.0, each));
    network
}

/// A neuron with a long dendrite.
fn one() -> Network {
    let mut cell = Population::new("cell", 1, [("V_th", -50.0), ("V_reset", -60.0)]);
    let cylinder = || [("gL", 40.0), ("C", 1.0), ("length", 50.0), ("diameter", 2.0)];
    let mut last = cell.soma("soma", [("gL", 40.0), ("C", 1.0), ("length", 25.0), ("diameter", 25.0)]);
    for i in 1..COMPARTMENTS {
        let next = cell.compartment(format!("dend_{i}"), cylinder());
        cell.couple(format!("axial_{i}"), last, next, Some(5.0));
        last = next;
    }
    cell.receptor("ampa", ModuleKind::Ampa, last, [("g", 0.3), ("t_decay", 2.0)]);
    let mut network = Network::new(0.1);
    network.populations.push(cell);
    network
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let (name, length) = (args.next().unwrap_or_default(), args.next().and_then(|n| n.parse().ok()));
    let (mut network, length) = match (name.as_str(), length) {
        ("silent", Some(n)) => (networks::w1(SIZE, None), n),
        ("driven", Some(n)) => (networks::w1(SIZE, Some((1.0, 0.05))), n),
        ("delivery", Some(n)) => (relays(), n),
        ("calls", Some(n)) => (one(), n),
        _ => {
            eprintln!("expected one of silent, driven, delivery or calls, followed by a length");
            std::process::exit(2);
        }
    };
    network.threads = Some(1);
    let mut simulation = Simulation::new(network)?;
    if name == "calls" {
        for _ in 0..length {
            simulation.advance(1)?;
        }
    } else {
        simulation.advance(length)?;
    }
    let summary = simulation.summary();
    let units = match name.as_str() {
        "delivery" => summary.connections * length,
        "calls" => length,
        _ => summary.compartments * length,
    };
    println!("{units} {} {}", summary.spikes, summary.level);
    Ok(())
}

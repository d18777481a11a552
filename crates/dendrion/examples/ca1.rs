//! Simulates the CA1 pyramidal cells of the demo (Pagkalos, Chavlis & Poirazi, Nature Communications 14:131, 2023,
//! Fig. 4) from Rust.
//!
//! `cargo run --release --example ca1 -- [cells] [ms]`

use std::time::Instant;

use dendrion::model::{
    Connectivity, Generator, ModuleKind, Network, Params, Population, Projection, Signal, Source,
};
use dendrion::{Error, Simulation};

/// Name, length and diameter (um), and the conductances of AMPA and NMDA receptors (nS), if any.
type Dendrite = (&'static str, f64, f64, Option<(f64, f64)>);

const DENDRITES: [Dendrite; 8] = [
    ("prox", 100.0, 2.0, Some((0.6, 0.4))),
    ("ob1", 100.0, 1.0, Some((0.6, 0.4))),
    ("ob2", 100.0, 1.0, Some((0.6, 0.4))),
    ("med", 150.0, 1.25, Some((0.81, 0.4))),
    ("dist1", 150.0, 0.8, Some((0.81, 0.81))),
    ("dist2", 150.0, 0.8, Some((0.81, 0.81))),
    ("bas1", 150.0, 0.8, None),
    ("bas2", 150.0, 0.8, None),
];

/// Couplings, with a conductance in nS or computed from the half cylinders.
const COUPLINGS: [(&str, &str, Option<f64>); 8] = [
    ("soma", "bas1", Some(3.8)),
    ("soma", "bas2", Some(3.8)),
    ("soma", "prox", Some(22.0)),
    ("prox", "ob1", None),
    ("prox", "ob2", None),
    ("prox", "med", None),
    ("med", "dist1", None),
    ("med", "dist2", None),
];

/// Rates of the Poisson inputs of each cell (Hz): entorhinal cortex to distal dendrites, and CA3 to intermediate
/// ones.
const INPUTS: [(&str, f64); 5] =
    [("dist1", 82.0), ("dist2", 82.0), ("ob1", 120.0), ("ob2", 120.0), ("med", 120.0)];

fn cylinder(length: f64, diameter: f64, area_factor: f64) -> Params {
    Params::from([("V_rest", -65.0), ("gL", 40.0), ("C", 1.0), ("r_axial", 120.0)])
        .with("length", length)
        .with("diameter", diameter)
        .with("area_factor", area_factor)
}

fn cells(size: usize) -> Population {
    let mut cells = Population::new("ca1", size, [("V_th", -47.5), ("V_reset", -53.0)]);
    cells.soma("soma", cylinder(30.0, 20.0, 2.9));
    for (name, length, diameter, receptors) in DENDRITES {
        let on = cells.compartment(name, cylinder(length, diameter, 2.9 * 1.5));
        let Some((ampa, nmda)) = receptors else { continue };
        cells.receptor(format!("{name}_ampa"), ModuleKind::Ampa, on, [("g", ampa), ("t_decay", 2.5)]);
        let nmda =
            [("g", nmda), ("t_decay", 50.0), ("alpha", 0.087), ("beta", 3.57), ("gamma", 10.0), ("Mg", 1.0)];
        cells.receptor(format!("{name}_nmda"), ModuleKind::Nmda, on, nmda);
    }
    for (a, b, g) in COUPLINGS {
        let at = |name: &str| cells.compartments.iter().position(|c| c.name == name).unwrap_or(0);
        let ends = (at(a), at(b));
        cells.couple(format!("{a}_{b}"), ends.0, ends.1, g);
    }
    cells
}

fn network(size: usize) -> Network {
    let mut network = Network::new(0.1);
    let cells = cells(size);
    for (part, rate) in INPUTS {
        network.generators.push(Generator::new(
            format!("to_{part}"),
            size,
            Signal::Poisson,
            [("rate", rate)],
        ));
        let on = |r: &dendrion::model::Receptor| r.name.starts_with(part);
        network.projections.push(Projection {
            path: format!("{part}_input"),
            pre: Source::Generator(network.generators.len() - 1),
            population: 0,
            receptors: (0..cells.receptors.len()).filter(|i| on(&cells.receptors[*i])).collect(),
            connectivity: Connectivity::OneToOne,
            weight: 1.0.into(),
            delay: None,
            plasticity: None,
        });
    }
    network.populations.push(cells);
    network.seed = 1;
    network
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let size: usize = args.next().and_then(|a| a.parse().ok()).unwrap_or(1000);
    let duration: f64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(500.0);
    let mut simulation = Simulation::new(network(size))?;
    let v = simulation.add_probe("ca1/soma", "V", 1, Some(&[0]))?;
    let begun = Instant::now();
    simulation.advance((duration / 0.1).round() as u64)?;
    let wall = begun.elapsed().as_secs_f64();
    let summary = simulation.summary();
    let rate = summary.spikes as f64 / size as f64 / (duration * 1e-3);
    let highest = simulation.values(v)?.iter().map(|row| row[0]).fold(f64::NEG_INFINITY, f64::max);
    println!(
        "{} cells, {} compartments: {} spikes, {rate:.2} Hz",
        size, summary.compartments, summary.spikes
    );
    println!(
        "first soma up to {highest:.2} mV; {duration} ms in {wall:.3} s on {} threads ({})",
        summary.threads, summary.level
    );
    Ok(())
}

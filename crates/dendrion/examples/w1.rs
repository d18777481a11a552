//! Runs the benchmark network W1 without Python and prints the compartment-steps per second of its neurons.
//!
//! `cargo run --release --example w1 -- [neurons] [float32|float64] [threads] [none|quiet|moderate|high]`
//!
//! The last argument selects the input, as in `benchmarks/peers/case.py`: no connections, connections with weight 0, or
//! weights with which neurons fire at 14 or 85 Hz.

use std::time::Instant;

use dendrion::model::Dtype;
use dendrion::{Error, Simulation};

mod networks;

const STEPS: u64 = 10_000;

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |i: usize, default: &str| args.get(i).map_or(default, String::as_str).to_string();
    let size: usize = arg(0, "10000").parse().unwrap_or(10_000);
    let weights = match arg(3, "high").as_str() {
        "none" => None,
        "quiet" => Some((0.0, 0.0)),
        "moderate" => Some((0.93, 0.02)),
        _ => Some((1.0, 0.05)),
    };
    let mut network = networks::w1(size, weights);
    network.dtype = if arg(1, "float64") == "float32" { Dtype::Float32 } else { Dtype::Float64 };
    network.threads = arg(2, "1").parse().ok();
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

//! Prints the number of machine instructions in each loop of the step of W1's neuron, by method, scalar type and level.
//!
//! One turn of a loop advances the neurons of 64 bytes (8 in float64, 16 in float32). If there are three loops, the first
//! one searches for an open gate, the second one runs if all gates are closed, and the third one otherwise.
//! `benchmarks/counts.py` compares these numbers with a record, because valgrind does not know AVX-512.

use std::error::Error;

use dendrion_equations::{Tape, Wiring, neuron};
use dendrion_kernels::{Coefficients, Column, Kernel, Level, Scalar};
use dendrion_model::{ModuleKind, OdeMethod, Population, SdeMethod};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Mnemonic};

/// Number of neurons in a block.
const LANES: usize = 128;

fn w1() -> Population {
    let mut cell = Population::new("cell", 1, [("V_th", -50.0), ("V_reset", -60.0)]);
    let cylinder = |l, d, f| [("gL", 40.0), ("C", 1.0), ("length", l), ("diameter", d), ("area_factor", f)];
    let soma = cell.soma("soma", cylinder(25.0, 25.0, 2.8));
    let trunk = cell.compartment("trunk", cylinder(100.0, 2.5, 4.2));
    let prox = cell.compartment("prox", cylinder(100.0, 1.0, 4.2));
    let dist = cell.compartment("dist", cylinder(100.0, 0.5, 4.2));
    cell.couple("soma_trunk", soma, trunk, Some(15.0));
    cell.couple("trunk_prox", trunk, prox, Some(6.0));
    cell.couple("prox_dist", prox, dist, Some(2.0));
    for (on, name) in [(prox, "prox"), (dist, "dist")] {
        cell.receptor(format!("ampa_{name}"), ModuleKind::Ampa, on, [("g", 0.3), ("t_decay", 2.0)]);
        let nmda = [("g", 0.15), ("t_rise", 2.0), ("t_decay", 60.0)];
        let nmda = cell.receptor(format!("nmda_{name}"), ModuleKind::Nmda, on, nmda);
        cell.receptors[nmda].scale_g = true;
    }
    cell
}

/// Returns the number of instructions between the target of each backward jump and the jump.
fn loops(code: &[u8]) -> Vec<usize> {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut starts = Vec::new();
    let mut loops = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        starts.push(instruction.ip());
        let target = instruction.near_branch_target();
        if instruction.flow_control() == FlowControl::ConditionalBranch && target < instruction.ip() {
            loops.push(starts.len() - starts.partition_point(|at| *at < target));
        }
        if instruction.mnemonic() == Mnemonic::Ret {
            break;
        }
    }
    loops
}

fn print<T: Scalar>(method: OdeMethod, tape: &Tape, level: Level) -> Result<(), Box<dyn Error>> {
    let columns = vec![Column::Uniform(0.5); tape.program.coefs];
    let coefs = Coefficients::<T>::new(&columns, LANES, 1)?;
    let kernel = Kernel::link(&tape.program, &coefs, LANES, level)?.compiled();
    if let Some(code) = kernel.machine_code() {
        let words: Vec<String> = loops(code).iter().map(ToString::to_string).collect();
        println!("{method:?} {} {level} {}", T::NAME, words.join(" "));
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // Two ports of spikes on the receptors of each compartment.
    let received = vec![vec![0, 1], vec![2, 3]];
    let wiring = Wiring { injected: vec![], received, ..Wiring::default() };
    for method in [OdeMethod::Euler, OdeMethod::ExpEuler, OdeMethod::ImplicitEuler] {
        let tape = Tape::step(&mut neuron(&w1(), &wiring)?, method, SdeMethod::Milstein)?;
        for level in [Level::Avx2, Level::Avx512].into_iter().filter(|level| level.is_available()) {
            print::<f64>(method, &tape, level)?;
            print::<f32>(method, &tape, level)?;
        }
    }
    Ok(())
}

//! Prints the programs of a neuron: its step and the reverse of the step, after all passes.
use dendrion_equations::{Demand, Reverse, Tape, Wiring, neuron};
use dendrion_model::{ModuleKind, OdeMethod, Population, SdeMethod, Surrogate};

fn main() -> Result<(), dendrion_model::Error> {
    let mut cell = Population::new("cell", 1, [("V_th", -50.0), ("V_reset", -60.0)]);
    let specific = |l, d, f| [("gL", 40.0), ("C", 1.0), ("length", l), ("diameter", d), ("area_factor", f)];
    let soma = cell.soma("soma", specific(25.0, 25.0, 2.8));
    let trunk = cell.compartment("trunk", specific(100.0, 2.5, 4.2));
    let prox = cell.compartment("prox", specific(100.0, 1.0, 4.2));
    let dist = cell.compartment("dist", specific(100.0, 0.5, 4.2));
    cell.couple("c1", soma, trunk, Some(15.0));
    cell.couple("c2", trunk, prox, Some(6.0));
    cell.couple("c3", prox, dist, Some(2.0));
    for (on, name) in [(prox, "prox"), (dist, "dist")] {
        cell.receptor(format!("ampa_{name}"), ModuleKind::Ampa, on, [("g", 0.3), ("t_decay", 2.0)]);
        let nmda = [("g", 0.15), ("t_rise", 2.0), ("t_decay", 60.0)];
        let nmda = cell.receptor(format!("nmda_{name}"), ModuleKind::Nmda, on, nmda);
        cell.receptors[nmda].scale_g = true;
    }
    let wiring = Wiring { injected: vec![], received: vec![vec![0, 1], vec![2, 3]], ..Wiring::default() };
    for method in OdeMethod::ALL {
        let mut system = neuron(&cell, &wiring)?;
        let tape = Tape::step(&mut system, method, SdeMethod::Milstein)?;
        println!(
            "{method:?}: {} scratch rows, {} coefficients\n{}",
            tape.program.scratch_rows, tape.program.coefs, tape.program
        );
        let spike = (&Surrogate::default(), false);
        let demand = Demand { parameters: &|_| true, currents: &|_| true, states: &[0], observables: &[] };
        let reverse = Reverse::new(&system, (method, SdeMethod::Milstein), spike, &demand)?;
        let program = &reverse.step.program;
        println!(
            "reverse: {} scratch rows, {} gathered\n{program}",
            program.scratch_rows, reverse.accumulators
        );
    }
    Ok(())
}

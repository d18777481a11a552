//! x
use dendrion_equations::{Demand, Reverse, Tape, Wiring, neuron};
use dendrion_model::{OdeMethod, Population, SdeMethod, Surrogate};
fn main() -> Result<(), dendrion_model::Error> {
    let mut cell = Population::new("cell", 1, [("V_th", 1e6), ("V_reset", 0.0)]);
    let specific = || {
        [
            ("gL", 100.0),
            ("C", 1.0),
            ("length", 50.0),
            ("diameter", 2.0),
            ("r_axial", 5000.0),
            ("V_rest", -70.0),
        ]
    };
    let soma = cell.soma("soma", specific());
    let a = cell.compartment("a", specific());
    let b = cell.compartment("b", specific());
    let c = cell.compartment("c", specific());
    cell.couple("c1", soma, a, None);
    cell.couple("c2", a, b, None);
    cell.couple("c3", b, c, None);
    let wiring = Wiring { injected: vec![3], received: vec![] };
    let method = OdeMethod::ImplicitEuler;
    let mut system = neuron(&cell, &wiring, 0.025)?;
    let keys: Vec<String> = system.parameters.iter().map(|p| p.key.clone()).collect();
    let tape = Tape::step(&mut system, method, SdeMethod::Milstein)?;
    println!("{}\n{}", tape.program.coefs, tape.program);
    let spike = (&Surrogate::default(), false);
    let wanted = |p: usize| keys[p].ends_with(".gL") || keys[p].ends_with(".r_axial");
    let demand = Demand { parameters: &wanted, currents: &|_| true, states: &[0], observables: &[] };
    let reverse = Reverse::new(&system, (method, SdeMethod::Milstein), spike, &demand)?;
    let program = &reverse.step.program;
    println!(
        "reverse: {} rows of scratch, {} gathered {} coefs {} instr\n{program}",
        program.scratch_rows,
        reverse.accumulators,
        program.coefs,
        program.code.len()
    );
    Ok(())
}

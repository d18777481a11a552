//! The step of W1's neuron, as produced by the passes: four compartments, with AMPA and NMDA receptors on the outer
//! two.

use dendrion_kernels::{Column, Instruction, Op, Program, Slot};

/// Values of the coefficients, in the order of their numbers in [`program`].
pub(crate) fn values() -> Vec<f64> {
    let mut c = vec![0.0, 0.0, 2.7e-3, 4e-3, -70.0];
    c.extend([-4.5e-3, 1.8e-3, 4e-3, -70.0]);
    c.extend([-4.5e-3, 1.5e-3, 2.3e-4, 0.0, 1.1e-4, 0.0, 0.28, -0.089, 0.0, 4e-3, -70.0]);
    c.extend([-3e-3, 4.5e-4, 0.0, 2.3e-4, 0.0, 0.28, -0.089, 0.0, 4e-3, -70.0]);
    c.extend([0.95, 0.95, 0.998, 0.1, 0.95, 0.95, 0.998, -50.0, -60.0]);
    c
}

/// The same values as uniform columns.
pub(crate) fn columns() -> Vec<Column> {
    values().into_iter().map(Column::Uniform).collect()
}

/// Initial rows: potentials near rest and slightly open gates without input.
pub(crate) fn start() -> Vec<f64> {
    vec![-70.0, -69.0, -68.0, -66.0, 0.5, 0.5, 3.0, 0.5, 0.5, 3.0]
}

/// The tape, as printed by `cargo run -p dendrion-equations --example tape`.
pub(crate) fn program() -> Program {
    let text = "
        t0 Sub s1 s0; t1 Sub s2 s1; t2 Sub s3 s2
        t3 Add c1 s0; t3 Fma c2 t0 t3; s0 FmaDiff c3 c4 s0 t3
        t0 Fma2 c5 t0 c6 t1 s1; s1 FmaDiff c7 c8 s1 t0
        t1 Fma2 c9 t1 c10 t2 s2; t1 GatedDiff c11 s4 c12 s2 t1
        t1 SigmoidGatedDiff c13 s6 c14 s2 c15 c16 s2 c17 t1; s2 FmaDiff c18 c19 s2 t1
        t2 Fma c20 t2 s3; t2 GatedDiff c21 s7 c22 s3 t2
        t2 SigmoidGatedDiff c23 s9 c24 s3 c25 c26 s3 c27 t2; s3 FmaDiff c28 c29 s3 t2
        s4 MulFlush c30 s4; s6 Mul2Flush c32 s6 c33 s5; s5 MulFlush c31 s5
        s7 MulFlush c34 s7; s9 Mul2Flush c36 s9 c33 s8; s8 MulFlush c35 s8
        s0 FireReset c37 c38";
    let code = text.split([';', '\n']).filter_map(instruction).collect();
    Program { code, state_rows: 10, scratch_rows: 4, coefs: 39, ..Program::default() }
}

fn instruction(line: &str) -> Option<Instruction> {
    let mut words = line.split_whitespace();
    let (out, name) = (slot(words.next()?)?, words.next()?);
    let op = Op::ALL.into_iter().find(|op| format!("{op:?}") == name)?;
    Some(Instruction { op, out, args: words.filter_map(slot).collect() })
}

fn slot(word: &str) -> Option<Slot> {
    let number = word[1..].parse().ok()?;
    match &word[..1] {
        "s" => Some(Slot::State(number)),
        "t" => Some(Slot::Scratch(number)),
        _ => Some(Slot::Coef(number)),
    }
}

//! Machine code gives results bit-identical to the interpreter for random programs.
#![allow(clippy::unwrap_used)]

#[cfg(target_arch = "x86_64")]
#[path = "common/decode.rs"]
mod decode;

use dendrion_kernels::{
    Coefficients, Column, Frame, Instruction, Kernel, Level, Op, Program, Scalar, Slot, granule,
};
use proptest::prelude::*;

const STATES: u16 = 12;
const SCRATCH: u16 = 9;
/// Number of scratch rows that are read after a run.
const RESULTS: u16 = 2;
const PAST: u16 = 3;
const COEFS: u16 = 8;
const PORTS: u16 = 3;

/// Operations that can be compiled.
fn op() -> impl Strategy<Value = Op> {
    let slow = [Op::Log, Op::Log1p, Op::Tanh, Op::Round, Op::Pow];
    prop::sample::select(Op::ALL.into_iter().filter(|op| !slow.contains(op)).collect::<Vec<_>>())
}

fn written() -> impl Strategy<Value = Slot> {
    prop_oneof![(0..STATES).prop_map(Slot::State), (0..SCRATCH).prop_map(Slot::Scratch)]
}

fn read() -> impl Strategy<Value = Slot> {
    prop_oneof![
        3 => (0..STATES).prop_map(Slot::State),
        3 => (0..SCRATCH).prop_map(Slot::Scratch),
        1 => (0..PAST).prop_map(Slot::Past),
        2 => (0..COEFS).prop_map(Slot::Coef),
    ]
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let args = prop::collection::vec(read(), 9);
    (op(), written(), args, 0..PORTS).prop_map(|(op, out, mut args, port)| {
        args.truncate(op.arity());
        if let Some(k) = op.input() {
            args[k] = Slot::Input(port);
        }
        Instruction { op, out, args }
    })
}

fn program(instructions: std::ops::Range<usize>) -> impl Strategy<Value = Program> {
    prop::collection::vec(instruction(), instructions).prop_map(|code| Program {
        code,
        state_rows: STATES.into(),
        scratch_rows: SCRATCH.into(),
        result_rows: RESULTS.into(),
        past_rows: PAST.into(),
        coefs: COEFS.into(),
        inputs: PORTS.into(),
    })
}

/// The inputs of a test case, as values that do not depend on the scalar type.
#[derive(Clone, Debug)]
struct Given {
    lanes: usize,
    values: Vec<f64>,
    /// Which coefficients are rows, and which ports are absent.
    rows: u8,
    absent: u8,
}

fn given() -> impl Strategy<Value = Given> {
    let value = prop_oneof![
        6 => -3.0..3.0_f64,
        1 => prop::sample::select(vec![0.0, -0.0, 1e-31, -65.0, 200.0, f64::NAN, f64::INFINITY]),
    ];
    (1_usize..9, prop::collection::vec(value, 997), any::<u8>(), any::<u8>())
        .prop_map(|(lines, values, rows, absent)| Given { lanes: lines * 16, values, rows, absent })
}

impl Given {
    /// Returns rows of values that depend on `salt`.
    fn fill<T: Scalar>(&self, rows: u16, salt: usize) -> Vec<T> {
        let at = |i: usize| self.values[(i * 31 + salt * 131) % self.values.len()];
        (0..usize::from(rows) * self.lanes).map(|i| T::from_f64(at(i))).collect()
    }
}

/// Returns the levels with machine code.
fn levels() -> Vec<Level> {
    Level::available().into_iter().filter(|level| *level >= Level::Avx2).collect()
}

/// Returns a kernel for a level, compiled or not.
fn linked<T: Scalar>(
    (program, coefs, lanes): (&Program, &Coefficients<T>, usize),
    level: Level,
    compiled: bool,
) -> Kernel<T> {
    let kernel = Kernel::<T>::link(program, coefs, lanes, level).unwrap();
    if compiled { kernel.compiled() } else { kernel }
}

/// Returns the state and results after three runs, the bits of the lanes that fired, and whether any did.
fn run<T: Scalar>(
    program: &Program,
    given: &Given,
    level: Level,
    compiled: bool,
) -> (Vec<u64>, Vec<u64>, bool) {
    let lanes = given.lanes;
    let columns: Vec<Column> = (0..usize::from(COEFS))
        .map(|k| match given.rows >> k & 1 {
            1 => Column::Each(given.fill::<T>(1, k).iter().map(|v| v.to_f64()).collect()),
            _ => Column::Uniform(given.values[k * 7]),
        })
        .collect();
    let coefs = Coefficients::<T>::new(&columns, lanes, 1).unwrap();
    let kernel = linked((program, &coefs, lanes), level, compiled);
    assert_eq!(kernel.is_compiled(), compiled && cfg!(target_arch = "x86_64") && level >= Level::Avx2);
    #[cfg(target_arch = "x86_64")]
    kernel.machine_code().into_iter().for_each(decode::check);
    let (mut state, past) = (given.fill::<T>(STATES, 20), given.fill::<T>(PAST, 21));
    let ports: Vec<Vec<T>> = (0..PORTS)
        .map(|p| if given.absent >> p & 1 == 1 { Vec::new() } else { given.fill(1, 30 + usize::from(p)) })
        .collect();
    let inputs: Vec<&[T]> = ports.iter().map(Vec::as_slice).collect();
    let (mut fired, mut any, mut results) = (vec![0; lanes.div_ceil(64)], false, Vec::new());
    for _ in 0..3 {
        // Scratch rows contain arbitrary values before the run, which are the same for both programs.
        let mut scratch = given.fill::<T>(SCRATCH, 22);
        let (state, scratch, fired) = (&mut state[..], &mut scratch[..], &mut fired[..]);
        let mut frame = Frame { state, scratch, coefs: &coefs, block: 0, inputs: &inputs, fired };
        for strip in kernel.strips() {
            any |= kernel.run_strip(&mut frame, &past, strip);
        }
        results.extend_from_slice(&scratch[..usize::from(RESULTS) * lanes]);
    }
    let bits = |v: &T| if v.to_f64().is_nan() { u64::MAX } else { v.to_f64().to_bits() };
    (state.iter().chain(&results).map(bits).collect(), fired, any)
}

/// Returns the state after three steps, each of which leaves the previous state unchanged, and the bits of all
/// lanes that fired.
fn advance<T: Scalar>(
    program: &Program,
    given: &Given,
    level: Level,
    compiled: bool,
) -> (Vec<u64>, Vec<u64>) {
    let lanes = given.lanes;
    let columns: Vec<Column> =
        (0..usize::from(COEFS)).map(|k| Column::Uniform(given.values[k * 7])).collect();
    let coefs = Coefficients::<T>::new(&columns, lanes, 1).unwrap();
    let kernel = linked((program, &coefs, lanes), level, compiled);
    let ports: Vec<Vec<T>> = (0..PORTS).map(|p| given.fill(1, 30 + usize::from(p))).collect();
    let inputs: Vec<&[T]> = ports.iter().map(Vec::as_slice).collect();
    let (mut before, mut all) = (given.fill::<T>(STATES, 20), vec![0; lanes.div_ceil(64)]);
    for salt in 40..43 {
        let copy = before.clone();
        let (mut state, mut scratch) = (given.fill::<T>(STATES, salt), given.fill::<T>(SCRATCH, 22));
        let mut fired = vec![0; lanes.div_ceil(64)];
        let (coefs, inputs) = (&coefs, &inputs[..]);
        let frame =
            Frame { state: &mut state, scratch: &mut scratch, coefs, block: 0, inputs, fired: &mut fired };
        kernel.advance(frame, &before);
        all.iter_mut().zip(&fired).for_each(|(a, b)| *a |= b);
        assert!(copy.iter().zip(&before).all(|(a, b)| a.to_f64().to_bits() == b.to_f64().to_bits()));
        before = state;
    }
    let bits = |v: &T| if v.to_f64().is_nan() { u64::MAX } else { v.to_f64().to_bits() };
    (before.iter().map(bits).collect(), all)
}

/// Replaces past rows, so that the program reads none.
fn of_the_present(mut program: Program) -> Program {
    for slot in program.code.iter_mut().flat_map(|i| &mut i.args) {
        if let Slot::Past(i) = *slot {
            *slot = Slot::State(i);
        }
    }
    Program { past_rows: 0, ..program }
}

fn same<T: Scalar>(program: &Program, given: &Given) {
    levels().into_iter().for_each(|level| same_at::<T>(program, given, level));
}

fn same_at<T: Scalar>(program: &Program, given: &Given, level: Level) {
    let (interpreted, compiled) =
        (run::<T>(program, given, level, false), run::<T>(program, given, level, true));
    let row = interpreted.0.iter().zip(&compiled.0).position(|(a, b)| a != b).map(|i| i / given.lanes);
    assert_eq!(row, None, "{} {level} row of states and results\n{program}", T::NAME);
    assert_eq!(interpreted.1, compiled.1, "{} fired\n{program}", T::NAME);
    assert_eq!(interpreted.2, compiled.2, "{} any\n{program}", T::NAME);
    let program = of_the_present(program.clone());
    let (interpreted, compiled) =
        (advance::<T>(&program, given, level, false), advance::<T>(&program, given, level, true));
    let row = interpreted.0.iter().zip(&compiled.0).position(|(a, b)| a != b).map(|i| i / given.lanes);
    assert_eq!(row, None, "{} row of states apart\n{program}", T::NAME);
    assert_eq!(interpreted.1, compiled.1, "{} fired apart\n{program}", T::NAME);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn short_programs_have_the_interpreters_bits(program in program(1..12), given in given()) {
        same::<f64>(&program, &given);
        same::<f32>(&program, &given);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The programs are long enough to exhaust the registers and to need more than one loop.
    #[test]
    fn long_programs_have_the_interpreters_bits(program in program(100..400), given in given()) {
        same::<f64>(&program, &given);
        same::<f32>(&program, &given);
    }
}

/// Tests a derivative that is used and a derivative that is not used, among rows that change.
fn slopes() -> Program {
    let (s, t) = (Slot::State, Slot::Scratch);
    let one = |op, out, args: &[Slot]| Instruction { op, out, args: args.to_vec() };
    let code = vec![
        one(Op::FmaDiff, t(0), &[Slot::Coef(0), s(0), Slot::Coef(1), s(1)]),
        one(Op::LogisticSlope, t(1), &[t(0)]),
        one(Op::LogisticSlope, t(2), &[s(2)]),
        one(Op::Fma, s(3), &[t(1), s(4), s(3)]),
        one(Op::FireReset, s(0), &[Slot::Coef(2), Slot::Coef(3)]),
        one(Op::Fma, s(5), &[t(2), s(4), s(0)]),
    ];
    let (state_rows, scratch_rows, past_rows) = (STATES.into(), SCRATCH.into(), PAST.into());
    let (coefs, inputs, result_rows) = (COEFS.into(), PORTS.into(), 2);
    Program { code, state_rows, scratch_rows, result_rows, past_rows, coefs, inputs }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The derivative vanishes in all lanes, in none, or in some. The arguments are near the limit, far from
    /// it, or infinite.
    #[test]
    fn slopes_that_vanish_have_the_interpreters_bits(
        mut given in given(), kind in 0..4_u8, distances in prop::collection::vec(66.0..72.0_f64, 97)
    ) {
        for (i, v) in given.values.iter_mut().enumerate() {
            let far = distances[i % 97] * if i % 5 == 0 { -1.0 } else { 1.0 };
            *v = match kind {
                0 => far,
                1 => 5.0 * far,
                2 if i % 61 > 0 => 5.0 * far,
                _ => *v,
            };
        }
        same::<f64>(&slopes(), &given);
        same::<f32>(&slopes(), &given);
    }
}

/// Two gated currents with voltage-dependent blocks, and decaying gates.
fn gated() -> Program {
    let (s, c) = (Slot::State, Slot::Coef);
    let one = |op, out, args: &[Slot]| Instruction { op, out, args: args.to_vec() };
    let current = |gate, v, total| {
        one(Op::SigmoidGatedDiff, s(v), &[c(0), s(gate), c(1), s(v), c(2), c(3), s(v), c(4), total])
    };
    let code = vec![
        current(2, 0, s(0)),
        current(3, 1, s(1)),
        one(Op::MulFlush, s(2), &[c(5), s(2)]),
        one(Op::MulFlush, s(3), &[c(5), s(3)]),
    ];
    Program { code, state_rows: 4, coefs: 6, ..Program::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Gates are 0 in all lanes, open in a few lanes or in one, or flushed during the run; voltages are finite or
    /// not.
    #[test]
    fn gates_that_are_silent_have_the_interpreters_bits(
        lines in 1_usize..9, open in prop::collection::vec((0_usize..16 * 72, 1e-31..2.0_f64), 0..3),
        v in prop::collection::vec(prop_oneof![9 => -90.0..20.0_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)], 31)
    ) {
        let columns = [0.01, 0.0, 0.28, -0.09, 0.1, 0.5].map(Column::Uniform);
        let lanes = 8 * lines;
        let coefs = Coefficients::<f64>::new(&columns, lanes, 1).unwrap();
        let mut state: Vec<f64> = (0..4 * lanes).map(|i| if i < 2 * lanes { v[i % 31] } else { 0.0 }).collect();
        for (at, value) in open {
            state[2 * lanes + at % (2 * lanes)] = value;
        }
        let plain = Kernel::link(&gated(), &coefs, lanes, Level::best()).unwrap();
        let compiled = levels().into_iter().map(|level| linked((&gated(), &coefs, lanes), level, true));
        let found: Vec<_> = std::iter::once(plain).chain(compiled).map(|kernel| {
            let mut state = state.clone();
            for _ in 0..3 {
                let (state, scratch) = (&mut state, &mut [][..]);
                kernel.run(Frame { state, scratch, coefs: &coefs, block: 0, inputs: &[], fired: &mut [] });
            }
            state.into_iter().map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect::<Vec<_>>()
        }).collect();
        for compiled in &found[1..] {
            prop_assert_eq!(&found[0], compiled);
        }
    }
}

#[test]
fn rows_that_are_copied_in_a_circle_are_interpreted() {
    let (s, t) = (Slot::State, Slot::Scratch(0));
    let copy = |out, from| Instruction { op: Op::Copy, out, args: vec![from] };
    let code = vec![copy(t, s(0)), copy(s(0), s(1)), copy(s(1), s(2)), copy(s(2), t)];
    let program = Program { code, state_rows: 3, scratch_rows: 1, ..Program::default() };
    let lanes = granule::<f64>();
    let coefs = Coefficients::<f64>::new(&[], lanes, 1).unwrap();
    let kernel = Kernel::link(&program, &coefs, lanes, Level::best()).unwrap().compiled();
    let before: Vec<f64> = (0..3 * lanes).map(|i| (i / lanes) as f64).collect();
    let (mut state, mut scratch) = (vec![9.0; 3 * lanes], vec![9.0; lanes]);
    let (coefs, inputs) = (&coefs, &[][..]);
    let frame = Frame { state: &mut state, scratch: &mut scratch, coefs, block: 0, inputs, fired: &mut [] };
    kernel.advance(frame, &before);
    let rows: Vec<f64> = state.chunks(lanes).map(|row| row[0]).collect();
    assert_eq!(rows, [1.0, 2.0, 0.0]);
}

#[test]
fn what_has_no_machine_code_is_interpreted() {
    let code = vec![Instruction { op: Op::Tanh, out: Slot::State(0), args: vec![Slot::State(0)] }];
    let program = Program { code, state_rows: 1, ..Program::default() };
    let lanes = granule::<f64>();
    let coefs = Coefficients::<f64>::new(&[], lanes, 1).unwrap();
    let kernel = Kernel::link(&program, &coefs, lanes, Level::best()).unwrap().compiled();
    assert!(!kernel.is_compiled());
    let mut state = vec![0.5; lanes];
    let frame =
        Frame { state: &mut state, scratch: &mut [], coefs: &coefs, block: 0, inputs: &[], fired: &mut [] };
    kernel.run(frame);
    assert_eq!(state[0], libm::tanh(0.5));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn steps_are_machine_code_where_the_processor_allows_it() {
    let code = vec![Instruction { op: Op::Neg, out: Slot::State(0), args: vec![Slot::State(0)] }];
    let program = Program { code, state_rows: 1, ..Program::default() };
    let lanes = granule::<f64>();
    let coefs = Coefficients::<f64>::new(&[], lanes, 1).unwrap();
    for level in Level::available() {
        let kernel = Kernel::link(&program, &coefs, lanes, level).unwrap().compiled();
        assert_eq!(kernel.is_compiled(), level >= Level::Avx2, "{level}");
    }
}

#[test]
#[should_panic(expected = "too few bits")]
fn lanes_that_fire_need_bits() {
    let code = vec![Instruction { op: Op::Fire, out: Slot::State(0), args: vec![Slot::State(0)] }];
    let program = Program { code, state_rows: 1, ..Program::default() };
    let lanes = granule::<f64>();
    let coefs = Coefficients::<f64>::new(&[], lanes, 1).unwrap();
    let kernel = Kernel::link(&program, &coefs, lanes, Level::best()).unwrap().compiled();
    let mut state = vec![0.5; lanes];
    kernel.run(Frame {
        state: &mut state,
        scratch: &mut [],
        coefs: &coefs,
        block: 0,
        inputs: &[],
        fired: &mut [],
    });
}

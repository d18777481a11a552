//! Input ports, both present and absent.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use dendrion_kernels::{Coefficients, Column, Frame, Instruction, Kernel, Level, Op, Program, Slot};

fn run(op: Op, args: Vec<Slot>, port: &[f64], level: Level) -> Vec<f64> {
    let program = Program {
        code: vec![Instruction { op, out: Slot::State(0), args }],
        state_rows: 2,
        scratch_rows: 0,
        result_rows: 0,
        past_rows: 0,
        coefs: 1,
        inputs: 1,
    };
    let coefs = Coefficients::new(&[Column::Uniform(2.0)], 8, 1).unwrap();
    let kernel = Kernel::link(&program, &coefs, 8, level).unwrap();
    let mut state = [[1.0; 8], [10.0; 8]].concat();
    let inputs = [port];
    let frame = Frame {
        state: &mut state,
        scratch: &mut [],
        coefs: &coefs,
        block: 0,
        inputs: &inputs,
        fired: &mut [],
    };
    assert!(!kernel.run(frame));
    state[..8].to_vec()
}

#[test]
fn ports_add_scale_and_load() {
    let (port, coef, row) = (Slot::Input(0), Slot::Coef(0), Slot::State(1));
    let given: Vec<f64> = (0..8).map(f64::from).collect();
    for level in Level::available() {
        let each = |f: fn(f64) -> f64| given.iter().map(|v| f(*v)).collect::<Vec<f64>>();
        assert_eq!(run(Op::AddInput, vec![port], &given, level), each(|v| v + 1.0), "{level}");
        assert_eq!(run(Op::AddInput, vec![port], &[], level), [1.0; 8], "{level}");
        assert_eq!(run(Op::LoadInput, vec![port], &given, level), given, "{level}");
        assert_eq!(run(Op::LoadInput, vec![port], &[], level), [0.0; 8], "{level}");
        assert_eq!(
            run(Op::FmaInput, vec![coef, port, row], &given, level),
            each(|v| 2.0 * v + 10.0),
            "{level}"
        );
        assert_eq!(run(Op::FmaInput, vec![coef, port, row], &[], level), [10.0; 8], "{level}");
    }
}

//! Programs that must be rejected by the linker.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use dendrion_kernels::{Coefficients, Column, Instruction, Kernel, Level, LinkError, Op, Program, Slot};

fn link(op: Op, out: Slot, args: Vec<Slot>) -> Result<Kernel<f64>, LinkError> {
    let program = Program {
        code: vec![Instruction { op, out, args }],
        state_rows: 2,
        scratch_rows: 1,
        result_rows: 0,
        past_rows: 0,
        coefs: 1,
        inputs: 1,
    };
    let coefs = Coefficients::new(&[Column::Uniform(1.0)], 8, 1).unwrap();
    Kernel::link(&program, &coefs, 8, Level::best())
}

#[test]
fn what_does_not_exist_is_refused() {
    let (s, wrong) = (Slot::State(0), Some(LinkError::Slot { at: 0 }));
    assert!(link(Op::Add, s, vec![s, Slot::State(1)]).is_ok());
    assert_eq!(link(Op::Add, s, vec![s]).err(), Some(LinkError::Arity { at: 0 }));
    assert_eq!(link(Op::Add, s, vec![s, Slot::State(2)]).err(), wrong);
    assert_eq!(link(Op::Add, s, vec![s, Slot::Scratch(1)]).err(), wrong);
    assert_eq!(link(Op::Add, s, vec![s, Slot::Coef(1)]).err(), wrong);
    assert_eq!(link(Op::Add, s, vec![s, Slot::Input(0)]).err(), wrong);
    assert_eq!(link(Op::Add, Slot::Coef(0), vec![s, s]).err(), wrong);
    assert_eq!(link(Op::AddInput, s, vec![Slot::Input(1)]).err(), wrong);
    assert_eq!(link(Op::AddInput, s, vec![s]).err(), wrong);
}

#[test]
fn tables_must_fit() {
    assert_eq!(Coefficients::<f64>::new(&[], 7, 1).err(), Some(LinkError::Lanes { lanes: 7 }));
    assert_eq!(
        Coefficients::<f64>::new(&[Column::Each(vec![])], 8, 1).err(),
        Some(LinkError::Empty { column: 0 })
    );
    let coefs = Coefficients::<f64>::new(&[], 8, 1).unwrap();
    let program = Program { coefs: 2, ..Program::default() };
    let expected = LinkError::Table { given: 0, expected: 2 };
    assert_eq!(Kernel::link(&program, &coefs, 8, Level::best()).err(), Some(expected));
    assert_eq!(
        Kernel::link(&Program::default(), &coefs, 16, Level::best()).err(),
        Some(LinkError::Lanes { lanes: 16 })
    );
}

#[test]
fn levels_of_other_processors_are_refused() {
    let coefs = Coefficients::<f64>::new(&[], 8, 1).unwrap();
    for level in [Level::Neon, Level::Avx2, Level::Avx512] {
        let linked = Kernel::link(&Program::default(), &coefs, 8, level);
        assert_eq!(linked.is_ok(), Level::available().contains(&level));
    }
}

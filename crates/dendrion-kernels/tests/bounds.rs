//! Sizes and tables that must be rejected, since they would lead to accesses out of bounds.

use dendrion_kernels::{
    Buffer, Coefficients, Column, Frame, Instruction, Kernel, Level, LinkError, Op, OutOfMemory, Program,
    Ring, Slot,
};

#[test]
fn sizes_beyond_memory_are_refused() {
    let coefs = Coefficients::<f64>::new(&[], 8, 1).unwrap();
    // Eight times this number of rows wraps around to zero rows.
    let huge = Program { state_rows: usize::MAX / 8 + 1, ..Program::default() };
    assert_eq!(Kernel::link(&huge, &coefs, 8, Level::best()).err(), Some(LinkError::Size));
    let huge = Program { scratch_rows: usize::MAX / 8 + 1, ..Program::default() };
    assert_eq!(Kernel::link(&huge, &coefs, 8, Level::best()).err(), Some(LinkError::Size));
    let each = [Column::Each(vec![1.0])];
    assert_eq!(Coefficients::<f64>::new(&each, 8, usize::MAX / 8 + 1).err(), Some(LinkError::Size));
}

#[test]
fn buffers_are_aligned() {
    let buffer = Buffer::copied(&[2.5_f32; 5]).unwrap();
    assert_eq!(buffer[..], [2.5; 5]);
    assert_eq!(buffer.as_ptr() as usize % 64, 0);
}

#[test]
fn buffers_beyond_memory_are_refused() {
    let bytes = |len: usize| Buffer::<f64>::zeroed(len).err().map(|error| error.bytes);
    assert_eq!(bytes(usize::MAX / 8 + 2), Some(usize::MAX));
    // More than an address space has.
    assert_eq!(bytes(1 << 58), Some(1 << 61));
}

#[test]
fn connections_beyond_memory_are_refused() {
    assert_eq!(Ring::<f32>::new(1 << 45, 1 << 16).err(), Some(OutOfMemory { bytes: 1 << 63 }));
}

#[test]
#[should_panic(expected = "layout")]
fn tables_of_another_layout_are_refused() {
    let program = Program {
        code: vec![Instruction { op: Op::Copy, out: Slot::State(0), args: vec![Slot::Coef(0)] }],
        state_rows: 1,
        coefs: 1,
        ..Program::default()
    };
    let rows = Coefficients::<f64>::new(&[Column::Each(vec![1.0])], 8, 1).unwrap();
    let one = Coefficients::<f64>::new(&[Column::Uniform(1.0)], 8, 1).unwrap();
    let kernel = Kernel::link(&program, &rows, 8, Level::best()).unwrap();
    let mut state = [0.0; 8];
    kernel.run(Frame {
        state: &mut state,
        scratch: &mut [],
        coefs: &one,
        block: 0,
        inputs: &[],
        fired: &mut [],
    });
}

//! Runs programs that consist of one instruction.
// Each test file uses only some of these functions.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use dendrion_kernels::{Coefficients, Column, Frame, Instruction, Kernel, Level, Op, Program, Scalar, Slot};

/// The way in which the arguments of an instruction are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// All as state rows.
    Rows,
    /// Arguments whose bit is set are passed as coefficients with one value per lane, and the others as state
    /// rows.
    Columns(u16),
    /// All arguments are passed as state rows, except this argument, which is the row of the result.
    Within(usize),
}

/// Returns the result row of one operation, and the bits of the lanes that fired. `out` is row 0 of the state, with
/// the initial values `before`, and is followed by the arguments.
pub fn run<T: Scalar>(
    op: Op,
    before: &[T],
    args: &[Vec<T>],
    given: Given,
    level: Level,
) -> (Vec<T>, Vec<u64>) {
    let lanes = before.len();
    let (mut columns, mut state, mut slots) = (Vec::new(), before.to_vec(), Vec::new());
    for (k, row) in args.iter().enumerate() {
        match given {
            Given::Columns(mask) if mask >> k & 1 == 1 => {
                // A row with equal values is passed as a uniform coefficient.
                let same = row.iter().all(|v| v.to_f64().to_bits() == row[0].to_f64().to_bits());
                let each = row.iter().map(|v| v.to_f64()).collect();
                columns.push(if same { Column::Uniform(row[0].to_f64()) } else { Column::Each(each) });
                slots.push(Slot::Coef(columns.len() as u16 - 1));
            }
            Given::Within(which) if which == k => slots.push(Slot::State(0)),
            _ => {
                state.extend_from_slice(row);
                slots.push(Slot::State((state.len() / lanes) as u16 - 1));
            }
        }
    }
    let program = Program {
        code: vec![Instruction { op, out: Slot::State(0), args: slots }],
        state_rows: state.len() / lanes,
        coefs: columns.len(),
        ..Program::default()
    };
    let coefs = Coefficients::new(&columns, lanes, 1).unwrap();
    let kernel = Kernel::link(&program, &coefs, lanes, level).unwrap();
    let mut fired = vec![u64::MAX; lanes.div_ceil(64)];
    let frame = Frame {
        state: &mut state,
        scratch: &mut [],
        coefs: &coefs,
        block: 0,
        inputs: &[],
        fired: &mut fired,
    };
    let any = kernel.run(frame);
    assert_eq!(any, fired.iter().any(|w| *w != 0));
    (state[..lanes].to_vec(), fired)
}

/// Computes an operation for one lane, with every product and sum rounded separately.
pub fn meaning(op: Op, out: f64, a: &[f64]) -> f64 {
    let flush = |v: f64| if v.abs() < dendrion_kernels::FLUSH { 0.0 } else { v };
    let truth = |b: bool| f64::from(u8::from(b));
    match op {
        Op::Copy => a[0],
        Op::Neg => -a[0],
        Op::Abs => a[0].abs(),
        Op::Sqrt => a[0].sqrt(),
        Op::Exp => libm::exp(a[0]),
        Op::Exp2 => libm::exp2(a[0]),
        Op::Expm1 => libm::expm1(a[0]),
        Op::LogisticSlope => {
            let e = libm::exp(-a[0].abs());
            flush(e / ((1.0 + e) * (1.0 + e)))
        }
        Op::Log => libm::log(a[0]),
        Op::Log1p => libm::log1p(a[0]),
        Op::Phi1 if a[0] == 0.0 => 1.0,
        Op::Phi1 => libm::expm1(a[0]) / a[0],
        Op::Tanh => libm::tanh(a[0]),
        Op::Round => a[0].round(),
        Op::Add => a[0] + a[1],
        Op::Sub => a[0] - a[1],
        Op::Mul => a[0] * a[1],
        Op::Div => a[0] / a[1],
        Op::Min => {
            if a[0] < a[1] {
                a[0]
            } else {
                a[1]
            }
        }
        Op::Max => {
            if a[0] > a[1] {
                a[0]
            } else {
                a[1]
            }
        }
        Op::Pow => libm::pow(a[0], a[1]),
        Op::Greater => truth(a[0] > a[1]),
        Op::GreaterEqual => truth(a[0] >= a[1]),
        Op::Select => {
            if a[0] == 0.0 {
                a[2]
            } else {
                a[1]
            }
        }
        Op::Flush => flush(a[0]),
        Op::MulFlush => flush(a[0] * a[1]),
        Op::Fma => a[0] * a[1] + a[2],
        Op::Mul2 => a[0] * a[1] + a[2] * a[3],
        Op::Mul2Flush => flush(a[0] * a[1] + a[2] * a[3]),
        Op::Fma2 => a[0] * a[1] + a[2] * a[3] + a[4],
        Op::FmaDiff => a[0] * (a[1] - a[2]) + a[3],
        Op::GatedDiff => a[0] * a[1] * (a[2] - a[3]) + a[4],
        Op::Sigmoid => 1.0 / (a[0] * libm::exp2(a[1] * a[2] + a[3]) + 1.0),
        Op::SigmoidGatedDiff => {
            a[0] * a[1] * (a[2] - a[3]) / (a[4] * libm::exp2(a[5] * a[6] + a[7]) + 1.0) + a[8]
        }
        Op::FireReset => {
            if out > a[0] {
                a[1]
            } else {
                out
            }
        }
        Op::FireSubtract => {
            if out > a[0] {
                out - a[0]
            } else {
                out
            }
        }
        Op::Fire | Op::AddInput | Op::FmaInput | Op::LoadInput => out,
    }
}

/// Returns the operations that read only rows and coefficients.
pub fn plain_ops() -> impl Iterator<Item = Op> {
    Op::ALL.into_iter().filter(|op| op.input().is_none() && *op != Op::Fire)
}

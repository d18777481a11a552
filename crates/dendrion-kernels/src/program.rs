//! Programs: one step as a flat tape of operations on rows of lanes.
//!
//! A program is plain data and refers to rows by [`Slot`]s. Linking to a coefficient table
//! ([`crate::Kernel::link`]) assigns memory to the slots. One program therefore serves f32 and f64, every vector
//! width, and any mix of uniform and individual coefficients.

use std::fmt;

/// A row that an instruction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A row of the block's state, which is kept between steps.
    State(u16),
    /// A scratch row, whose content is undefined after the run.
    Scratch(u16),
    /// A read-only row provided for the run, such as a state of a past step.
    Past(u16),
    /// An entry of the coefficient table, which is either one value for all lanes or a row. It is never written.
    Coef(u16),
    /// An input port, which is a row provided for this step or absent. Only operations that are documented to
    /// read an input port accept one.
    Input(u16),
}

/// An operation of an instruction. Its arguments `a`, `b`, `c`, ... are in the order of [`Instruction::args`], and
/// `out` is the row that it writes. Conditions are the numbers 1 and 0. `flush(v)` is v, or 0 if |v| < [`FLUSH`].
///
/// The scalar operations correspond to the functions of the expression graph (`dendrion_language::Unary` and
/// `Binary`), which `dendrion-equations` maps to them one by one. They are listed here again because this
/// crate depends on no other crate of the workspace, and because their arithmetic is that of vectors in f32
/// and f64.
///
/// Fused operations exist because reading a row from the L1 cache takes as long as the arithmetic on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `a`
    Copy,
    /// `-a`
    Neg,
    /// `|a|`
    Abs,
    /// Square root of `a`
    Sqrt,
    /// `e` to the power `a`
    Exp,
    /// 2 to the power `a`
    Exp2,
    /// `exp(a) - 1`, without cancellation
    Expm1,
    /// Natural logarithm of `a`
    Log,
    /// Natural logarithm of `1 + a`, without cancellation
    Log1p,
    /// `(exp(a) - 1) / a`, and 1 for `a = 0`: the function φ₁ of exponential integrators
    Phi1,
    /// Hyperbolic tangent of `a`
    Tanh,
    /// The integer nearest to `a`; halves are rounded away from zero
    Round,
    /// `flush(e / (1 + e)²)` with `e = exp(-|a|)`: the derivative of the logistic function
    LogisticSlope,
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// The smaller of `a` and `b`: `if a < b { a } else { b }`
    Min,
    /// The larger of `a` and `b`: `if a > b { a } else { b }`
    Max,
    /// `a` to the power `b`
    Pow,
    /// 1 if `a > b`, else 0
    Greater,
    /// 1 if `a >= b`, else 0
    GreaterEqual,
    /// `b` if `a` is not 0, else `c`
    Select,
    /// `flush(a)`
    Flush,
    /// `flush(a b)`
    MulFlush,
    /// `a b + c`
    Fma,
    /// `a b + c d`
    Mul2,
    /// `flush(a b + c d)`
    Mul2Flush,
    /// `a b + c d + e`
    Fma2,
    /// `a (b - c) + d`, used for a leak or one axial current
    FmaDiff,
    /// `a b (c - d) + e`, used for the current of a gate `b` with reversal potential `c`
    GatedDiff,
    /// `1 / (a 2^(b c + d) + 1)`
    Sigmoid,
    /// `a b (c - d) / (e 2^(f g + h) + 1) + i`, used for a gated current with a voltage-dependent block
    SigmoidGatedDiff,
    /// `out + a`, where `a` is an input port; no effect if the port is absent
    AddInput,
    /// `a b + c`, where `b` is an input port; `c` if the port is absent
    FmaInput,
    /// `a`, where `a` is an input port; 0 if the port is absent
    LoadInput,
    /// Lanes fire if `a` is not 0; writes no row (`out` is ignored)
    Fire,
    /// Lanes fire if `out > a`; `out` is then set to `b`
    FireReset,
    /// Lanes fire if `out > a`; `a` is then subtracted from `out`
    FireSubtract,
}

/// Magnitude below which flushing operations return 0. Without flushing, decaying gates would become
/// subnormal, and arithmetic on subnormal numbers takes about a hundred times longer.
pub const FLUSH: f64 = 1e-30;

impl Op {
    /// All operations.
    pub const ALL: [Self; 39] = [
        Self::Copy,
        Self::Neg,
        Self::Abs,
        Self::Sqrt,
        Self::Exp,
        Self::Exp2,
        Self::Expm1,
        Self::Log,
        Self::Log1p,
        Self::Phi1,
        Self::Tanh,
        Self::Round,
        Self::LogisticSlope,
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Min,
        Self::Max,
        Self::Pow,
        Self::Greater,
        Self::GreaterEqual,
        Self::Select,
        Self::Flush,
        Self::MulFlush,
        Self::Fma,
        Self::Mul2,
        Self::Mul2Flush,
        Self::Fma2,
        Self::FmaDiff,
        Self::GatedDiff,
        Self::Sigmoid,
        Self::SigmoidGatedDiff,
        Self::AddInput,
        Self::FmaInput,
        Self::LoadInput,
        Self::Fire,
        Self::FireReset,
        Self::FireSubtract,
    ];

    /// Returns the number of arguments.
    pub const fn arity(self) -> usize {
        match self {
            Self::Copy
            | Self::Neg
            | Self::Abs
            | Self::Sqrt
            | Self::Exp
            | Self::Exp2
            | Self::Expm1
            | Self::Log
            | Self::Log1p
            | Self::Phi1
            | Self::Tanh
            | Self::Round
            | Self::LogisticSlope
            | Self::Flush
            | Self::AddInput
            | Self::LoadInput
            | Self::Fire
            | Self::FireSubtract => 1,
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Div
            | Self::Min
            | Self::Max
            | Self::Pow
            | Self::Greater
            | Self::GreaterEqual
            | Self::MulFlush
            | Self::FireReset => 2,
            Self::Select | Self::Fma | Self::FmaInput => 3,
            Self::Mul2 | Self::Mul2Flush | Self::FmaDiff | Self::Sigmoid => 4,
            Self::Fma2 | Self::GatedDiff => 5,
            Self::SigmoidGatedDiff => 9,
        }
    }

    /// Returns the position of the argument that must be an input port, if the operation reads one.
    pub const fn input(self) -> Option<usize> {
        match self {
            Self::AddInput | Self::LoadInput => Some(0),
            Self::FmaInput => Some(1),
            _ => None,
        }
    }
}

/// An operation on whole rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The operation.
    pub op: Op,
    /// The row that is written. Some operations also read it, as documented there. It may be one of the
    /// arguments, because each lane is read before it is written.
    pub out: Slot,
    /// The rows that are read; their number is [`Op::arity`].
    pub args: Vec<Slot>,
}

/// A tape of instructions that is executed in order: one step, or one evaluation of coefficients or observables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The instructions.
    pub code: Vec<Instruction>,
    /// Number of state rows of a block.
    pub state_rows: usize,
    /// Number of scratch rows that the program uses.
    pub scratch_rows: usize,
    /// Number of scratch rows, from the first, that contain results after a run. The content of the remaining
    /// rows is unspecified.
    pub result_rows: usize,
    /// Number of read-only rows provided for the run.
    pub past_rows: usize,
    /// Number of entries in the coefficient table.
    pub coefs: usize,
    /// Number of input ports.
    pub inputs: usize,
}

impl Program {
    /// Returns the approximate cost of a run per vector, as an equivalent number of additions.
    pub fn weight(&self) -> usize {
        let weight = |op: Op| match op {
            Op::Div | Op::Sqrt => 6,
            Op::Exp | Op::Exp2 | Op::Expm1 | Op::Phi1 => 20,
            Op::Sigmoid | Op::SigmoidGatedDiff | Op::LogisticSlope => 30,
            Op::Log | Op::Log1p | Op::Tanh | Op::Round | Op::Pow => 100,
            _ => 1,
        };
        self.code.iter().map(|i| weight(i.op)).sum()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(i) => write!(f, "s{i}"),
            Self::Scratch(i) => write!(f, "t{i}"),
            Self::Past(i) => write!(f, "y{i}"),
            Self::Coef(i) => write!(f, "c{i}"),
            Self::Input(i) => write!(f, "in{i}"),
        }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<6} = {:?}", self.out.to_string(), self.op)?;
        for (i, a) in self.args.iter().enumerate() {
            write!(f, "{}{a}", if i == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Program {
    /// Writes the program as text, one instruction per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for instruction in &self.code {
            writeln!(f, "{instruction}")?;
        }
        Ok(())
    }
}

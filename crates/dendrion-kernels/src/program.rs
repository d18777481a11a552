//! A `Program`: one step as a flat tape of operations over rows of lanes.
//!
//! A program is plain data. It names rows by [`Slot`]s; which memory a slot means is settled when the program is
//! linked to a coefficient table ([`crate::Kernel::link`]), so one program serves f32 and f64, every vector
//! width, and any mix of coefficients that are one value or one value per lane.

use std::fmt;

/// A row that an instruction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A row of the block's own state, kept from step to step.
    State(u16),
    /// A row of scratch, whose content means nothing after the run.
    Scratch(u16),
    /// A row that is given for the run and only read: a state of the past.
    Past(u16),
    /// An entry of the coefficient table: one value for all lanes, or a row. Never written.
    Coef(u16),
    /// An input port: a row given for this step, or absent. Only the operations that say so take it.
    Input(u16),
}

/// What an instruction computes. Arguments are `a`, `b`, `c`, ... in the order of [`Instruction::args`]; `out` is
/// the row written. Conditions are the numbers 1 and 0. `flush(v)` is v, or 0 where |v| < [`FLUSH`].
///
/// The fused operations exist because one visit of a row in L1 costs as much as the arithmetic on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `a`
    Copy,
    /// `-a`
    Neg,
    /// `|a|`
    Abs,
    /// square root of `a`
    Sqrt,
    /// e to the `a`
    Exp,
    /// 2 to the `a`
    Exp2,
    /// e to the `a`, less 1, without cancellation
    Expm1,
    /// natural logarithm of `a`
    Log,
    /// logarithm of `1 + a`, without cancellation
    Log1p,
    /// `(e^a - 1) / a`, 1 at `a = 0`: the φ₁ of exponential integrators
    Phi1,
    /// hyperbolic tangent of `a`
    Tanh,
    /// the whole number nearest to `a`, halves away from zero
    Round,
    /// `flush(e / (1 + e)²)` with `e = exp(-|a|)`: the derivative of the logistic function
    LogisticSlope,
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
    /// `a / b`
    Div,
    /// the smaller of `a` and `b`: `if a < b { a } else { b }`
    Min,
    /// the larger of `a` and `b`: `if a > b { a } else { b }`
    Max,
    /// `a` to the power `b`
    Pow,
    /// 1 where `a > b`, else 0
    Greater,
    /// 1 where `a >= b`, else 0
    GreaterEqual,
    /// `b` where `a` is not 0, else `c`
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
    /// `a (b - c) + d`: leak, or one axial current
    FmaDiff,
    /// `a b (c - d) + e`: the current of a gate `b` with reversal `c`
    GatedDiff,
    /// `1 / (a 2^(b c + d) + 1)`
    Sigmoid,
    /// `a b (c - d) / (e 2^(f g + h) + 1) + i`: a gated current behind a voltage-dependent block
    SigmoidGatedDiff,
    /// `out + a`, where `a` is an input port; nothing where the port is absent
    AddInput,
    /// `a b + c`, where `b` is an input port; `c` where the port is absent
    FmaInput,
    /// `a`, an input port; 0 where the port is absent
    LoadInput,
    /// lanes fire where `a` is not 0; writes no row (`out` is ignored)
    Fire,
    /// lanes fire where `out > a`, and take the value `b` there
    FireReset,
    /// lanes fire where `out > a`, and lose `a` there
    FireSubtract,
}

/// Magnitude below which the flushing operations return 0: decaying gates would otherwise become denormal numbers,
/// which take a hundred times longer.
pub const FLUSH: f64 = 1e-30;

impl Op {
    /// Every operation.
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

    /// Number of arguments the operation takes.
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

    /// Position of the argument that must be an input port, if the operation reads one.
    pub const fn input(self) -> Option<usize> {
        match self {
            Self::AddInput | Self::LoadInput => Some(0),
            Self::FmaInput => Some(1),
            _ => None,
        }
    }
}

/// One operation on whole rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What is computed.
    pub op: Op,
    /// The row written (and read, by the operations that say so). It may be one of the arguments: each lane is
    /// read before it is written.
    pub out: Slot,
    /// The rows read, [`Op::arity`] of them.
    pub args: Vec<Slot>,
}

/// One step (or one evaluation of coefficients or observables) as a tape of instructions, run in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The tape.
    pub code: Vec<Instruction>,
    /// Rows of state a block has.
    pub state_rows: usize,
    /// Rows of scratch the tape uses.
    pub scratch_rows: usize,
    /// Rows of scratch, the first ones, that are read after a run. What is in the others then is left open.
    pub result_rows: usize,
    /// Rows given for the run and only read.
    pub past_rows: usize,
    /// Entries of the coefficient table.
    pub coefs: usize,
    /// Input ports.
    pub inputs: usize,
}

impl Program {
    /// What a run costs a vector, in additions, about.
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
    /// The tape as text, an instruction a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for instruction in &self.code {
            writeln!(f, "{instruction}")?;
        }
        Ok(())
    }
}

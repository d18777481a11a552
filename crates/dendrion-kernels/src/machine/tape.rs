//! A trace of the interpreter: the operations on one vector of lanes, as single assignments.
//!
//! The interpreter is generic over the vector type. Here, it runs once with [`Traced`], a vector that
//! computes nothing and records each operation (tracing as in automatic differentiation by operator
//! overloading; Griewank & Walther 2008, ch. 6). The meaning of every operation is therefore defined in one
//! place, and machine code is bit-identical to the interpreter by construction.

use std::cell::RefCell;
use std::marker::PhantomData;

use super::micro::{Id, Micro, Place, Two, When, magnitude};
use crate::execute::{Memory, run};
use crate::link::{Linked, Operand};
use crate::program::Op;
use crate::space::Space;
use crate::vector::{Real, Vector};

thread_local! {
    static TAPE: RefCell<Recording> = const { RefCell::new(Recording { tape: Vec::new(), foreign: false }) };
}

struct Recording {
    tape: Vec<Micro>,
    /// Whether an operation without machine code was recorded.
    foreign: bool,
}

fn record(micro: Micro) -> Id {
    TAPE.with_borrow_mut(|r| {
        r.tape.push(micro);
        (r.tape.len() - 1) as Id
    })
}

/// Number of address bits that contain the offset. The bits above contain the memory area, counted from 1.
const OFFSET: u32 = 40;

fn address<S>(space: usize) -> *mut S {
    std::ptr::without_provenance_mut((space + 1) << OFFSET)
}

fn place<S>(at: *const S) -> Place {
    const SPACES: [Space; 6] =
        [Space::State, Space::Scratch, Space::Rows, Space::Uniform, Space::Past, Space::Written];
    let space = SPACES[((at.addr() >> OFFSET) - 1) % SPACES.len()];
    Place { space, offset: (at.addr() & ((1 << OFFSET) - 1)) as u64 }
}

/// Returns the bits of a number in type `T`.
fn bits<T>(v: f64) -> u64 {
    if size_of::<T>() == 4 { u64::from((v as f32).to_bits()) } else { v.to_bits() }
}

/// A vector that only records the operations applied to it and never accesses memory.
#[derive(Clone, Copy)]
pub(crate) struct Traced<T>(Id, PhantomData<T>);

impl<T: Real> Traced<T> {
    fn new(micro: Micro) -> Self {
        Self(record(micro), PhantomData)
    }

    fn number(v: f64) -> Self {
        Self::new(Micro::Number(bits::<T>(v)))
    }

    fn is_zero(self) -> bool {
        // Only +0 has all bits clear, as the logical operations require.
        TAPE.with_borrow(|r| r.tape[self.0 as usize] == Micro::Number(0))
    }

    fn foreign(self) -> Self {
        TAPE.with_borrow_mut(|r| r.foreign = true);
        self
    }
}

/// Defines methods that are a single operation on two vectors.
macro_rules! two {
    ($($name:ident $op:ident),*) => {$(
        unsafe fn $name(self, b: Self) -> Self {
            Self::new(Micro::Two(Two::$op, self.0, b.0))
        }
    )*};
}

impl<T: Real> Vector for Traced<T> {
    type Scalar = T;
    type Mask = Self;
    const LANES: usize = 32 / size_of::<T>();

    unsafe fn load(from: *const T) -> Self {
        Self::new(Micro::Load(place(from)))
    }
    unsafe fn store(self, to: *mut T) {
        record(Micro::Store(place(to), self.0));
    }
    unsafe fn splat(v: T) -> Self {
        Self::number(v.to_f64())
    }
    unsafe fn broadcast(from: *const T) -> Self {
        // A uniform coefficient fills a whole cache line, so it can be loaded as a vector.
        Self::new(Micro::Load(place(from)))
    }
    two!(add Add, sub Sub, mul Mul, div Div, min Min, max Max, gt Greater, ge GreaterEqual, ne NotEqual);
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        Self::new(Micro::Fma { negated: false, a: self.0, b: b.0, c: c.0 })
    }
    unsafe fn fnma(self, b: Self, c: Self) -> Self {
        Self::new(Micro::Fma { negated: true, a: self.0, b: b.0, c: c.0 })
    }
    unsafe fn abs(self) -> Self {
        let mask = Self::new(Micro::Number(magnitude(size_of::<T>())));
        Self::new(Micro::Two(Two::And, self.0, mask.0))
    }
    unsafe fn neg(self) -> Self {
        let sign = Self::number(-0.0);
        // 0 - a would turn -0 into +0 and change the sign of NaN.
        Self::new(Micro::Two(Two::Xor, self.0, sign.0))
    }
    unsafe fn sqrt(self) -> Self {
        Self::new(Micro::Sqrt(self.0))
    }
    unsafe fn select(mask: Self, yes: Self, no: Self) -> Self {
        // If one side is 0, a logical operation suffices, which can execute on more units of the processor.
        match (yes.is_zero(), no.is_zero()) {
            (true, _) => Self::new(Micro::Two(Two::AndNot, mask.0, no.0)),
            (_, true) => Self::new(Micro::Two(Two::And, mask.0, yes.0)),
            _ => Self::new(Micro::Select { mask: mask.0, yes: yes.0, no: no.0 }),
        }
    }
    unsafe fn bits(_: Self) -> u64 {
        // Callers may use the result only to skip work, so 0 is always valid. Firing has its own operation.
        0
    }
    unsafe fn exp2_rounded(self) -> Self {
        Self::new(Micro::Exponent(self.0))
    }
    unsafe fn map(self, _: fn(T) -> T) -> Self {
        self.foreign()
    }
    unsafe fn map2(self, _: Self, _: fn(T, T) -> T) -> Self {
        self.foreign()
    }
}

/// Returns the trace of instructions, or `None` if one of them has no machine code.
pub(crate) fn trace<T: Real>(code: &[Linked]) -> Option<Vec<Micro>> {
    TAPE.with_borrow_mut(|r| *r = Recording { tape: Vec::new(), foreign: false });
    for linked in code {
        match linked.op {
            // Ports may be absent and firing sets bits. The interpreter handles both outside its vector type, so
            // they are recorded explicitly.
            Op::AddInput | Op::FmaInput | Op::LoadInput => input::<T>(linked),
            Op::Fire | Op::FireReset | Op::FireSubtract => fire::<T>(linked),
            _ => {
                let bases = std::array::from_fn(address::<T>);
                let lanes = Traced::<T>::LANES;
                let memory = Memory { bases, inputs: &[], fired: &mut [], lanes, first: 0 };
                // The addresses are not real: they encode a memory area and an offset, which `place` decodes.
                // SAFETY: a traced vector never accesses memory at these addresses.
                unsafe { run::<Traced<T>>(std::slice::from_ref(linked), memory) };
                match linked.op {
                    Op::LogisticSlope => vanishing::<T>(linked),
                    Op::SigmoidGatedDiff => silent::<T>(linked),
                    _ => {}
                }
            }
        }
    }
    TAPE.with_borrow_mut(|r| (!r.foreign).then(|| std::mem::take(&mut r.tape)))
}

/// Magnitude of the argument above which the derivative of the logistic function is certainly flushed to 0. The
/// derivative falls below 1e-30 at 69.08; the rest is a margin for the rounding error of the exponential.
const FLAT: f64 = 69.2;

/// Records that the derivative that was just traced and stored vanishes for large arguments.
fn vanishing<T: Real>(linked: &Linked) {
    let Some(Micro::Store(place, value)) = TAPE.with_borrow_mut(|r| r.tape.pop()) else { return };
    let of = record(Micro::Load(at::<T>(linked.args[0])));
    let instead = record(Micro::Number(0));
    let slope = record(Micro::Vanishing { value, instead, of, when: When::Above(bits::<T>(FLAT)) });
    record(Micro::Store(place, slope));
}

/// Records that the gated current that was just traced, added and stored needs no division if its gate is 0. This
/// holds only if the block depends on coefficients and on the same row as the difference, because then the block is
/// finite whenever the difference is.
fn silent<T: Real>(linked: &Linked) {
    let coefficient = |k: usize| matches!(linked.args[k].space, Space::Uniform | Space::Rows);
    // 0 * NaN is NaN, so for operands other than V, a gate of 0 would not imply a current of 0.
    if linked.args[3] != linked.args[6] || ![4, 5, 7].into_iter().all(coefficient) {
        return;
    }
    let last = TAPE.with_borrow(|r| match r.tape.as_slice() {
        [.., Micro::Two(Two::Add, value, total), Micro::Store(place, _)] => {
            let Micro::Two(Two::Div, above, _) = r.tape[*value as usize] else { return None };
            Some((*value, above, *total, *place))
        }
        _ => None,
    });
    let Some((value, instead, total, place)) = last else { return };
    // The addition and the store are recorded again after the value that can vanish.
    TAPE.with_borrow_mut(|r| r.tape.truncate(r.tape.len() - 2));
    let of = record(Micro::Load(at::<T>(linked.args[1])));
    let current = record(Micro::Vanishing { value, instead, of, when: When::Zero });
    let sum = record(Micro::Two(Two::Add, current, total));
    record(Micro::Store(place, sum));
}

fn at<T>(operand: Operand) -> Place {
    Place { space: operand.space, offset: u64::from(operand.offset) * size_of::<T>() as u64 }
}

fn input<T: Real>(linked: &Linked) {
    let (out, load) = (at::<T>(linked.out), |k: usize| record(Micro::Load(at::<T>(linked.args[k]))));
    let port = linked.args[usize::from(linked.op == Op::FmaInput)].offset;
    let value = match linked.op {
        Op::AddInput => {
            let a = record(Micro::Load(out));
            record(Micro::AddPort { port, a })
        }
        Op::FmaInput => {
            let (a, c) = (load(0), load(2));
            record(Micro::FmaPort { port, a, c })
        }
        _ => {
            let zero = record(Micro::Number(0));
            record(Micro::LoadPort { port, zero })
        }
    };
    record(Micro::Store(out, value));
}

fn fire<T: Real>(linked: &Linked) {
    let (out, load) = (at::<T>(linked.out), |k: usize| record(Micro::Load(at::<T>(linked.args[k]))));
    let threshold = load(0);
    if linked.op == Op::Fire {
        let zero = record(Micro::Number(0));
        let mask = record(Micro::Two(Two::NotEqual, threshold, zero));
        record(Micro::Fire(mask));
        return;
    }
    let v = record(Micro::Load(out));
    let mask = record(Micro::Two(Two::Greater, v, threshold));
    record(Micro::Fire(mask));
    let yes = match linked.op {
        Op::FireReset => load(1),
        _ => record(Micro::Two(Two::Sub, v, threshold)),
    };
    let value = record(Micro::Select { mask, yes, no: v });
    record(Micro::Store(out, value));
}

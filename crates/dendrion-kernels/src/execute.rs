//! The interpreter, with one loop over lanes per instruction, and the selection of vector instructions for it.

use crate::level::Level;
use crate::link::{Linked, Operand};
use crate::machine::Machine;
use crate::math;
use crate::program::Op;
use crate::scalar::Scalar;
use crate::vector::{Portable, Vector};

/// The memory of a block during a run.
pub(crate) struct Memory<'a, T> {
    /// Address of lane 0 in each [`crate::space::Space`]. The interpreter updates the state in place.
    pub(crate) bases: [*mut T; 6],
    pub(crate) inputs: &'a [&'a [T]],
    pub(crate) fired: &'a mut [u64],
    /// The number of lanes in the strip, and the index of its first lane, to which the base addresses already
    /// point.
    pub(crate) lanes: usize,
    pub(crate) first: usize,
}

/// Execution of code at a level. This trait is implemented only for f32 and f64, which seals [`Scalar`].
pub trait Execute: Sized {
    /// Runs linked code on a block and returns whether any lane fired.
    ///
    /// # Safety
    /// The processor must support the level, and every operand must lie in its memory area.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    unsafe fn execute(level: Level, code: &[Linked], memory: Memory<'_, Self>) -> bool;

    /// Compiles the code to machine code for a level, if possible. After a run, only the first `results` values of scratch are
    /// used.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn compile(code: &[Linked], results: usize, level: Level) -> Option<Machine>;

    /// Runs compiled code on a block and returns whether any lane fired.
    ///
    /// # Safety
    /// As for [`Execute::execute`], with the level for which the code was compiled.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    unsafe fn call(machine: &Machine, memory: &Memory<'_, Self>) -> bool;
}

macro_rules! execute {
    ($t:ident, $avx2:ident, $avx512:ident, $n:literal) => {
        impl Execute for $t {
            #[allow(private_interfaces)]
            fn compile(code: &[Linked], results: usize, level: Level) -> Option<Machine> {
                Machine::compile::<$t>(code, results, level)
            }

            #[allow(private_interfaces)]
            unsafe fn call(machine: &Machine, memory: &Memory<'_, Self>) -> bool {
                // SAFETY: guaranteed by the caller.
                unsafe { machine.run(memory) }
            }

            #[allow(private_interfaces)]
            unsafe fn execute(level: Level, code: &[Linked], memory: Memory<'_, Self>) -> bool {
                // SAFETY: the caller guarantees the level and the operands.
                unsafe {
                    match level {
                        Level::Baseline => run::<Portable<$t, $n, false>>(code, memory),
                        Level::Neon => run::<Portable<$t, $n, true>>(code, memory),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2 => {
                            #[target_feature(enable = "avx2,fma")]
                            unsafe fn avx2(code: &[Linked], memory: Memory<'_, $t>) -> bool {
                                // SAFETY: guaranteed by the caller of `execute`.
                                unsafe { run::<crate::vector::Pair<crate::vector::$avx2>>(code, memory) }
                            }
                            avx2(code, memory)
                        }
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => {
                            #[target_feature(enable = "avx512f,avx2,fma")]
                            unsafe fn avx512(code: &[Linked], memory: Memory<'_, $t>) -> bool {
                                // SAFETY: guaranteed by the caller of `execute`.
                                unsafe { run::<crate::vector::$avx512>(code, memory) }
                            }
                            avx512(code, memory)
                        }
                        #[cfg(not(target_arch = "x86_64"))]
                        Level::Avx2 | Level::Avx512 => run::<Portable<$t, $n, false>>(code, memory),
                    }
                }
            }
        }
    };
}

execute!(f32, Avx2F32, Avx512F32, 8);
execute!(f64, Avx2F64, Avx512F64, 4);

/// A row as an argument of an instruction. Lane i is at `at[i & mask]`, so a uniform coefficient yields the same
/// value for all lanes.
#[derive(Clone, Copy)]
struct Row<T> {
    at: *mut T,
    mask: usize,
}

/// Loads an argument: `u` is a uniform coefficient, loaded before the loop; `r` is a row, loaded within the
/// loop; `s` is either of the two, loaded within the loop.
macro_rules! ahead {
    (u $a:ident) => {
        let $a = V::broadcast($a.at);
    };
    ($kind:ident $a:ident) => {};
}
macro_rules! within {
    (u $a:ident $i:ident) => {};
    (r $a:ident $i:ident) => {
        let $a = V::load($a.at.add($i));
    };
    (s $a:ident $i:ident) => {
        let $a = V::load($a.at.add($i & $a.mask));
    };
}

/// A loop over lanes that loads the arguments and stores `$value` in `$out`.
macro_rules! each_lane {
    ($n:ident, $out:ident, [$($kind:ident $a:ident),*], $value:expr) => {{
        $(ahead!($kind $a);)*
        let mut i = 0;
        while i < $n {
            $(within!($kind $a i);)*
            let value: V = $value;
            value.store($out.at.add(i));
            i += V::LANES;
        }
    }};
}

/// Selects the loop of an operation: one for each mix of uniform and row arguments that solvers produce, identified
/// by the bits of its uniform arguments, and a general one for all other mixes.
macro_rules! op {
    ($m:ident, $i:ident, [$($a:ident),*], $value:expr $(, $bits:literal => [$($kind:ident $b:ident),*])*) => {{
        let n = $m.lanes;
        let out = row(&$m, $i.out);
        let mut args = $i.args.iter().map(|a| row(&$m, *a));
        $(let Some($a) = args.next() else { continue };)*
        match $i.uniform {
            $($bits => each_lane!(n, out, [$($kind $b),*], $value),)*
            _ => each_lane!(n, out, [$(s $a),*], $value),
        }
    }};
}

#[inline(always)]
fn row<T: Scalar>(memory: &Memory<'_, T>, operand: Operand) -> Row<T> {
    // `link` checked that the address lies in its memory area. The operand of an input port is only a number, and
    // its address is never read.
    let at = memory.bases[operand.space as usize].wrapping_add(operand.offset as usize);
    Row { at, mask: if operand.space == crate::space::Space::Uniform { 0 } else { usize::MAX } }
}

/// Executes the code, one instruction at a time for all lanes.
///
/// # Safety
/// The processor must support the level of the vector, every operand must lie in its memory area, and the
/// lanes must be whole vectors.
#[inline(always)]
pub(crate) unsafe fn run<V: Vector>(code: &[Linked], memory: Memory<'_, V::Scalar>) -> bool {
    let mut m = memory;
    let mut any = 0;
    // SAFETY: the caller guarantees the level and the operands, and each loop visits only existing lanes.
    unsafe {
        let (zero, one) = (V::splat(V::Scalar::default()), V::splat(V::Scalar::from_f64(1.0)));
        for i in code {
            match i.op {
                Op::FmaDiff => {
                    op!(m, i, [a, b, c, d], a.fma(b.sub(c), d), 0b11 => [u a, u b, r c, r d], 0b1 => [u a, r b, r c, r d]);
                }
                Op::Fma => {
                    op!(m, i, [a, b, c], a.fma(b, c), 0b1 => [u a, r b, r c], 0b101 => [u a, r b, u c], 0b0 => [r a, r b, r c]);
                }
                Op::Fma2 => {
                    op!(m, i, [a, b, c, d, e], a.fma(b, c.fma(d, e)), 0b101 => [u a, r b, u c, r d, r e]);
                }
                Op::GatedDiff => {
                    op!(m, i, [a, b, c, d, e], a.mul(b).fma(c.sub(d), e), 0b101 => [u a, r b, u c, r d, r e]);
                }
                Op::SigmoidGatedDiff => op!(
                    m, i, [a, b, c, d, e, f, g, h, k],
                    a.mul(b).mul(c.sub(d)).div(e.fma(math::exp2_within(f.fma(g, h)), one)).add(k),
                    0b1011_0101 => [u a, r b, u c, r d, u e, u f, r g, u h, r k]
                ),
                Op::Sigmoid => op!(
                    m, i, [a, b, c, d], one.div(a.fma(math::exp2_within(b.fma(c, d)), one)), 0b1011 => [u a, u b, r c, u d]
                ),
                Op::MulFlush => op!(m, i, [a, b], math::flush(a.mul(b)), 0b1 => [u a, r b]),
                Op::Mul2Flush => {
                    op!(m, i, [a, b, c, d], math::flush(a.fma(b, c.mul(d))), 0b101 => [u a, r b, u c, r d]);
                }
                Op::Mul2 => op!(m, i, [a, b, c, d], a.fma(b, c.mul(d)), 0b101 => [u a, r b, u c, r d]),
                Op::Add => op!(m, i, [a, b], a.add(b), 0b0 => [r a, r b], 0b1 => [u a, r b]),
                Op::Sub => op!(m, i, [a, b], a.sub(b), 0b0 => [r a, r b], 0b1 => [u a, r b]),
                Op::Mul => op!(m, i, [a, b], a.mul(b), 0b0 => [r a, r b], 0b1 => [u a, r b]),
                Op::Div => op!(m, i, [a, b], a.div(b)),
                Op::Min => op!(m, i, [a, b], a.min(b)),
                Op::Max => op!(m, i, [a, b], a.max(b)),
                Op::Pow => op!(m, i, [a, b], a.map2(b, slow::pow)),
                Op::Greater => op!(m, i, [a, b], V::select(a.gt(b), one, zero)),
                Op::GreaterEqual => op!(m, i, [a, b], V::select(a.ge(b), one, zero)),
                Op::Select => op!(m, i, [a, b, c], V::select(a.ne(zero), b, c)),
                Op::Copy => op!(m, i, [a], a),
                Op::Neg => op!(m, i, [a], a.neg()),
                Op::Abs => op!(m, i, [a], a.abs()),
                Op::Sqrt => op!(m, i, [a], a.sqrt()),
                Op::Exp => op!(m, i, [a], math::exp(a)),
                Op::Exp2 => op!(m, i, [a], math::exp2(a)),
                Op::Expm1 => op!(m, i, [a], math::expm1(a)),
                Op::Phi1 => op!(m, i, [a], math::phi1(a)),
                Op::Log => op!(m, i, [a], a.map(slow::log)),
                Op::Log1p => op!(m, i, [a], a.map(slow::log1p)),
                Op::LogisticSlope => op!(m, i, [a], math::logistic_slope(a)),
                Op::Tanh => op!(m, i, [a], a.map(slow::tanh)),
                Op::Round => op!(m, i, [a], a.map(slow::round)),
                Op::Flush => op!(m, i, [a], math::flush(a)),
                Op::AddInput | Op::LoadInput | Op::FmaInput => input::<V>(&m, i),
                Op::Fire | Op::FireReset | Op::FireSubtract => any |= fire::<V>(&mut m, i),
            }
        }
    }
    any != 0
}

/// Executes an operation that reads an input port.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn input<V: Vector>(m: &Memory<'_, V::Scalar>, i: &Linked) {
    let (n, out, gate) = (m.lanes, row(m, i.out), row(m, i.out));
    let at = usize::from(i.op == Op::FmaInput);
    let port = m.inputs[i.args[at].offset as usize];
    // The pointer of an absent port is never read.
    let at = port.as_ptr().wrapping_add(m.first).cast_mut();
    let (b, absent) = (Row { at, mask: usize::MAX }, port.is_empty());
    let (a, c) = (row(m, i.args[0]), row(m, i.args[2]));
    // SAFETY: guaranteed by the caller; a port that is present has one value per lane.
    unsafe {
        match i.op {
            Op::AddInput if absent => {}
            Op::AddInput => each_lane!(n, out, [r gate, r b], gate.add(b)),
            Op::LoadInput if absent => each_lane!(n, out, [], V::splat(V::Scalar::default())),
            Op::LoadInput => each_lane!(n, out, [r b], b),
            _ if absent => each_lane!(n, out, [s c], c),
            _ => each_lane!(n, out, [s a, r b, s c], a.fma(b, c)),
        }
    }
}

/// Executes an operation that can make lanes fire, and returns the bits of all lanes that fired, OR-ed
/// together.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn fire<V: Vector>(m: &mut Memory<'_, V::Scalar>, i: &Linked) -> u64 {
    let (out, a, b) = (row(m, i.out), row(m, i.args[0]), row(m, i.args[1]));
    let mut any = 0;
    let mut lane = 0;
    // SAFETY: guaranteed by the caller.
    unsafe {
        while lane < m.lanes {
            let threshold = V::load(a.at.add(lane & a.mask));
            let mask = match i.op {
                Op::Fire => threshold.ne(V::splat(V::Scalar::default())),
                _ => V::load(out.at.add(lane)).gt(threshold),
            };
            let bits = V::bits(mask);
            // Spikes are rare, so most vectors are only compared and not written.
            if bits != 0 {
                any |= bits;
                let place = m.first + lane;
                m.fired[place / 64] |= bits << (place % 64);
                let v = out.at.add(lane);
                match i.op {
                    Op::FireReset => V::select(mask, V::load(b.at.add(lane & b.mask)), V::load(v)).store(v),
                    Op::FireSubtract => V::select(mask, V::load(v).sub(threshold), V::load(v)).store(v),
                    _ => {}
                }
            }
            lane += V::LANES;
        }
    }
    any
}

/// Functions that are common in prologues and rare in steps. They are computed lane by lane with a library
/// whose results are identical on all machines.
mod slow {
    use crate::scalar::Scalar;

    pub(super) fn log<T: Scalar>(a: T) -> T {
        T::from_f64(libm::log(a.to_f64()))
    }
    pub(super) fn log1p<T: Scalar>(a: T) -> T {
        T::from_f64(libm::log1p(a.to_f64()))
    }
    pub(super) fn tanh<T: Scalar>(a: T) -> T {
        T::from_f64(libm::tanh(a.to_f64()))
    }
    pub(super) fn round<T: Scalar>(a: T) -> T {
        T::from_f64(a.to_f64().round())
    }
    pub(super) fn pow<T: Scalar>(a: T, b: T) -> T {
        T::from_f64(libm::pow(a.to_f64(), b.to_f64()))
    }
}

//! A compiler from programs to machine code: one loop in which values stay in registers from one operation to the next.
//!
//! The interpreter reads and writes a row for every operation; machine code reads and writes each row once.
//! Each operation uses the same arithmetic as the interpreter, so results are bit-identical.
//!
//! ```text
//! micro      the operations
//! tape       record what the interpreter does to one vector, as single assignments
//! tidy       forward stores to loads, merge equal values, drop unused ones
//! guard      find expensive values that are exactly 0 in most steps
//! ahead      move long chains into the previous turn of the loop
//! masks      compare in mask registers, with 512-bit vectors
//! schedule   order operations by critical path, within the number of registers
//! loops      choose the form of the loop and write the code around its body
//! emit       choose instructions; `decide` those that depend on masks; `registers` allocates registers, `vex` encodes
//! ```
//!
//! Code is generated for x86-64 with AVX2 or AVX-512. The interpreter is used
//! instead if AVX2 or executable memory is not available, and for programs that call functions without
//! machine code (log, tanh, pow).

mod ahead;
mod decide;
mod emit;
mod guard;
mod loops;
mod masks;
mod micro;
mod registers;
mod schedule;
pub(crate) mod tape;
mod tidy;
mod vex;

use std::collections::HashSet;
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};

use crate::execute::Memory;
use crate::level::Level;
use crate::link::Linked;
use crate::space::Space;
use crate::vector::Real;
use emit::Call;
use loops::{Form, assemble};
use micro::{Micro, Place};
use tape::trace;
use tidy::tidy;

/// The vectors of a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vectors {
    /// Number of vectors processed together. Their dependency chains are independent.
    width: usize,
    /// Number of values that the scheduler keeps alive at a time. The remaining registers hold values that were read
    /// from rows.
    units: usize,
    /// Approximate maximum number of operations in one loop, chosen so that its code fits into the instruction cache. Values
    /// are passed between loops through rows, so with many registers, long loops are faster.
    longest: usize,
}

impl Vectors {
    /// Two vectors of 256 bits, with registers for 7 values.
    const AVX2: Self = Self { width: 2, units: 5, longest: 1000 };
    /// One vector of 512 bits, with registers for 32 values. Iterations are independent, and a processor looks ahead to the
    /// next ones.
    const AVX512: Self = Self { width: 1, units: 24, longest: 3000 };

    /// Returns the vectors with which code of this level is fastest.
    fn of(level: Level) -> Self {
        #[cfg(target_arch = "x86_64")]
        let has_instructions = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
        #[cfg(not(target_arch = "x86_64"))]
        let has_instructions = false;
        if level == Level::Avx512 && has_instructions { Self::AVX512 } else { Self::AVX2 }
    }
}

/// Maximum distance in bytes from the first lane to a row that the code can address.
const FARTHEST: u64 = i32::MAX as u64 - 64;
/// Maximum number of ports for which a step is called without an allocation.
const PORTS: usize = 16;

/// The signature of a compiled step.
#[cfg(target_arch = "x86_64")]
type Step = unsafe extern "sysv64" fn(*mut Call);
/// On other processors there is no machine code, so no step of this type is ever called.
#[cfg(not(target_arch = "x86_64"))]
type Step = unsafe extern "C" fn(*mut Call);

/// A compiled step.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    code: Arc<Mmap>,
}

impl Machine {
    /// Compiles linked code for a level with AVX2 or AVX-512. After a run, only the first `results` values of scratch
    /// are used. Returns `None` if the code cannot be compiled.
    pub(crate) fn compile<T: Real>(code: &[Linked], results: usize, level: Level) -> Option<Self> {
        let vectors = Vectors::of(level);
        let mut tapes: Vec<Vec<Micro>> = Vec::new();
        let mut room = 0;
        for linked in code {
            let one = trace::<T>(std::slice::from_ref(linked))?;
            // A new loop begins where the instruction cache would overflow. Values are passed between loops through
            // rows.
            if one.len() > room {
                tapes.push(Vec::new());
                room = vectors.longest.max(one.len());
            }
            room -= one.len();
            let tape = tapes.last_mut()?;
            let first = tape.len() as u32;
            tape.extend(one.into_iter().map(|m| m.renamed(|a| a + first)));
        }
        // Displacements have 32 bits.
        let far = |micro: &Micro| matches!(micro, Micro::Load(p) | Micro::Store(p, _) if p.offset > FARTHEST);
        if tapes.iter().flatten().any(far) {
            return None;
        }
        let results = (results * size_of::<T>()) as u64;
        let one = |tape: &Vec<Micro>| Form::new(tape, size_of::<T>(), vectors);
        let loops: Vec<Form> = tidied(&tapes, results).iter().map(one).collect::<Option<_>>()?;
        let bytes = assemble(&loops, size_of::<T>() == 8, vectors);
        // The memory is written first and made executable afterwards, so no page is writable and executable at the
        // same time.
        let mut memory = MmapMut::map_anon(bytes.len()).ok()?;
        memory.copy_from_slice(&bytes);
        Some(Self { code: Arc::new(memory.make_exec().ok()?) })
    }

    /// Returns the code: instructions followed by the pool of constants.
    pub(crate) fn code(&self) -> &[u8] {
        &self.code
    }

    /// Runs the step and returns whether any lane fired.
    ///
    /// # Safety
    /// As for the interpreter: the processor must have the instructions of the level for which the step was compiled,
    /// and every operand must lie in its memory area.
    /// Ports that are present must have a value for each lane from the first one on, and `fired` must have a bit
    /// for each lane of the block if lanes may fire.
    pub(crate) unsafe fn run<T: Real>(&self, memory: &Memory<'_, T>) -> bool {
        let port = |row: &&[T]| {
            let first = row.as_ptr().wrapping_add(memory.first).cast::<u8>();
            if row.is_empty() { std::ptr::null() } else { first }
        };
        let (mut few, many);
        let inputs = if memory.inputs.len() <= PORTS {
            few = [std::ptr::null(); PORTS];
            few.iter_mut().zip(memory.inputs).for_each(|(to, row)| *to = port(row));
            few.as_ptr()
        } else {
            many = memory.inputs.iter().map(port).collect::<Vec<_>>();
            many.as_ptr()
        };
        let mut call = Call {
            bases: memory.bases.map(<*mut T>::cast::<u8>),
            inputs,
            fired: memory.fired.as_ptr().cast::<u8>().cast_mut().wrapping_add(memory.first / 8),
            bytes: (memory.lanes * size_of::<T>()) as u64,
            any: 0,
        };
        // SAFETY: the memory contains a function with this signature, written by `assemble`; the caller
        // guarantees all other conditions.
        unsafe {
            std::mem::transmute::<*const u8, Step>(self.code.as_ptr())(&raw mut call);
        }
        call.any != 0
    }
}

/// Tidies the tapes, keeping all stores that are read after each of them: states, the first `results` bytes
/// of scratch, and scratch that a later tape reads. Rows written by an earlier tape are read from where that
/// tape wrote them.
fn tidied(tapes: &[Vec<Micro>], results: u64) -> Vec<Vec<Micro>> {
    let mut live: HashSet<Place> = HashSet::new();
    let kept = |place: Place| match place.space {
        Space::State => true,
        Space::Scratch => place.offset < results,
        _ => false,
    };
    let mut out = Vec::new();
    // The tapes are processed from the last to the first, so that the scratch rows read by later tapes are known.
    for tape in tapes.iter().rev() {
        out.push(tidy(tape, |place| kept(place) || live.contains(&place)));
        for micro in tape.iter().rev() {
            match micro {
                Micro::Store(place, _) => live.remove(place),
                Micro::Load(place) => live.insert(*place),
                _ => false,
            };
        }
    }
    out.reverse();
    // The new state may be stored in a different buffer than the old one. A later loop has to read the values
    // that an earlier loop wrote.
    let mut written = HashSet::new();
    for tape in &mut out {
        for micro in tape.iter_mut() {
            if let Micro::Load(place) = micro
                && written.contains(place)
            {
                *place = place.written();
            }
        }
        written.extend(tape.iter().filter_map(|micro| match micro {
            Micro::Store(place, _) => Some(*place),
            _ => None,
        }));
    }
    out
}

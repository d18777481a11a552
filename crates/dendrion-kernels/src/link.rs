//! Linking: resolves slots to memory locations once, so that execution needs no checks per row.

use crate::coefficients::{Coefficients, Place};
use crate::error::LinkError;
use crate::program::{Instruction, Op, Program, Slot};
use crate::scalar::{Scalar, granule};
use crate::space::Space;

/// Maximum number of arguments of an operation.
pub(crate) const ARGS: usize = 9;

/// A linked operand: a memory area, and the offset of lane 0 in it, in scalars. For an input port, the offset is
/// its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) space: Space,
    pub(crate) offset: u32,
}

/// A linked instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linked {
    pub(crate) op: Op,
    /// One bit per argument, set if the argument is uniform.
    pub(crate) uniform: u16,
    pub(crate) out: Operand,
    pub(crate) args: [Operand; ARGS],
}

/// Links all instructions of a program.
pub(crate) fn link<T: Scalar>(
    program: &Program,
    coefs: &Coefficients<T>,
    lanes: usize,
) -> Result<Vec<Linked>, LinkError> {
    if lanes == 0 || !lanes.is_multiple_of(granule::<T>()) || lanes != coefs.lanes {
        return Err(LinkError::Lanes { lanes });
    }
    if coefs.len() != program.coefs {
        return Err(LinkError::Table { given: coefs.len(), expected: program.coefs });
    }
    let one = |(at, i): (usize, &Instruction)| instruction(program, coefs, lanes, at, i);
    program.code.iter().enumerate().map(one).collect()
}

fn instruction<T: Scalar>(
    program: &Program,
    coefs: &Coefficients<T>,
    lanes: usize,
    at: usize,
    instruction: &Instruction,
) -> Result<Linked, LinkError> {
    let Instruction { op, out, args } = instruction;
    if args.len() != op.arity() {
        return Err(LinkError::Arity { at });
    }
    let wrong = LinkError::Slot { at };
    let mut linked = Linked {
        op: *op,
        uniform: 0,
        out: Operand { space: Space::Scratch, offset: 0 },
        args: [Operand { space: Space::State, offset: 0 }; ARGS],
    };
    for (k, slot) in args.iter().enumerate() {
        let operand = place(program, coefs, lanes, *slot, op.input() == Some(k)).ok_or(wrong.clone())?;
        linked.uniform |= u16::from(operand.space == Space::Uniform) << k;
        linked.args[k] = operand;
    }
    if *op != Op::Fire {
        if matches!(out, Slot::Coef(_) | Slot::Input(_) | Slot::Past(_)) {
            return Err(wrong);
        }
        linked.out = place(program, coefs, lanes, *out, false).ok_or(wrong)?;
    }
    Ok(linked)
}

fn place<T: Scalar>(
    program: &Program,
    coefs: &Coefficients<T>,
    lanes: usize,
    slot: Slot,
    input: bool,
) -> Option<Operand> {
    let row = |space, i: u16, rows: usize| {
        let offset = u32::try_from(usize::from(i) * lanes).ok()?;
        (usize::from(i) < rows).then_some(Operand { space, offset })
    };
    match slot {
        Slot::Input(i) => {
            let known = input && usize::from(i) < program.inputs;
            known.then_some(Operand { space: Space::State, offset: u32::from(i) })
        }
        _ if input => None,
        Slot::State(i) => row(Space::State, i, program.state_rows),
        Slot::Scratch(i) => row(Space::Scratch, i, program.scratch_rows),
        Slot::Past(i) => row(Space::Past, i, program.past_rows),
        Slot::Coef(i) => match *coefs.places.get(usize::from(i))? {
            Place::Row(r) => Some(Operand { space: Space::Rows, offset: u32::try_from(r * lanes).ok()? }),
            Place::Uniform(line) => {
                Some(Operand { space: Space::Uniform, offset: u32::try_from(line * granule::<T>()).ok()? })
            }
        },
    }
}

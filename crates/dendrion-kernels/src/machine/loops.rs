//! Loops over the vectors of a strip: selects the form of each loop and emits the code around its bodies.

use std::mem::offset_of;

use super::Vectors;
use super::ahead::Ahead;
use super::emit::{Body, Call, field};
use super::guard::{Loop, search, settled};
use super::masks::merge;
use super::micro::Micro;
use super::registers::STEP;
use super::schedule::schedule;
use super::vex::{Assembler, Mem, R8, R9, R10, R11, R12, RAX, RCX, RDX, RSI, Rm};

/// A loop in one of several forms.
#[derive(Debug)]
pub(crate) enum Form {
    Plain(Loop),
    Ahead(Ahead),
    /// Two loops and a search that selects one of them.
    Searched {
        search: Vec<Micro>,
        silent: Box<Form>,
        loud: Box<Form>,
    },
}

impl Form {
    /// Creates a loop from a tape for scalars of `size` bytes, with scheduled bodies.
    pub(crate) fn new(tape: &[Micro], size: usize, vectors: Vectors) -> Option<Self> {
        let loud = Self::settled(&settled(tape, false), size, vectors)?;
        let Some(search) = search(tape) else { return Some(loud) };
        let search = schedule(&search, vectors.width, vectors.units)?;
        let silent = Self::settled(&settled(tape, true), size, vectors)?;
        Some(Self::Searched { search, silent: Box::new(silent), loud: Box::new(loud) })
    }

    /// Creates a loop from a tape in which it is known whether gates are open.
    fn settled(tape: &[Micro], size: usize, vectors: Vectors) -> Option<Self> {
        let ordered = |tape: &[Micro]| match vectors.width {
            1 => schedule(&merge(tape), vectors.width, vectors.units),
            _ => schedule(tape, vectors.width, vectors.units),
        };
        let plain = Loop::new(tape, size);
        // Guards and pipelining both change the body of the loop, so a loop with a guard is not pipelined.
        if plain.guard.is_none()
            && let Some(ahead) = Ahead::new(&plain.whole)
        {
            return ahead.map(ordered).map(Self::Ahead);
        }
        plain.map(ordered).map(Self::Plain)
    }
}

/// Emits the code of a step.
pub(crate) fn assemble(loops: &[Form], wide: bool, vectors: Vectors) -> Vec<u8> {
    let mut asm = Assembler::new(STEP as usize / vectors.width);
    asm.raw(&[0x53, 0x41, 0x54]); // push rbx; push r12
    asm.raw(&[0x48, 0x81, 0xEC, 0, 0, 0, 0]); // sub rsp, frame size (patched below)
    let patch = asm.len() - 4;
    for (k, base) in [RSI, RDX, RCX, R8, R9, R12].into_iter().enumerate() {
        asm.general(&[0x8B], base, field(offset_of!(Call, bases) + 8 * k)); // mov base, [rdi + ...]
    }
    asm.general(&[0x8B], R11, field(offset_of!(Call, inputs)));
    let mut stack = 0;
    for form in loops {
        stack = stack.max(write(&mut asm, form, wide, vectors));
    }
    // The size of the stack frame is known only at this point, so the instruction that reserves it is patched.
    let bytes = stack * STEP;
    asm.patch(patch, &bytes.to_le_bytes());
    asm.raw(&[0x48, 0x81, 0xC4]); // add rsp, frame size
    asm.raw(&bytes.to_le_bytes());
    asm.raw(&[0x41, 0x5C, 0x5B, 0xC5, 0xF8, 0x77, 0xC3]); // pop r12; pop rbx; vzeroupper; ret
    asm.finish()
}

/// Emits a loop and returns the number of stack units that it uses.
fn write(asm: &mut Assembler, form: &Form, wide: bool, vectors: Vectors) -> i32 {
    let mut stack = 0;
    let taken = if let Form::Ahead(ahead) = form { ahead.carried } else { 0 };
    let mut body = |asm: &mut Assembler, tape: &[Micro]| {
        let body = Body::write(asm, tape, (vectors.width, wide), taken);
        stack = stack.max(body.at.stack);
        body.leaves
    };
    asm.raw(&[0x31, 0xC0]); // xor eax, eax
    match form {
        Form::Plain(Loop { guard, whole, short }) => {
            let top = asm.here();
            let leaves = guard.as_ref().and_then(|tape| body(asm, tape));
            body(asm, whole);
            if let (Some(leaves), Some(tape)) = (leaves, short) {
                let done = asm.jump();
                asm.land(leaves);
                body(asm, tape);
                asm.land(done);
            }
            advance(asm);
            asm.jump_back(0x82, top);
        }
        Form::Ahead(Ahead { first, turn, last, .. }) => {
            body(asm, first);
            let top = asm.here();
            asm.general(&[0x8D], R10, Rm::Mem(Mem::At(RAX, STEP))); // lea r10, [rax + step]
            asm.general(&[0x3B], R10, field(offset_of!(Call, bytes))); // cmp r10, [rdi + ...]
            let end = asm.jump_if(0x83);
            body(asm, turn);
            advance(asm);
            asm.jump_back(0x82, top);
            asm.land(end);
            body(asm, last);
        }
        Form::Searched { search, silent, loud } => {
            let top = asm.here();
            let found = body(asm, search);
            advance(asm);
            asm.jump_back(0x82, top);
            stack = stack.max(write(asm, silent, wide, vectors));
            let done = asm.jump();
            if let Some(found) = found {
                asm.land(found);
            }
            stack = stack.max(write(asm, loud, wide, vectors));
            asm.land(done);
        }
    }
    stack
}

/// Advances to the next vectors and compares the position with the end.
fn advance(asm: &mut Assembler) {
    asm.raw(&[0x48, 0x05]); // add rax, step
    asm.raw(&STEP.to_le_bytes());
    asm.general(&[0x3B], RAX, field(offset_of!(Call, bytes))); // cmp rax, [rdi + ...]
}

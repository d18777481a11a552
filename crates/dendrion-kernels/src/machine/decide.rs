//! Decisions about lanes: comparisons, jumps out of a body, and lanes that fire.

use std::mem::offset_of;

use super::emit::{Body, Call, field};
use super::micro::{Compare, Id, Two};
use super::registers::Operand;
use super::vex::{Gpr, R10, RAX, RBX, Rm};

impl Body<'_> {
    /// Writes a bit for each lane of a vector in which the mask is set to a general-purpose register.
    pub(super) fn bits(&mut self, reg: Gpr, mask: Operand, vector: usize) {
        let mask = self.at.held(mask, vector);
        if self.asm.has_masks() {
            self.asm.bits(self.at.wide, reg, mask);
        } else {
            self.asm.vector(self.at.packed(0x50), reg.0, 0, Rm::Reg(mask), None); // vmovmskpd, vmovmskps
        }
    }

    /// Returns the number of lanes of a vector.
    pub(super) const fn lanes(&self) -> u8 {
        let lanes = if self.at.wide { 4 } else { 8 };
        if self.asm.has_masks() { 2 * lanes } else { lanes }
    }

    /// Sets the mask register where a comparison of 512-bit vectors has the required result.
    pub(super) fn compare(&mut self, when: Compare, now: u32) {
        // The predicates of a op b and of b op' a; unordered ones are true for NaN.
        let (imm, turned) = match (when.op, when.holds) {
            (Two::Greater, true) => (0x1E, 0x11),
            (Two::Greater, false) => (0x1A, 0x15),
            (Two::GreaterEqual, true) => (0x1D, 0x12),
            (Two::GreaterEqual, false) => (0x19, 0x16),
            (_, true) => (0x04, 0x04),
            (_, false) => (0x00, 0x00),
        };
        let is_turned = !self.at.is_held(when.a) && self.at.is_held(when.b);
        let (a, b, imm) = if is_turned { (when.b, when.a, turned) } else { (when.a, when.b, imm) };
        let a = self.at.hold(self.asm, a);
        let b = self.at.find(self.asm, b, now);
        self.asm.test(self.at.packed(0xC2), self.at.held(a, 0), self.at.rm(b, 0), imm);
    }

    /// Emits a jump out of the body that is taken if the mask is set in all lanes.
    pub(super) fn leave(&mut self, mask: Id) {
        let mask = self.at.hold(self.asm, mask);
        self.bits(R10, mask, 0);
        for vector in 1..self.at.width {
            self.bits(RBX, mask, vector);
            self.asm.general(&[0x21], RBX, Rm::Reg(R10.0)); // and r10, rbx
        }
        let all = (1_i32 << self.lanes()) - 1;
        self.asm.raw(&[0x49, 0x81, 0xFA]); // cmp r10, all
        self.asm.raw(&all.to_le_bytes());
        self.leaves = Some(self.asm.jump_if(0x84));
    }

    /// Emits a jump out of the body that is taken if the mask is set in any lane.
    pub(super) fn leave_any(&mut self, mask: Id) {
        let mask = self.at.hold(self.asm, mask);
        self.bits(R10, mask, 0);
        for vector in 1..self.at.width {
            self.bits(RBX, mask, vector);
            self.asm.general(&[0x09], RBX, Rm::Reg(R10.0)); // or r10, rbx
        }
        self.asm.general(&[0x85], R10, Rm::Reg(R10.0)); // test r10, r10
        self.leaves = Some(self.asm.jump_if(0x85));
    }

    /// Emits code that sets the bits of the lanes whose bits are set in r10.
    pub(super) fn fire(&mut self) {
        let lanes = self.lanes();
        self.asm.general(&[0x85], R10, Rm::Reg(R10.0)); // test r10, r10
        let none = self.asm.jump_if(0x84);
        self.asm.general(&[0x89], RAX, Rm::Reg(RBX.0)); // mov rbx, rax
        let shift = if self.at.wide { 6 } else { 5 };
        self.asm.raw(&[0x48, 0xC1, 0xEB, shift]); // shr rbx, shift
        self.asm.general(&[0x03], RBX, field(offset_of!(Call, fired))); // add rbx, [rdi + ...]
        if lanes as usize * self.at.width == 16 {
            self.asm.raw(&[0x66, 0x44, 0x09, 0x13]); // or word [rbx], r10w
        } else {
            self.asm.raw(&[0x44, 0x08, 0x13]); // or byte [rbx], r10b
        }
        self.asm.raw(&[0xC6, 0x47, offset_of!(Call, any) as u8, 1]); // mov byte [rdi + ...], 1
        self.asm.land(none);
    }
}

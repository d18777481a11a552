//! Instruction selection: translates a tape to the body of a loop over the lanes of a strip.
//!
//! Each micro operation becomes one instruction per vector, and one operand may stay in memory, as x86 instructions
//! allow. Fused multiply-adds have three forms (132, 213, 231), which overwrite different operands. The form is
//! chosen so that it overwrites a value that is no longer needed, which avoids a copy.

use std::collections::HashMap;

use super::micro::{Id, Micro, Place, Two};
use super::registers::{Operand, Registers};
use super::vex::{Assembler, Code, Label, Mem, R10, R11, RBX, RDI, Rm};

/// The arguments of a compiled step. The machine code depends on the layout of this structure.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Call {
    /// Address of the strip's first lane in each [`crate::space::Space`].
    pub(crate) bases: [*mut u8; 6],
    /// Address of each port's first lane, or null if the port is absent.
    pub(crate) inputs: *const *const u8,
    /// Address of the bits of the strip's first lane.
    pub(crate) fired: *mut u8,
    /// Number of bytes per row of the strip.
    pub(crate) bytes: u64,
    /// Set to 1 when a lane fires.
    pub(crate) any: u64,
}

/// Returns a field of [`Call`] as a memory operand.
pub(super) const fn field(offset: usize) -> Rm {
    Rm::Mem(Mem::At(RDI, offset as i32))
}

/// The body of a loop while it is being emitted.
pub(super) struct Body<'a> {
    pub(super) asm: &'a mut Assembler,
    pub(super) at: Registers,
    tape: &'a [Micro],
    /// The value that was read from each row.
    loaded: HashMap<Place, Id>,
    /// The jump out of the body, if there is one.
    pub(super) leaves: Option<Label>,
}

impl<'a> Body<'a> {
    /// Emits the code of a tape. `taken` stack units are already in use.
    pub(super) fn write(
        asm: &'a mut Assembler,
        tape: &'a [Micro],
        (width, wide): (usize, bool),
        taken: usize,
    ) -> Self {
        let at = Registers::new(tape, width, wide, taken);
        let mut body = Self { asm, at, tape, loaded: HashMap::new(), leaves: None };
        for now in 0..tape.len() as u32 {
            let micro = &tape[now as usize];
            body.one(micro, now);
            body.at.done(micro, now);
        }
        body
    }

    fn one(&mut self, micro: &Micro, now: u32) {
        match *micro {
            Micro::Load(place) => {
                self.at.stands(now, place);
                self.loaded.insert(place.written(), now);
            }
            Micro::Number(bits) => {
                let at = self.asm.number(bits, if self.at.wide { 8 } else { 4 });
                self.at.stands_in_pool(now, at);
            }
            Micro::Two(op, a, b) => self.two(op, a, b, now),
            Micro::Fma { negated, a, b, c } => self.fma(negated, [a, b, c], now),
            Micro::Sqrt(a) => {
                let from = self.at.find(self.asm, a, now);
                self.simple(self.at.packed(0x51), None, from, None, now);
            }
            Micro::Exponent(a) => {
                let from = self.at.hold(self.asm, a);
                self.exponent(from, now);
            }
            Micro::Select { mask, yes, no } => {
                let (mask, no) = (self.at.hold(self.asm, mask), self.at.hold(self.asm, no));
                let yes = self.at.find(self.asm, yes, now);
                if self.asm.has_masks() {
                    let operands = (self.at.held(mask, 0), self.at.rm(yes, 0), self.at.held(no, 0));
                    let unit = self.result(now);
                    self.asm.blend(self.at.wide, self.at.register(unit, 0), operands);
                    return;
                }
                let code = Code { map: 3, prefix: 1, wide: false, byte: 0x4A + u8::from(self.at.wide) };
                self.simple(code, Some(no), yes, Some(Imm::Register(mask)), now);
            }
            Micro::AddPort { port, a } => {
                let unit = self.own(a, now);
                self.port(port, unit, |at, asm, reg, from| asm.vector(at.packed(0x58), reg, reg, from, None));
                self.at.settle(now, unit);
            }
            Micro::FmaPort { port, a, c } => {
                let factor = self.at.hold(self.asm, a);
                let unit = if a == c { self.copied(c) } else { self.own(c, now) };
                let mut vector = 0;
                self.port(port, unit, |at, asm, reg, from| {
                    let factor = at.held(factor, vector);
                    vector += 1;
                    asm.vector(fused(0xB8, at.wide), reg, factor, from, None);
                });
                self.at.settle(now, unit);
            }
            Micro::LoadPort { port, .. } => {
                let unit = self.at.vacate(self.asm);
                for vector in 0..self.at.width {
                    let r = self.at.register(unit, vector);
                    self.asm.vector(self.at.packed(0x57), r, r, Rm::Reg(r), None);
                }
                self.port(port, unit, |at, asm, reg, from| asm.vector(at.packed(0x10), reg, 0, from, None));
                self.at.settle(now, unit);
            }
            Micro::Store(place, a) => self.store(place, a, now),
            Micro::Keep { when, value } => {
                self.compare(when, now);
                let value = self.at.find(self.asm, value, now);
                let value = self.at.rm(value, 0);
                let unit = self.result(now);
                self.asm.keep(self.at.packed(0x10), self.at.register(unit, 0), value);
            }
            Micro::Choose { when, yes, no } => {
                self.compare(when, now);
                let no = self.at.hold(self.asm, no);
                let yes = self.at.find(self.asm, yes, now);
                let (yes, no) = (self.at.rm(yes, 0), self.at.held(no, 0));
                let unit = self.result(now);
                self.asm.choose(self.at.wide, self.at.register(unit, 0), (yes, no));
            }
            Micro::FireIf(when) => {
                self.compare(when, now);
                self.asm.mask_bits(R10);
                self.fire();
            }
            Micro::Fire(mask) => {
                let mask = self.at.hold(self.asm, mask);
                self.bits(R10, mask, 0);
                if self.at.width == 2 {
                    self.bits(RBX, mask, 1);
                    self.asm.raw(&[0xC1, 0xE3, self.lanes()]); // shl ebx, lanes
                    self.asm.general(&[0x09], RBX, Rm::Reg(R10.0)); // or r10, rbx
                }
                self.fire();
            }
            Micro::Leave(mask) => self.leave(mask),
            Micro::LeaveAny(mask) => self.leave_any(mask),
            // Loop bodies do not contain this operation.
            Micro::Vanishing { .. } => {}
        }
    }

    /// Copies a value and returns the unit of the copy.
    fn copied(&mut self, a: Id) -> u8 {
        let from = if self.at.is_held(a) { self.at.hold(self.asm, a) } else { Operand::Memory(a) };
        let unit = self.at.vacate(self.asm);
        self.at.copy(self.asm, unit, from);
        unit
    }

    /// Returns a unit that contains a value and may be overwritten: the unit of the value if it is no longer
    /// needed, otherwise a copy.
    fn own(&mut self, a: Id, now: u32) -> u8 {
        if self.at.dies(a, now)
            && self.at.is_held(a)
            && let Some(unit) = self.at.inherit(a)
        {
            return unit;
        }
        self.copied(a)
    }

    /// Returns a unit for a result after its operands have been located. It may be the unit of an operand that is
    /// no longer needed.
    fn result(&mut self, now: u32) -> u8 {
        self.at.release(&self.tape[now as usize], now);
        let unit = self.at.vacate(self.asm);
        self.at.settle(now, unit);
        unit
    }

    fn simple(&mut self, code: Code, first: Option<Operand>, second: Operand, imm: Option<Imm>, now: u32) {
        // The operands are looked up before values that are no longer needed lose their registers.
        let vectors = 0..self.at.width;
        let operands: Vec<_> = (vectors.clone())
            .map(|v| {
                let imm = imm.map(|i| match i {
                    Imm::Byte(b) => b,
                    Imm::Register(mask) => self.at.held(mask, v) << 4,
                });
                (first.map_or(0, |f| self.at.held(f, v)), self.at.rm(second, v), imm)
            })
            .collect();
        let unit = self.result(now);
        for (vector, (first, second, imm)) in vectors.zip(operands) {
            let register = self.at.register(unit, vector);
            match imm {
                // Only comparisons have an immediate byte.
                Some(imm) if self.asm.has_masks() => self.asm.compare(code, register, first, second, imm),
                _ => self.asm.vector(code, register, first, second, imm),
            }
        }
    }

    fn exponent(&mut self, from: Operand, now: u32) {
        let from: Vec<u8> = (0..self.at.width).map(|v| self.at.held(from, v)).collect();
        let unit = self.result(now);
        let (byte, shift) = if self.at.wide { (0x73, 52) } else { (0x72, 23) };
        let code = Code { map: 1, prefix: 1, wide: self.at.wide, byte };
        for (vector, from) in from.into_iter().enumerate() {
            // In this encoding the prefix contains the result, and 6 is an opcode extension.
            self.asm.vector(code, 6, self.at.register(unit, vector), Rm::Reg(from), Some(shift));
        }
    }

    fn two(&mut self, op: Two, a: Id, b: Id, now: u32) {
        let (byte, imm, turned) = match op {
            Two::Add => (0x58, None, Some(None)),
            Two::Mul => (0x59, None, Some(None)),
            Two::And => (0x54, None, Some(None)),
            Two::Or => (0x56, None, Some(None)),
            Two::Xor => (0x57, None, Some(None)),
            Two::AndNot => (0x55, None, None),
            Two::Sub => (0x5C, None, None),
            Two::Min => (0x5D, None, None),
            Two::Div => (0x5E, None, None),
            Two::Max => (0x5F, None, None),
            // Ordered and quiet comparisons: NaN is neither greater nor less. NaN is unequal to every number.
            Two::Greater => (0xC2, Some(0x1E), Some(Some(0x11))),
            Two::GreaterEqual => (0xC2, Some(0x1D), Some(Some(0x12))),
            Two::NotEqual => (0xC2, Some(0x04), Some(Some(0x04))),
        };
        // An operand in memory is moved to the second position, if the instruction permits exchanging the
        // operands.
        let (a, b, imm) = match turned {
            Some(turned) if !self.at.is_held(a) && self.at.is_held(b) => (b, a, turned),
            _ => (a, b, imm),
        };
        let first = self.at.hold(self.asm, a);
        let second = self.at.find(self.asm, b, now);
        self.simple(self.at.packed(byte), Some(first), second, imm.map(Imm::Byte), now);
    }

    /// Emits `a b + c` in one of the instruction's three forms, so that the result overwrites an operand that is no
    /// longer needed.
    fn fma(&mut self, negated: bool, operands: [Id; 3], now: u32) {
        let mut found = [Operand::Memory(0); 3];
        // At most one operand may stay in memory. Operands in registers are located first, so that they are not
        // spilled.
        let mut order = [2, 1, 0];
        order.sort_by_key(|k: &usize| !self.at.is_held(operands[*k]));
        let mut folded = None;
        for k in order {
            let id = operands[k];
            let again = folded.is_some_and(|f: usize| operands[f] == id);
            found[k] = if folded.is_some() && !again {
                self.at.hold(self.asm, id)
            } else if again {
                let f = folded.take().unwrap_or(0);
                found[f] = self.at.hold(self.asm, id);
                found[f]
            } else {
                self.at.find(self.asm, id, now)
            };
            if matches!(found[k], Operand::Memory(_)) {
                folded = Some(k);
            }
        }
        let dying = [2, 0, 1].into_iter().find(|k| Some(*k) != folded && self.at.dies(operands[*k], now));
        let (target, unit) = if let Some(k) = dying {
            let Operand::Unit(unit, _) = found[k] else { return };
            (k, unit)
        } else {
            let k = folded.take().unwrap_or(2);
            let unit = self.at.vacate(self.asm);
            self.at.copy(self.asm, unit, found[k]);
            found[k] = Operand::Unit(unit, false);
            (k, unit)
        };
        let negated = if negated { 4 } else { 0 };
        for vector in 0..self.at.width {
            let reg = self.at.register(unit, vector);
            let (byte, other, last) = match (target, folded) {
                (2, Some(0)) => (0xB8, found[1], found[0]),
                (2, _) => (0xB8, found[0], found[1]),
                (t, Some(2)) => (0xA8, found[1 - t], found[2]),
                (t, _) => (0x98, found[2], found[1 - t]),
            };
            let (other, last) = (self.at.held(other, vector), self.at.rm(last, vector));
            self.asm.vector(fused(byte + negated, self.at.wide), reg, other, last, None);
        }
        if dying.is_some() {
            self.at.inherit(operands[target]);
        }
        self.at.settle(now, unit);
    }

    /// Loads the address of a port and calls `with` for each of its vectors, unless the port is absent.
    fn port(&mut self, port: u32, unit: u8, mut with: impl FnMut(&Registers, &mut Assembler, u8, Rm)) {
        self.asm.general(&[0x8B], R10, Rm::Mem(Mem::At(R11, 8 * port as i32))); // mov r10, [r11 + 8 port]
        self.asm.general(&[0x85], R10, Rm::Reg(R10.0)); // test r10, r10
        let absent = self.asm.jump_if(0x84);
        for vector in 0..self.at.width {
            let from = Rm::Mem(Mem::Indexed(R10, Registers::distance(vector)));
            with(&self.at, self.asm, self.at.register(unit, vector), from);
        }
        self.asm.land(absent);
    }

    fn store(&mut self, place: Place, a: Id, now: u32) {
        let value = self.at.hold(self.asm, a);
        if let Some(old) = self.loaded.get(&place.written()).copied() {
            self.at.evict_home(self.asm, old, place, now);
        }
        for vector in 0..self.at.width {
            let (from, to) = (self.at.held(value, vector), Rm::Mem(Registers::row(place.written(), vector)));
            self.asm.vector(self.at.packed(0x11), from, 0, to, None);
        }
        // From now on the value can be read from this place, since each place is stored to only once.
        self.at.stands(a, place.written());
    }
}

/// The immediate byte after an instruction: a number, or the register of a mask.
#[derive(Clone, Copy)]
enum Imm {
    Byte(u8),
    Register(Operand),
}

/// Returns the opcode of a fused multiply-add.
const fn fused(byte: u8, wide: bool) -> Code {
    Code { map: 2, prefix: 1, wide, byte }
}

//! An encoder for the x86-64 instructions that a step needs (Intel SDM vol. 2, 2.3: VEX prefix). All vectors have 256 bits.
//!
//! ```text
//! C4  ~R ~X ~B map  W ~vvvv L pp  opcode  modrm [sib] [displacement] [immediate]
//! ```

/// A general-purpose register, by its number in instruction encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gpr(pub(crate) u8);

pub(crate) const RAX: Gpr = Gpr(0);
pub(crate) const RCX: Gpr = Gpr(1);
pub(crate) const RDX: Gpr = Gpr(2);
pub(crate) const RBX: Gpr = Gpr(3);
pub(crate) const RSP: Gpr = Gpr(4);
pub(crate) const RSI: Gpr = Gpr(6);
pub(crate) const RDI: Gpr = Gpr(7);
pub(crate) const R8: Gpr = Gpr(8);
pub(crate) const R9: Gpr = Gpr(9);
pub(crate) const R10: Gpr = Gpr(10);
pub(crate) const R11: Gpr = Gpr(11);
pub(crate) const R12: Gpr = Gpr(12);

/// A memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mem {
    /// `[base + displacement]`
    At(Gpr, i32),
    /// `[base + rax + displacement]`
    Indexed(Gpr, i32),
    /// The constant at this byte offset in the pool after the code.
    Pool(u32),
}

/// The operand that may be in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rm {
    Reg(u8),
    Mem(Mem),
}

/// An opcode: its map (1: 0F, 2: 0F38, 3: 0F3A), prefix (0: none, 1: 66), W bit and byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    pub(crate) map: u8,
    pub(crate) prefix: u8,
    pub(crate) wide: bool,
    pub(crate) byte: u8,
}

/// The target of a jump.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label(usize);

/// Machine code while it is being written.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    bytes: Vec<u8>,
    /// The constants, 32 bytes each.
    pool: Vec<u8>,
    /// Displacements that refer to the pool: their position, the offset of the constant, and the number of
    /// instruction bytes that follow.
    pooled: Vec<(usize, u32, usize)>,
}

impl Assembler {
    /// Emits a vector instruction. `reg` is written (or stored), and `other` is the operand in the prefix (15 if
    /// there is none).
    pub(crate) fn vex(&mut self, code: Code, reg: u8, other: u8, rm: Rm, imm: Option<u8>) {
        let (x, b) = match rm {
            Rm::Reg(r) => (false, r >= 8),
            Rm::Mem(Mem::At(base, _) | Mem::Indexed(base, _)) => (false, base.0 >= 8),
            Rm::Mem(Mem::Pool(_)) => (false, false),
        };
        let inverted = |bit: bool, place: u8| u8::from(!bit) << place;
        // Always uses the three-byte form, since the savings of the two-byte form are not needed.
        self.bytes.push(0xC4);
        self.bytes.push(inverted(reg >= 8, 7) | inverted(x, 6) | inverted(b, 5) | code.map);
        // L = 1 selects 256-bit vectors.
        self.bytes.push(u8::from(code.wide) << 7 | (!other & 15) << 3 | 1 << 2 | code.prefix);
        self.bytes.push(code.byte);
        self.mod_rm(reg & 7, rm, usize::from(imm.is_some()));
        self.bytes.extend(imm);
    }

    fn mod_rm(&mut self, reg: u8, rm: Rm, after: usize) {
        let reg = reg << 3;
        match rm {
            Rm::Reg(r) => self.bytes.push(0xC0 | reg | (r & 7)),
            Rm::Mem(Mem::Pool(offset)) => {
                self.bytes.push(reg | 5);
                self.pooled.push((self.bytes.len(), offset, after));
                self.bytes.extend([0; 4]);
            }
            Rm::Mem(Mem::At(base, disp)) => {
                // The base 100 means that a SIB byte follows, whose index 100 means no index.
                let sib = (base.0 & 7 == 4).then_some(0x24);
                self.displaced(reg | (base.0 & 7), sib, disp);
            }
            Rm::Mem(Mem::Indexed(base, disp)) => self.displaced(reg | 4, Some(base.0 & 7), disp),
        }
    }

    fn displaced(&mut self, mod_rm: u8, sib: Option<u8>, disp: i32) {
        // Uses an 8-bit displacement if it fits. The form without displacement would rarely save a byte.
        let short = i8::try_from(disp);
        self.bytes.push(mod_rm | if short.is_ok() { 0x40 } else { 0x80 });
        self.bytes.extend(sib);
        match short {
            Ok(short) => self.bytes.push(short as u8),
            Err(_) => self.bytes.extend(disp.to_le_bytes()),
        }
    }

    /// Emits a 64-bit general-purpose instruction with a register and an operand. `opcode` is the opcode after
    /// REX.W in the manual.
    pub(crate) fn general(&mut self, opcode: &[u8], reg: Gpr, rm: Rm) {
        let b = match rm {
            Rm::Reg(r) => r >= 8,
            Rm::Mem(Mem::At(base, _) | Mem::Indexed(base, _)) => base.0 >= 8,
            Rm::Mem(Mem::Pool(_)) => false,
        };
        self.bytes.push(0x48 | u8::from(reg.0 >= 8) << 2 | u8::from(b));
        self.bytes.extend(opcode);
        self.mod_rm(reg.0 & 7, rm, 0);
    }

    /// Emits bytes unchanged.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Returns the number of bytes emitted so far.
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Overwrites bytes emitted earlier.
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Returns the current position.
    pub(crate) fn here(&self) -> Label {
        Label(self.bytes.len())
    }

    /// Emits a forward jump that is taken if the condition holds (`0x84`: zero). [`Assembler::land`] sets its
    /// target.
    pub(crate) fn jump_if(&mut self, condition: u8) -> Label {
        self.bytes.extend([0x0F, condition, 0, 0, 0, 0]);
        self.here()
    }

    /// Emits an unconditional forward jump.
    pub(crate) fn jump(&mut self) -> Label {
        self.bytes.extend([0xE9, 0, 0, 0, 0]);
        self.here()
    }

    /// Makes the current position the target of a forward jump.
    pub(crate) fn land(&mut self, jump: Label) {
        let distance = (self.bytes.len() - jump.0) as i32;
        self.bytes[jump.0 - 4..jump.0].copy_from_slice(&distance.to_le_bytes());
    }

    /// Emits a backward jump that is taken if the condition holds (`0x82`: below).
    pub(crate) fn jump_back(&mut self, condition: u8, to: Label) {
        // The distance is relative to the end of the instruction, which has six bytes.
        let distance = to.0 as i32 - (self.bytes.len() as i32 + 6);
        self.bytes.extend([0x0F, condition]);
        self.bytes.extend(distance.to_le_bytes());
    }

    /// Adds a number of 4 or 8 bytes to the pool, repeated to fill a vector, and returns its location.
    pub(crate) fn number(&mut self, bits: u64, size: usize) -> Mem {
        let number = bits.to_le_bytes();
        let vector: Vec<u8> = number[..size].iter().copied().cycle().take(32).collect();
        // Equal constants share an entry. A linear search is fast enough, since programs have at most a few dozen
        // constants.
        let known = self.pool.chunks(32).position(|c| c == vector);
        let place = known.unwrap_or(self.pool.len() / 32);
        if known.is_none() {
            self.pool.extend(vector);
        }
        Mem::Pool(place as u32 * 32)
    }

    /// Returns the code followed by the pool.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let pool = self.bytes.len().next_multiple_of(64);
        for (at, offset, after) in &self.pooled {
            let distance = (pool + *offset as usize - (at + 4 + after)) as i32;
            self.bytes[*at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        self.bytes.resize(pool, 0xCC);
        self.bytes.extend(&self.pool);
        self.bytes
    }
}

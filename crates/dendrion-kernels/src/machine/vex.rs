//! An encoder for the x86-64 instructions that a step needs (Intel SDM vol. 2, 2.3: VEX prefix; 2.7: EVEX prefix). Either
//! all vectors of a step have 256 bits, or all have 512 bits.
//!
//! ```text
//! C4  ~R ~X ~B map  W ~vvvv L pp  opcode  modrm [sib] [displacement] [immediate]
//! 62  ~R ~X ~B ~R' map  W ~vvvv 1 pp  z LL b ~V' mask  opcode  modrm [sib] [displacement] [immediate]
//! ```
//!
//! With EVEX prefixes, there are 32 registers, and displacements of 8 bits count vectors.

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

/// An opcode: its map (1: 0F, 2: 0F38, 3: 0F3A), prefix (0: none, 1: 66, 2: F3), W bit and byte.
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

/// The mask register that masked instructions use.
const MASK: u8 = 1;
/// The bit that sets the other lanes of a masked result to 0.
const ZEROING: u8 = 1 << 7;

/// Machine code while it is being written.
#[derive(Debug)]
pub(crate) struct Assembler {
    bytes: Vec<u8>,
    /// Bytes per vector: 32 or 64.
    vector: usize,
    /// The constants, one vector each.
    pool: Vec<u8>,
    /// Displacements that refer to the pool: their position, the offset of the constant, and the number of
    /// instruction bytes that follow.
    pooled: Vec<(usize, u32, usize)>,
}

impl Assembler {
    /// Creates an assembler for vectors of 32 or 64 bytes.
    pub(crate) const fn new(vector: usize) -> Self {
        Self { bytes: Vec::new(), vector, pool: Vec::new(), pooled: Vec::new() }
    }

    /// Returns whether vectors have 512 bits, so that comparisons write mask registers.
    pub(crate) const fn has_masks(&self) -> bool {
        self.vector == 64
    }

    /// Emits a vector instruction. `reg` is written (or stored), and `other` is the operand in the prefix (0 if
    /// there is none).
    pub(crate) fn vector(&mut self, code: Code, reg: u8, other: u8, rm: Rm, imm: Option<u8>) {
        if self.has_masks() {
            self.evex(code, reg, other, rm, (0, imm));
        } else {
            self.vex(code, reg, other, rm, imm);
        }
    }

    /// Sets the mask register to the result of a comparison of 512-bit vectors.
    pub(crate) fn test(&mut self, code: Code, a: u8, b: Rm, imm: u8) {
        self.evex(code, MASK, a, b, (0, Some(imm)));
    }

    /// Writes the lanes of a 512-bit vector that are set in the mask register, and 0 elsewhere. `code` is a move.
    pub(crate) fn keep(&mut self, code: Code, reg: u8, from: Rm) {
        self.evex(code, reg, 0, from, (ZEROING | MASK, None));
    }

    /// Writes `yes` in the lanes of 512-bit vectors that are set in the mask register, and `no` in the others.
    pub(crate) fn choose(&mut self, wide: bool, reg: u8, (yes, no): (Rm, u8)) {
        // vblendmpd, vblendmps
        self.evex(Code { map: 2, prefix: 1, wide, byte: 0x65 }, reg, no, yes, (MASK, None));
    }

    /// Copies the mask register to a general-purpose register with a number below 8 or equal to 10.
    pub(crate) fn mask_bits(&mut self, reg: Gpr) {
        // kmovw
        self.bytes.extend([0xC5, 0x78 | u8::from(reg.0 < 8) << 7, 0x93, 0xC0 | (reg.0 & 7) << 3 | MASK]);
    }

    /// Writes the mask of a comparison of 512-bit vectors: all bits of a lane if it holds, else none.
    pub(crate) fn compare(&mut self, code: Code, reg: u8, other: u8, rm: Rm, imm: u8) {
        self.test(code, other, rm, imm);
        // vpmovm2q, vpmovm2d
        self.evex(Code { map: 2, prefix: 2, wide: code.wide, byte: 0x38 }, reg, 0, Rm::Reg(MASK), (0, None));
    }

    /// Writes `yes` in the lanes of 512-bit vectors in which the mask is set, and `no` in the others.
    pub(crate) fn blend(&mut self, wide: bool, reg: u8, (mask, yes, no): (u8, Rm, u8)) {
        self.mask(wide, mask);
        self.choose(wide, reg, (yes, no));
    }

    /// Writes a bit for each lane of a 512-bit vector to a general-purpose register with a number below 8 or equal to 10.
    pub(crate) fn bits(&mut self, wide: bool, reg: Gpr, mask: u8) {
        self.mask(wide, mask);
        self.mask_bits(reg);
    }

    /// Copies the signs of all lanes to the mask register.
    fn mask(&mut self, wide: bool, from: u8) {
        // vpmovq2m, vpmovd2m
        self.evex(Code { map: 2, prefix: 2, wide, byte: 0x39 }, MASK, 0, Rm::Reg(from), (0, None));
    }

    fn evex(&mut self, code: Code, reg: u8, other: u8, rm: Rm, (mask, imm): (u8, Option<u8>)) {
        let (x, b) = match rm {
            Rm::Reg(r) => (r & 16 != 0, r & 8 != 0),
            Rm::Mem(Mem::At(base, _) | Mem::Indexed(base, _)) => (false, base.0 >= 8),
            Rm::Mem(Mem::Pool(_)) => (false, false),
        };
        let inverted = |bit: bool, place: u8| u8::from(!bit) << place;
        let registers =
            inverted(reg & 8 != 0, 7) | inverted(x, 6) | inverted(b, 5) | inverted(reg & 16 != 0, 4);
        self.bytes.extend([0x62, registers | code.map]);
        self.bytes.push(u8::from(code.wide) << 7 | (!other & 15) << 3 | 1 << 2 | code.prefix);
        // LL = 2 selects 512-bit vectors.
        self.bytes.push(2 << 5 | inverted(other & 16 != 0, 3) | mask);
        self.bytes.push(code.byte);
        self.mod_rm(reg & 7, rm, (usize::from(imm.is_some()), 64));
        self.bytes.extend(imm);
    }

    fn vex(&mut self, code: Code, reg: u8, other: u8, rm: Rm, imm: Option<u8>) {
        let (x, b) = match rm {
            Rm::Reg(r) => (false, r >= 8),
            Rm::Mem(Mem::At(base, _) | Mem::Indexed(base, _)) => (false, base.0 >= 8),
            Rm::Mem(Mem::Pool(_)) => (false, false),
        };
        let inverted = |bit: bool, place: u8| u8::from(!bit) << place;
        // Always uses the three-byte form, since the savings of the two-byte form are not needed.
        self.bytes.push(0xC4);
        self.bytes.push(inverted(reg >= 8, 7) | inverted(x, 6) | inverted(b, 5) | code.map);
        // Processors read W only in map 2. Valgrind rejects it in other maps.
        let wide = code.wide && code.map == 2;
        // L = 1 selects 256-bit vectors.
        self.bytes.push(u8::from(wide) << 7 | (!other & 15) << 3 | 1 << 2 | code.prefix);
        self.bytes.push(code.byte);
        self.mod_rm(reg & 7, rm, (usize::from(imm.is_some()), 1));
        self.bytes.extend(imm);
    }

    /// Emits an operand that `after` bytes follow. Short displacements are multiples of `unit`.
    fn mod_rm(&mut self, reg: u8, rm: Rm, (after, unit): (usize, i32)) {
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
                self.displaced(reg | (base.0 & 7), sib, (disp, unit));
            }
            Rm::Mem(Mem::Indexed(base, disp)) => self.displaced(reg | 4, Some(base.0 & 7), (disp, unit)),
        }
    }

    fn displaced(&mut self, mod_rm: u8, sib: Option<u8>, (disp, unit): (i32, i32)) {
        // Uses an 8-bit displacement if it fits. The form without displacement would rarely save a byte.
        let short = i8::try_from(disp / unit).ok().filter(|_| disp % unit == 0);
        self.bytes.push(mod_rm | if short.is_some() { 0x40 } else { 0x80 });
        self.bytes.extend(sib);
        match short {
            Some(short) => self.bytes.push(short as u8),
            None => self.bytes.extend(disp.to_le_bytes()),
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
        self.mod_rm(reg.0 & 7, rm, (0, 1));
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
        let vector: Vec<u8> = number[..size].iter().copied().cycle().take(self.vector).collect();
        // Equal constants share an entry. A linear search is fast enough, since programs have at most a few dozen
        // constants.
        let known = self.pool.chunks(self.vector).position(|c| c == vector);
        let place = known.unwrap_or(self.pool.len() / self.vector);
        if known.is_none() {
            self.pool.extend(vector);
        }
        Mem::Pool((place * self.vector) as u32)
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

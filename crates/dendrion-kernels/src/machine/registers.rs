//! Register allocation in one pass over a tape: if no register is free, the value that is needed last is
//! spilled (Belady 1966), which is optimal for straight-line code except for the cost of stores.
//!
//! ```text
//! for each operation:
//!     bring operands into registers, or leave one in memory if the instruction can read it there
//!     free the registers of operands that nothing reads any more
//!     give the result a free register, or that of the value needed last (store it unless memory has it)
//! ```
//!
//! Several vectors of lanes run side by side, and a value occupies a *unit*: one register per vector. A value
//! that is equal in all lanes needs only one register. Two registers are set aside for such values: each is
//! loaded once for all vectors, which matters because a processor moves only two vectors per cycle between
//! registers and memory. Values read from rows, uniform coefficients and constants have a *home* in memory
//! and are never stored; other values are assigned a home on the stack when they are spilled.

use super::micro::{Id, Micro, Place};
use super::vex::{Assembler, Code, Mem, Rm};
use super::vex::{R8, R9, R12, RCX, RDX, RSI, RSP};
use crate::space::Space;

/// Number of vector registers, for 256-bit and 512-bit vectors.
const REGISTERS: [usize; 2] = [16, 32];
/// Number of registers reserved for values that are equal in all lanes, if several vectors are processed together.
const SINGLES: usize = 2;
/// Bytes of a unit, which are processed per iteration of a loop: two vectors of 256 bits or one of 512 bits.
pub(crate) const STEP: i32 = 64;
/// Maximum distance, in operations, to a second use for which loading a value into a register pays off.
const SOON: u32 = 6;

/// A memory location from which a value can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Row(Place),
    Pool(Mem),
    Stack(i32),
}

/// The location of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// A unit, and whether its first register is used for all vectors.
    Unit(u8, bool),
    /// A register that is used for all vectors.
    Single(u8),
    Memory(Id),
}

/// The assignment of registers at one point of a tape.
pub(crate) struct Registers {
    /// Number of vectors processed together: 2 with 256 bits, or 1 with 512 bits.
    pub(crate) width: usize,
    /// Number of registers.
    available: usize,
    /// Whether scalars have 8 bytes.
    pub(crate) wide: bool,
    units: Vec<Option<Id>>,
    /// The values in the registers reserved for single values.
    singles: Vec<Option<Id>>,
    /// Units and single registers that must not be spilled at present.
    pinned: Vec<u8>,
    pinned_singles: Vec<usize>,
    unit_of: Vec<Option<u8>>,
    home: Vec<Option<Home>>,
    /// Whether each value is equal in all lanes.
    same: Vec<bool>,
    /// Positions on the tape that read each value, in descending order.
    uses: Vec<Vec<u32>>,
    vacant: Vec<i32>,
    /// Number of stack units in use.
    pub(crate) stack: i32,
}

impl Registers {
    /// Creates the assignment for a tape, with `taken` stack units already in use.
    pub(crate) fn new(tape: &[Micro], width: usize, wide: bool, taken: usize) -> Self {
        let mut uses = vec![Vec::new(); tape.len()];
        for (i, micro) in tape.iter().enumerate().rev() {
            micro.reads().for_each(|a| uses[a as usize].push(i as u32));
        }
        let same = |micro: &Micro| match micro {
            Micro::Load(place) => place.space == Space::Uniform,
            Micro::Number(_) => true,
            _ => false,
        };
        let singles = if width > 1 { SINGLES } else { 0 };
        let available = REGISTERS[usize::from(width == 1)];
        Self {
            width,
            available,
            wide,
            units: vec![None; (available - singles) / width],
            singles: vec![None; singles],
            pinned: Vec::new(),
            pinned_singles: Vec::new(),
            unit_of: vec![None; tape.len()],
            home: vec![None; tape.len()],
            same: tape.iter().map(same).collect(),
            uses,
            vacant: Vec::new(),
            stack: taken as i32,
        }
    }

    /// Returns the opcode of a vector instruction on packed scalars. Its prefix depends on the size of the scalars.
    pub(crate) const fn packed(&self, byte: u8) -> Code {
        Code { map: 1, prefix: self.wide as u8, wide: self.wide, byte }
    }

    /// Returns the register of a unit that holds the value for one of the vectors.
    pub(crate) const fn register(&self, unit: u8, vector: usize) -> u8 {
        unit * self.width as u8 + vector as u8
    }

    /// Returns an operand in the form needed by an instruction on one of the vectors.
    pub(crate) fn rm(&self, operand: Operand, vector: usize) -> Rm {
        match operand {
            Operand::Unit(unit, same) => Rm::Reg(self.register(unit, if same { 0 } else { vector })),
            Operand::Single(register) => Rm::Reg(register),
            Operand::Memory(id) => Rm::Mem(self.memory(id, vector)),
        }
    }

    /// Returns the register of an operand that is in registers.
    pub(crate) fn held(&self, operand: Operand, vector: usize) -> u8 {
        match self.rm(operand, vector) {
            Rm::Reg(r) => r,
            Rm::Mem(_) => unreachable!("an operand in memory was taken for a register"),
        }
    }

    /// Returns the distance in bytes from the first of the vectors that are processed together.
    pub(crate) const fn distance(vector: usize) -> i32 {
        STEP / 2 * vector as i32
    }

    /// Returns the memory operand of a vector in a row.
    pub(crate) fn row(place: Place, vector: usize) -> Mem {
        let offset = place.offset as i32;
        let ahead = offset + Self::distance(vector);
        match place.space {
            Space::State => Mem::Indexed(RSI, ahead),
            Space::Scratch => Mem::Indexed(RDX, ahead),
            Space::Rows => Mem::Indexed(RCX, ahead),
            Space::Past => Mem::Indexed(R9, ahead),
            Space::Written => Mem::Indexed(R12, ahead),
            Space::Uniform => Mem::At(R8, offset),
            Space::Carried => Mem::At(RSP, ahead),
        }
    }

    fn memory(&self, id: Id, vector: usize) -> Mem {
        match self.home[id as usize] {
            Some(Home::Row(place)) => Self::row(place, vector),
            Some(Home::Pool(at)) => at,
            Some(Home::Stack(slot)) => Mem::At(RSP, slot * STEP + Self::distance(vector)),
            None => unreachable!("a value that is not stored in memory was read from memory"),
        }
    }

    /// Records that a value can be read from a row or from the pool from now on.
    pub(crate) fn stands(&mut self, id: Id, place: Place) {
        self.home[id as usize].get_or_insert(Home::Row(place));
    }

    pub(crate) fn stands_in_pool(&mut self, id: Id, at: Mem) {
        self.home[id as usize] = Some(Home::Pool(at));
    }

    pub(crate) fn is_held(&self, id: Id) -> bool {
        self.unit_of[id as usize].is_some() || self.singles.contains(&Some(id))
    }

    /// Returns the next position that reads a value, other than `now`.
    fn next_use(&self, id: Id, now: u32) -> Option<u32> {
        self.uses[id as usize].iter().rev().copied().find(|u| *u > now)
    }

    /// Returns whether nothing reads a value after `now`, so that its unit may be overwritten.
    pub(crate) fn dies(&self, id: Id, now: u32) -> bool {
        self.next_use(id, now).is_none() && !self.same[id as usize]
    }

    /// Brings a value into registers.
    pub(crate) fn hold(&mut self, asm: &mut Assembler, id: Id) -> Operand {
        if self.same[id as usize]
            && self.unit_of[id as usize].is_none()
            && let Some(single) = self.single(asm, id)
        {
            return single;
        }
        // The unit is pinned until the operation is complete, so that fetching the next operand does not spill it.
        let unit = if let Some(unit) = self.unit_of[id as usize] {
            unit
        } else {
            let unit = self.vacate(asm);
            self.load(asm, unit, id);
            self.settle(id, unit);
            unit
        };
        self.pinned.push(unit);
        Operand::Unit(unit, self.same[id as usize])
    }

    /// Brings a value that is equal in all lanes into a single register, if one is available. If all are in use,
    /// the value that is needed last is replaced.
    fn single(&mut self, asm: &mut Assembler, id: Id) -> Option<Operand> {
        let needed = |held: &Option<Id>| {
            held.and_then(|id| self.uses[id as usize].last().copied()).unwrap_or(u32::MAX)
        };
        let known = self.singles.iter().position(|held| *held == Some(id));
        let single = known.or_else(|| {
            // Belady's rule again: an empty register counts as needed last.
            let free = (0..self.singles.len()).filter(|k| !self.pinned_singles.contains(k));
            free.max_by_key(|k| needed(&self.singles[*k]))
        })?;
        let register = (self.available - self.singles.len() + single) as u8;
        if known.is_none() {
            asm.vector(self.packed(0x10), register, 0, Rm::Mem(self.memory(id, 0)), None);
            self.singles[single] = Some(id);
        }
        if !self.pinned_singles.contains(&single) {
            self.pinned_singles.push(single);
        }
        Some(Operand::Single(register))
    }

    /// Returns the location of a value: in registers, or in memory if it is not needed again soon.
    pub(crate) fn find(&mut self, asm: &mut Assembler, id: Id, now: u32) -> Operand {
        if self.same[id as usize] && self.pinned_singles.len() < self.singles.len() {
            return self.hold(asm, id);
        }
        // A second use nearby justifies a load instruction; with a distant second use, the value would only
        // occupy a register.
        let soon = self.next_use(id, now).is_some_and(|next| next - now <= SOON);
        if self.is_held(id) || soon { self.hold(asm, id) } else { Operand::Memory(id) }
    }

    /// Loads a value from memory into a unit.
    pub(crate) fn load(&mut self, asm: &mut Assembler, unit: u8, id: Id) {
        let vectors = if self.same[id as usize] { 1 } else { self.width };
        for vector in 0..vectors {
            let from = Rm::Mem(self.memory(id, vector));
            asm.vector(self.packed(0x10), self.register(unit, vector), 0, from, None);
        }
    }

    /// Copies all vectors of an operand into a unit.
    pub(crate) fn copy(&mut self, asm: &mut Assembler, unit: u8, from: Operand) {
        let read_once = matches!(from, Operand::Memory(id) if self.same[id as usize]);
        for vector in 0..self.width {
            let from =
                if read_once && vector > 0 { Rm::Reg(self.register(unit, 0)) } else { self.rm(from, vector) };
            // vmovaps between registers, which the processor renames for free; vmovups from memory.
            let byte = if matches!(from, Rm::Reg(_)) { 0x28 } else { 0x10 };
            asm.vector(self.packed(byte), self.register(unit, vector), 0, from, None);
        }
    }

    /// Returns a unit for a new value: a free unit, or the unit of the value that is needed last.
    pub(crate) fn vacate(&mut self, asm: &mut Assembler) -> u8 {
        if let Some(free) = self.units.iter().position(Option::is_none) {
            let free = free as u8;
            self.pinned.push(free);
            return free;
        }
        // Among values needed equally late, one that is also in memory is preferred.
        let rank = |unit: &u8| {
            let id = self.units[usize::from(*unit)].unwrap_or(0) as usize;
            let next = self.uses[id].last().copied().unwrap_or(u32::MAX);
            // 12 operations approximate the additional cost of a store and a later load compared with a load alone.
            next.saturating_add(if self.home[id].is_some() { 12 } else { 0 })
        };
        let free = (0..self.units.len() as u8).filter(|u| !self.pinned.contains(u));
        let unit = free.max_by_key(rank).unwrap_or(0);
        if let Some(id) = self.units[usize::from(unit)].take() {
            self.make_way(asm, id, unit);
        }
        self.pinned.push(unit);
        unit
    }

    fn make_way(&mut self, asm: &mut Assembler, id: Id, unit: u8) {
        self.unit_of[id as usize] = None;
        // No store is needed if the value is in memory or unused.
        if self.home[id as usize].is_some() || self.uses[id as usize].is_empty() {
            return;
        }
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.stack += 1;
            self.stack - 1
        });
        self.home[id as usize] = Some(Home::Stack(slot));
        for vector in 0..self.width {
            let to = Rm::Mem(self.memory(id, vector));
            asm.vector(self.packed(0x11), self.register(unit, vector), 0, to, None);
        }
    }

    /// Prepares for overwriting a row: a value whose home is this row has to be moved to registers if it is still
    /// needed.
    pub(crate) fn evict_home(&mut self, asm: &mut Assembler, id: Id, place: Place, now: u32) {
        let stands_there = |home: Home| matches!(home, Home::Row(at) if at.written() == place.written());
        if !self.home[id as usize].is_some_and(stands_there) {
            return;
        }
        if self.next_use(id, now).is_some() {
            self.hold(asm, id);
        }
        if self.is_held(id) {
            self.home[id as usize] = None;
        }
    }

    /// Records that a new value is in a unit.
    pub(crate) fn settle(&mut self, id: Id, unit: u8) {
        self.units[usize::from(unit)] = Some(id);
        self.unit_of[id as usize] = Some(unit);
    }

    /// Removes a value from its unit and returns the unit.
    pub(crate) fn inherit(&mut self, from: Id) -> Option<u8> {
        let unit = self.unit_of[from as usize].take()?;
        self.units[usize::from(unit)] = None;
        Some(unit)
    }

    /// Frees the units of values that nothing reads after `now`, so that the result can use them. A register that
    /// is used for all vectors is not freed, because the result of the first vector would overwrite the operand of
    /// the second.
    pub(crate) fn release(&mut self, micro: &Micro, now: u32) {
        for id in micro.reads().filter(|id| self.dies(*id, now)).collect::<Vec<_>>() {
            if let Some(unit) = self.inherit(id) {
                self.pinned.retain(|u| *u != unit);
            }
        }
    }

    /// Finishes an operation and forgets values that nothing reads any more.
    pub(crate) fn done(&mut self, micro: &Micro, now: u32) {
        self.pinned.clear();
        self.pinned_singles.clear();
        for id in micro.reads() {
            let uses = &mut self.uses[id as usize];
            // `uses` is in descending order, so the next use is always the last entry.
            while uses.last().is_some_and(|u| *u <= now) {
                uses.pop();
            }
            if uses.is_empty() {
                self.inherit(id);
                self.singles.iter_mut().filter(|held| **held == Some(id)).for_each(|held| *held = None);
                if let Some(Home::Stack(slot)) = self.home[id as usize].take() {
                    self.vacant.push(slot);
                }
            }
        }
    }
}

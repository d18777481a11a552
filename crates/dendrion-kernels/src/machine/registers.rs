//! Register allocation in one pass over a tape: if no register is free, the value that is needed last is spilled (Belady 1966), which
//! is optimal for straight-line code up to the cost of stores.
//!
//! ```text
//! for each operation:
//!     bring operands into registers, or leave one in memory if the instruction can read it there
//!     free the registers of operands that nothing reads any more
//!     give the result a free register, or that of the value needed last (store it unless memory has it)
//! ```
//!
//! Several vectors of lanes run side by side, and a value occupies a *unit*: one register per vector. A value that is equal in all lanes
//! needs one register only. Two registers are set aside for such values: each is loaded once for all vectors, which matters because
//! a processor moves only two vectors per cycle from and to memory. Values read from rows, uniform coefficients and constants have a *home*
//! in memory and are never stored; other values get a home on the stack when they are spilled.

use super::tape::{Id, Micro, Place};
use super::vex::{Assembler, Code, Mem, Rm};
use super::vex::{R8, R9, R12, RCX, RDX, RSI, RSP};
use crate::link::Space;

/// Vector registers.
const REGISTERS: usize = 16;
/// Those for what is the same in all lanes, where several vectors run side by side.
const SINGLES: usize = 2;
/// Bytes of a vector.
pub(crate) const BYTES: i32 = 32;
/// Operations ahead within which a second use makes it worth while to load a value into a register.
const SOON: u32 = 6;

/// Where a value can be read from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Row(Place),
    Pool(Mem),
    Stack(i32),
}

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// A unit, and whether its first register serves all vectors.
    Unit(u8, bool),
    /// A register that serves all vectors.
    Single(u8),
    Memory(Id),
}

/// The state of all registers at one point of a tape.
pub(crate) struct Registers {
    /// Vectors side by side.
    pub(crate) width: usize,
    /// Whether scalars have 8 bytes.
    pub(crate) wide: bool,
    units: Vec<Option<Id>>,
    /// What is in the last registers.
    singles: Vec<Option<Id>>,
    /// Units and singles that must not make way now.
    pinned: Vec<u8>,
    pinned_singles: Vec<usize>,
    unit_of: Vec<Option<u8>>,
    home: Vec<Option<Home>>,
    /// Whether the value is the same in all lanes.
    same: Vec<bool>,
    /// Places on the tape that read each value, the next one last.
    uses: Vec<Vec<u32>>,
    vacant: Vec<i32>,
    /// Units of the stack in use.
    pub(crate) stack: i32,
}

impl Registers {
    /// For a tape beside which so many units of the stack are taken.
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
        Self {
            width,
            wide,
            units: vec![None; (REGISTERS - singles) / width],
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

    /// A vector instruction on packed scalars, whose prefix tells their size.
    pub(crate) const fn packed(&self, byte: u8) -> Code {
        Code { map: 1, prefix: self.wide as u8, wide: false, byte }
    }

    /// The register of a unit that holds a vector's part.
    pub(crate) const fn register(&self, unit: u8, vector: usize) -> u8 {
        unit * self.width as u8 + vector as u8
    }

    /// An operand as an instruction on one of the vectors takes it.
    pub(crate) fn rm(&self, operand: Operand, vector: usize) -> Rm {
        match operand {
            Operand::Unit(unit, same) => Rm::Reg(self.register(unit, if same { 0 } else { vector })),
            Operand::Single(register) => Rm::Reg(register),
            Operand::Memory(id) => Rm::Mem(self.memory(id, vector)),
        }
    }

    /// Likewise, of an operand that is in registers.
    pub(crate) fn held(&self, operand: Operand, vector: usize) -> u8 {
        match self.rm(operand, vector) {
            Rm::Reg(r) => r,
            Rm::Mem(_) => unreachable!("an operand in memory was taken for a register"),
        }
    }

    /// A vector of a row.
    pub(crate) fn row(place: Place, vector: usize) -> Mem {
        let offset = place.offset as i32;
        let ahead = offset + BYTES * vector as i32;
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
            Some(Home::Stack(slot)) => Mem::At(RSP, (slot * self.width as i32 + vector as i32) * BYTES),
            None => unreachable!("a value without a home was sought in memory"),
        }
    }

    /// A value that stands in a row, or in the pool, from now on.
    pub(crate) fn stands(&mut self, id: Id, place: Place) {
        self.home[id as usize].get_or_insert(Home::Row(place));
    }

    pub(crate) fn stands_in_pool(&mut self, id: Id, at: Mem) {
        self.home[id as usize] = Some(Home::Pool(at));
    }

    pub(crate) fn is_held(&self, id: Id) -> bool {
        self.unit_of[id as usize].is_some() || self.singles.contains(&Some(id))
    }

    /// The next place that reads a value, that at `now` apart.
    fn next_use(&self, id: Id, now: u32) -> Option<u32> {
        self.uses[id as usize].iter().rev().copied().find(|u| *u > now)
    }

    /// Whether nothing reads a value after `now`, and its unit may be written.
    pub(crate) fn dies(&self, id: Id, now: u32) -> bool {
        self.next_use(id, now).is_none() && !self.same[id as usize]
    }

    /// A value in registers.
    pub(crate) fn hold(&mut self, asm: &mut Assembler, id: Id) -> Operand {
        if self.same[id as usize]
            && self.unit_of[id as usize].is_none()
            && let Some(single) = self.single(asm, id)
        {
            return single;
        }
        // Pinned until the operation is done, so that fetching the next operand does not spill this one.
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

    /// What is the same in all lanes, in a register of its own, if there is one for it: of those held, the one needed last
    /// makes way.
    fn single(&mut self, asm: &mut Assembler, id: Id) -> Option<Operand> {
        let needed = |held: &Option<Id>| {
            held.and_then(|id| self.uses[id as usize].last().copied()).unwrap_or(u32::MAX)
        };
        let known = self.singles.iter().position(|held| *held == Some(id));
        let single = known.or_else(|| {
            // Belady's rule again; an empty register counts as needed last.
            let free = (0..self.singles.len()).filter(|k| !self.pinned_singles.contains(k));
            free.max_by_key(|k| needed(&self.singles[*k]))
        })?;
        let register = (REGISTERS - self.singles.len() + single) as u8;
        if known.is_none() {
            asm.vex(self.packed(0x10), register, 0, Rm::Mem(self.memory(id, 0)), None);
            self.singles[single] = Some(id);
        }
        if !self.pinned_singles.contains(&single) {
            self.pinned_singles.push(single);
        }
        Some(Operand::Single(register))
    }

    /// A value in registers, or where it is in memory if it is not soon needed again.
    pub(crate) fn find(&mut self, asm: &mut Assembler, id: Id, now: u32) -> Operand {
        if self.same[id as usize] && self.pinned_singles.len() < self.singles.len() {
            return self.hold(asm, id);
        }
        // A second use close by repays the load instruction; one far away would only occupy a register.
        let soon = self.next_use(id, now).is_some_and(|next| next - now <= SOON);
        if self.is_held(id) || soon { self.hold(asm, id) } else { Operand::Memory(id) }
    }

    /// Reads a value from memory into a unit.
    pub(crate) fn load(&mut self, asm: &mut Assembler, unit: u8, id: Id) {
        let vectors = if self.same[id as usize] { 1 } else { self.width };
        for vector in 0..vectors {
            let from = Rm::Mem(self.memory(id, vector));
            asm.vex(self.packed(0x10), self.register(unit, vector), 0, from, None);
        }
    }

    /// Copies an operand, all its vectors, into a unit.
    pub(crate) fn copy(&mut self, asm: &mut Assembler, unit: u8, from: Operand) {
        let read_once = matches!(from, Operand::Memory(id) if self.same[id as usize]);
        for vector in 0..self.width {
            let from =
                if read_once && vector > 0 { Rm::Reg(self.register(unit, 0)) } else { self.rm(from, vector) };
            // vmovaps between registers, which the processor renames for free; vmovups from memory.
            let byte = if matches!(from, Rm::Reg(_)) { 0x28 } else { 0x10 };
            asm.vex(self.packed(byte), self.register(unit, vector), 0, from, None);
        }
    }

    /// A unit for a new value: a free one, or that of the value needed last.
    pub(crate) fn vacate(&mut self, asm: &mut Assembler) -> u8 {
        if let Some(free) = self.units.iter().position(Option::is_none) {
            let free = free as u8;
            self.pinned.push(free);
            return free;
        }
        // Of values needed equally late, the one that is in memory anyway makes way.
        let rank = |unit: &u8| {
            let id = self.units[usize::from(*unit)].unwrap_or(0) as usize;
            let next = self.uses[id].last().copied().unwrap_or(u32::MAX);
            // 12 operations: about what a store and a later load cost more than a load alone.
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
        // Memory has it, or nothing needs it: no store.
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
            asm.vex(self.packed(0x11), self.register(unit, vector), 0, to, None);
        }
    }

    /// A row is about to be overwritten: a value that has its home there must be in registers, if it is still needed.
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

    /// A new value is in a unit.
    pub(crate) fn settle(&mut self, id: Id, unit: u8) {
        self.units[usize::from(unit)] = Some(id);
        self.unit_of[id as usize] = Some(unit);
    }

    /// Takes a value out of its unit.
    pub(crate) fn inherit(&mut self, from: Id) -> Option<u8> {
        let unit = self.unit_of[from as usize].take()?;
        self.units[usize::from(unit)] = None;
        Some(unit)
    }

    /// Units of values that nothing reads after `now` become free for the result. One register that serves all vectors does
    /// not: the result of the first would be read by the second.
    pub(crate) fn release(&mut self, micro: &Micro, now: u32) {
        for id in micro.reads().filter(|id| self.dies(*id, now)).collect::<Vec<_>>() {
            if let Some(unit) = self.inherit(id) {
                self.pinned.retain(|u| *u != unit);
            }
        }
    }

    /// An operation is over: what nothing reads any more is forgotten.
    pub(crate) fn done(&mut self, micro: &Micro, now: u32) {
        self.pinned.clear();
        self.pinned_singles.clear();
        for id in micro.reads() {
            let uses = &mut self.uses[id as usize];
            // `uses` is in descending order, so that the next use is always last.
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

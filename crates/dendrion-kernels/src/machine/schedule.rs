//! The order of operations: list scheduling by critical path (Gibbons & Muchnick 1986), limited by the number
//! of registers.
//!
//! An out-of-order processor looks ahead by about two hundred instructions. An exponential followed by a
//! division is a dependency chain of this length, so two independent chains should be interleaved instead of
//! executed one after the other.
//!
//! ```text
//! while operations are left:
//!     among those whose operands are computed, take the one that
//!         frees a register, if registers are short
//!         else can start soonest, and of those has the longest path to the end
//! ```
//!
//! Operations keep their operands, so results do not change.

use std::collections::HashMap;

use super::micro::{Id, Micro, Place, Two};

/// Approximate latency of an operation in cycles, on recent processors.
const fn latency(micro: &Micro) -> u32 {
    match micro {
        Micro::Load(_) | Micro::Number(_) => 0,
        Micro::Two(Two::Div, ..) => 14,
        Micro::Sqrt(_) => 20,
        Micro::Fma { .. } | Micro::Keep { .. } | Micro::Choose { .. } => 4,
        Micro::Two(Two::Add | Two::Sub | Two::Mul, ..) => 3,
        Micro::AddPort { .. } | Micro::FmaPort { .. } | Micro::LoadPort { .. } => 6,
        Micro::Two(..)
        | Micro::Select { .. }
        | Micro::Exponent(_)
        | Micro::Vanishing { .. }
        | Micro::Store(..)
        | Micro::Fire(_)
        | Micro::FireIf(_)
        | Micro::Leave(_)
        | Micro::LeaveAny(_) => 1,
    }
}

/// Reorders a tape for `width` vectors processed together and `units` values in registers. Returns `None` if rows
/// are copied to each other cyclically, which no order can satisfy.
pub(crate) fn schedule(tape: &[Micro], width: usize, units: usize) -> Option<Vec<Micro>> {
    let mut list = List::new(tape, width, units);
    while list.next() {}
    // Remaining operations wait for each other.
    list.open.iter().all(|open| *open == 0).then_some(list.out)
}

struct List<'a> {
    tape: &'a [Micro],
    /// Number of cycles from the start of each operation to the end of all operations that depend on it.
    path: Vec<u32>,
    /// For each operation, the operations that depend on it, with one entry per dependency.
    waiting: Vec<Vec<Id>>,
    /// Number of unsatisfied dependencies of each operation.
    open: Vec<u32>,
    /// Cycle in which the operands of each operation are available.
    ready: Vec<u32>,
    /// Operations without unsatisfied dependencies.
    free: Vec<Id>,
    /// Number of remaining reads of each value.
    reads: Vec<u32>,
    numbers: Vec<Option<Id>>,
    live: usize,
    units: usize,
    /// Number of vector operations issued so far. There are two vector units.
    issued: u32,
    width: u32,
    out: Vec<Micro>,
}

impl<'a> List<'a> {
    fn new(tape: &'a [Micro], width: usize, units: usize) -> Self {
        let n = tape.len();
        let mut list = Self {
            tape,
            path: vec![0; n],
            waiting: vec![Vec::new(); n],
            open: vec![0; n],
            ready: vec![0; n],
            free: Vec::new(),
            reads: vec![0; n],
            numbers: vec![None; n],
            live: 0,
            units,
            issued: 0,
            width: width as u32,
            out: Vec::with_capacity(n),
        };
        list.depend();
        for i in (0..n).rev() {
            let after = list.waiting[i].iter().map(|w| list.path[*w as usize]).max().unwrap_or(0);
            list.path[i] = after + latency(&tape[i]);
        }
        list.free =
            (0..n as Id).filter(|i| list.open[*i as usize] == 0 && !tape[*i as usize].is_source()).collect();
        list
    }

    /// Determines the dependencies: readers depend on their value, and a store depends on the readers of the value
    /// that it overwrites.
    fn depend(&mut self) {
        let mut loaded: HashMap<Place, Id> = HashMap::new();
        let mut readers: HashMap<Id, Vec<Id>> = HashMap::new();
        for (i, micro) in (0..).zip(self.tape) {
            if let Micro::Load(place) = micro {
                loaded.insert(place.written(), i);
            }
            // Loads are not scheduled. They are placed before their first reader, and a store must come after all
            // of these readers.
            for a in micro.reads() {
                self.reads[a as usize] += 1;
                if self.tape[a as usize].is_source() {
                    readers.entry(a).or_default().push(i);
                } else {
                    self.wait(i, a);
                }
            }
        }
        for (i, micro) in (0..).zip(self.tape) {
            let Micro::Store(place, _) = micro else { continue };
            for reader in loaded.get(&place.written()).and_then(|old| readers.get(old)).into_iter().flatten()
            {
                if *reader != i {
                    self.wait(i, *reader);
                }
            }
        }
    }

    fn wait(&mut self, who: Id, what: Id) {
        self.waiting[what as usize].push(who);
        self.open[who as usize] += 1;
    }

    /// Returns the change that an operation causes in the number of values in registers.
    fn pressure(&self, id: Id) -> i32 {
        let micro = &self.tape[id as usize];
        let mut reads: Vec<Id> = micro.reads().filter(|a| !self.tape[*a as usize].is_source()).collect();
        reads.sort_unstable();
        let last = |group: &[Id]| self.reads[group[0] as usize] as usize == group.len();
        // An operand that this operation reads twice is freed only once.
        let freed = reads.chunk_by(|a, b| a == b).filter(|group| last(group)).count() as i32;
        i32::from(!micro.acts()) - freed
    }

    /// Appends the best operation. Returns false if none is left.
    fn next(&mut self) -> bool {
        // With two vector units, the current cycle is half the number of issued operations.
        let now = self.issued / 2;
        let full = self.live >= self.units;
        let rank = |id: &Id| {
            let i = *id as usize;
            let pressure = self.pressure(*id);
            let relieves = !full || pressure <= 0;
            let wait = self.ready[i].saturating_sub(now);
            // Operations that free a register are always executed early.
            (
                relieves,
                if full { -pressure } else { 0 },
                std::cmp::Reverse(wait),
                self.path[i],
                std::cmp::Reverse(*id),
            )
        };
        let Some(best) = (0..self.free.len()).max_by_key(|k| rank(&self.free[*k])) else { return false };
        let id = self.free.swap_remove(best);
        self.live = (self.live as i32 + self.pressure(id)).max(0) as usize;
        self.append(id, now);
        true
    }

    fn append(&mut self, id: Id, now: u32) {
        let micro = self.tape[id as usize];
        for a in micro.reads() {
            self.reads[a as usize] -= 1;
            if self.numbers[a as usize].is_none() {
                // Loads and constants are placed before their first reader.
                self.push(a, self.tape[a as usize]);
            }
        }
        self.push(id, micro.renamed(|a| self.numbers[a as usize].unwrap_or(0)));
        let done = self.ready[id as usize].max(now) + latency(&micro);
        self.issued = self.issued.max(2 * self.ready[id as usize]) + self.width;
        for who in std::mem::take(&mut self.waiting[id as usize]) {
            let i = who as usize;
            self.ready[i] = self.ready[i].max(done);
            self.open[i] -= 1;
            if self.open[i] == 0 {
                self.free.push(who);
            }
        }
    }

    fn push(&mut self, id: Id, micro: Micro) {
        self.numbers[id as usize] = Some(self.out.len() as Id);
        self.out.push(micro);
    }
}

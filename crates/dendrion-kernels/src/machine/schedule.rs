//! The order of operations: list scheduling by critical path (Gibbons & Muchnick 1986), within the number of registers.
//!
//! An out-of-order processor looks about two hundred instructions ahead. An exponential followed by a division is a dependent chain
//! of that length, so that two independent chains should be interleaved rather than run one after the other.
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

use super::tape::{Id, Micro, Place, Two};

/// Cycles from an operation's begin to its result, about, on the processors of the last years.
const fn latency(micro: &Micro) -> u32 {
    match micro {
        Micro::Load(_) | Micro::Number(_) => 0,
        Micro::Two(Two::Div, ..) => 14,
        Micro::Sqrt(_) => 20,
        Micro::Fma { .. } => 4,
        Micro::Two(Two::Add | Two::Sub | Two::Mul, ..) => 3,
        Micro::AddPort { .. } | Micro::FmaPort { .. } | Micro::LoadPort { .. } => 6,
        Micro::Two(..)
        | Micro::Select { .. }
        | Micro::Exponent(_)
        | Micro::Vanishing { .. }
        | Micro::Store(..)
        | Micro::Fire(_)
        | Micro::Leave(_)
        | Micro::LeaveAny(_) => 1,
    }
}

/// The same tape in another order, for `width` vectors side by side and `units` values in registers; `None` where rows are
/// copied to each other in a circle, which has no order.
pub(crate) fn schedule(tape: &[Micro], width: usize, units: usize) -> Option<Vec<Micro>> {
    let mut list = List::new(tape, width, units);
    while list.next() {}
    // Operations left over wait for each other.
    list.open.iter().all(|open| *open == 0).then_some(list.out)
}

struct List<'a> {
    tape: &'a [Micro],
    /// Cycles from the begin of each operation to the end of all that hang on it.
    path: Vec<u32>,
    /// Operations that wait for each, one entry for each time they do.
    waiting: Vec<Vec<Id>>,
    /// What each operation still waits for.
    open: Vec<u32>,
    /// The cycle in which each operation's operands are there.
    ready: Vec<u32>,
    /// Operations that wait for nothing.
    free: Vec<Id>,
    /// Reads of each value that are still to come.
    reads: Vec<u32>,
    numbers: Vec<Option<Id>>,
    live: usize,
    units: usize,
    /// Vectors that went through an arithmetic unit so far, of which there are two.
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

    /// Who waits for whom: a value's readers for the value, and a store for the readers of what it overwrites.
    fn depend(&mut self) {
        let mut loaded: HashMap<Place, Id> = HashMap::new();
        let mut readers: HashMap<Id, Vec<Id>> = HashMap::new();
        for (i, micro) in (0..).zip(self.tape) {
            if let Micro::Load(place) = micro {
                loaded.insert(place.written(), i);
            }
            // Loads are not scheduled: they are placed before their first reader, and a store must come after all of these readers.
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

    /// Values in registers after an operation, less those before.
    fn pressure(&self, id: Id) -> i32 {
        let micro = &self.tape[id as usize];
        let mut reads: Vec<Id> = micro.reads().filter(|a| !self.tape[*a as usize].is_source()).collect();
        reads.sort_unstable();
        let last = |group: &[Id]| self.reads[group[0] as usize] as usize == group.len();
        // An operand that is read twice by this operation is freed once.
        let freed = reads.chunk_by(|a, b| a == b).filter(|group| last(group)).count() as i32;
        i32::from(!micro.acts()) - freed
    }

    /// Appends the best operation; false when there is none left.
    fn next(&mut self) -> bool {
        // Two vector units: half of what was issued is the current cycle.
        let now = self.issued / 2;
        let full = self.live >= self.units;
        let rank = |id: &Id| {
            let i = *id as usize;
            let pressure = self.pressure(*id);
            let relieves = !full || pressure <= 0;
            let wait = self.ready[i].saturating_sub(now);
            // What frees a register costs nothing to do at once.
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
                // Rows and numbers come where they are first read.
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

//! Row allocation: a scratch row is reused as soon as its last reader has been executed, so that a block's rows
//! stay in the L1 cache.
//!
//! This is a linear scan (Poletto & Sarkar 1999) over straight-line code. Each scratch number is defined once, so
//! lifetimes are intervals and a stack of free rows yields the minimum number of rows.

use std::collections::HashMap;

use dendrion_kernels::{Instruction, Slot};

/// Renumbers the scratch rows of `code` in place, with as few rows as possible. The first `fixed` rows keep their
/// numbers and are never reused. Returns the number of rows.
pub(crate) fn allot(code: &mut [Instruction], fixed: usize) -> usize {
    let mut last_use = HashMap::new();
    for (i, instruction) in code.iter().enumerate() {
        for slot in instruction.args.iter().chain([&instruction.out]) {
            if let Slot::Scratch(t) = slot {
                last_use.insert(*t, i);
            }
        }
    }
    let mut rows = Rows { row_of: HashMap::new(), free: Vec::new(), count: fixed };
    for (i, instruction) in code.iter_mut().enumerate() {
        let mut done = Vec::new();
        for slot in &mut instruction.args {
            if let Slot::Scratch(t) = slot
                && *t as usize >= fixed
            {
                if last_use[t] == i {
                    done.push(*t);
                }
                *slot = rows.of(*t);
            }
        }
        // If this instruction is the last reader of a row, the result may use that row, because lanes are read
        // before they are written.
        done.sort_unstable();
        done.dedup();
        done.into_iter().for_each(|t| rows.release(t));
        // A result that is never read still needs a row for this instruction.
        if let Slot::Scratch(t) = instruction.out
            && t as usize >= fixed
        {
            instruction.out = rows.of(t);
            if last_use[&t] == i {
                rows.release(t);
            }
        }
    }
    rows.count
}

struct Rows {
    row_of: HashMap<u16, u16>,
    free: Vec<u16>,
    count: usize,
}

impl Rows {
    fn of(&mut self, temp: u16) -> Slot {
        let (free, count) = (&mut self.free, &mut self.count);
        let row = self.row_of.entry(temp).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                *count += 1;
                (*count - 1) as u16
            })
        });
        Slot::Scratch(*row)
    }

    fn release(&mut self, temp: u16) {
        if let Some(row) = self.row_of.remove(&temp) {
            self.free.push(row);
        }
    }
}

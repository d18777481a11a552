//! Scheduling: states are updated in place, so an update that reads the old value of a state must run before that state's update.
//!
//! The pass repeatedly takes the first update whose state no remaining update reads (a topological sort). If
//! there is no such update, the remaining updates contain a cycle, and the first of them writes to a scratch
//! row, which is copied to its state at the end.

use dendrion_kernels::{Instruction, Op, Slot};

/// The code that computes the next value of one state into that state's row.
pub(crate) struct Update {
    pub(crate) state: usize,
    pub(crate) code: Vec<Instruction>,
}

impl Update {
    fn reads(&self, state: usize) -> bool {
        let slot = Slot::State(state as u16);
        self.code.iter().any(|i| i.args.contains(&slot))
    }
}

/// Orders updates so that each reads only old values. In a cycle of updates, one update writes to a scratch
/// row provided by `temp`, which is copied at the end.
pub(crate) fn order(mut updates: Vec<Update>, mut temp: impl FnMut() -> Slot) -> Vec<Instruction> {
    let (mut code, mut copies) = (Vec::new(), Vec::new());
    while !updates.is_empty() {
        // This search is quadratic in the number of states, which is small for neurons with few compartments.
        let free = (0..updates.len())
            .find(|i| (0..updates.len()).all(|j| j == *i || !updates[j].reads(updates[*i].state)));
        let mut update = updates.remove(free.unwrap_or(0));
        if free.is_none()
            && let Some(last) = update.code.last_mut()
        {
            let row = temp();
            let state = std::mem::replace(&mut last.out, row);
            copies.push(Instruction { op: Op::Copy, out: state, args: vec![row] });
        }
        code.append(&mut update.code);
    }
    code.append(&mut copies);
    code
}

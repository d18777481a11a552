//! Comparisons in mask registers, for 512-bit vectors.
//!
//! A comparison of 512-bit vectors writes a mask register, with one bit per lane. On the tape, a comparison is a vector
//! like any other, so its mask would be expanded to a vector and read back by the operations that use it. If a comparison
//! is used only to keep, to choose and to fire, each of these operations compares by itself instead: this takes one
//! instruction more than the operation alone.

use super::micro::{Compare, Id, Micro, Two};
use super::tidy::tidy;

/// Maximum number of operations that repeat a comparison.
const USES: usize = 2;

/// Merges comparisons with the operations that use them.
pub(crate) fn merge(tape: &[Micro]) -> Vec<Micro> {
    let mut uses = vec![Vec::new(); tape.len()];
    for micro in tape {
        micro.reads().for_each(|a| uses[a as usize].push(*micro));
    }
    let merges = |mask: Id| {
        let users = &uses[mask as usize];
        users.len() <= USES && users.iter().all(|user| is_mergeable(user, mask))
    };
    let compare = |mask: Id| compare_of(tape, mask).filter(|_| merges(mask));
    let out: Vec<Micro> = (tape.iter())
        .map(|micro| match *micro {
            Micro::Two(Two::And, mask, value) => {
                compare(mask).map_or(*micro, |when| Micro::Keep { when, value })
            }
            Micro::Two(Two::AndNot, mask, value) => {
                compare(mask).map_or(*micro, |when| Micro::Keep { when: when.negated(), value })
            }
            Micro::Select { mask, yes, no } => {
                compare(mask).map_or(*micro, |when| Micro::Choose { when, yes, no })
            }
            Micro::Fire(mask) => compare(mask).map_or(*micro, Micro::FireIf),
            _ => *micro,
        })
        .collect();
    // Comparisons that nothing reads any more are removed.
    tidy(&out, |_| true)
}

fn compare_of(tape: &[Micro], mask: Id) -> Option<Compare> {
    match tape[mask as usize] {
        Micro::Two(op @ (Two::Greater | Two::GreaterEqual | Two::NotEqual), a, b) => {
            Some(Compare { op, holds: true, a, b })
        }
        _ => None,
    }
}

/// Returns whether an operation uses a mask only as a mask.
fn is_mergeable(user: &Micro, mask: Id) -> bool {
    match *user {
        Micro::Two(Two::And | Two::AndNot, a, b) => a == mask && b != mask,
        Micro::Select { mask: m, yes, no } => m == mask && yes != mask && no != mask,
        Micro::Fire(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::machine::micro::{Compare, Micro, Place, Two};
    use crate::space::Space;

    #[test]
    fn comparisons_move_to_the_operations_that_use_them() {
        let row = |offset| Place { space: Space::State, offset };
        let when = Compare { op: Two::Greater, holds: true, a: 0, b: 1 };
        let tape = [
            Micro::Load(row(0)),
            Micro::Number(7),
            Micro::Two(Two::Greater, 0, 1),
            Micro::Fire(2),
            Micro::Two(Two::AndNot, 2, 0),
            Micro::Store(row(64), 4),
        ];
        let kept = Micro::Keep { when: when.negated(), value: 0 };
        let merged = [tape[0], tape[1], Micro::FireIf(when), kept, Micro::Store(row(64), 3)];
        assert_eq!(merge(&tape), merged);
        // A mask that is stored, or used more than twice, remains a vector.
        let stored = [tape[0], tape[1], tape[2], Micro::Store(row(64), 2)];
        assert_eq!(merge(&stored), stored);
        let thrice =
            [&tape[..], &[Micro::Select { mask: 2, yes: 1, no: 0 }, Micro::Store(row(128), 6)]].concat();
        assert_eq!(merge(&thrice), thrice);
    }
}

//! Removal of unnecessary work from a tape: store-to-load forwarding, common subexpressions (local value
//! numbering; Cocke & Schwartz 1970) and dead code, in one forward and one backward pass.

use std::collections::{HashMap, HashSet};

use super::tape::{Id, Micro, Place};

/// Forwards stored values to subsequent loads, merges equal values, and removes unused values and dead stores. A
/// store is dead if it is overwritten, or if its place is not read later according to `kept`.
pub(crate) fn tidy(tape: &[Micro], kept: impl Fn(Place) -> bool) -> Vec<Micro> {
    let shared = share(tape);
    let (mut needed, mut stored) = (vec![false; shared.len()], HashSet::new());
    for (i, micro) in shared.iter().enumerate().rev() {
        needed[i] |= match micro {
            // In a backward pass, the first store to a place is the last one in program order, and all earlier
            // stores to it are dead.
            Micro::Store(place, _) => stored.insert(*place) && kept(*place),
            other => other.acts(),
        };
        if needed[i] {
            micro.reads().for_each(|a| needed[a as usize] = true);
        }
    }
    let (mut numbers, mut out) = (vec![0; shared.len()], Vec::new());
    for (i, micro) in shared.into_iter().enumerate().filter(|(i, _)| needed[*i]) {
        numbers[i] = out.len() as Id;
        out.push(micro.renamed(|a| numbers[a as usize]));
    }
    out
}

fn share(tape: &[Micro]) -> Vec<Micro> {
    let mut held: HashMap<Place, Id> = HashMap::new();
    let mut known: HashMap<Micro, Id> = HashMap::new();
    let (mut numbers, mut out): (Vec<Id>, Vec<Micro>) = (Vec::with_capacity(tape.len()), Vec::new());
    for micro in tape {
        let micro = micro.renamed(|a| numbers[a as usize]);
        let number = match micro {
            Micro::Load(place) => held.get(&place).copied(),
            // Operations with side effects are never merged.
            Micro::Store(..) | Micro::Fire(_) => None,
            _ => known.get(&micro).copied(),
        };
        numbers.push(number.unwrap_or_else(|| {
            let new = out.len() as Id;
            out.push(micro);
            match micro {
                Micro::Load(place) => held.insert(place, new),
                // A later load of this place yields the stored value.
                Micro::Store(place, a) => held.insert(place, a),
                Micro::Fire(_) => None,
                _ => known.insert(micro, new),
            };
            new
        }));
    }
    out
}

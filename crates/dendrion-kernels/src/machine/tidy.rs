//! Removal of unnecessary work from a tape: store-to-load forwarding, common subexpressions (local value
//! numbering; Cocke & Schwartz 1970) and dead code, in one forward and one backward pass.

use std::collections::{HashMap, HashSet};

use super::micro::{Id, Micro, Place, Two};

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
        let condition = match micro {
            Micro::Two(Two::NotEqual, a, zero) => condition(&out, a, zero),
            _ => None,
        };
        let number = match micro {
            _ if condition.is_some() => condition,
            Micro::Load(place) => held.get(&place).copied(),
            // Operations with side effects are never merged.
            Micro::Store(..) | Micro::Fire(_) | Micro::FireIf(_) => None,
            _ => known.get(&micro).copied(),
        };
        numbers.push(number.unwrap_or_else(|| {
            let new = out.len() as Id;
            out.push(micro);
            match micro {
                Micro::Load(place) => held.insert(place, new),
                // A later load of this place yields the stored value.
                Micro::Store(place, a) => held.insert(place, a),
                Micro::Fire(_) | Micro::FireIf(_) => None,
                _ => known.insert(micro, new),
            };
            new
        }));
    }
    out
}

/// If `a` is the number of a condition (1 or 0) and is compared with 0, returns the mask of the condition.
fn condition(tape: &[Micro], a: Id, zero: Id) -> Option<Id> {
    let at = |id: Id| tape.get(id as usize).copied();
    let (Some(Micro::Two(Two::And, mask, one)), Some(Micro::Number(0))) = (at(a), at(zero)) else {
        return None;
    };
    let (Some(Micro::Two(comparison, ..)), Some(Micro::Number(bits))) = (at(mask), at(one)) else {
        return None;
    };
    let is_mask = matches!(comparison, Two::Greater | Two::GreaterEqual | Two::NotEqual);
    // A mask is all ones or all zeros, so the number is `one` or 0.
    (is_mask && (bits == 1.0_f64.to_bits() || bits == u64::from(1.0_f32.to_bits()))).then_some(mask)
}

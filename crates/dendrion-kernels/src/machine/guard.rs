//! Provides two bodies for a loop: the complete one, and a short one that is used when all values that can
//! vanish are 0 in all lanes.
//!
//! The derivative of a surrogate requires an exponential and a division, and is 0 far from the threshold. A
//! loop with such a value first tests the current vectors and skips the computation if the value is 0 in all
//! lanes. Results are bit-identical. The voltage-dependent block of an NMDA receptor is equally expensive and
//! has no effect if no gate is open. A loop with such a block exists in two versions, and a search that ends
//! at the first open gate selects one of them.

use super::micro::{Id, Micro, Two, When, magnitude};
use super::tidy::tidy;

/// The test may have at most 1/`SHARE` of the operations of the complete body, because the complete body repeats
/// them.
const SHARE: usize = 4;

/// The bodies of a loop.
#[derive(Debug)]
pub(crate) struct Loop {
    /// The test, which ends with [`Micro::Leave`].
    pub(crate) guard: Option<Vec<Micro>>,
    pub(crate) whole: Vec<Micro>,
    /// The body that replaces the complete one if the test succeeds.
    pub(crate) short: Option<Vec<Micro>>,
}

impl Loop {
    /// Creates the bodies from a tidied tape for scalars of `size` bytes.
    pub(crate) fn new(tape: &[Micro], size: usize) -> Self {
        let work = |tape: &[Micro]| tape.iter().filter(|m| !m.is_source()).count();
        let guard = guard(tape, size).filter(|guard| work(guard) * SHARE <= work(tape));
        let short = guard.as_ref().map(|_| without(tape, true));
        Self { guard, whole: without(tape, false), short }
    }

    /// Applies `f` to all tapes. Returns `None` if `f` fails for one of them.
    pub(crate) fn map(self, f: impl Fn(&[Micro]) -> Option<Vec<Micro>>) -> Option<Self> {
        let (guard, short) = match (self.guard, self.short) {
            (Some(guard), Some(short)) => (Some(f(&guard)?), Some(f(&short)?)),
            _ => (None, None),
        };
        Some(Self { guard, whole: f(&self.whole)?, short })
    }
}

/// Returns the tape that tests whether all values that can vanish are 0 in all lanes. Returns `None` if no
/// value can vanish.
fn guard(tape: &[Micro], size: usize) -> Option<Vec<Micro>> {
    // Operations with side effects are replaced by a placeholder, so that values keep their numbers.
    let silent = |m: &Micro| if m.acts() { Micro::Number(0) } else { *m };
    let mut asked: Vec<Micro> = tape.iter().map(silent).collect();
    let mut all = None;
    for micro in tape {
        let Micro::Vanishing { of, when: When::Above(above), .. } = *micro else { continue };
        let mut push = |micro| {
            asked.push(micro);
            (asked.len() - 1) as Id
        };
        // |x| > bound in all lanes. Comparisons with NaN are false, so NaN selects the complete body.
        let mask = push(Micro::Number(magnitude(size)));
        let distance = push(Micro::Two(Two::And, of, mask));
        let bound = push(Micro::Number(above));
        let far = push(Micro::Two(Two::Greater, distance, bound));
        all = Some(all.map_or(far, |others| push(Micro::Two(Two::And, others, far))));
    }
    // Only the operations that the test needs are kept.
    asked.push(Micro::Leave(all?));
    Some(without(&asked, false))
}

/// Returns the tape that searches for a gate that is not 0, which ends with [`Micro::LeaveAny`]. Returns `None` if
/// there are no gates.
pub(crate) fn search(tape: &[Micro]) -> Option<Vec<Micro>> {
    let is_gated = |m: &Micro| matches!(m, Micro::Vanishing { when: When::Zero, .. });
    let mut search: Vec<Micro> = tape.iter().map(|m| if m.acts() { Micro::Number(0) } else { *m }).collect();
    let mut push = |micro| {
        search.push(micro);
        (search.len() - 1) as Id
    };
    // The OR of the bits of several numbers is 0 only if all of them are 0.
    let mut all = None;
    for micro in tape.iter().filter(|m| is_gated(m)) {
        let Micro::Vanishing { of, .. } = *micro else { continue };
        // A gate that is not loaded from a row was changed in this step and cannot be tested before the step.
        if !tape[of as usize].is_source() {
            return None;
        }
        all = Some(all.map_or(of, |others| push(Micro::Two(Two::Or, others, of))));
    }
    let (all, zero) = (all?, push(Micro::Number(0)));
    let open = push(Micro::Two(Two::NotEqual, all, zero));
    search.push(Micro::LeaveAny(open));
    Some(without(&search, false))
}

/// Returns the tape for strips in which all gates are 0 (if `silent`) or in which some gates can be open.
pub(crate) fn settled(tape: &[Micro], silent: bool) -> Vec<Micro> {
    let mut tape = tape.to_vec();
    for micro in &mut tape {
        match micro {
            Micro::Vanishing { value, instead, when: When::Zero, .. } if silent => *value = *instead,
            Micro::Vanishing { value, instead, when: When::Zero, .. } => *instead = *value,
            _ => {}
        }
    }
    tape
}

/// Removes [`Micro::Vanishing`]: each such value becomes its replacement if `vanished`, and otherwise the value
/// itself.
fn without(tape: &[Micro], vanished: bool) -> Vec<Micro> {
    let mut numbers: Vec<Id> = Vec::with_capacity(tape.len());
    let mut out = Vec::with_capacity(tape.len());
    for (i, micro) in (0..).zip(tape) {
        let micro = micro.renamed(|a| numbers[a as usize]);
        match micro {
            Micro::Vanishing { value, .. } if !vanished => numbers.push(value),
            Micro::Vanishing { instead, .. } => numbers.push(instead),
            _ => numbers.push(i),
        }
        out.push(if matches!(micro, Micro::Vanishing { .. }) { Micro::Number(0) } else { micro });
    }
    // Only operations with side effects and their operands are kept.
    tidy(&out, |_| true)
}

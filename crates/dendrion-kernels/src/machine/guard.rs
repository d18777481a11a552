//! Two bodies for a loop: a short one where all that may vanish does, and the whole one.
//!
//! The slope of a threshold's surrogate takes an exponential and a division, and is 0 far from the threshold. A
//! loop with such a value asks first, for the vectors at hand, and leaves it out where it is 0 in all lanes; bits are the same.
//! The block of an NMDA receptor takes as much, for nothing where no gate is open: of that a loop is made twice, and a search, which ends at
//! the first gate that is open, says which runs.

use super::tape::{Id, Micro, Two, When, magnitude};
use super::tidy::tidy;

/// One in so many operations of the whole body, at most, are done for the question: the body does them once more.
const SHARE: usize = 4;

/// What a loop does.
#[derive(Debug)]
pub(crate) struct Loop {
    /// The question: it ends with [`Micro::Leave`].
    pub(crate) guard: Option<Vec<Micro>>,
    pub(crate) whole: Vec<Micro>,
    /// What is done instead where the question is answered with yes.
    pub(crate) short: Option<Vec<Micro>>,
}

impl Loop {
    /// Of a tidied tape, for scalars of `size` bytes.
    pub(crate) fn new(tape: &[Micro], size: usize) -> Self {
        let work = |tape: &[Micro]| tape.iter().filter(|m| !m.is_source()).count();
        let guard = guard(tape, size).filter(|guard| work(guard) * SHARE <= work(tape));
        let short = guard.as_ref().map(|_| without(tape, true));
        Self { guard, whole: without(tape, false), short }
    }

    /// Its tapes in another form, if they all have one.
    pub(crate) fn map(self, f: impl Fn(&[Micro]) -> Option<Vec<Micro>>) -> Option<Self> {
        let (guard, short) = match (self.guard, self.short) {
            (Some(guard), Some(short)) => (Some(f(&guard)?), Some(f(&short)?)),
            _ => (None, None),
        };
        Some(Self { guard, whole: f(&self.whole)?, short })
    }
}

/// Asks whether all that may vanish does, in all lanes; `None` where nothing may.
fn guard(tape: &[Micro], size: usize) -> Option<Vec<Micro>> {
    // What acts leaves a gap, so that numbers of values stay.
    let silent = |m: &Micro| if m.acts() { Micro::Number(0) } else { *m };
    let mut asked: Vec<Micro> = tape.iter().map(silent).collect();
    let mut all = None;
    for micro in tape {
        let Micro::Vanishing { of, when: When::Above(above), .. } = *micro else { continue };
        let mut push = |micro| {
            asked.push(micro);
            (asked.len() - 1) as Id
        };
        // |x| > bound in all lanes. NaN compares false, so that NaN takes the whole body.
        let mask = push(Micro::Number(magnitude(size)));
        let distance = push(Micro::Two(Two::And, of, mask));
        let bound = push(Micro::Number(above));
        let far = push(Micro::Two(Two::Greater, distance, bound));
        all = Some(all.map_or(far, |others| push(Micro::Two(Two::And, others, far))));
    }
    // Of the guard's tape only what the question needs remains.
    asked.push(Micro::Leave(all?));
    Some(without(&asked, false))
}

/// The search for a gate that is not 0: it ends with [`Micro::LeaveAny`]. `None` where there are no gates.
pub(crate) fn search(tape: &[Micro]) -> Option<Vec<Micro>> {
    let is_gated = |m: &Micro| matches!(m, Micro::Vanishing { when: When::Zero, .. });
    let mut search: Vec<Micro> = tape.iter().map(|m| if m.acts() { Micro::Number(0) } else { *m }).collect();
    let mut push = |micro| {
        search.push(micro);
        (search.len() - 1) as Id
    };
    // The bits of several numbers together are those of 0 where all of them are 0.
    let mut all = None;
    for micro in tape.iter().filter(|m| is_gated(m)) {
        let Micro::Vanishing { of, .. } = *micro else { continue };
        // A gate that is not read from a row was changed in this very step.
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

/// A tape where it is known whether all gates are 0.
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

/// A tape without [`Micro::Vanishing`]: what vanishes is what it is instead, or what it is otherwise.
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
    // Only what acts, and what that needs, stays.
    tidy(&out, |_| true)
}

//! Two bodies for a loop: a short one where all that may vanish does, and the whole one.
//!
//! The slope of a threshold's surrogate takes an exponential and a division, and is 0 far from the threshold. A
//! loop with such a value asks first, for the vectors at hand, and leaves it out where it is 0 in all lanes; bits are the same.

use super::tape::{Id, Micro, Two, magnitude};
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
        let Micro::Vanishing { of, above, .. } = *micro else { continue };
        let mut push = |micro| {
            asked.push(micro);
            (asked.len() - 1) as Id
        };
        let mask = push(Micro::Number(magnitude(size)));
        let distance = push(Micro::Two(Two::And, of, mask));
        let bound = push(Micro::Number(above));
        let far = push(Micro::Two(Two::Greater, distance, bound));
        all = Some(all.map_or(far, |others| push(Micro::Two(Two::And, others, far))));
    }
    asked.push(Micro::Leave(all?));
    Some(without(&asked, false))
}

/// A tape without [`Micro::Vanishing`]: what vanishes is 0, or what it is otherwise.
fn without(tape: &[Micro], vanished: bool) -> Vec<Micro> {
    let mut numbers: Vec<Id> = Vec::with_capacity(tape.len());
    let mut out = Vec::with_capacity(tape.len());
    for (i, micro) in (0..).zip(tape) {
        let micro = micro.renamed(|a| numbers[a as usize]);
        match micro {
            Micro::Vanishing { value, .. } if !vanished => numbers.push(value),
            _ => numbers.push(i),
        }
        out.push(if matches!(micro, Micro::Vanishing { .. }) { Micro::Number(0) } else { micro });
    }
    // Only what acts, and what that needs, stays.
    tidy(&out, |_| true)
}

//! Software pipelining (Lam 1988): a loop computes long chains of the next vectors while it finishes the present ones.
//!
//! The divisor of an NMDA block depends on an exponential, a chain of about sixty cycles. A processor that looks little more than
//! a hundred vector operations ahead does not find enough other work meanwhile. The divisors of the next vectors are therefore
//! computed next to the rest of the present ones and kept on the stack for one turn:
//!
//! ```text
//! first:  d = chain(v[0])
//! turn:   rest(v[k], d);  d = chain(v[k + 1])        interleaved by the schedule
//! last:   rest(v[n - 1], d)
//! ```
//!
//! Operations keep their operands, so results do not change.

use std::collections::HashMap;

use super::registers::BYTES;
use super::tape::{Id, Micro, Place, Two};
use super::tidy::tidy;
use crate::link::Space;

/// Values that are carried from one turn of a loop to the next, at most.
const MOST: usize = 8;
/// Operations that may be done twice for one of them: at most so many.
const TWICE: usize = 2;

/// The bodies of such a loop.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// What is done ahead, for the first vectors.
    pub(crate) first: Vec<Micro>,
    /// The rest for these vectors, and what is done ahead for the next ones.
    pub(crate) turn: Vec<Micro>,
    /// The rest for the last vectors.
    pub(crate) last: Vec<Micro>,
    pub(crate) carried: usize,
}

impl Ahead {
    /// Of a tape for `width` vectors side by side; `None` where nothing is worth it.
    pub(crate) fn new(tape: &[Micro], width: usize) -> Option<Self> {
        let mut chosen: Vec<Id> = Vec::new();
        for micro in tape {
            if let Micro::Two(Two::Div, _, divisor) = *micro
                && !chosen.contains(&divisor)
                && chosen.len() < MOST
                && is_apart(tape, divisor)
            {
                let with = [&chosen[..], &[divisor]].concat();
                let cost =
                    |chosen: &[Id]| work(&before(tape, chosen, width)) + work(&after(tape, chosen, width));
                // Values that both parts need are computed twice. Pipelining pays only if they are few.
                if cost(&with) <= cost(&chosen) + TWICE {
                    chosen = with;
                }
            }
        }
        if chosen.is_empty() {
            return None;
        }
        let (first, last) = (before(tape, &chosen, width), after(tape, &chosen, width));
        let mut turn = last.clone();
        let numbers = last.len() as Id;
        // Reads of the next vectors are the same places, one turn further.
        turn.extend(first.iter().map(|micro| next(*micro, width).renamed(|a| a + numbers)));
        Some(Self { first, turn, last, carried: chosen.len() })
    }

    /// Its tapes in another form, if they all have one.
    pub(crate) fn map(self, f: impl Fn(&[Micro]) -> Option<Vec<Micro>>) -> Option<Self> {
        let Self { first, turn, last, carried } = self;
        Some(Self { first: f(&first)?, turn: f(&turn)?, last: f(&last)?, carried })
    }
}

/// Whether a value hangs on an exponential, and on nothing but what stands in rows.
fn is_apart(tape: &[Micro], value: Id) -> bool {
    let mut needed = vec![false; tape.len()];
    needed[value as usize] = true;
    let mut exponential = false;
    for i in (0..=value as usize).rev() {
        if !needed[i] {
            continue;
        }
        match tape[i] {
            // Ports may be absent, which jumps; a value that may vanish is handled by the guard.
            Micro::AddPort { .. }
            | Micro::FmaPort { .. }
            | Micro::LoadPort { .. }
            | Micro::Vanishing { .. } => {
                return false;
            }
            Micro::Exponent(_) => exponential = true,
            _ => {}
        }
        tape[i].reads().for_each(|a| needed[a as usize] = true);
    }
    exponential
}

/// The place in which a carried value stands.
fn place(k: usize, width: usize) -> Place {
    Place { space: Space::Carried, offset: k as u64 * width as u64 * BYTES as u64 }
}

/// What is done ahead: the chosen values, each left in its place.
fn before(tape: &[Micro], chosen: &[Id], width: usize) -> Vec<Micro> {
    // What acts leaves a gap, so that numbers of values stay.
    let mut out: Vec<Micro> = tape.iter().map(|m| if m.acts() { Micro::Number(0) } else { *m }).collect();
    out.extend(chosen.iter().enumerate().map(|(k, value)| Micro::Store(place(k, width), *value)));
    tidy(&out, |_| true)
}

/// The rest, which reads the chosen values from their places.
fn after(tape: &[Micro], chosen: &[Id], width: usize) -> Vec<Micro> {
    let places: HashMap<Id, Place> = chosen.iter().enumerate().map(|(k, v)| (*v, place(k, width))).collect();
    let out: Vec<Micro> = (0..)
        .zip(tape)
        .map(|(i, micro)| places.get(&i).map_or(*micro, |place| Micro::Load(*place)))
        .collect();
    tidy(&out, |_| true)
}

/// The same for the next vectors of all rows.
fn next(micro: Micro, width: usize) -> Micro {
    match micro {
        Micro::Load(Place { space, offset }) if !matches!(space, Space::Uniform | Space::Carried) => {
            Micro::Load(Place { space, offset: offset + width as u64 * BYTES as u64 })
        }
        other => other,
    }
}

fn work(tape: &[Micro]) -> usize {
    tape.iter().filter(|m| !m.is_source()).count()
}

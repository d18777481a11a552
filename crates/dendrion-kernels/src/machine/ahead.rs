//! Software pipelining (Lam 1988): a loop computes long dependency chains of the next vectors while it
//! finishes the current vectors.
//!
//! The divisor of an NMDA block depends on an exponential, which is a chain of about sixty cycles. A
//! processor that looks ahead by only slightly more than a hundred vector operations does not find enough
//! independent work to fill this time. The divisors of the next vectors are therefore computed together with
//! the remaining values of the current vectors, and kept on the stack for one iteration:
//!
//! ```text
//! first:  d = chain(v[0])
//! turn:   rest(v[k], d);  d = chain(v[k + 1])        interleaved by the schedule
//! last:   rest(v[n - 1], d)
//! ```
//!
//! Operations keep their operands, so results do not change.

use std::collections::HashMap;

use super::micro::{Id, Micro, Place, Two};
use super::registers::STEP;
use super::tidy::tidy;
use crate::space::Space;

/// Maximum number of values carried from one iteration to the next.
const MOST: usize = 8;
/// Maximum number of operations per carried value that may be computed twice.
const TWICE: usize = 2;

/// The bodies of a pipelined loop.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Computes the carried values of the first vectors.
    pub(crate) first: Vec<Micro>,
    /// Computes the rest for the current vectors and the carried values of the next vectors.
    pub(crate) turn: Vec<Micro>,
    /// Computes the rest for the last vectors.
    pub(crate) last: Vec<Micro>,
    pub(crate) carried: usize,
}

impl Ahead {
    /// Creates the bodies from a tape. Returns `None` if pipelining does not pay off.
    pub(crate) fn new(tape: &[Micro]) -> Option<Self> {
        let mut chosen: Vec<Id> = Vec::new();
        for micro in tape {
            if let Micro::Two(Two::Div, _, divisor) = *micro
                && !chosen.contains(&divisor)
                && chosen.len() < MOST
                && is_apart(tape, divisor)
            {
                let with = [&chosen[..], &[divisor]].concat();
                let cost = |chosen: &[Id]| work(&before(tape, chosen)) + work(&after(tape, chosen));
                // Values that both bodies need are computed twice, so pipelining pays off only if they are
                // few.
                if cost(&with) <= cost(&chosen) + TWICE {
                    chosen = with;
                }
            }
        }
        if chosen.is_empty() {
            return None;
        }
        let (first, last) = (before(tape, &chosen), after(tape, &chosen));
        let mut turn = last.clone();
        let numbers = last.len() as Id;
        // The next vectors are read from the same rows, one iteration further.
        turn.extend(first.iter().map(|micro| next(*micro).renamed(|a| a + numbers)));
        Some(Self { first, turn, last, carried: chosen.len() })
    }

    /// Applies `f` to all tapes. Returns `None` if `f` fails for one of them.
    pub(crate) fn map(self, f: impl Fn(&[Micro]) -> Option<Vec<Micro>>) -> Option<Self> {
        let Self { first, turn, last, carried } = self;
        Some(Self { first: f(&first)?, turn: f(&turn)?, last: f(&last)?, carried })
    }
}

/// Returns whether a value depends on an exponential and otherwise only on values in rows.
fn is_apart(tape: &[Micro], value: Id) -> bool {
    let mut needed = vec![false; tape.len()];
    needed[value as usize] = true;
    let mut exponential = false;
    for i in (0..=value as usize).rev() {
        if !needed[i] {
            continue;
        }
        match tape[i] {
            // A port may be absent, which requires a jump, and the guard handles values that can vanish.
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

/// Returns the stack location of a carried value.
const fn place(k: usize) -> Place {
    Place { space: Space::Carried, offset: k as u64 * STEP as u64 }
}

/// Returns the tape that computes the chosen values and stores each in its place.
fn before(tape: &[Micro], chosen: &[Id]) -> Vec<Micro> {
    // Operations with side effects are replaced by a placeholder, so that values keep their numbers.
    let mut out: Vec<Micro> = tape.iter().map(|m| if m.acts() { Micro::Number(0) } else { *m }).collect();
    out.extend(chosen.iter().enumerate().map(|(k, value)| Micro::Store(place(k), *value)));
    tidy(&out, |_| true)
}

/// Returns the rest of the tape, which loads the chosen values from their places.
fn after(tape: &[Micro], chosen: &[Id]) -> Vec<Micro> {
    let places: HashMap<Id, Place> = chosen.iter().enumerate().map(|(k, v)| (*v, place(k))).collect();
    let out: Vec<Micro> = (0..)
        .zip(tape)
        .map(|(i, micro)| places.get(&i).map_or(*micro, |place| Micro::Load(*place)))
        .collect();
    tidy(&out, |_| true)
}

/// Returns the same operation for the next vectors of all rows.
fn next(micro: Micro) -> Micro {
    match micro {
        Micro::Load(Place { space, offset }) if !matches!(space, Space::Uniform | Space::Carried) => {
            Micro::Load(Place { space, offset: offset + STEP as u64 })
        }
        other => other,
    }
}

fn work(tape: &[Micro]) -> usize {
    tape.iter().filter(|m| !m.is_source()).count()
}

//! Runs a target on many inputs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::{Outcome, Random, target};

/// An input that reveals a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Number of the input.
    pub input: u64,
    /// Description of the fault.
    pub what: String,
}

/// The results of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Number of inputs with each outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Inputs that reveal a fault.
    pub faults: Vec<Suspect>,
    /// The input that took the longest, and its time.
    pub longest: (u64, Duration),
}

/// Number of faults after which a run ends.
const MOST: usize = 50;

/// Generates and checks the inputs `first..first + count` of a seed. `note` is called before each of them.
///
/// # Panics
/// Panics if there is no target with this name.
#[allow(clippy::expect_used)] // Callers use names from TARGETS.
pub fn run(name: &str, seed: u64, (first, count): (u64, u64), note: &mut dyn FnMut(u64)) -> Report {
    let mut reader = target(name).expect("a target");
    let mut report = Report::default();
    for input in first..first + count {
        note(input);
        let begun = Instant::now();
        let mut random = Random::new(seed, input);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let made = reader.make(&mut random);
            reader.check(&made, &mut random)
        }));
        let spent = begun.elapsed();
        if spent > report.longest.1 {
            report.longest = (input, spent);
        }
        match outcome {
            Ok(Ok(outcome)) => *report.outcomes.entry(outcome).or_default() += 1,
            Ok(Err(what)) => report.faults.push(Suspect { input, what }),
            Err(panic) => {
                report.faults.push(Suspect { input, what: format!("panic: {}", message(&*panic)) });
                reader = target(name).expect("a target");
            }
        }
        if report.faults.len() >= MOST {
            break;
        }
    }
    report
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

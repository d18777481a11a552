//! Fuzz tests of all inputs that Dendrion reads: equations, NMODL files, model files and their arrays, and saved
//! states.
//!
//! A [`Target`] generates inputs from random numbers and checks how the reader responds: it has to accept an
//! input, or reject it with an error of the expected kind. Input `i` of seed `s` is always the same, so two
//! numbers are enough to reproduce a fault. `tests/fuzz` runs the program of this crate in processes with
//! limits on memory and time. The tests of this crate run a few thousand inputs of each target.

mod arrays;
mod equations;
mod models;
mod mutate;
mod nmodl;
mod random;
mod run;
mod states;
mod trial;

pub use random::Random;
pub use run::{Report, Suspect, run};

/// The response of a reader to an input: `"accepted"`, or the kind of the error.
pub type Outcome = &'static str;

/// The outcome of an accepted input.
pub const ACCEPTED: Outcome = "accepted";

/// A reader of external inputs.
pub trait Target {
    /// Generates an input.
    fn make(&mut self, random: &mut Random) -> Vec<u8>;

    /// Reads an input. An error describes a fault in Dendrion.
    ///
    /// # Errors
    /// Returns an error if the input is rejected with the wrong kind of error, or if an accepted input does
    /// not behave correctly.
    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String>;
}

/// Names of the targets.
pub const TARGETS: [&str; 5] = ["equations", "nmodl", "models", "arrays", "states"];

/// Returns the target with this name.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    Some(match name {
        "equations" => Box::new(equations::Equations),
        "nmodl" => Box::new(nmodl::Nmodl),
        "models" => Box::new(models::Models::default()),
        "arrays" => Box::new(arrays::Arrays),
        "states" => Box::new(states::States::new()),
        _ => return None,
    })
}

//! Fuzz tests of everything that Dendrion reads: equations, NMODL files, model files and saved states.
//!
//! A [`Target`] makes inputs from random numbers and checks the reader's response: it accepts an input, or refuses it with
//! an error of the right kind. Input `i` of seed `s` is always the same, so that a fault can be reproduced from two numbers.
//! `tests/fuzz` runs the program of this crate in processes with limits on memory and time; this crate's own tests run a few
//! thousand inputs of each target.

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

/// The outcome of an input that was read.
pub const ACCEPTED: Outcome = "accepted";

/// Something that reads inputs from others.
pub trait Target {
    /// Makes an input.
    fn make(&mut self, random: &mut Random) -> Vec<u8>;

    /// Reads an input. An error says what is wrong with Dendrion.
    ///
    /// # Errors
    /// A refusal of the wrong kind, or an accepted input that does not do what accepted inputs do.
    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String>;
}

/// Names of the targets.
pub const TARGETS: [&str; 4] = ["equations", "nmodl", "models", "states"];

/// The target of that name.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    Some(match name {
        "equations" => Box::new(equations::Equations),
        "nmodl" => Box::new(nmodl::Nmodl),
        "models" => Box::new(models::Models::default()),
        "states" => Box::new(states::States::new()),
        _ => return None,
    })
}

//! Fuzz tests of all inputs that Dendrion reads: equations, NMODL files, SWC files, model files and their
//! arrays, and saved states.
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
mod reader;
mod run;
mod states;
mod swc;
mod trial;

pub use random::Random;
pub use reader::{ACCEPTED, Outcome, Target};
pub use run::{Report, Suspect, run};

/// Names of the targets.
pub const TARGETS: [&str; 6] = ["equations", "nmodl", "swc", "models", "arrays", "states"];

/// Returns the target with this name.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    Some(match name {
        "equations" => Box::new(equations::Equations),
        "nmodl" => Box::new(nmodl::Nmodl),
        "swc" => Box::new(swc::Swc),
        "models" => Box::new(models::Models::default()),
        "arrays" => Box::new(arrays::Arrays),
        "states" => Box::new(states::States::new()),
        _ => return None,
    })
}

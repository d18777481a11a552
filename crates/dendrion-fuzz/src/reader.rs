//! A reader of external inputs, as the targets of the fuzz tests see it.

use crate::random::Random;

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

//! The connections of a projection as a table.

use dendrion_model::Error;
use dendrion_model::allocate::filled;

/// The connections of a projection, sorted by source and then by target. All columns have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connections {
    /// Source neurons.
    pub pre: Vec<u32>,
    /// Target neurons.
    pub post: Vec<u32>,
    /// Weights.
    pub weight: Vec<f64>,
    /// Delays in steps.
    pub delay: Vec<u16>,
}

impl Connections {
    /// Creates a table of `n` connections, to be filled.
    pub(crate) fn with_len(n: usize) -> Result<Self, Error> {
        Ok(Self { pre: filled(n, 0)?, post: filled(n, 0)?, weight: filled(n, 0.0)?, delay: filled(n, 0)? })
    }
}

//! A projection's connections as a table.

/// The connections of a projection, by source, then target: equal lengths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connections {
    /// Sources.
    pub pre: Vec<u32>,
    /// Target neurons.
    pub post: Vec<u32>,
    /// Weights.
    pub weight: Vec<f64>,
    /// Delays in steps.
    pub delay: Vec<u16>,
}

impl Connections {
    /// A table of `n` connections, to be filled.
    pub(crate) fn with_len(n: usize) -> Self {
        Self { pre: vec![0; n], post: vec![0; n], weight: vec![0.0; n], delay: vec![0; n] }
    }
}

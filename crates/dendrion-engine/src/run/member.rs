//! A part of a sample that a worker owns.

/// A shard or a source block that a worker owns.
#[derive(Debug)]
pub(crate) struct Member<P, O> {
    /// The member's place in the spike exchange.
    pub(crate) place: usize,
    pub(crate) part: P,
    pub(crate) observer: O,
}

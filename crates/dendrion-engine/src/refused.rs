//! Failed allocations: conversion of the errors of kernels, and errors that are kept until a run ends.

use dendrion_kernels::{LinkError, OutOfMemory};
use dendrion_model::Error;
use dendrion_model::allocate::out_of_memory;

/// Converts an error of the kernels. The result names neither a module nor a purpose; see
/// [`Error::needed_by`].
#[cold]
pub(crate) fn refused(error: OutOfMemory) -> Error {
    out_of_memory::<u8>(error.bytes)
}

/// Returns the error for a program (`whose`) of the population at `path` that cannot be linked.
#[cold]
pub(crate) fn unlinked(path: &str, whose: &str, error: LinkError) -> Error {
    match error {
        LinkError::Memory(error) => refused(error).needed_by(path, || format!("coefficients of {whose}")),
        error => Error::structure(path, format!("{whose} does not link: {error}")),
    }
}

/// A failed allocation of a shard or source block during a run. It is stored there until all threads have stopped.
#[derive(Clone, Debug)]
pub(crate) struct Shortage {
    /// The results before this step are complete.
    pub(crate) step: u64,
    pub(crate) error: Error,
}

impl Shortage {
    /// Stores an error that occurred in the steps from `step` on, unless there is an earlier error.
    pub(crate) fn note(kept: &mut Option<Self>, step: u64, done: Result<(), Error>) {
        if let Err(error) = done {
            kept.get_or_insert(Self { step, error });
        }
    }
}

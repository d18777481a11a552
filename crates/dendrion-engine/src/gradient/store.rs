//! Data that the gradients of one network share across runs.

use std::sync::Arc;

use dendrion_kernels::Scalar;

use super::backward::Compiled;
use super::history::Spares;

/// Compiled reverse programs, and memory for states.
#[derive(Debug)]
pub(crate) struct Store<T: Scalar> {
    /// Compiled reverses by population.
    compiled: Vec<Arc<Compiled<T>>>,
    pub(super) spares: Spares<T>,
}

impl<T: Scalar> Default for Store<T> {
    fn default() -> Self {
        Self { compiled: Vec::new(), spares: Spares::default() }
    }
}

impl<T: Scalar> Store<T> {
    /// Returns the compiled reverses of this many populations.
    pub(super) fn compiled(&mut self, populations: usize) -> &[Arc<Compiled<T>>] {
        self.compiled.resize_with(populations, Arc::default);
        &self.compiled
    }
}

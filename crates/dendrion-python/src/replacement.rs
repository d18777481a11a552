//! Files that Python writes and that replace existing files atomically.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dendrion::Replacement as Whole;
use dendrion::model::Error;
use pyo3::prelude::*;

/// A file that is being written and will replace another one.
#[pyclass(frozen)]
pub(crate) struct Replacement {
    whole: Mutex<Option<Whole>>,
    target: PathBuf,
}

impl Replacement {
    /// Locks the file. The lock is only held for short periods.
    fn whole(&self) -> MutexGuard<'_, Option<Whole>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Replacement {
    #[new]
    fn new(py: Python<'_>, target: PathBuf) -> PyResult<Self> {
        let whole =
            py.detach(|| Whole::of(&target)).map_err(|e| crate::error::raise(Error::file(&target, &e)))?;
        Ok(Self { whole: Mutex::new(Some(whole)), target })
    }

    /// Path to which the new content is written.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.whole().as_ref().map(|whole| whole.path().to_path_buf())
    }

    /// Moves the new content to its final path and flushes it to disk.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let Some(whole) = self.whole().take() else { return Ok(()) };
        let target = &self.target;
        py.detach(|| whole.finish()).map_err(|e| crate::error::raise(Error::file(target, &e)))
    }

    /// Discards the new content.
    fn abandon(&self) {
        let whole = self.whole().take();
        drop(whole);
    }
}

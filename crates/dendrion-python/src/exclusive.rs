//! Access to an object by one thread at a time. A second thread gets an error instead of waiting, because it may hold what
//! the first one needs to finish.

use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread::{self, ThreadId};

use dendrion::Error;
use pyo3::PyResult;

use crate::error::raise;

/// An object that one thread uses at a time.
pub(crate) struct Exclusive<T> {
    /// What the object is, for messages.
    name: &'static str,
    object: Mutex<T>,
    /// The thread that holds the object without the interpreter's lock.
    runner: Mutex<Option<ThreadId>>,
}

impl<T> Exclusive<T> {
    pub(crate) const fn new(name: &'static str, object: T) -> Self {
        Self { name, object: Mutex::new(object), runner: Mutex::new(None) }
    }

    /// The object, for a call that keeps the interpreter's lock.
    pub(crate) fn get(&self) -> PyResult<MutexGuard<'_, T>> {
        match self.object.try_lock() {
            Ok(object) => Ok(object),
            // A panic is caught at the border to Python; the engine says itself when it cannot go on.
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(raise(self.busy())),
        }
    }

    /// Calls `work` with the object. While it runs, other calls get an error that says so.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> PyResult<R>) -> PyResult<R> {
        let mut object = self.get()?;
        let _running = Running::new(&self.runner);
        work(&mut object)
    }

    fn busy(&self) -> Error {
        let runner = *self.runner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let what = if runner == Some(thread::current().id()) {
            "is running, and was used by a function that this run called (a progress callback or a signal handler); \
             use it after the run"
        } else {
            "is running in another thread; wait until that call has returned, or give each thread a network of its own"
        };
        Error::structure(self.name, what)
    }
}

/// Notes the thread that runs, until it is dropped.
struct Running<'a>(&'a Mutex<Option<ThreadId>>);

impl<'a> Running<'a> {
    fn new(runner: &'a Mutex<Option<ThreadId>>) -> Self {
        *runner.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(thread::current().id());
        Self(runner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }
}

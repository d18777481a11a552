//! Work without the interpreter's lock that can be interrupted by Ctrl-C.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dendrion::Error;
use dendrion::model::interruptible;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::raise;

/// Interval between checks for Ctrl-C and between progress reports.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A callback that receives the amount of completed work.
pub(crate) type Watch<'a> = &'a mut (dyn FnMut(u64) -> ControlFlow<()> + Send);

/// The time of the last check for signals, and the exception that a signal handler raised, if any.
struct Signals {
    looked: Instant,
    raised: Option<PyErr>,
}

/// The state that all checks during one piece of work share.
#[derive(Clone)]
struct Lookout(Arc<Mutex<Signals>>);

impl Lookout {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Signals { looked: Instant::now(), raised: None })))
    }

    fn signals(&self) -> MutexGuard<'_, Signals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `look` if [`LOOK`] has passed since the last call or if `now` is true. Returns `Break` after an
    /// exception.
    fn look(&self, now: bool, look: impl FnOnce(Python<'_>) -> PyResult<()>) -> ControlFlow<()> {
        let mut signals = self.signals();
        if signals.raised.is_none() && (now || signals.looked.elapsed() >= LOOK) {
            // The lock is released, because a signal handler may run any code.
            drop(signals);
            // When Python exits, `__del__` may run a network although the interpreter is no longer available.
            let found = Python::try_attach(look).unwrap_or(Ok(()));
            signals = self.signals();
            (signals.looked, signals.raised) = (Instant::now(), found.err());
        }
        if signals.raised.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Calls `work`. During this call, checks for interrupts handle signals.
    fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let lookout = self.clone();
        interruptible(move || lookout.look(false, check_signals), work)
    }

    /// Returns the result of the work, or raises the exception that a signal handler raised. If the work failed
    /// meanwhile for another reason, its error is the context of that exception, as in Python.
    fn result<R>(&self, py: Python<'_>, found: Result<R, Error>) -> PyResult<R> {
        let raised = self.signals().raised.take();
        match (found, raised) {
            (Ok(_) | Err(Error::Interrupted), Some(raised)) => Err(raised),
            (Err(error), Some(raised)) => {
                raised.value(py).setattr("__context__", raise(error).into_value(py))?;
                Err(raised)
            }
            (found, None) => found.map_err(raise),
        }
    }
}

fn check_signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

/// Calls `work` without the interpreter's lock. Ctrl-C stops the work at its next check for interrupts, and
/// the exception is raised here. A signal handler may use the object on which the work operates, so this
/// object must be marked as running.
pub(crate) fn detached<R: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<R, Error> + Send,
) -> PyResult<R> {
    let lookout = Lookout::new();
    lookout.result(py, py.detach(|| lookout.during(work)))
}

/// Calls `work` as [`detached`] does. `work` also regularly calls the callback that is passed to it, which
/// calls `progress(done)`. An exception in `progress`, or Ctrl-C, stops the work, which then returns `None`,
/// and the exception is raised.
pub(crate) fn watched<R: Send>(
    py: Python<'_>,
    all: u64,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce(Watch<'_>) -> Result<Option<R>, Error> + Send,
) -> PyResult<R> {
    let lookout = Lookout::new();
    let end = py.detach(|| {
        let mut watch = |done: u64| {
            lookout.look(done >= all, |py| {
                py.check_signals()?;
                progress.map_or(Ok(()), |p| p.call1(py, (done,)).map(drop))
            })
        };
        lookout.during(|| work(&mut watch))
    });
    let answer = lookout.result(py, end)?;
    answer.ok_or_else(|| PyRuntimeError::new_err("the run was stopped"))
}

//! Work without the interpreter's lock that can be interrupted by Ctrl-C.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use dendrion::Error;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::raise;

/// Interval of checks for Ctrl-C and of progress reports.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A callback that receives the amount of completed work.
pub(crate) type Watch<'a> = &'a mut (dyn FnMut(u64) -> ControlFlow<()> + Send);

/// Calls `work` without the interpreter's lock. `work` regularly calls the callback that it is given, which calls
/// `progress(done)`. An exception in `progress`, or Ctrl-C, stops the work, which then returns `None`, and the
/// exception is raised.
pub(crate) fn watched<R: Send>(
    py: Python<'_>,
    all: u64,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce(Watch<'_>) -> Result<Option<R>, Error> + Send,
) -> PyResult<R> {
    let (mut looked, mut raised) = (Instant::now(), None);
    let end = py.detach(|| {
        let mut watch = |done: u64| {
            if looked.elapsed() < LOOK && done < all {
                return ControlFlow::Continue(());
            }
            looked = Instant::now();
            // When Python exits, `__del__` may run a network although the interpreter is no longer available.
            let heard = Python::try_attach(|py| {
                py.check_signals()?;
                progress.map_or(Ok(()), |p| p.call1(py, (done,)).map(drop))
            });
            match heard.unwrap_or(Ok(())) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => {
                    raised = Some(e);
                    ControlFlow::Break(())
                }
            }
        };
        work(&mut watch)
    });
    match (end.map_err(raise)?, raised) {
        (_, Some(e)) => Err(e),
        (Some(answer), None) => Ok(answer),
        (None, None) => Err(PyRuntimeError::new_err("the run was stopped")),
    }
}

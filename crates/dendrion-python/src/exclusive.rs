//! Access to an object by one thread at a time.
//!
//! A long call marks the object as running. Other calls then fail with an error instead of waiting, because
//! their thread may hold a lock that the running call needs in order to finish. Calls that only read are an
//! exception: a run that can be interrupted releases the object between two of its segments, and soon ends
//! its current segment when a reader is waiting. No Python code runs while a thread holds the object, unless
//! the run cannot be interrupted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use dendrion::Error;
use pyo3::{PyResult, Python};

use crate::error::raise;

/// Interval at which a waiting reader checks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// An object that is used by one thread at a time.
pub(crate) struct Exclusive<T> {
    /// Description of the object, for messages.
    name: &'static str,
    object: Mutex<T>,
    run: Mutex<Option<Run>>,
    /// Notified when a reader has finished and when the object is released.
    turn: Condvar,
    /// Number of readers that have started to wait; `served` counts those that have finished.
    arrived: AtomicU64,
    served: AtomicU64,
}

/// A long call.
#[derive(Clone, Copy)]
struct Run {
    thread: ThreadId,
    /// Whether the call releases the object to readers.
    is_readable: bool,
}

/// The kind of access that a call needs.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Read,
    Change,
}

impl<T: Send> Exclusive<T> {
    pub(crate) const fn new(name: &'static str, object: T) -> Self {
        Self {
            name,
            object: Mutex::new(object),
            run: Mutex::new(None),
            turn: Condvar::new(),
            arrived: AtomicU64::new(0),
            served: AtomicU64::new(0),
        }
    }

    /// Calls `read`, which must not make visible changes or call Python code.
    pub(crate) fn read<R: Send>(&self, py: Python<'_>, read: impl FnOnce(&mut T) -> R + Send) -> PyResult<R> {
        self.hold(py, Use::Read, read)
    }

    /// Calls `change`, which must not call Python code.
    pub(crate) fn change<R: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut T) -> R + Send,
    ) -> PyResult<R> {
        self.hold(py, Use::Change, change)
    }

    fn hold<R: Send>(&self, py: Python<'_>, how: Use, work: impl FnOnce(&mut T) -> R + Send) -> PyResult<R> {
        self.refuse(how)?;
        if let Some(mut object) = self.try_object() {
            return Ok(work(&mut object));
        }
        // The holder continues without the interpreter's lock, so it releases the object even if this thread waits.
        let mut turn = Some((Waiting::new(self), work));
        loop {
            let done = py.detach(|| {
                let mut object = self.try_object_for(LOOK)?;
                let (waiting, work) = turn.take()?;
                let done = work(&mut object);
                drop(object);
                drop(waiting);
                Some(done)
            });
            if let Some(done) = done {
                return Ok(done);
            }
            py.check_signals()?;
            self.refuse(how)?;
        }
    }

    /// Marks the object as running until the guard is dropped.
    pub(crate) fn run(&self, is_readable: bool) -> PyResult<Running<'_, T>> {
        let mut run = self.present_run();
        if let Some(other) = *run {
            // An error may run Python code, which may wait for a thread that waits for this lock.
            drop(run);
            return Err(self.busy(other));
        }
        *run = Some(Run { thread: thread::current().id(), is_readable });
        Ok(Running(self))
    }

    /// Returns whether a long call is in progress.
    pub(crate) fn is_running(&self) -> bool {
        self.present_run().is_some()
    }

    /// Returns whether a read would currently fail.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.present_run().is_some_and(|run| !run.is_readable)
    }

    fn refuse(&self, how: Use) -> PyResult<()> {
        // The value is copied, so that the lock is released before an error is created; see `run`.
        let present = *self.present_run();
        match present {
            Some(run) if how == Use::Change || !run.is_readable => Err(self.busy(run)),
            _ => Ok(()),
        }
    }

    fn busy(&self, run: Run) -> pyo3::PyErr {
        let what = if run.thread == thread::current().id() {
            "is running, and was used by a function that this run called (a progress callback or a signal handler); \
             use it after the run"
        } else {
            "is running in another thread; wait until that call has returned, or use a separate network in each thread"
        };
        raise(Error::run(self.name, what))
    }

    fn present_run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_object(&self) -> Option<MutexGuard<'_, T>> {
        match self.object.try_lock() {
            Ok(object) => Some(object),
            // PyO3 catches panics, and the engine itself reports an error if it cannot continue.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Returns the object if it is released within `time`.
    fn try_object_for(&self, time: Duration) -> Option<MutexGuard<'_, T>> {
        let run = self.present_run();
        let (run, _) = self
            .turn
            .wait_timeout_while(run, time, |_| self.object.try_lock().is_err_and(|e| would_block(&e)))
            .unwrap_or_else(PoisonError::into_inner);
        drop(run);
        self.try_object()
    }
}

const fn would_block<G>(error: &TryLockError<G>) -> bool {
    matches!(error, TryLockError::WouldBlock)
}

/// A waiting reader. It stops waiting when it is dropped.
struct Waiting<'a, T>(&'a Exclusive<T>);

impl<'a, T: Send> Waiting<'a, T> {
    fn new(exclusive: &'a Exclusive<T>) -> Self {
        exclusive.arrived.fetch_add(1, Ordering::AcqRel);
        Self(exclusive)
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let run = self.0.run.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.served.fetch_add(1, Ordering::AcqRel);
        drop(run);
        self.0.turn.notify_all();
    }
}

/// A long call. It ends when it is dropped.
pub(crate) struct Running<'a, T>(&'a Exclusive<T>);

impl<T: Send> Running<'_, T> {
    /// Calls `work` with the object, and then lets waiting readers proceed. This function must be called
    /// without the interpreter's lock.
    pub(crate) fn segment<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let exclusive = self.0;
        let mut object = exclusive.object.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(&mut object);
        drop(object);
        let run = exclusive.present_run();
        exclusive.turn.notify_all();
        let arrived = exclusive.arrived.load(Ordering::Acquire);
        let served = |_: &mut Option<Run>| exclusive.served.load(Ordering::Acquire) < arrived;
        // A reader stops waiting at Ctrl-C at the latest. The time limit covers readers that the operating
        // system does not schedule.
        drop(exclusive.turn.wait_timeout_while(run, 2 * LOOK, served));
        done
    }

    /// Returns whether a reader is waiting.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.arrived.load(Ordering::Relaxed) != self.0.served.load(Ordering::Relaxed)
    }
}

impl<T> Drop for Running<'_, T> {
    fn drop(&mut self) {
        *self.0.run.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.turn.notify_all();
    }
}

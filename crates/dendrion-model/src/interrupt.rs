//! Interruption of long work.
//!
//! Work that may take a long time regularly calls [`check_interrupt`] and returns its error. Within
//! [`interruptible`], [`check_interrupt`] calls a function provided by the caller, for example one that
//! checks for Ctrl-C, to determine whether to continue. Elsewhere, it does nothing. Only the thread that
//! called [`interruptible`] calls the caller's function. Its helper threads [join](Interrupt::join) the work
//! and observe the result:
//!
//! ```
//! use dendrion_model::{Error, check_interrupt, interruptible};
//! use std::ops::ControlFlow;
//!
//! let work = || -> Result<(), Error> {
//!     loop {
//!         check_interrupt()?;
//!     }
//! };
//! assert_eq!(interruptible(|| ControlFlow::Break(()), work), Err(Error::Interrupted));
//! ```

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// Interval at which the caller's function is called.
const PAUSE: Duration = Duration::from_millis(20);
/// Number of small pieces of work, of a few nanoseconds each, between two checks.
const PIECES: usize = 1 << 16;

type Ask = Box<dyn FnMut() -> ControlFlow<()>>;

/// The interruptible work of a thread.
struct Work {
    stopped: Arc<AtomicBool>,
    /// The caller's function; absent in helper threads.
    ask: Option<Ask>,
    /// The time of the last call to `ask`.
    asked: Option<Instant>,
}

thread_local! {
    static WORK: RefCell<Option<Work>> = const { RefCell::new(None) };
}

/// Calls `work`. During this call, the first [`check_interrupt`] calls `ask`, and later calls do so about
/// every 20 ms. Once `ask` has returned `Break`, all checks fail.
pub fn interruptible<R>(ask: impl FnMut() -> ControlFlow<()> + 'static, work: impl FnOnce() -> R) -> R {
    within(Work { stopped: Arc::default(), ask: Some(Box::new(ask)), asked: None }, work)
}

fn within<R>(new: Work, work: impl FnOnce() -> R) -> R {
    let _before = Restored(WORK.replace(Some(new)));
    work()
}

/// The outer work of this thread, which is restored on drop.
struct Restored(Option<Work>);

impl Drop for Restored {
    fn drop(&mut self) {
        WORK.set(self.0.take());
    }
}

/// Checks whether the work should continue.
///
/// # Errors
/// Returns [`Error::Interrupted`] if the work should stop.
pub fn check_interrupt() -> Result<(), Error> {
    let due = WORK.with_borrow_mut(|work| {
        let Some(work) = work else { return Ok(None) };
        if work.stopped.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        // The function is taken out while it runs, because it may begin other interruptible work in this
        // thread.
        let is_due = work.asked.is_none_or(|asked| asked.elapsed() >= PAUSE);
        Ok(if is_due { work.ask.take() } else { None })
    })?;
    let Some(mut ask) = due else { return Ok(()) };
    let flow = ask();
    WORK.with_borrow_mut(|work| {
        let Some(work) = work else { return Ok(()) };
        (work.ask, work.asked) = (Some(ask), Some(Instant::now()));
        if flow.is_continue() {
            return Ok(());
        }
        work.stopped.store(true, Ordering::Relaxed);
        Err(Error::Interrupted)
    })
}

/// Access of helper threads to the interruptible work of a thread.
#[derive(Clone, Debug)]
pub struct Interrupt(Option<Arc<AtomicBool>>);

impl Interrupt {
    /// Returns access to the work of this thread.
    pub fn of_this_thread() -> Self {
        Self(WORK.with_borrow(|work| work.as_ref().map(|work| work.stopped.clone())))
    }

    /// Calls `work` in a helper thread, in which [`check_interrupt`] fails once the work should stop.
    pub fn join<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(stopped) => within(Work { stopped: stopped.clone(), ask: None, asked: None }, work),
            None => work(),
        }
    }
}

/// Calls `work`, which cannot check for interrupts (such as a parser of another crate), in a separate thread. After an
/// interrupt, the thread finishes its work in the background, and the result is dropped. Outside of [`interruptible`],
/// `work` is called in this thread.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn abandonable<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    check_interrupt()?;
    let interrupt = Interrupt::of_this_thread();
    if interrupt.0.is_none() {
        return Ok(work());
    }
    // If the system cannot start a thread, this thread takes the work back.
    let work = Arc::new(Mutex::new(Some(work)));
    let taken = work.clone();
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (sender, receiver) = channel();
    let helper = thread::Builder::new().spawn(move || {
        let found = take(&taken).map(|work| interrupt.join(work));
        // Sending fails if the work was abandoned.
        let _ = sender.send(found);
    });
    let Ok(helper) = helper else {
        return take(&work).map(|work| work()).ok_or(Error::Interrupted);
    };
    loop {
        match receiver.recv_timeout(PAUSE) {
            Ok(found) => return found.ok_or(Error::Interrupted),
            Err(RecvTimeoutError::Timeout) => check_interrupt()?,
            Err(RecvTimeoutError::Disconnected) => match helper.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => return Err(Error::Interrupted),
            },
        }
    }
}

/// Checks for interrupts in loops whose iterations are too short for a check in each of them.
#[derive(Debug, Default)]
pub struct Turns(usize);

impl Turns {
    /// Counts `pieces` of work, of a few nanoseconds each, and checks for an interrupt after many of them.
    ///
    /// # Errors
    /// As for [`check_interrupt`].
    #[inline]
    pub fn pass(&mut self, pieces: usize) -> Result<(), Error> {
        self.0 += pieces;
        if self.0 < PIECES {
            return Ok(());
        }
        self.0 = 0;
        check_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ops::ControlFlow;
    use std::rc::Rc;

    use super::{Interrupt, PIECES, Turns, abandonable, check_interrupt, interruptible};
    use crate::Error;

    #[test]
    fn work_goes_on_until_it_is_to_end() {
        assert_eq!(check_interrupt(), Ok(()));
        let (asked, count) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (inner, turns) = (asked.clone(), count.clone());
        let ask = move || {
            inner.set(inner.get() + 1);
            if inner.get() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let found = interruptible(ask, || {
            loop {
                turns.set(turns.get() + 1);
                check_interrupt()?;
            }
        });
        assert_eq!((found, asked.get()), (Err::<(), _>(Error::Interrupted), 3));
        assert!(count.get() > 3, "it is asked now and then only");
        assert_eq!(check_interrupt(), Ok(()));
    }

    #[test]
    fn helpers_see_the_end() {
        let work = || {
            let interrupt = Interrupt::of_this_thread();
            std::thread::scope(|scope| {
                let helper = scope.spawn(|| interrupt.join(|| while check_interrupt().is_ok() {}));
                while check_interrupt().is_ok() {}
                helper.join().is_ok()
            })
        };
        assert!(interruptible(|| ControlFlow::Break(()), work));
    }

    #[test]
    fn the_function_may_begin_other_work() {
        let ask = || interruptible(|| ControlFlow::Continue(()), || ControlFlow::Break(()));
        let work = || while check_interrupt().is_ok() {};
        interruptible(ask, work);
    }

    #[test]
    fn work_without_checks_is_abandoned() {
        let asked = Cell::new(0);
        // The first check comes before the work begins.
        let ask = move || {
            asked.set(asked.get() + 1);
            if asked.get() == 1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let found = interruptible(ask, || abandonable(move || receiver.recv().is_err()));
        assert_eq!(found, Err(Error::Interrupted));
        drop(sender);
        assert_eq!(interruptible(|| ControlFlow::Continue(()), || abandonable(|| 3)), Ok(3));
        assert_eq!(abandonable(|| 3), Ok(3));
    }

    #[test]
    fn many_short_turns_are_one_check() {
        let work = || {
            let mut turns = Turns::default();
            while turns.pass(PIECES / 7).is_ok() {}
        };
        interruptible(|| ControlFlow::Break(()), work);
    }
}

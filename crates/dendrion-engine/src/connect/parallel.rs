//! Jobs that are shared by several threads and end early after an error or an interrupt.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use dendrion_model::{Error, Interrupt, check_interrupt};

/// Interval at which the calling thread checks for an interrupt while it waits for helpers.
const PAUSE: Duration = Duration::from_millis(20);

/// Returns `f(0)`, `f(1)`, ..., `f(n - 1)` in this order, computed by several threads.
///
/// # Errors
/// Returns the error of the first job that fails. Later jobs are then not started.
pub(crate) fn parallel<R: Send>(
    threads: usize,
    n: usize,
    f: impl Fn(usize) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= n {
                break;
            }
            let found = f(at);
            if found.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            done.push((at, found));
        }
        done
    };
    let (busy, interrupt, caller) = (AtomicUsize::new(0), Interrupt::of_this_thread(), thread::current());
    let mut all = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(n))
            .map(|_| {
                let helping = Helping::new(&busy, &caller);
                let (work, interrupt) = (&work, &interrupt);
                scope.spawn(move || {
                    let _helping = helping;
                    interrupt.join(work)
                })
            })
            .collect();
        let mut all = work();
        while busy.load(Ordering::Acquire) > 0 {
            thread::park_timeout(PAUSE);
            // The helpers check the same flag and end with an error.
            let _ = check_interrupt();
        }
        // If a helper panicked, the scope makes the calling thread panic when it ends.
        helpers.into_iter().for_each(|h| all.extend(h.join().unwrap_or_default()));
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, found)| found).collect()
}

/// Decrements the number of running helpers when it is dropped, and wakes the caller.
struct Helping<'a>(&'a AtomicUsize, &'a Thread);

impl<'a> Helping<'a> {
    fn new(busy: &'a AtomicUsize, caller: &'a Thread) -> Self {
        busy.fetch_add(1, Ordering::Relaxed);
        Self(busy, caller)
    }
}

impl Drop for Helping<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
        self.1.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use dendrion_model::{Error, check_interrupt, interruptible};

    use super::parallel;

    #[test]
    fn results_are_in_order_and_the_first_error_counts() {
        for threads in [1, 2, 5] {
            assert_eq!(parallel(threads, 40, |i| Ok(2 * i)), Ok((0..40).map(|i| 2 * i).collect()));
            let begun = AtomicUsize::new(0);
            let found = parallel(threads, 100_000, |i| {
                begun.fetch_add(1, Ordering::Relaxed);
                if i >= 7 { Err(Error::structure("job", i.to_string())) } else { Ok(()) }
            });
            assert_eq!(found, Err(Error::structure("job", "7")));
            assert!(begun.into_inner() < 8 + threads);
        }
    }

    #[test]
    fn an_interrupt_ends_all_jobs() {
        let endless = |_| -> Result<(), Error> {
            loop {
                check_interrupt()?;
            }
        };
        // The interrupt arrives while the caller works, or while it waits for a helper.
        for last in [0, 1] {
            let caller = std::thread::current().id();
            let job =
                |i| if last == 1 && std::thread::current().id() == caller { Ok(()) } else { endless(i) };
            let found = interruptible(|| ControlFlow::Break(()), || parallel(2, 2, job));
            assert!(found == Err(Error::Interrupted) || last == 1, "{found:?}");
        }
    }
}

//! A barrier that spins briefly before it sleeps, because an epoch often takes less time than a system call.
//!
//! The barrier counts arrivals in rounds. It is the centralized barrier of Mellor-Crummey & Scott (1991),
//! with a round number instead of their sense flag:
//!
//! ```text
//! round := current round;  arrived += 1
//! the last to arrive:  arrived := 0;  current round += 1;  wake all
//! the others:          wait until current round /= round
//! ```
//!
//! A thread that panics breaks the barrier, so that the others return instead of waiting for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Number of iterations of the spin loop before a thread sleeps.
const SPINS: usize = 4000;
/// Interval at which a sleeping thread calls a function that it was given.
const PAUSE: Duration = Duration::from_millis(20);

/// A barrier for a fixed number of threads.
#[derive(Debug)]
pub(crate) struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Barrier {
    pub(crate) const fn new(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// Waits until all threads have arrived. Writes made by any thread before its `wait` are visible to all threads
    /// afterwards. Returns `false` if the barrier is broken.
    pub(crate) fn wait(&self) -> bool {
        self.wait_and(None)
    }

    /// Like [`Self::wait`], but calls `each` about every [`PAUSE`] while this thread sleeps.
    pub(crate) fn wait_and(&self, mut each: Option<&mut dyn FnMut()>) -> bool {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            // No thread can arrive for the next round before the round number changes, so this order of the two
            // stores is sufficient.
            self.arrived.store(0, Ordering::Relaxed);
            // The round changes under the lock, so a waiting thread either sees the new round before it sleeps or is
            // already asleep and receives the notification below.
            let guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
            self.round.fetch_add(1, Ordering::Release);
            drop(guard);
            self.wake.notify_all();
            return !self.broken.load(Ordering::Acquire);
        }
        // A broken barrier ends every wait, even if threads are missing.
        let over = || self.round.load(Ordering::Acquire) != round || self.broken.load(Ordering::Acquire);
        for _ in 0..SPINS {
            if over() {
                return !self.broken.load(Ordering::Acquire);
            }
            std::hint::spin_loop();
        }
        // `over` is checked under the lock, so a change of round between the check and the start of the sleep cannot
        // be missed.
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        while !over() {
            let Some(each) = &mut each else {
                guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            guard = self.wake.wait_timeout(guard, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
            // The lock is released, because the other threads need it in order to arrive.
            drop(guard);
            each();
            guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        }
        !self.broken.load(Ordering::Acquire)
    }

    /// Returns whether the barrier is broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Breaks the barrier: all threads return from `wait`, now and in the future.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
        // A thread that checked `broken` before this store is asleep by the time the lock is free, so the
        // notification wakes it.
        let guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        self.wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Barrier;

    #[test]
    fn nobody_runs_ahead() {
        let (barrier, count) = (Barrier::new(4), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..200 {
                        count.fetch_add(1, Ordering::Relaxed);
                        assert!(barrier.wait());
                        assert_eq!(count.load(Ordering::Relaxed), 4 * (round + 1));
                        assert!(barrier.wait());
                    }
                });
            }
        });
    }

    #[test]
    fn a_function_is_called_while_a_thread_sleeps() {
        let (barrier, count) = (Barrier::new(2), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                barrier.wait_and(Some(&mut || {
                    count.fetch_add(1, Ordering::Relaxed);
                }))
            });
            while count.load(Ordering::Relaxed) < 2 {
                std::thread::yield_now();
            }
            assert!(barrier.wait());
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn breaking_off_frees_the_waiting() {
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| barrier.wait());
            std::thread::sleep(std::time::Duration::from_millis(20));
            barrier.break_off();
            assert!(!waiting.join().unwrap());
        });
    }
}

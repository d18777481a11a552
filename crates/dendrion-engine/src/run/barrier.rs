//! A barrier that spins for a moment before it sleeps: an epoch is often shorter than the way into the kernel and back.
//!
//! It counts arrivals in rounds (a centralised barrier: Mellor-Crummey & Scott 1991, with a round number for their sense flag):
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

/// Turns of the spinning wait before a thread sleeps.
const SPINS: usize = 4000;

/// A meeting point of a fixed number of threads.
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

    /// Waits until all threads are here. What they wrote before is visible after. False where a thread broke off.
    pub(crate) fn wait(&self) -> bool {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            // Nobody can arrive for the next round before the round number changes, so the order of these two suffices.
            self.arrived.store(0, Ordering::Relaxed);
            // Under the lock: a thread that found the old round under the lock is asleep, and is woken below.
            let guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
            self.round.fetch_add(1, Ordering::Release);
            drop(guard);
            self.wake.notify_all();
            return !self.broken.load(Ordering::Acquire);
        }
        let over = || self.round.load(Ordering::Acquire) != round || self.broken.load(Ordering::Acquire);
        for _ in 0..SPINS {
            if over() {
                return !self.broken.load(Ordering::Acquire);
            }
            std::hint::spin_loop();
        }
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        while !over() {
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        !self.broken.load(Ordering::Acquire)
    }

    /// Whether a thread has broken off.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Lets all threads go, now and at every later wait: a thread has broken off.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
        // Whoever checked `broken` before this store is asleep once the lock is free, and is woken.
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

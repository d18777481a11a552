//! Processes the results of a batch in the order of its samples, even though threads may finish them in any
//! order.
//!
//! A sum of floating-point numbers depends on the order of its terms. Each sample's result is added as soon as all
//! earlier ones have been added, which fixes this order and stores only the results that wait for an earlier one.
//! Their number is limited: a thread that is too far ahead waits.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Interval at which a waiting thread calls its watch, so that Ctrl-C still works.
const PAUSE: Duration = Duration::from_millis(20);

/// Passes results to `take` in the order of their numbers.
#[derive(Debug)]
pub(crate) struct InOrder<R, F> {
    state: Mutex<State<R, F>>,
    advanced: Condvar,
    /// Maximum number of results that wait for an earlier one.
    ahead: usize,
}

#[derive(Debug)]
struct State<R, F> {
    /// Number of the next result to take.
    next: usize,
    waiting: BTreeMap<usize, R>,
    take: F,
    /// Whether a thread panicked, so that its result will never come.
    lost: bool,
}

impl<R, F: FnMut(usize, R)> InOrder<R, F> {
    /// Creates an empty collection, in which at most `ahead` results wait for an earlier one.
    pub(crate) const fn new(ahead: usize, take: F) -> Self {
        let state = State { next: 0, waiting: BTreeMap::new(), take, lost: false };
        Self { state: Mutex::new(state), advanced: Condvar::new(), ahead }
    }

    fn lock(&self) -> MutexGuard<'_, State<R, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds result number `number`. Unless it is the next result, waits while `ahead` or more results are already
    /// waiting for an earlier one, and calls `watch` from time to time. Each number must be passed exactly once,
    /// and threads must start their work in ascending order of numbers, so that the thread with the lowest
    /// number never waits.
    pub(crate) fn give(&self, number: usize, result: R, watch: &mut dyn FnMut()) {
        let mut state = self.lock();
        while number != state.next && state.waiting.len() >= self.ahead && !state.lost {
            state = self.advanced.wait_timeout(state, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
            // The watch may be slow or access this network, so it must not be called with the lock held.
            if number != state.next {
                drop(state);
                watch();
                state = self.lock();
            }
        }
        let State { next, waiting, take, .. } = &mut *state;
        waiting.insert(number, result);
        // Other results may have been waiting for this one.
        while let Some(result) = waiting.remove(next) {
            take(*next, result);
            *next += 1;
        }
        drop(state);
        self.advanced.notify_all();
    }

    /// Returns the number of results taken.
    pub(crate) fn taken(&self) -> usize {
        self.lock().next
    }

    /// Returns a guard that releases all waiting threads if this thread panics.
    pub(crate) const fn guard(&self) -> Guard<'_, R, F> {
        Guard(self)
    }
}

/// See [`InOrder::guard`].
pub(crate) struct Guard<'a, R, F>(&'a InOrder<R, F>);

impl<R, F> Drop for Guard<'_, R, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state.lock().unwrap_or_else(PoisonError::into_inner).lost = true;
            self.0.advanced.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::InOrder;

    #[test]
    fn results_are_taken_in_order_and_few_wait() {
        for ahead in [0, 1, 3] {
            let (mut taken, alive, most) = (Vec::new(), AtomicUsize::new(0), AtomicUsize::new(0));
            {
                let results = InOrder::new(ahead, |i, result: usize| {
                    alive.fetch_sub(1, Ordering::SeqCst);
                    taken.push((i, result));
                });
                let next = AtomicUsize::new(0);
                let work = || loop {
                    let i = next.fetch_add(1, Ordering::SeqCst);
                    if i >= 40 {
                        return;
                    }
                    // Some samples take much longer than the others.
                    std::thread::sleep(Duration::from_millis(if i.is_multiple_of(8) { 12 } else { 1 }));
                    most.fetch_max(alive.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    results.give(i, 10 * i, &mut || ());
                };
                std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
                assert_eq!(results.taken(), 40);
            }
            assert_eq!(taken, (0..40).map(|i| (i, 10 * i)).collect::<Vec<_>>());
            // The results that wait, plus one result per thread that is being added.
            assert!(most.load(Ordering::SeqCst) <= ahead + 4, "{most:?} with {ahead}");
        }
    }

    #[test]
    fn a_lost_thread_does_not_block_the_others() {
        let results = InOrder::new(0, |_, (): ()| ());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| results.give(1, (), &mut || ()));
            let lost = scope.spawn(|| {
                let _guard = results.guard();
                std::panic::resume_unwind(Box::new(()));
            });
            assert!(lost.join().is_err());
            waiting.join().unwrap();
        });
        assert_eq!(results.taken(), 0);
    }
}

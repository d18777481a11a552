//! Worker threads that live as long as the simulation and sleep between runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Worker threads, beside the caller's own.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Option<Workers>>);

/// Threads, and the process they are of: a fork of it has none.
#[derive(Debug)]
struct Workers {
    threads: ThreadPool,
    process: u32,
}

impl Pool {
    /// Runs `task` on each of `work`: the first on the calling thread by `first`, the others on workers, a thread each, so that
    /// they may wait for each other. Returns what they return, in order; `None` where a worker was lost to a panic.
    ///
    /// There must be no more work than [`Pool::threads`] said there are threads.
    pub(crate) fn run<W: Send, R: Send>(
        &self,
        work: Vec<W>,
        first: impl FnOnce(W) -> R,
        task: impl Fn(W) -> R + Sync,
    ) -> Option<Vec<R>> {
        let mut work = work.into_iter();
        let mine = work.next()?;
        if work.len() == 0 {
            return Some(vec![first(mine)]);
        }
        // Held through the run: what waits for each other must not wait behind others.
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = Self::grown(&mut workers, work.len())?;
        let mut answers: Vec<Option<R>> = work.as_slice().iter().map(|_| None).collect();
        let mine = pool.in_place_scope(|scope| {
            for (w, answer) in work.zip(&mut answers) {
                let task = &task;
                scope.spawn(move |_| *answer = catch_unwind(AssertUnwindSafe(|| task(w))).ok());
            }
            first(mine)
        });
        [Some(mine)].into_iter().chain(answers).collect()
    }

    /// How many threads there are for a run that wants so many, the caller's among them: fewer where the system refuses.
    pub(crate) fn threads(&self, wanted: usize) -> usize {
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wanted.checked_sub(1) {
            None | Some(0) => 1,
            Some(others) => {
                if Self::grown(&mut workers, others).is_some() {
                    wanted
                } else {
                    1
                }
            }
        }
    }

    fn grown(workers: &mut Option<Workers>, least: usize) -> Option<&ThreadPool> {
        let process = std::process::id();
        if workers.as_ref().is_some_and(|w| w.process != process) {
            // Its threads stayed in the process that this one was forked from: there is nobody to end.
            std::mem::forget(workers.take());
        }
        if workers.as_ref().is_none_or(|w| w.threads.current_num_threads() < least) {
            let name = |i| format!("dendrion-{}", i + 1);
            let threads = ThreadPoolBuilder::new().num_threads(least).thread_name(name).build().ok()?;
            *workers = Some(Workers { threads, process });
        }
        workers.as_ref().map(|w| &w.threads)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::Pool;

    #[test]
    fn work_that_waits_for_each_other_has_a_thread_each() {
        let pool = Pool::default();
        for n in [1, 3, 2, 5] {
            assert_eq!(pool.threads(n), n);
            let barrier = Barrier::new(n);
            let meet = |i: usize| {
                barrier.wait();
                2 * i
            };
            let answers = pool.run((0..n).collect(), meet, meet);
            assert_eq!(answers, Some((0..n).map(|i| 2 * i).collect()));
        }
    }

    #[test]
    fn a_lost_worker_is_seen() {
        let pool = Pool::default();
        assert_eq!(pool.run(vec![0, 1], |i| i, |_| -> i32 { std::panic::resume_unwind(Box::new(())) }), None);
        assert_eq!(pool.run(vec![0, 1], |i| i, |i| i), Some(vec![0, 1]));
    }
}

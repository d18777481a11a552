//! Worker threads that live as long as the simulation and sleep between runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, TryLockError};

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
    /// So many threads for one run, the caller's among them; fewer where the system refuses, and only the caller's where another
    /// run has the workers: those that wait for each other must not wait behind others.
    pub(crate) fn team(&self, wanted: usize) -> Team<'_> {
        let alone = Team { workers: None, threads: 1 };
        if wanted <= 1 {
            return alone;
        }
        let mut workers = match self.0.try_lock() {
            Ok(workers) => workers,
            Err(TryLockError::Poisoned(workers)) => workers.into_inner(),
            Err(TryLockError::WouldBlock) => return alone,
        };
        if grown(&mut workers, wanted - 1).is_none() {
            return alone;
        }
        Team { workers: Some(workers), threads: wanted }
    }
}

/// Threads that one run has to itself.
pub(crate) struct Team<'p> {
    workers: Option<MutexGuard<'p, Option<Workers>>>,
    threads: usize,
}

impl Team<'_> {
    /// How many they are.
    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `task` on each of `work`, no more than there are threads: the first on the calling thread by `first`, the others on
    /// workers, a thread each, so that they may wait for each other. Returns what they return, in order; `None` where a
    /// worker was lost to a panic.
    pub(crate) fn run<W: Send, R: Send>(
        self,
        work: Vec<W>,
        first: impl FnOnce(W) -> R,
        task: impl Fn(W) -> R + Sync,
    ) -> Option<Vec<R>> {
        let mut work = work.into_iter();
        let mine = work.next()?;
        if work.len() == 0 {
            return Some(vec![first(mine)]);
        }
        let mut workers = self.workers?;
        let pool = grown(&mut workers, work.len())?;
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
}

/// At least so many workers.
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

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::Pool;

    #[test]
    fn work_that_waits_for_each_other_has_a_thread_each() {
        let pool = Pool::default();
        for n in [1, 3, 2, 5] {
            let team = pool.team(n);
            assert_eq!(team.threads(), n);
            // Whoever comes meanwhile is alone.
            assert_eq!(pool.team(2).threads(), if n == 1 { 2 } else { 1 });
            let barrier = Barrier::new(n);
            let meet = |i: usize| {
                barrier.wait();
                2 * i
            };
            let answers = team.run((0..n).collect(), meet, meet);
            assert_eq!(answers, Some((0..n).map(|i| 2 * i).collect()));
        }
    }

    #[test]
    fn a_lost_worker_is_seen() {
        let pool = Pool::default();
        let lost = |_| -> i32 { std::panic::resume_unwind(Box::new(())) };
        assert_eq!(pool.team(2).run(vec![0, 1], |i| i, lost), None);
        assert_eq!(pool.team(2).run(vec![0, 1], |i| i, |i| i), Some(vec![0, 1]));
    }
}

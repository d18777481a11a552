//! The worker threads of the process. All networks share them, and they sleep between runs.
//!
//! The threads of a run wait for each other at barriers, so each run needs its own workers until it ends. A
//! run takes an idle group of workers that is large enough, or starts a new group if there is none, and
//! returns the group at the end. There are therefore as many groups as simultaneous runs, no matter how many
//! networks exist. A group is a rayon thread pool, whose scopes let workers borrow from the calling thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Number of idle workers kept per processor, enough for a few simultaneous runs that start again and again.
const KEPT: usize = 4;

/// The workers of the first process that ran a network, which is this process or one from which it was forked.
static FIRST: OnceLock<Process> = OnceLock::new();

/// The workers of a process. A forked process does not have its parent's threads, and a lock held by one of them is
/// never released there. A forked process therefore ignores its parent's workers and creates its own.
#[derive(Debug)]
struct Process {
    id: u32,
    workers: Workers,
    /// The workers of a process that was forked from this one and now owns this copy of the memory.
    fork: OnceLock<Box<Process>>,
}

impl Process {
    fn new() -> Self {
        Self { id: std::process::id(), workers: Workers::default(), fork: OnceLock::new() }
    }

    /// Returns the entry of the current process.
    fn present() -> &'static Self {
        // Forks of forks form a chain. Its last entry belongs to this process or to an ancestor.
        let mut last = FIRST.get_or_init(Self::new);
        while let Some(fork) = last.fork.get() {
            last = fork;
        }
        if last.id == std::process::id() { last } else { last.fork.get_or_init(|| Box::new(Self::new())) }
    }
}

/// Returns up to `wanted` threads for one run, including the calling thread. Returns fewer threads if the
/// system cannot start more.
pub(crate) fn team(wanted: usize) -> Team<'static> {
    Process::present().workers.team(wanted)
}

/// Groups of workers that no run is using.
#[derive(Debug, Default)]
struct Workers {
    idle: Mutex<Vec<ThreadPool>>,
}

impl Workers {
    fn idle(&self) -> MutexGuard<'_, Vec<ThreadPool>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn team(&self, wanted: usize) -> Team<'_> {
        let group = if wanted > 1 { self.take(wanted - 1) } else { None };
        let threads = group.as_ref().map_or(1, |g| wanted.min(g.current_num_threads() + 1));
        Team { workers: self, group, threads, process: std::process::id() }
    }

    /// Returns the smallest idle group with at least `least` workers. Without one, a new group replaces the
    /// largest idle one. If the system cannot start threads, the largest idle group is returned instead.
    fn take(&self, least: usize) -> Option<ThreadPool> {
        let mut idle = self.idle();
        let large = idle.iter().enumerate().filter(|(_, group)| group.current_num_threads() >= least);
        if let Some((i, _)) = large.min_by_key(|(_, group)| group.current_num_threads()) {
            return Some(idle.swap_remove(i));
        }
        let largest = idle.iter().enumerate().max_by_key(|(_, group)| group.current_num_threads());
        // The lock is released before threads are started, which takes a long time.
        let replaced = largest.map(|(i, _)| i).map(|i| idle.swap_remove(i));
        drop(idle);
        let name = |i| format!("dendrion-{}", i + 1);
        ThreadPoolBuilder::new().num_threads(least).thread_name(name).build().ok().or(replaced)
    }

    /// Takes a group back, and ends the smallest groups if too many workers are idle.
    fn give_back(&self, group: ThreadPool) {
        let mut idle = self.idle();
        idle.push(group);
        idle.sort_by_key(|group| std::cmp::Reverse(group.current_num_threads()));
        let mut workers = 0;
        let kept = |group: &ThreadPool| {
            workers += group.current_num_threads();
            workers <= most_kept()
        };
        // The largest group is always kept, even if it exceeds the limit.
        let kept = idle.iter().map(kept).take_while(|kept| *kept).count().max(1);
        let ended = idle.split_off(kept);
        // Dropping a group waits for its threads, so it happens without the lock.
        drop(idle);
        drop(ended);
    }
}

/// Returns the maximum number of idle workers to keep.
fn most_kept() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    KEPT * PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// The threads that one run uses exclusively.
pub(crate) struct Team<'w> {
    workers: &'w Workers,
    /// The workers, without the calling thread.
    group: Option<ThreadPool>,
    threads: usize,
    process: u32,
}

impl Team<'_> {
    /// Returns the number of threads, including the calling thread.
    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// Runs the items of `work`, at most one per thread: the first with `first` on the calling thread, the others
    /// with `task` on a worker each, so that tasks may wait for each other. Returns their results in order, or `None`
    /// if a worker panicked.
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
        // A task without a thread of its own could never start while the others wait for it.
        let group = self.group.as_ref().filter(|_| work.len() < self.threads)?;
        let mut answers: Vec<Option<R>> = work.as_slice().iter().map(|_| None).collect();
        let mine = group.in_place_scope(|scope| {
            for (w, answer) in work.zip(&mut answers) {
                let task = &task;
                // Without `catch_unwind`, rayon would propagate the panic to the calling thread.
                scope.spawn(move |_| *answer = catch_unwind(AssertUnwindSafe(|| task(w))).ok());
            }
            first(mine)
        });
        [Some(mine)].into_iter().chain(answers).collect()
    }
}

impl Drop for Team<'_> {
    fn drop(&mut self) {
        match self.group.take() {
            Some(group) if self.process == std::process::id() => self.workers.give_back(group),
            // The threads remained in the parent process, so dropping the group, which joins them, would never
            // return.
            Some(group) => std::mem::forget(group),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::{Workers, most_kept};

    fn idle(workers: &Workers) -> Vec<usize> {
        workers.idle().iter().map(rayon::ThreadPool::current_num_threads).collect()
    }

    #[test]
    fn work_that_waits_for_each_other_has_a_thread_each() {
        let workers = Workers::default();
        for n in [1, 3, 2, 5] {
            let team = workers.team(n);
            assert_eq!(team.threads(), n);
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
    fn runs_one_after_the_other_share_workers() {
        let workers = Workers::default();
        for n in [2, 4, 3, 1, 4, 2] {
            assert_eq!(workers.team(n).run(vec![1; n], |i| i, |i| i), Some(vec![1; n]));
        }
        assert_eq!(idle(&workers), [3]);
    }

    #[test]
    fn runs_at_the_same_time_have_workers_of_their_own() {
        let workers = Workers::default();
        let (teams, barrier) = (6, Barrier::new(12));
        std::thread::scope(|scope| {
            for _ in 0..teams {
                scope.spawn(|| {
                    let meet = |i: usize| {
                        barrier.wait();
                        i
                    };
                    assert_eq!(workers.team(2).run(vec![0, 1], meet, meet), Some(vec![0, 1]));
                });
            }
        });
        assert_eq!(idle(&workers).iter().sum::<usize>(), teams.min(most_kept()));
    }

    #[test]
    fn few_idle_workers_are_kept() {
        let workers = Workers::default();
        let teams: Vec<_> = (0..2 * most_kept()).map(|_| workers.team(2)).collect();
        drop(teams);
        assert_eq!(idle(&workers).len(), most_kept());
        drop(workers.team(most_kept() + 5));
        assert_eq!(idle(&workers), [most_kept() + 4]);
    }

    #[test]
    fn a_lost_worker_is_seen() {
        let workers = Workers::default();
        let lost = |_| -> i32 { std::panic::resume_unwind(Box::new(())) };
        assert_eq!(workers.team(2).run(vec![0, 1], |i| i, lost), None);
        assert_eq!(workers.team(2).run(vec![0, 1], |i| i, |i| i), Some(vec![0, 1]));
    }
}

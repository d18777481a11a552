//! The worker threads of the process. All networks share them, and they sleep between runs.
//!
//! Threads of a run wait for each other at barriers, so each run needs workers of its own until it ends. It takes a group of
//! idle workers that is large enough, or starts a group where there is none, and gives it back at the end. There are therefore
//! as many groups as runs at the same time, however many networks exist. A group is a pool of rayon, whose scopes let workers
//! borrow from the thread that runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Idle workers that are kept, per processor: enough for a few runs at the same time that begin again and again.
const KEPT: usize = 4;

/// The workers of the first process that ran a network: this one, or one that it was forked from.
static FIRST: OnceLock<Process> = OnceLock::new();

/// Workers of a process. A fork has none of the threads of its parent, and a lock that one of them held is never released in
/// it. The fork therefore leaves its parent's workers alone and adds its own.
#[derive(Debug)]
struct Process {
    id: u32,
    workers: Workers,
    /// Of the process that was forked from this one and to which this memory now belongs.
    fork: OnceLock<Box<Process>>,
}

impl Process {
    fn new() -> Self {
        Self { id: std::process::id(), workers: Workers::default(), fork: OnceLock::new() }
    }

    /// The process that runs this code.
    fn present() -> &'static Self {
        let mut last = FIRST.get_or_init(Self::new);
        while let Some(fork) = last.fork.get() {
            last = fork;
        }
        if last.id == std::process::id() { last } else { last.fork.get_or_init(|| Box::new(Self::new())) }
    }
}

/// So many threads for one run, the caller's among them; fewer if the system refuses to start more.
pub(crate) fn team(wanted: usize) -> Team<'static> {
    Process::present().workers.team(wanted)
}

/// Groups of workers that no run uses at present.
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

    /// The smallest idle group of so many workers. Without one, a new group replaces the largest idle one, which is used
    /// instead if the system refuses to start threads.
    fn take(&self, least: usize) -> Option<ThreadPool> {
        let mut idle = self.idle();
        let large = idle.iter().enumerate().filter(|(_, group)| group.current_num_threads() >= least);
        if let Some((i, _)) = large.min_by_key(|(_, group)| group.current_num_threads()) {
            return Some(idle.swap_remove(i));
        }
        let largest = idle.iter().enumerate().max_by_key(|(_, group)| group.current_num_threads());
        let replaced = largest.map(|(i, _)| i).map(|i| idle.swap_remove(i));
        drop(idle);
        let name = |i| format!("dendrion-{}", i + 1);
        ThreadPoolBuilder::new().num_threads(least).thread_name(name).build().ok().or(replaced)
    }

    /// Takes a group back, and ends the smallest groups if there are more idle workers than it pays to keep.
    fn give_back(&self, group: ThreadPool) {
        let mut idle = self.idle();
        idle.push(group);
        idle.sort_by_key(|group| std::cmp::Reverse(group.current_num_threads()));
        let mut workers = 0;
        let kept = |group: &ThreadPool| {
            workers += group.current_num_threads();
            workers <= most_kept()
        };
        // The largest is kept in any case.
        let kept = idle.iter().map(kept).take_while(|kept| *kept).count().max(1);
        let ended = idle.split_off(kept);
        drop(idle);
        drop(ended);
    }
}

/// Idle workers that are kept.
fn most_kept() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    KEPT * PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// Threads that one run has to itself.
pub(crate) struct Team<'w> {
    workers: &'w Workers,
    /// The workers beside the calling thread.
    group: Option<ThreadPool>,
    threads: usize,
    process: u32,
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
        let group = self.group.as_ref().filter(|_| work.len() < self.threads)?;
        let mut answers: Vec<Option<R>> = work.as_slice().iter().map(|_| None).collect();
        let mine = group.in_place_scope(|scope| {
            for (w, answer) in work.zip(&mut answers) {
                let task = &task;
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
            // The threads stayed in the process that this one was forked from, so none can be ended here.
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

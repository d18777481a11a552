//! Worker threads that live as long as the simulation and sleep between runs.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// Worker threads, beside the caller's own.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    workers: Vec<(Sender<Job>, JoinHandle<()>)>,
}

impl Pool {
    /// Makes sure there are at least `workers` workers; returns how many there are, fewer where the system refuses.
    pub(crate) fn grow(&mut self, workers: usize) -> usize {
        while self.workers.len() < workers {
            let (sender, jobs) = channel::<Job>();
            let name = format!("dendrion-{}", self.workers.len() + 1);
            let thread =
                std::thread::Builder::new().name(name).spawn(move || jobs.into_iter().for_each(|job| job()));
            match thread {
                Ok(thread) => self.workers.push((sender, thread)),
                Err(_) => break,
            }
        }
        self.workers.len().min(workers)
    }

    /// Runs `task` on each of `work`: the first on the calling thread by `first`, the others on workers, one each.
    /// Returns what they return, in order; `None` where a worker was lost to a panic.
    pub(crate) fn run<W, R>(
        &mut self,
        mut work: Vec<W>,
        first: impl FnOnce(W) -> R,
        task: impl Fn(usize, W) -> R + Clone + Send + 'static,
    ) -> Option<Vec<R>>
    where
        W: Send + 'static,
        R: Send + 'static,
    {
        let rest = if work.len() > 1 { work.split_off(1) } else { Vec::new() };
        let mut answers: Vec<Receiver<R>> = Vec::with_capacity(rest.len());
        for ((i, w), (sender, _)) in rest.into_iter().enumerate().zip(&self.workers) {
            let (answer, receiver) = channel();
            let task = task.clone();
            // A worker that is gone drops the job, and with it the answer's sender: seen below.
            let _ = sender.send(Box::new(move || drop(answer.send(task(i + 1, w)))));
            answers.push(receiver);
        }
        let mut results = vec![first(work.pop()?)];
        for answer in answers {
            results.push(answer.recv().ok()?);
        }
        Some(results)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (sender, thread) in self.workers.drain(..) {
            drop(sender);
            // A worker that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

//! The checkpoint schedule: which states are kept, and which steps are rerun.
//!
//! The reverse run needs the state of every step, from the last to the first. If the states of all steps do not fit
//! into memory, the run is divided into segments (multi-level checkpointing: Griewank & Walther 2008, chapter 12):
//!
//! ```text
//! forward:   for each segment but the last: save the state at its beginning, run it
//!            run the last segment, and keep the state of every step
//! backward:  reverse the last segment
//!            for each segment before, from the last to the first:
//!                restore the state at its beginning, run it again and keep every step, reverse it
//! ```
//!
//! With r levels, segments are divided again, and each step is run at most r + 1 times. For n steps, one
//! level with about sqrt(n) segments needs memory for about 2 sqrt(n) states instead of n.
//!
//! A binomial schedule (Griewank & Walther 2000, "revolve") would rerun fewer steps with the same memory, but its
//! segments become shorter and shorter. With segments of equal length, epochs are never split and memory can be
//! reused.

use std::iter::Sum;
use std::ops::Add;

/// An entry of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScheduleStep {
    /// Saves the current state.
    Save,
    /// Restores the most recently saved state and discards the saved copy.
    Restore,
    /// Runs steps, and records each of them if `track` is true.
    Run { begin: u64, end: u64, track: bool },
    /// Reverses recorded steps.
    Sweep { begin: u64, end: u64 },
}

/// The memory that one sample needs, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    /// Bytes of one state, summed over the shards that record their state at each step.
    pub(crate) each_step: usize,
    /// Bytes of one state, summed over the shards that record their state at the beginning of each epoch.
    pub(crate) each_epoch: usize,
    /// Bytes of a snapshot from which a segment can start.
    pub(crate) saved: usize,
}

impl Bytes {
    /// Returns the number of bytes that the states of a segment occupy, including the state at its end.
    fn kept(&self, steps: u64, epoch: u64) -> f64 {
        (steps + 1) as f64 * self.each_step as f64
            + (steps.div_ceil(epoch) + 1) as f64 * self.each_epoch as f64
    }
}

impl Add for Bytes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            each_step: self.each_step + other.each_step,
            each_epoch: self.each_epoch + other.each_epoch,
            saved: self.saved + other.saved,
        }
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

/// The samples of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Number of samples.
    pub(crate) samples: usize,
    /// Number of samples that are reversed at the same time.
    pub(crate) at_a_time: usize,
}

/// The division of a run into segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckpointSchedule {
    begin: u64,
    end: u64,
    /// Number of steps of a segment, by level. Segments of level 0 are recorded as a whole.
    lengths: Vec<u64>,
    /// Whether the run records no steps, so that the last segment is rerun too. The steps of a segment are then
    /// stored only while its sample is reversed, and not for all samples of a batch at the same time.
    deferred: bool,
    /// Maximum number of bytes in use at any time, in all samples.
    bytes: u64,
}

/// Maximum number of levels.
const MOST_LEVELS: u32 = 6;

impl CheckpointSchedule {
    /// Returns the schedule that reruns the fewest steps within `budget` bytes, or the one that needs the
    /// fewest bytes if none fits. `bytes` describes the memory that one sample needs. Segments consist of
    /// whole epochs.
    pub(crate) fn new(
        (begin, end): (u64, u64),
        epoch: u64,
        bytes: Bytes,
        batch: Batch,
        budget: usize,
    ) -> Self {
        let plans = (0..=MOST_LEVELS)
            .flat_map(|levels| [(levels, false), (levels, true)])
            .filter(|(_, deferred)| !deferred || batch.samples > batch.at_a_time)
            .map(|(levels, deferred)| Self::of((begin, end), epoch, bytes, batch, (levels, deferred)));
        let mut least: Option<Self> = None;
        // The plans are tried in ascending order of work: fewer levels first, and immediate before deferred
        // recording.
        for plan in plans {
            if plan.bytes <= budget as u64 {
                return plan;
            }
            if least.as_ref().is_none_or(|least| plan.bytes < least.bytes) {
                least = Some(plan);
            }
        }
        // Without any plan, the whole run is one segment.
        let whole = || Self { begin, end, lengths: vec![(end - begin).max(1)], deferred: false, bytes: 0 };
        least.unwrap_or_else(whole)
    }

    /// Returns the best plan with this number of levels.
    fn of(
        (begin, end): (u64, u64),
        epoch: u64,
        bytes: Bytes,
        batch: Batch,
        (levels, deferred): (u32, bool),
    ) -> Self {
        let (steps, saved) = (end - begin, bytes.saved.max(1) as f64);
        // A deferred plan records steps only for the samples that are being reversed, and each sample runs
        // its last segment twice.
        let keep = if deferred { batch.at_a_time } else { batch.samples };
        let (mut parts, mut leaf) = (1.0, steps.max(1));
        if levels > 0 {
            // Consider b samples, k of which record steps at a time, r levels of m segments, and n steps of h bytes
            // and c bytes per snapshot. The bytes in use are about b r m c (snapshots) + k h n / m^r (steps of one
            // segment). The derivative with respect to m vanishes at m^(r + 1) = k h n / (b c).
            let step = (bytes.each_step as f64 + bytes.each_epoch as f64 / epoch as f64).max(1.0);
            let ratio = keep as f64 * steps as f64 * step / (batch.samples as f64 * saved);
            parts = ratio.powf(1.0 / f64::from(levels + 1)).ceil().max(2.0);
            leaf = (steps as f64 / parts.powi(levels as i32)).ceil() as u64;
            // Segments consist of whole epochs, so that spikes are delivered at the same steps when a segment is
            // rerun.
            leaf = leaf.div_ceil(epoch).max(1) * epoch;
        }
        let lengths = (0..=levels).map(|l| leaf * (parts as u64).pow(l)).collect();
        // The last part of a level is saved only in a deferred plan, because otherwise the run has just
        // reached its beginning.
        let saves = f64::from(levels) * (parts - 1.0) + f64::from(u8::from(deferred));
        let needed = batch.samples as f64 * saves * saved + keep as f64 * bytes.kept(leaf, epoch);
        Self { begin, end, lengths, deferred, bytes: needed as u64 }
    }

    /// Returns the maximum number of bytes of states in use at any time, in all samples.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns whether no steps are recorded until the run is reversed.
    pub(crate) const fn is_deferred(&self) -> bool {
        self.deferred
    }

    /// Returns the schedule of the run itself.
    pub(crate) fn forward(&self) -> Vec<ScheduleStep> {
        let mut schedule = Vec::new();
        self.run(self.begin, self.end, self.lengths.len() - 1, &mut schedule);
        // The last entry records the last segment. A deferred plan instead saves the state there and runs the
        // segment without recording.
        if self.deferred
            && let Some(ScheduleStep::Run { begin, end, .. }) = schedule.pop()
        {
            schedule.extend([ScheduleStep::Save, ScheduleStep::Run { begin, end, track: false }]);
        }
        schedule
    }

    /// Returns the schedule of the reverse run that follows.
    pub(crate) fn backward(&self) -> Vec<ScheduleStep> {
        let mut schedule = Vec::new();
        // The last segment is rerun first, this time with recording.
        if self.deferred
            && let Some(ScheduleStep::Run { begin, end, .. }) = self.forward().pop()
        {
            schedule.extend([ScheduleStep::Restore, ScheduleStep::Run { begin, end, track: true }]);
        }
        self.sweep(self.begin, self.end, self.lengths.len() - 1, &mut schedule);
        schedule
    }

    fn run(&self, begin: u64, end: u64, level: usize, schedule: &mut Vec<ScheduleStep>) {
        if level == 0 {
            schedule.push(ScheduleStep::Run { begin, end, track: true });
            return;
        }
        let mut parts = self.parts(begin, end, level);
        let last = parts.pop();
        for (begin, end) in parts {
            schedule.extend([ScheduleStep::Save, ScheduleStep::Run { begin, end, track: false }]);
        }
        // The last part follows immediately, recorded or divided further, so it needs no snapshot.
        if let Some((begin, end)) = last {
            self.run(begin, end, level - 1, schedule);
        }
    }

    fn sweep(&self, begin: u64, end: u64, level: usize, schedule: &mut Vec<ScheduleStep>) {
        if level == 0 {
            schedule.push(ScheduleStep::Sweep { begin, end });
            return;
        }
        for (i, (begin, end)) in self.parts(begin, end, level).into_iter().rev().enumerate() {
            // The last part is still recorded from the run before.
            if i > 0 {
                schedule.push(ScheduleStep::Restore);
                self.run(begin, end, level - 1, schedule);
            }
            self.sweep(begin, end, level - 1, schedule);
        }
    }

    fn parts(&self, begin: u64, end: u64, level: usize) -> Vec<(u64, u64)> {
        let length = self.lengths[level - 1];
        (begin..end).step_by(length as usize).map(|b| (b, end.min(b + length))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Bytes, CheckpointSchedule, ScheduleStep};

    /// Simulates a plan and checks that each step is reversed once, in descending order, and only while it is recorded.
    /// Returns the maximum number of bytes in use.
    fn play(plan: &CheckpointSchedule, (begin, end, epoch): (u64, u64, u64), bytes: Bytes) -> u64 {
        let (mut now, mut pile, mut kept, mut left, mut most) = (begin, Vec::new(), None, end, 0);
        for step in plan.forward().into_iter().chain(plan.backward()) {
            match step {
                ScheduleStep::Save => pile.push(now),
                ScheduleStep::Restore => now = pile.pop().unwrap(),
                ScheduleStep::Run { begin, end, track } => {
                    assert_eq!(now, begin);
                    now = end;
                    kept = track.then_some((begin, end));
                }
                ScheduleStep::Sweep { begin, end } => {
                    assert_eq!((kept.take(), left), (Some((begin, end)), end));
                    left = begin;
                }
            }
            let kept = kept.map_or(0.0, |(begin, end)| bytes.kept(end - begin, epoch));
            most = most.max(kept as u64 + (pile.len() * bytes.saved) as u64);
        }
        assert_eq!((left, pile.len()), (begin, 0));
        most
    }

    const ONE: Batch = Batch { samples: 1, at_a_time: 1 };

    #[test]
    fn every_step_is_unwound_once_within_the_budget() {
        for (end, epoch) in [(0, 1), (1, 1), (7, 3), (1000, 64), (4001, 5), (100_000, 10)] {
            for (each_step, each_epoch, saved) in
                [(100, 0, 300), (0, 100, 300), (60, 40, 300), (8, 0, 90_000)]
            {
                let bytes = Bytes { each_step, each_epoch, saved };
                for budget in [0, 5_000, 20_000, 200_000, 100_000_000] {
                    let plan = CheckpointSchedule::new((3, 3 + end), epoch, bytes, ONE, budget);
                    let most = play(&plan, (3, 3 + end, epoch), bytes);
                    assert!(most <= plan.bytes(), "{end} {epoch} {budget} {bytes:?}: {most}");
                    if budget >= 20_000 && saved < 1000 {
                        assert!(plan.bytes() <= budget as u64, "{end} {epoch} {budget} {bytes:?}: {most}");
                    }
                    let runs =
                        plan.backward().iter().filter(|l| matches!(l, ScheduleStep::Run { .. })).count();
                    assert!((budget < 100_000_000) || runs == 0);
                }
            }
        }
    }

    /// If snapshots are much larger than the states of steps, more levels need more memory.
    #[test]
    fn a_plan_for_too_small_a_budget_needs_the_fewest_bytes() {
        let bytes = Bytes { each_step: 8, each_epoch: 0, saved: 90_000 };
        let plan = CheckpointSchedule::new((0, 20_000), 10, bytes, ONE, 0);
        assert!(plan.bytes() <= 160_008, "{}", plan.bytes());
        let plan = CheckpointSchedule::new((0, 1_000_000), 10, bytes, ONE, 0);
        assert!(plan.bytes() < 1_000_000, "{}", plan.bytes());
    }

    /// If the steps of a batch do not fit into memory, a sample records its steps only while it is reversed.
    #[test]
    fn a_batch_keeps_steps_of_the_samples_that_are_reversed() {
        let bytes = Bytes { each_step: 1000, each_epoch: 0, saved: 2000 };
        let batch = Batch { samples: 64, at_a_time: 2 };
        for (end, budget) in [(500, 1_500_000), (500, 800_000), (7001, 3_000_000), (7001, 0)] {
            let plan = CheckpointSchedule::new((0, end), 10, bytes, batch, budget);
            assert!(plan.is_deferred());
            assert!(budget == 0 || plan.bytes() <= budget as u64, "{}", plan.bytes());
            assert!(play(&plan, (0, end, 10), bytes) <= plan.bytes());
            let saved = plan.forward().iter().filter(|l| **l == ScheduleStep::Save).count() as u64;
            assert!(plan.bytes() >= 64 * 2000 * saved);
        }
        let plan = CheckpointSchedule::new((0, 500), 10, bytes, batch, 64 * 501_000);
        assert!(!plan.is_deferred() && plan.backward().len() == 1);
    }
}

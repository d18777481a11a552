//! The lengths of epochs. Results do not depend on these lengths, which are limited by the shortest delay. If
//! steps are slow, epochs are even shorter, so that a run can be stopped quickly. A run that nothing can stop has epochs
//! of the greatest length, so the work that it does never depends on measured times.
//!
//! The calling thread measures each epoch and sets the length of a later one. Generators are one epoch ahead,
//! so this length applies to the epoch after the next one. Threads read the length after the barrier
//! (`meet`). Two entries are used in turn, because a slow thread may still read one of them while the next
//! length is written to the other:
//!
//! ```text
//! caller:   set(1)  meet 1  get(1)  set(2)  meet 2  get(2)  set(3) ...
//! another:          meet 1          get(1)  meet 2  get(2)
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Target duration of an epoch.
const TIME: Duration = Duration::from_millis(100);

/// Lengths of epochs, in steps.
#[derive(Debug)]
pub(crate) struct Pace {
    longest: u64,
    is_fixed: bool,
    /// Whether the present run can be stopped, so that its epochs are short.
    can_stop: AtomicBool,
    /// The length that was set last.
    latest: AtomicU64,
    lengths: [AtomicU64; 2],
}

impl Pace {
    /// Creates a pace with a constant length.
    pub(crate) const fn fixed(length: u64) -> Self {
        let lengths = [AtomicU64::new(length), AtomicU64::new(length)];
        let (can_stop, latest) = (AtomicBool::new(true), AtomicU64::new(length));
        Self { longest: length, is_fixed: true, can_stop, latest, lengths }
    }

    /// Creates a pace that starts with `first` steps and then aims at 0.1 s per epoch, with at most `longest` steps.
    pub(crate) fn adaptive(first: u64, longest: u64) -> Self {
        Self { longest, is_fixed: false, ..Self::fixed(first.clamp(1, longest)) }
    }

    /// Returns whether all epochs have the same length. A run with such epochs cannot continue after a stop.
    pub(crate) const fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Begins a run. If it can be stopped, its first two epochs have the length that was set last; if not, all epochs have
    /// the greatest length.
    pub(crate) fn begin(&self, can_stop: bool) {
        self.can_stop.store(can_stop, Ordering::Relaxed);
        let length = if can_stop { self.latest.load(Ordering::Relaxed) } else { self.longest };
        self.lengths.iter().for_each(|l| l.store(length, Ordering::Release));
    }

    /// Sets the length that applies after barrier number `meeting`, given that `steps` steps took `time`.
    pub(crate) fn set(&self, meeting: u64, steps: u64, time: Duration) {
        if !self.is_fixed && self.can_stop.load(Ordering::Relaxed) {
            let fits = steps as f64 * TIME.as_secs_f64() / time.as_secs_f64().max(1e-9);
            // A duration of zero, from a coarse clock, results in the longest epoch.
            let length = (fits.min(self.longest as f64) as u64).max(1);
            self.latest.store(length, Ordering::Relaxed);
            self.lengths[(meeting % 2) as usize].store(length, Ordering::Release);
        }
    }

    /// Returns the length that applies after barrier number `meeting`.
    pub(crate) fn get(&self, meeting: u64) -> u64 {
        self.lengths[(meeting % 2) as usize].load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn epochs_take_about_a_tenth_of_a_second() {
        let pace = Pace::adaptive(20, 64);
        assert_eq!((pace.get(0), pace.get(1)), (20, 20));
        pace.set(1, 20, Duration::from_secs(1));
        assert_eq!((pace.get(0), pace.get(1)), (20, 2));
        pace.set(2, 20, Duration::from_secs(9));
        pace.set(3, 20, Duration::from_micros(1));
        assert_eq!((pace.get(2), pace.get(3)), (1, 64));
        pace.set(4, 20, Duration::ZERO);
        assert_eq!(pace.get(4), 64);
        pace.set(5, 20, Duration::from_secs(1));
        pace.begin(true);
        assert_eq!((pace.get(0), pace.get(1)), (2, 2));
        assert_eq!(Pace::adaptive(0, 64).get(0), 1);
    }

    #[test]
    fn runs_that_cannot_stop_have_the_longest_epochs() {
        let pace = Pace::adaptive(20, 64);
        pace.begin(false);
        assert_eq!((pace.get(0), pace.get(1)), (64, 64));
        pace.set(1, 64, Duration::from_secs(9));
        assert_eq!((pace.get(0), pace.get(1)), (64, 64));
        pace.begin(true);
        assert_eq!((pace.get(0), pace.get(1)), (20, 20));
    }

    #[test]
    fn fixed_lengths_stay() {
        let pace = Pace::fixed(7);
        pace.set(0, 7, Duration::from_secs(1));
        assert_eq!((pace.get(0), pace.get(1)), (7, 7));
    }
}

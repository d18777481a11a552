//! The simulation time: steps done and time requested so far.
//!
//! A run of a given duration ends at the step nearest to the time requested so far, so that rounding errors do not
//! accumulate over many short runs.

use dendrion_model::{Error, nearest_step};

/// Largest error, in steps, that summing durations can cause in a multiple of the time step.
const SUMMED: f64 = 1e-9;

/// Number of steps before which every run ends. Beyond this number, event times could no longer distinguish steps.
pub(crate) const MOST_STEPS: u64 = 1 << 48;

/// A request to run for a given duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Number of steps to run, possibly 0.
    pub steps: u64,
    /// Time requested so far (ms), including this duration.
    pub time: f64,
}

/// The current time of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Number of steps done.
    pub(crate) now: u64,
    /// Time requested so far (ms). `now` is the nearest step.
    pub(crate) requested: f64,
    /// The time step (ms).
    pub(crate) dt: f64,
}

impl Clock {
    /// Creates a clock at step 0.
    pub(crate) const fn new(dt: f64) -> Self {
        Self { now: 0, requested: 0.0, dt }
    }

    /// Moves to a step. The time requested so far becomes the time of that step.
    pub(crate) fn reach(&mut self, step: u64) {
        self.now = step;
        self.requested = step as f64 * self.dt;
    }

    pub(crate) fn request(&self, duration: f64) -> Result<Request, Error> {
        let dt = self.dt;
        let accepted = "a finite time >= 0 (ms)";
        if !(duration.is_finite() && duration >= 0.0) {
            return Err(Error::parameter("network", "duration", duration, accepted));
        }
        let time = self.requested + duration;
        let end = nearest_step(time, dt);
        if end >= MOST_STEPS as f64 {
            return Err(Error::parameter("network", "duration", format!("{duration:e}"), self.accepted()));
        }
        let on_grid = end * dt;
        let is_on_grid = (time - on_grid).abs() <= SUMMED * dt;
        let steps = (end as u64).saturating_sub(self.now);
        Ok(Request { steps, time: if is_on_grid { on_grid } else { time } })
    }

    /// Checks that a run of `steps` steps ends early enough.
    pub(crate) fn check(&self, steps: u64) -> Result<(), Error> {
        if self.now.saturating_add(steps) < MOST_STEPS {
            return Ok(());
        }
        Err(Error::parameter("network", "steps", steps, self.accepted()))
    }

    fn accepted(&self) -> String {
        format!("a run that ends before step 2^48 (dt = {} ms)", self.dt)
    }

    pub(crate) fn set_requested(&mut self, time: f64) {
        if is_requested(time, self.now, self.dt) {
            self.requested = time;
        }
    }
}

/// Returns whether a request for the time `time` (ms) ends at this step.
pub(crate) fn is_requested(time: f64, step: u64, dt: f64) -> bool {
    time >= 0.0 && nearest_step(time, dt) == step as f64
}

//! How far a run of a given duration goes: to the step nearest to the time requested so far, so that rounding does not
//! accumulate over many short runs.

use std::ops::ControlFlow;

use dendrion_lanes::Scalar;
use dendrion_model::{Error, nearest_step};

use crate::core::{Core, RunEnd};
use crate::simulation::Simulation;

/// Largest difference from a multiple of the step, in steps, that summing durations causes.
const SUMMED: f64 = 1e-9;

/// What a run of some duration comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Steps to run, possibly 0.
    pub steps: u64,
    /// Time requested so far (ms), this duration included.
    pub time: f64,
}

impl<T: Scalar> Core<T> {
    /// Moves to a step. The time requested so far is then the time of that step.
    pub(crate) fn reach(&mut self, step: u64) {
        self.now = step;
        self.requested = step as f64 * self.network.dt;
    }

    pub(crate) fn request(&self, duration: f64) -> Result<Request, Error> {
        let dt = self.network.dt;
        let accepted = "a finite time >= 0 (ms)";
        if !(duration.is_finite() && duration >= 0.0) {
            return Err(Error::parameter("network", "duration", duration, accepted));
        }
        let time = self.requested + duration;
        let end = nearest_step(time, dt);
        if end >= 2_f64.powi(62) {
            let accepted = format!("a run that ends before step 2^62 (dt = {dt} ms)");
            return Err(Error::parameter("network", "duration", format!("{duration:e}"), accepted));
        }
        let on_grid = end * dt;
        let is_on_grid = (time - on_grid).abs() <= SUMMED * dt;
        let steps = (end as u64).saturating_sub(self.now);
        Ok(Request { steps, time: if is_on_grid { on_grid } else { time } })
    }

    pub(crate) fn set_requested(&mut self, time: f64) {
        if is_requested(time, self.now, self.network.dt) {
            self.requested = time;
        }
    }
}

/// Whether a network that was asked to reach a time (ms) stops at this step.
pub(crate) fn is_requested(time: f64, step: u64, dt: f64) -> bool {
    time >= 0.0 && nearest_step(time, dt) == step as f64
}

impl Simulation {
    /// What a run of `duration` ms comes to: the steps to the one nearest to the time requested so far plus `duration`. Run that
    /// many steps and call [`Simulation::set_requested_time`], or call [`Simulation::run_for`], which does both.
    ///
    /// # Errors
    /// A duration that is negative or not finite, or too many steps.
    pub fn request(&self, duration: f64) -> Result<Request, Error> {
        self.request_of(duration)
    }

    /// Runs `duration` ms more: to the step nearest to the time requested so far plus `duration`, so that 400 runs of 0.25 ms
    /// end at 100 ms with any time step. Otherwise as [`Simulation::run`], which takes steps.
    ///
    /// # Errors
    /// As [`Simulation::request`] and [`Simulation::run`].
    pub fn run_for(
        &mut self,
        duration: f64,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<RunEnd, Error> {
        let request = self.request(duration)?;
        let end = self.run(request.steps, watch)?;
        if end == RunEnd::Finished {
            self.set_requested_time(request.time);
        }
        Ok(end)
    }
}

//! Runs of a given duration.

use std::ops::ControlFlow;

use dendrion_model::Error;

use crate::runtime::clock::Request;
use crate::runtime::core::RunEnd;
use crate::simulation::Simulation;

impl Simulation {
    /// Returns the number of steps of a run of `duration` ms, which ends at the step nearest to the time requested so
    /// far plus `duration`. Run this many steps and call [`Simulation::set_requested_time`], or call
    /// [`Simulation::run_for`], which does both.
    ///
    /// # Errors
    /// Returns an error for a duration that is negative or not finite, and for too many steps.
    pub fn request(&self, duration: f64) -> Result<Request, Error> {
        self.request_of(duration)
    }

    /// Runs for another `duration` ms, to the step nearest to the time requested so far plus `duration`. For
    /// any time step, 400 runs of 0.25 ms therefore end at the step nearest to 100 ms. See
    /// [`Simulation::run`], which takes a number of steps.
    ///
    /// # Errors
    /// Returns the same errors as [`Simulation::request`] and [`Simulation::run`].
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ops::ControlFlow;

    use dendrion_model::{Network, Population};

    use crate::runtime::clock::Request;
    use crate::runtime::core::RunEnd;
    use crate::simulation::Simulation;

    fn simulation() -> Simulation {
        let mut network = Network::new(0.1);
        let mut cell = Population::new("cell", 1, [("V_th", -40.0), ("V_reset", -55.0)]);
        cell.soma("soma", [("C", 200.0), ("gL", 10.0), ("V_rest", -65.0)]);
        network.populations.push(cell);
        Simulation::new(network).unwrap()
    }

    fn run(simulation: &mut Simulation, duration: f64) -> u64 {
        simulation.run_for(duration, &mut |_| ControlFlow::Continue(())).unwrap();
        simulation.steps()
    }

    #[test]
    fn durations_add_up() {
        let mut simulation = simulation();
        let ends: Vec<u64> = (0..400).map(|_| run(&mut simulation, 0.25)).collect();
        assert_eq!((&ends[..4], ends[399]), ([3, 5, 8, 10].as_slice(), 1000));
        assert_eq!(simulation.requested_time(), 100.0);
        simulation.reset().unwrap();
        assert_eq!([0.04, 0.04, 0.04].map(|d| run(&mut simulation, d)), [0, 1, 1]);
    }

    #[test]
    fn runs_in_steps_and_interruptions_forget_the_fraction() {
        let mut simulation = simulation();
        assert_eq!(run(&mut simulation, 0.24), 2);
        simulation.advance(1).unwrap();
        assert_eq!(simulation.request(0.05).unwrap().steps, 1);
        assert_eq!(run(&mut simulation, 0.04), 3);
        let end = simulation.run_for(1e6, &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!(end, RunEnd::Stopped);
        assert_eq!(simulation.requested_time(), simulation.steps() as f64 * 0.1);
    }

    #[test]
    fn a_time_that_the_steps_do_not_reach_is_ignored() {
        let mut simulation = simulation();
        let Request { steps, time } = simulation.request(0.24).unwrap();
        simulation.set_requested_time(time);
        assert_eq!(simulation.requested_time(), 0.0);
        simulation.advance(steps).unwrap();
        simulation.set_requested_time(time);
        assert_eq!(simulation.requested_time(), 0.24);
    }

    #[test]
    fn durations_that_are_no_times_are_errors() {
        let simulation = simulation();
        for duration in [-1e-9, -1.0, f64::NAN, f64::INFINITY] {
            let error = simulation.request(duration).unwrap_err().to_string();
            assert!(error.ends_with("expected a finite time >= 0 (ms)"), "{error}");
        }
        let error = simulation.request(1e30).unwrap_err().to_string();
        let expected = "network: duration = 1e30: expected a run that ends before step 2^48 (dt = 0.1 ms)";
        assert_eq!(error, expected);
    }
}

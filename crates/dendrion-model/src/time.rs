//! Conversion of times to steps, which is the only place where times are rounded, and reports of rounded
//! times.

use std::fmt;

use crate::grid::{NOISE, grid_position};
use crate::{Error, Network, PerConnection, Signal};

/// Returns the step nearest to a time (ms) >= 0. Halves are rounded away from zero, with a tolerance of [`NOISE`].
pub fn nearest_step(ms: f64, dt: f64) -> f64 {
    (grid_position(ms, dt) + NOISE).round()
}

/// Returns whether a time (ms) is a multiple of the step, up to rounding errors.
pub fn is_multiple(ms: f64, dt: f64) -> bool {
    let steps = grid_position(ms, dt);
    steps == steps.round()
}

/// Converts a time to an integer number of steps, rounded by [`nearest_step`].
///
/// # Errors
/// Returns [`Error::Parameter`] if the time is not finite, is negative, or is longer than 9·10¹⁸ steps.
pub fn steps_of(module: &str, parameter: &str, ms: f64, dt: f64) -> Result<u64, Error> {
    let steps = nearest_step(ms, dt);
    if !(ms >= 0.0 && steps < 9e18) {
        return Err(Error::parameter(module, parameter, ms, "a finite time >= 0 (ms)"));
    }
    Ok(steps as u64)
}

/// Times of a parameter that are rounded because they are not multiples of the step.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounding {
    /// Path of the module.
    pub module: String,
    /// The parameter.
    pub parameter: String,
    /// Index of the value with the largest change, if the parameter has several values.
    pub index: Option<usize>,
    /// That value (ms).
    pub value: f64,
    /// The rounded value (ms).
    pub rounded: f64,
    /// The number of rounded values, and the number of all values.
    pub count: (usize, usize),
    /// The time step (ms).
    pub dt: f64,
}

impl Rounding {
    /// Reports how the values of a parameter are rounded. Returns `None` if all of them are multiples of the step.
    pub fn of(module: &str, parameter: &str, values: &[f64], dt: f64) -> Option<Self> {
        let moved = |v: f64| (nearest_step(v, dt) * dt - v).abs();
        let mut worst: Option<(usize, f64)> = None;
        let mut count = 0;
        for (i, v) in values.iter().enumerate().filter(|(_, v)| !is_multiple(**v, dt)) {
            count += 1;
            if worst.is_none_or(|(_, farthest)| moved(*v) > farthest) {
                worst = Some((i, moved(*v)));
            }
        }
        let (index, _) = worst?;
        let value = values[index];
        Some(Self {
            module: module.to_string(),
            parameter: parameter.to_string(),
            index: (values.len() > 1).then_some(index),
            value,
            rounded: nearest_step(value, dt) * dt,
            count: (count, values.len()),
            dt,
        })
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, parameter, index, value, rounded, count, dt } = self;
        let (value, rounded, dt) = (short(*value), short(*rounded), short(*dt));
        match index {
            None => write!(
                f,
                "{module}: {parameter} = {value} ms is not a multiple of dt = {dt} ms; it is rounded to {rounded} ms"
            ),
            Some(i) => write!(
                f,
                "{module}: {} of {} values of {parameter} {} of dt = {dt} ms and {} rounded; the largest change is from \
                 {parameter}[{i}] = {value} ms to {rounded} ms",
                count.0,
                count.1,
                if count.0 == 1 { "is not a multiple" } else { "are not multiples" },
                if count.0 == 1 { "is" } else { "are" }
            ),
        }
    }
}

impl Network {
    /// Returns reports for all specified delays and spike times that are not multiples of the step. Randomly
    /// drawn delays are rounded without a report.
    pub fn roundings(&self) -> Vec<Rounding> {
        let mut found = Vec::new();
        for projection in &self.projections {
            let delays = projection.delay.as_ref().and_then(PerConnection::given);
            found.extend(delays.and_then(|d| Rounding::of(&projection.path, "delay", d.as_slice(), self.dt)));
        }
        for generator in &self.generators {
            // Currents and rates do not need rounding: they are averaged over the steps in which they start and
            // stop.
            if !matches!(generator.signal, Signal::Spikes { .. } | Signal::Pushed) {
                continue;
            }
            let of = |name, times: &[f64]| Rounding::of(&generator.path, name, times, self.dt);
            found.extend(of("start", &[generator.start]));
            found.extend(generator.stop.and_then(|stop| of("stop", &[stop])));
            if let Signal::Spikes { times, .. } = &generator.signal {
                found.extend(of("times", times));
            }
        }
        found
    }
}

/// Drops the last digits of a number, which contain rounding errors.
fn short(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::{Rounding, is_multiple, nearest_step, steps_of};

    #[test]
    fn halves_are_rounded_away_from_zero() {
        // 0.15/0.1 and 0.35/0.1 are a little less than 1.5 and 3.5.
        for (ms, dt, steps) in [
            (0.05, 0.1, 1.0),
            (0.15, 0.1, 2.0),
            (0.25, 0.1, 3.0),
            (0.35, 0.1, 4.0),
            (0.45, 0.1, 5.0),
            (0.049, 0.1, 0.0),
            (0.249, 0.1, 2.0),
            (0.0125, 0.025, 1.0),
            (1e6 + 0.05, 0.1, 10_000_001.0),
            (0.0, 0.1, 0.0),
        ] {
            assert_eq!(nearest_step(ms, dt), steps, "{ms} ms at {dt} ms");
        }
    }

    #[test]
    fn noise_is_no_difference() {
        for (ms, dt) in
            [(0.3, 0.1), (1.1, 0.025), (0.7, 0.1), (100.1, 0.1), (0.1 + 0.2, 0.1), (2.0, 1.0 / 3.0)]
        {
            assert!(is_multiple(ms, dt), "{ms} ms at {dt} ms");
            assert!(is_multiple(f64::from(ms as f32), dt), "{ms} ms in single precision at {dt} ms");
        }
        for (ms, dt) in [(0.25, 0.1), (0.04, 0.1), (1.11, 0.025), (100.03, 0.1), (1e5 + 0.03, 0.1)] {
            assert!(!is_multiple(ms, dt), "{ms} ms at {dt} ms");
        }
    }

    #[test]
    fn negative_times_are_errors() {
        for ms in [-0.01, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = steps_of("net", "delay", ms, 0.1).unwrap_err().to_string();
            assert!(error.ends_with(": expected a finite time >= 0 (ms)"), "{error}");
        }
    }

    #[test]
    fn messages_name_what_is_rounded() {
        let one = Rounding::of("cell", "refractory", &[2.25], 0.1).map(|r| r.to_string());
        let expected = "cell: refractory = 2.25 ms is not a multiple of dt = 0.1 ms; it is rounded to 2.3 ms";
        assert_eq!(one.as_deref(), Some(expected));
        let some = Rounding::of("syn", "delay", &[0.3, 0.32, 0.55, 1.0], 0.1).map(|r| r.to_string());
        let expected = "syn: 2 of 4 values of delay are not multiples of dt = 0.1 ms and are rounded; the largest change is \
                        from delay[2] = 0.55 ms to 0.6 ms";
        assert_eq!(some.as_deref(), Some(expected));
        assert_eq!(Rounding::of("syn", "delay", &[0.3, 1.0], 0.1), None);
    }
}

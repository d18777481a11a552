//! Waveforms: currents that are defined by samples and averaged over steps.
//!
//! Without an interval, sample k applies from start + k dt to start + (k + 1) dt, so a step uses one sample if
//! `start` is a multiple of dt. With an interval h, the current is the linear interpolation of samples at start + k
//! h, from the first to the last sample, and 0 elsewhere. The average of a piecewise linear function is exact: each
//! piece contributes the mean of its ends, so its two samples have the weights
//!
//! ```text
//! d (1 - m), d m        d: length of the piece in sample intervals, m: its middle from the sample before
//! ```
//!
//! divided by the length of the step. The backward sweep uses the same weights, which are the derivatives with
//! respect to the samples.

use dendrion_model::{Waveform, grid_position, on_grid};

use super::schedule::{Part, Window};

/// A waveform and the time at which it plays.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) wave: Waveform,
    window: Window,
    /// Number of samples per step, if they are interpolated.
    per_step: Option<f64>,
}

impl Samples {
    pub(crate) fn new(wave: Waveform, window: Window, dt: f64) -> Self {
        let per_step = wave.interval.map(|interval| grid_position(dt, interval));
        Self { wave, window, per_step }
    }

    /// Returns the number of samples.
    pub(crate) fn count(&self) -> usize {
        self.wave.values.len() / self.wave.width.max(1)
    }

    /// Returns the steps in which samples play.
    pub(crate) fn steps(&self) -> std::ops::Range<u64> {
        let on = self.window.steps();
        let length = match self.per_step {
            None => self.count() as f64,
            Some(per_step) => self.count().saturating_sub(1) as f64 / per_step,
        };
        on.start..on.end.min(on_grid(self.window.start + length).ceil() as u64)
    }

    /// Finds the samples that play in a step, with their weights.
    pub(crate) fn parts(&self, step: u64, parts: &mut Vec<Part>) {
        parts.clear();
        let (from, until) = self.window.within(step);
        let (from, until) = (from - self.window.start, until - self.window.start);
        match self.per_step {
            None => self.held(from, until, parts),
            Some(per_step) => self.interpolated((from, until), per_step, parts),
        }
    }

    fn held(&self, from: f64, until: f64, parts: &mut Vec<Part>) {
        let mut at = from.max(0.0);
        while at < until && (at as usize) < self.count() {
            let next = until.min(at.floor() + 1.0);
            parts.push((at as usize, next - at));
            at = next;
        }
    }

    fn interpolated(&self, (from, until): (f64, f64), per_step: f64, parts: &mut Vec<Part>) {
        let last = self.count().saturating_sub(1);
        let in_samples = |steps: f64| on_grid(steps * per_step).clamp(0.0, last as f64);
        let (mut at, until) = (in_samples(from), in_samples(until));
        while at < until {
            let sample = at as usize;
            let next = until.min((sample + 1) as f64);
            let (length, middle) = ((next - at) / per_step, 0.5 * (at + next) - sample as f64);
            match parts.last_mut() {
                Some((slot, weight)) if *slot == sample => *weight += length * (1.0 - middle),
                _ => parts.push((sample, length * (1.0 - middle))),
            }
            parts.push((sample + 1, length * middle));
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use dendrion_model::Waveform;

    use super::{Samples, Window};

    fn averages(values: &[f64], interval: Option<f64>, (start, stop): (f64, f64), dt: f64) -> Vec<f64> {
        let wave = Waveform { width: 1, values: values.to_vec(), interval };
        let samples = Samples::new(wave, Window { start, stop }, dt);
        let mut parts = Vec::new();
        let mut one = |step| {
            samples.parts(step, &mut parts);
            let on = samples.steps().contains(&step);
            let sum = parts.iter().map(|(slot, weight)| weight * values[*slot]).sum::<f64>();
            if on { sum } else { 0.0 }
        };
        (0..12).map(&mut one).collect()
    }

    #[test]
    fn samples_without_an_interval_are_one_per_step() {
        let found = averages(&[3.0, 5.0, 7.0], None, (2.0, f64::INFINITY), 0.1);
        assert_eq!(found[..6], [0.0, 0.0, 3.0, 5.0, 7.0, 0.0]);
        // Samples that begin within a step contribute the same charge.
        let found = averages(&[3.0, 5.0, 7.0], None, (2.25, f64::INFINITY), 0.1);
        assert_eq!(found[1..7], [0.0, 2.25, 4.5, 6.5, 1.75, 0.0]);
        let found = averages(&[3.0, 5.0, 7.0], None, (2.0, 3.5), 0.1);
        assert_eq!(found[..6], [0.0, 0.0, 3.0, 2.5, 0.0, 0.0]);
    }

    #[test]
    fn samples_with_an_interval_are_interpolated() {
        // Samples at 1, 3.5 and 6 steps.
        let found = averages(&[0.0, 10.0, -10.0], Some(0.25), (1.0, f64::INFINITY), 0.1);
        let line = |t: f64| match t {
            t if !(1.0..6.0).contains(&t) => 0.0,
            t if t < 3.5 => (t - 1.0) / 2.5 * 10.0,
            t => 10.0 - (t - 3.5) / 2.5 * 20.0,
        };
        for (step, found) in found.iter().enumerate() {
            // The midpoint rule with 1000 pieces is exact, because the corners lie between pieces.
            let expected: f64 =
                (0..1000).map(|k| line(step as f64 + (f64::from(k) + 0.5) / 1000.0)).sum::<f64>() / 1000.0;
            assert!((found - expected).abs() < 1e-9, "{step}: {found} {expected}");
        }
        // Many samples in one step.
        let values: Vec<f64> = (0..101).map(|k| f64::from(k * k % 17)).collect();
        let found = averages(&values, Some(0.007), (0.3, f64::INFINITY), 0.1);
        let area: f64 = values.windows(2).map(|w| 0.5 * (w[0] + w[1]) * 0.07).sum();
        assert!((found.iter().sum::<f64>() - area).abs() < 1e-9);
    }
}

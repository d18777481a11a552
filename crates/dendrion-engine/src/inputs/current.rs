//! Current generators, which produce rows of currents (pA) for the lanes of a block.

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::copied;
use dendrion_model::{Error, Generator, Signal, Values, Waveform};

use super::schedule::{Part, Schedule, Window};
use super::waveform::Samples;
use crate::inputs::input_rows::InputRows;

/// A current generator with its present parameter values.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    signal: Shape,
    on: std::ops::Range<u64>,
}

#[derive(Clone, Debug)]
enum Shape {
    Steps(Schedule),
    Waveform(Samples),
}

impl Current {
    /// Creates the definition of a current generator (already validated).
    pub(crate) fn of(generator: &Generator, dt: f64) -> Result<Self, Error> {
        let window = Window::of(generator, dt)?;
        if let Signal::Current(wave) = &generator.signal {
            let samples =
                copied(&wave.values).map_err(|e| e.needed_by(&generator.path, || "a waveform".into()))?;
            let samples = Samples::new(Waveform { values: samples, ..*wave }, window, dt);
            return Ok(Self { on: samples.steps(), signal: Shape::Waveform(samples) });
        }
        Ok(Self { signal: Shape::Steps(Schedule::of(generator, dt)?), on: window.steps() })
    }

    /// Sets the amplitude (pA), either with one value per time or, if `whole` is true, with one value for all
    /// times.
    pub(crate) fn set(&mut self, amplitude: Arc<Values>, whole: bool) {
        if let Shape::Steps(schedule) = &mut self.signal {
            schedule.set(amplitude, whole);
        }
    }
}

impl Current {
    /// Fills the rows of an epoch for the neurons from `first` on and the `steps` steps from `begin` on. Consecutive
    /// steps with the same values share a row.
    pub(crate) fn fill<T: Scalar>(
        &self,
        rows: &mut InputRows<T>,
        (first, neurons): (usize, usize),
        begin: u64,
        steps: usize,
    ) -> Result<(), Error> {
        rows.clear();
        let (mut parts, mut last) = (Vec::new(), None);
        for step in begin..begin + steps as u64 {
            if !self.on.contains(&step) {
                rows.skip();
                continue;
            }
            match &self.signal {
                Shape::Steps(schedule) => {
                    let row = schedule.row(step);
                    if last == Some(row) {
                        rows.repeat();
                        continue;
                    }
                    last = Some(row);
                    for (i, v) in rows.push()?[..neurons].iter_mut().enumerate() {
                        *v = T::from_f64(schedule.value(row, first + i));
                    }
                }
                Shape::Waveform(samples) => {
                    samples.parts(step, &mut parts);
                    samples.row(&parts, first, &mut rows.push()?[..neurons]);
                }
            }
        }
        Ok(())
    }

    /// Returns the number of slots: values of the schedule, or samples of the waveform.
    pub(crate) fn slots(&self) -> usize {
        match &self.signal {
            Shape::Steps(schedule) => schedule.slots(),
            Shape::Waveform(samples) => samples.count(),
        }
    }

    /// Finds the values that a step uses, with their weights.
    pub(crate) fn parts(&self, step: u64, parts: &mut Vec<Part>) {
        parts.clear();
        match &self.signal {
            _ if !self.on.contains(&step) => {}
            Shape::Steps(schedule) => parts.extend_from_slice(schedule.parts(schedule.row(step))),
            Shape::Waveform(samples) => samples.parts(step, parts),
        }
    }

    /// Returns whether all neurons receive the same waveform.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(&self.signal, Shape::Waveform(samples) if samples.wave.width == 1)
    }
}

impl Samples {
    /// Computes the values of the neurons from `first` on in a step that uses these samples.
    fn row<T: Scalar>(&self, parts: &[Part], first: usize, out: &mut [T]) {
        let width = self.wave.width;
        let sample = |sample: usize| &self.wave.values[sample * width..][..width];
        match parts {
            [(slot, 1.0)] if width > 1 => {
                let row = &sample(*slot)[first..][..out.len()];
                out.iter_mut().zip(row).for_each(|(v, value)| *v = T::from_f64(*value));
            }
            _ => {
                let value =
                    |i: usize| parts.iter().map(|(slot, weight)| weight * sample(*slot)[i]).sum::<f64>();
                if width == 1 {
                    out.fill(T::from_f64(value(0)));
                } else {
                    out.iter_mut().enumerate().for_each(|(i, v)| *v = T::from_f64(value(first + i)));
                }
            }
        }
    }
}

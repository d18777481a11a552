//! Current generators: rows of pA for the lanes of a block.

use dendrion_lanes::Scalar;
use dendrion_model::{Error, Generator, Signal, Values, Waveform, steps_of};

use super::schedule::Schedule;
use crate::rows::Rows;

/// A current generator's present definition.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    signal: Shape,
    on: std::ops::Range<u64>,
}

#[derive(Clone, Debug)]
enum Shape {
    Steps(Schedule),
    Waveform(Waveform),
}

impl Current {
    /// The definition of a current generator (validated before).
    pub(crate) fn of(generator: &Generator, dt: f64) -> Result<Self, Error> {
        let path = &generator.path;
        let start = steps_of(path, "start", generator.start, dt)?;
        let stop = generator.stop.map_or(Ok(u64::MAX), |t| steps_of(path, "stop", t, dt))?;
        let signal = match &generator.signal {
            Signal::Current(wave) => Shape::Waveform(wave.clone()),
            _ => Shape::Steps(Schedule::of(generator, dt)?),
        };
        let stop = match &signal {
            Shape::Waveform(wave) => stop.min(start + (wave.values.len() / wave.width.max(1)) as u64),
            Shape::Steps(_) => stop,
        };
        Ok(Self { signal, on: start..stop })
    }

    /// Sets the amplitude (pA), of each time or, where `whole` says so, of all times.
    pub(crate) fn set(&mut self, amplitude: Values, whole: bool) {
        if let Shape::Steps(schedule) = &mut self.signal {
            schedule.set(amplitude, whole);
        }
    }
}

impl Current {
    /// The rows of an epoch for neurons `first..`, and `steps` steps from `begin` on. Steps with the same values share a row.
    pub(crate) fn fill<T: Scalar>(
        &self,
        rows: &mut Rows<T>,
        (first, neurons): (usize, usize),
        begin: u64,
        steps: usize,
    ) {
        let is_constant = matches!(&self.signal, Shape::Steps(schedule) if schedule.is_constant());
        let mut is_filled = false;
        rows.clear();
        for step in begin..begin + steps as u64 {
            if !self.on.contains(&step) {
                rows.skip();
            } else if is_constant && is_filled {
                rows.repeat();
            } else {
                self.row(step, first, &mut rows.push()[..neurons]);
                is_filled = true;
            }
        }
    }

    /// How many values of its own each neuron sees in turn: those of its schedule, or the samples of its waveform.
    pub(crate) fn slots(&self) -> usize {
        match &self.signal {
            Shape::Steps(schedule) => schedule.rows(),
            Shape::Waveform(wave) => wave.values.len() / wave.width.max(1),
        }
    }

    /// Which of them holds at a step, if any does.
    pub(crate) fn slot(&self, step: u64) -> Option<usize> {
        if !self.on.contains(&step) {
            return None;
        }
        match &self.signal {
            Shape::Steps(schedule) => schedule.slot(step),
            Shape::Waveform(_) => Some((step - self.on.start) as usize),
        }
    }

    /// Whether all neurons see the same waveform.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(&self.signal, Shape::Waveform(wave) if wave.width == 1)
    }

    fn row<T: Scalar>(&self, step: u64, first: usize, out: &mut [T]) {
        match &self.signal {
            Shape::Steps(schedule) => {
                let row = schedule.row(step);
                for (i, v) in out.iter_mut().enumerate() {
                    *v = T::from_f64(schedule.value(row, first + i));
                }
            }
            Shape::Waveform(wave) => {
                let row = (step - self.on.start) as usize * wave.width;
                for (i, v) in out.iter_mut().enumerate() {
                    let column = if wave.width == 1 { 0 } else { first + i };
                    *v = T::from_f64(wave.values[row + column]);
                }
            }
        }
    }
}

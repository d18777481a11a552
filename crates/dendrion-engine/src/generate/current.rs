//! Current generators: rows of pA for the lanes of a block.

use dendrion_lanes::{Buffer, Scalar};
use dendrion_model::{Error, Generator, Signal, Values, Waveform, steps_of};

use super::given::Given;
use super::schedule::Schedule;

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

/// A current's rows for one block and the steps of one epoch. Steps with the same values share a row.
#[derive(Clone, Debug)]
pub(crate) struct CurrentRows<T: Scalar> {
    rows: Buffer<T>,
    lanes: usize,
    /// The row of each step of the epoch, if the current is on.
    row_of_step: Vec<Option<usize>>,
}

impl<T: Scalar> CurrentRows<T> {
    pub(crate) fn new(lanes: usize) -> Self {
        Self { rows: Buffer::zeroed(0), lanes, row_of_step: Vec::new() }
    }

    /// Fills the rows for neurons `first..`, and `steps` steps from `begin` on.
    pub(crate) fn fill(&mut self, current: &Current, first: usize, neurons: usize, begin: u64, steps: usize) {
        let is_constant = matches!(&current.signal, Shape::Steps(schedule) if schedule.is_constant());
        let needed = if is_constant { 1 } else { steps };
        if self.rows.len() < needed * self.lanes {
            self.rows = Buffer::zeroed(needed * self.lanes);
        }
        self.row_of_step.clear();
        let mut is_filled = false;
        for i in 0..steps {
            let step = begin + i as u64;
            let row = if is_constant { 0 } else { i };
            let on = current.on.contains(&step);
            self.row_of_step.push(on.then_some(row));
            if on && !(is_constant && is_filled) {
                let values = &mut self.rows[row * self.lanes..][..neurons];
                current.row(step, first, values);
                is_filled = true;
            }
        }
    }

    /// Fills the rows with what is given in place of a generator.
    pub(crate) fn stand_in(
        &mut self,
        given: &Given<T>,
        first: usize,
        neurons: usize,
        begin: u64,
        steps: usize,
    ) {
        if self.rows.len() < steps * self.lanes {
            self.rows = Buffer::zeroed(steps * self.lanes);
        }
        self.row_of_step.clear();
        for i in 0..steps {
            let values = given.row(begin + i as u64);
            self.row_of_step.push((!values.is_empty()).then_some(i));
            let row = &mut self.rows[i * self.lanes..][..neurons];
            match values {
                [one] => row.fill(*one),
                all => {
                    if let Some(mine) = all.get(first..first + neurons) {
                        row.copy_from_slice(mine);
                    }
                }
            }
        }
    }

    /// The row of step `i` of the epoch; empty where the current is off.
    pub(crate) fn row(&self, i: usize) -> &[T] {
        match self.row_of_step.get(i) {
            Some(Some(row)) => &self.rows[row * self.lanes..][..self.lanes],
            _ => &[],
        }
    }
}

impl Current {
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

//! Schedules: parameters of generators that are piecewise constant functions of time.
//!
//! A step n takes the time average of the parameter over the interval that the step covers, so that no charge is lost where a value or the generator
//! itself changes within a step. Steps between two changes share a row. A row is a sum of the schedule's own values, which are
//! called slots: one slot with weight 1 where nothing changes within the step, else each slot with the fraction of the step in
//! which it holds.

use std::collections::BTreeSet;
use std::ops::Range;

use dendrion_model::{Error, Generator, Values, grid_position, steps_of};

/// A slot, and its weight in a time average.
pub(crate) type Part = (usize, f64);

/// The time in which a generator is on, in steps; not always whole ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(super) start: f64,
    /// Infinite where it is never switched off.
    pub(super) stop: f64,
}

impl Window {
    pub(crate) fn of(generator: &Generator, dt: f64) -> Result<Self, Error> {
        let path = &generator.path;
        steps_of(path, "start", generator.start, dt)?;
        generator.stop.map_or(Ok(0), |t| steps_of(path, "stop", t, dt))?;
        let stop = generator.stop.map_or(f64::INFINITY, |t| grid_position(t, dt));
        Ok(Self { start: grid_position(generator.start, dt), stop })
    }

    /// The steps in which it is on, for the whole step or for a part of it.
    pub(crate) fn steps(&self) -> Range<u64> {
        self.start as u64..self.stop.ceil() as u64
    }

    /// The part of a step in which it is on, where it is switched within the step; else the whole step.
    pub(crate) fn within(&self, step: u64) -> (f64, f64) {
        let (begin, end) = (step as f64, (step + 1) as f64);
        let inside = |at: f64, otherwise: f64| if begin < at && at < end { at } else { otherwise };
        (inside(self.start, begin), inside(self.stop, end))
    }
}

/// Values of a generator's members, from step to step.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) window: Window,
    /// Times in steps from which the slots hold; none for a constant.
    times: Vec<f64>,
    values: Values,
    /// Values of a slot where there are times: one for all, or one each.
    width: usize,
    /// Steps from which the rows hold; none for a constant that is not switched within a step.
    breaks: Vec<u64>,
    /// The parts of each row, one row more than there are breaks.
    rows: Vec<Vec<Part>>,
}

impl Schedule {
    /// Of a generator (validated before); 0 where it has no parameter.
    pub(crate) fn of(generator: &Generator, dt: f64) -> Result<Self, Error> {
        let time = |t: &f64| steps_of(&generator.path, "times", *t, dt).map(|_| grid_position(*t, dt));
        let times = generator.breaks.iter().map(time).collect::<Result<Vec<f64>, Error>>()?;
        let given = generator.parameter().and_then(|(spec, _)| generator.params.get(spec.name));
        let values = given.cloned().unwrap_or(Values::Scalar(0.0));
        let width = if times.is_empty() { 0 } else { values.as_slice().len() / times.len() };
        let window = Window::of(generator, dt)?;
        let (breaks, rows) = rows(&times, &window);
        Ok(Self { window, times, values, width, breaks, rows })
    }

    /// Sets new values: of all slots, or, where `whole` says so, of all times.
    pub(crate) fn set(&mut self, values: Values, whole: bool) {
        if whole {
            self.times.clear();
            (self.breaks, self.rows) = rows(&self.times, &self.window);
        }
        self.values = values;
    }

    /// How many breaks there are up to a step.
    pub(crate) fn row(&self, step: u64) -> usize {
        self.breaks.partition_point(|b| *b <= step)
    }

    /// How many breaks there are.
    pub(crate) fn breaks(&self) -> usize {
        self.breaks.len()
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.times.len().max(1)
    }

    /// What the row after so many breaks is made of.
    pub(crate) fn parts(&self, row: usize) -> &[Part] {
        self.rows.get(row).map_or(&[], Vec::as_slice)
    }

    /// The first break after a step.
    pub(crate) fn next(&self, step: u64) -> Option<u64> {
        self.breaks.get(self.row(step)).copied()
    }

    /// The value of member `i` after so many breaks.
    pub(crate) fn value(&self, row: usize, i: usize) -> f64 {
        match self.parts(row) {
            [] => 0.0,
            [(slot, weight)] => weight * self.slot(*slot, i),
            parts => parts.iter().map(|(slot, weight)| weight * self.slot(*slot, i)).sum(),
        }
    }

    fn slot(&self, slot: usize, i: usize) -> f64 {
        match self.width {
            _ if self.times.is_empty() => self.values.get(i),
            1 => self.values.get(slot),
            width => self.values.get(slot * width + i),
        }
    }
}

/// The steps at which rows begin, and the rows.
fn rows(times: &[f64], window: &Window) -> (Vec<u64>, Vec<Vec<Part>>) {
    let mut breaks = BTreeSet::new();
    for time in times {
        breaks.insert(*time as u64);
    }
    let switches = [window.start, window.stop];
    for time in times.iter().chain(&switches).filter(|t| t.is_finite() && t.fract() != 0.0) {
        breaks.extend([*time as u64, *time as u64 + 1]);
    }
    let before = if times.is_empty() { vec![(0, 1.0)] } else { Vec::new() };
    let rows = breaks.iter().map(|step| average(times, window.within(*step)));
    let rows = std::iter::once(before).chain(rows).collect();
    (breaks.into_iter().collect(), rows)
}

/// The slots that hold from `from` to `until`, which lie in one step, each with the time for which it does.
fn average(times: &[f64], (from, until): (f64, f64)) -> Vec<Part> {
    if times.is_empty() {
        return if until > from { vec![(0, until - from)] } else { Vec::new() };
    }
    let first = times.partition_point(|t| *t <= from).saturating_sub(1);
    let mut parts = Vec::new();
    for slot in first..times.len() {
        let end = times.get(slot + 1).map_or(until, |t| t.min(until));
        let begin = times[slot].max(from);
        if begin >= until {
            break;
        }
        if end > begin {
            parts.push((slot, end - begin));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use dendrion_model::{Generator, Params, Signal, Values};

    fn generator(times: &[f64], values: Values) -> Generator {
        let mut generator = Generator::new("g", 2, Signal::Poisson, Params::new().with("rate", values));
        generator.breaks = times.to_vec();
        generator
    }

    #[test]
    fn rows_hold_from_their_breaks_on() {
        let values = Values::Each(vec![1.0, 2.0, 3.0, 4.0]);
        let schedule = Schedule::of(&generator(&[1.0, 2.5], values), 0.5).unwrap();
        let at = |step, i| schedule.value(schedule.row(step), i);
        assert_eq!(
            [at(0, 1), at(1, 1), at(2, 1), at(4, 0), at(5, 0), at(99, 1)],
            [0.0, 0.0, 2.0, 1.0, 3.0, 4.0]
        );
        assert_eq!([schedule.next(0), schedule.next(2), schedule.next(5)], [Some(2), Some(5), None]);
    }

    /// Several changes within one step, and a change that is on the grid but for rounding.
    #[test]
    fn a_step_takes_the_time_average() {
        let values = Values::Each(vec![10.0, 20.0, 30.0, 40.0, 50.0]);
        let times = [1.0, 1.03, 1.06, 1.14, 3.0 * 0.1 + 1.0 + 1e-15];
        let schedule = Schedule::of(&generator(&times, values), 0.1).unwrap();
        let at = |step| schedule.value(schedule.row(step), 0);
        assert_eq!(at(9), 0.0);
        assert!((at(10) - (0.3 * 10.0 + 0.3 * 20.0 + 0.4 * 30.0)).abs() < 1e-9, "{}", at(10));
        assert!((at(11) - (0.4 * 30.0 + 0.6 * 40.0)).abs() < 1e-9, "{}", at(11));
        assert_eq!([at(12), at(13), at(14)], [40.0, 50.0, 50.0]);
        assert_eq!(schedule.slots(), 5);
    }

    #[test]
    fn a_step_in_which_it_is_switched_takes_a_part() {
        let mut constant = generator(&[], Values::Scalar(8.0));
        (constant.start, constant.stop) = (0.25, Some(1.125));
        let schedule = Schedule::of(&constant, 0.5).unwrap();
        assert_eq!(schedule.window.steps(), 0..3);
        let at = |step| schedule.value(schedule.row(step), 1);
        assert_eq!([at(0), at(1), at(2)], [4.0, 8.0, 2.0]);
        (constant.start, constant.stop) = (1.1, Some(1.2));
        let schedule = Schedule::of(&constant, 0.5).unwrap();
        assert_eq!(schedule.window.steps(), 2..3);
        assert!((schedule.value(schedule.row(2), 0) - 1.6).abs() < 1e-12);
        (constant.start, constant.stop) = (1.0, Some(2.0));
        let schedule = Schedule::of(&constant, 0.5).unwrap();
        assert_eq!((schedule.breaks(), schedule.window.steps()), (0, 2..4));
    }
}

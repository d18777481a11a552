//! Schedules: parameters of generators that are piecewise constant functions of time.
//!
//! Step n uses the time average of the parameter over the interval that the step covers, so that no charge is
//! lost if a value changes or the generator is switched on or off within a step. Steps between two changes
//! share a row. A row is a weighted sum of the schedule's own values, which are called slots. If nothing
//! changes within the step, there is one slot with weight 1. Otherwise, each slot is weighted with the
//! fraction of the step during which it applies.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use dendrion_model::{Error, Generator, Values, grid_position, steps_of};

/// A slot and its weight in a time average.
pub(crate) type Part = (usize, f64);

/// The period in which a generator is on, in steps. Its ends need not be integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(super) start: f64,
    /// Infinity if the generator is never switched off.
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

    /// Returns the steps in which the generator is on, at least for a part of the step.
    pub(crate) fn steps(&self) -> Range<u64> {
        self.start as u64..self.stop.ceil() as u64
    }

    /// Returns the part of a step in which the generator is on if it is switched within the step, or else the whole
    /// step.
    pub(crate) fn within(&self, step: u64) -> (f64, f64) {
        let (begin, end) = (step as f64, (step + 1) as f64);
        let inside = |at: f64, otherwise: f64| if begin < at && at < end { at } else { otherwise };
        (inside(self.start, begin), inside(self.stop, end))
    }
}

/// The values of a generator's members as functions of the step.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) window: Window,
    /// The steps from which slots apply. Empty for a constant.
    times: Vec<f64>,
    values: Arc<Values>,
    /// Number of values in a slot if there are times: one for all members, or one each.
    width: usize,
    /// The steps from which rows apply. Empty for a constant that is not switched within a step.
    breaks: Vec<u64>,
    /// The parts of each row. There is one row more than there are breaks.
    rows: Vec<Vec<Part>>,
}

impl Schedule {
    /// Creates the schedule of a generator (already validated). The value is 0 if the generator has no parameter.
    pub(crate) fn of(generator: &Generator, dt: f64) -> Result<Self, Error> {
        let time = |t: &f64| steps_of(&generator.path, "times", *t, dt).map(|_| grid_position(*t, dt));
        let times = generator.breaks.iter().map(time).collect::<Result<Vec<f64>, Error>>()?;
        let given = generator.parameter().and_then(|(spec, _)| generator.params.shared(spec.name));
        let values = given.unwrap_or_else(|| Arc::new(Values::Scalar(0.0)));
        let width = if times.is_empty() { 0 } else { values.as_slice().len() / times.len() };
        let window = Window::of(generator, dt)?;
        let (breaks, rows) = rows(&times, &window);
        Ok(Self { window, times, values, width, breaks, rows })
    }

    /// Sets new values: those of each slot or, if `whole` is true, those that apply at all times.
    pub(crate) fn set(&mut self, values: Arc<Values>, whole: bool) {
        if whole {
            self.times.clear();
            (self.breaks, self.rows) = rows(&self.times, &self.window);
        }
        self.values = values;
    }

    /// Returns the number of breaks up to a step, which is the index of its row.
    pub(crate) fn row(&self, step: u64) -> usize {
        self.breaks.partition_point(|b| *b <= step)
    }

    /// Returns the number of breaks.
    pub(crate) fn breaks(&self) -> usize {
        self.breaks.len()
    }

    /// Returns the number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.times.len().max(1)
    }

    /// Returns the parts of a row.
    pub(crate) fn parts(&self, row: usize) -> &[Part] {
        self.rows.get(row).map_or(&[], Vec::as_slice)
    }

    /// Returns the first break after a step.
    pub(crate) fn next(&self, step: u64) -> Option<u64> {
        self.breaks.get(self.row(step)).copied()
    }

    /// Returns the value of member `i` in a row.
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

/// Returns the steps at which rows begin, and the rows.
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

/// Returns the slots that apply between `from` and `until`, which lie in one step, and the time for which each of
/// them applies.
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

    /// Several changes within one step, and a change that differs from a multiple of dt only by rounding.
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

//! Schedules: parameters of generators that take one value after the other.

use dendrion_model::{Error, Generator, Values, steps_of};

/// Values of a generator's members, from step to step.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Steps from which the rows hold; none for a constant.
    breaks: Vec<u64>,
    values: Values,
    /// Values of a row where there are breaks: one for all, or one each.
    width: usize,
}

impl Schedule {
    /// Of a generator (validated before); 0 where it has no parameter.
    pub(crate) fn of(generator: &Generator, dt: f64) -> Result<Self, Error> {
        let step = |t: &f64| steps_of(&generator.path, "times", *t, dt);
        let breaks = generator.breaks.iter().map(step).collect::<Result<Vec<u64>, Error>>()?;
        let given = generator.parameter().and_then(|(spec, _)| generator.params.get(spec.name));
        let values = given.cloned().unwrap_or(Values::Scalar(0.0));
        let width = if breaks.is_empty() { 0 } else { values.as_slice().len() / breaks.len() };
        Ok(Self { breaks, values, width })
    }

    /// Sets new values: of all rows, or, where `whole` says so, of all times.
    pub(crate) fn set(&mut self, values: Values, whole: bool) {
        if whole {
            self.breaks.clear();
        }
        self.values = values;
    }

    /// Whether the values never change.
    pub(crate) fn is_constant(&self) -> bool {
        self.breaks.is_empty()
    }

    /// How many breaks there are up to a step.
    pub(crate) fn row(&self, step: u64) -> usize {
        self.breaks.partition_point(|b| *b <= step)
    }

    /// How many rows of values there are.
    pub(crate) fn rows(&self) -> usize {
        self.breaks.len().max(1)
    }

    /// The row of values that holds at a step; none before the first break.
    pub(crate) fn slot(&self, step: u64) -> Option<usize> {
        if self.breaks.is_empty() { Some(0) } else { self.row(step).checked_sub(1) }
    }

    /// The first break after a step.
    pub(crate) fn next(&self, step: u64) -> Option<u64> {
        self.breaks.get(self.row(step)).copied()
    }

    /// The value of member `i` after so many breaks.
    pub(crate) fn value(&self, row: usize, i: usize) -> f64 {
        match row {
            _ if self.breaks.is_empty() => self.values.get(i),
            0 => 0.0,
            _ => self.values.get((row - 1) * self.width + if self.width == 1 { 0 } else { i }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use dendrion_model::{Generator, Params, Signal, Values};

    #[test]
    fn rows_hold_from_their_breaks_on() {
        let values = Values::Each(vec![1.0, 2.0, 3.0, 4.0]);
        let mut generator = Generator::new("g", 2, Signal::Poisson, Params::new().with("rate", values));
        generator.breaks = vec![1.0, 2.5];
        let schedule = Schedule::of(&generator, 0.5).unwrap();
        let at = |step, i| schedule.value(schedule.row(step), i);
        assert_eq!(
            [at(0, 1), at(1, 1), at(2, 1), at(4, 0), at(5, 0), at(99, 1)],
            [0.0, 0.0, 2.0, 1.0, 3.0, 4.0]
        );
        assert_eq!([schedule.next(0), schedule.next(2), schedule.next(5)], [Some(2), Some(5), None]);
    }
}

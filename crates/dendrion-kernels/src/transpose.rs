//! Reverse delivery: computes the cotangents of spikes and weights from those of the gates.
//!
//! In reverse delivery, a [`Ring`] stores the cotangent λ of a port's input for each step. A spike in step n
//! on a connection with weight w and delay d adds w to the input at step n + d. The cotangent of the spike is
//! therefore w λ(n + d), and that of the weight is λ(n + d).

use crate::delivery::{Delays, Fanout, Ring};
use crate::scalar::Scalar;

impl<T: Scalar> Ring<T> {
    /// Returns the row of a step for writing. Initially, the row contains the values of the step that used
    /// this slot before.
    pub fn row_mut(&mut self, step: u64) -> &mut [T] {
        let slot = self.slot(step);
        self.due[slot] = true;
        &mut self.rows[slot * self.lanes..][..self.lanes]
    }
}

impl<T: Scalar> Fanout<T> {
    /// Delivers the values of all sources (one per source): adds the product of value and weight for each
    /// connection to the row of its target `delay` steps after `step`. Sources whose value is 0 are skipped.
    /// A value of 1 represents a spike.
    ///
    /// # Panics
    /// As for [`Fanout::deliver`].
    pub fn deliver_scaled(&self, values: &[T], step: u64, ring: &mut Ring<T>) {
        self.assert_fits(ring);
        for (source, value) in values.iter().enumerate().filter(|(_, v)| **v != T::default()) {
            let (from, to) = self.row(source as u32);
            for c in from..to {
                let (lane, slot) = self.reach(c, step, ring);
                ring.due[slot] = true;
                let gate = &mut ring.rows[slot * ring.lanes + lane];
                *gate = gate.plus(value.times(self.weights[c]));
            }
        }
    }

    /// Adds the cotangent of a spike in step `step` to `out` for each of `sources`: the sum of w λ(step +
    /// delay) over its connections, added one by one in their order. The sum over several shards therefore
    /// does not depend on how connections are divided among them.
    ///
    /// # Panics
    /// As for [`Fanout::deliver`], or if `out` is shorter than `sources`.
    pub fn pull<A: Scalar>(&self, sources: std::ops::Range<usize>, step: u64, ring: &Ring<T>, out: &mut [A]) {
        self.assert_fits(ring);
        let together = match &self.delays {
            Delays::Uniform(delay) => match ring.row(step + u64::from(*delay)) {
                Some(row) => Some(row),
                None => return,
            },
            Delays::Each(_) => None,
        };
        for (source, out) in sources.clone().zip(&mut out[..sources.len()]) {
            let (from, to) = self.row(source as u32);
            *out = match together {
                Some(row) => self.dot(*out, from, to, row),
                None => self.dot_apart(*out, from, to, step, ring),
            };
        }
    }

    fn dot<A: Scalar>(&self, mut sum: A, from: usize, to: usize, row: &[T]) -> A {
        let row = &row[..self.lanes];
        for (target, weight) in self.targets[from..to].iter().zip(&self.weights[from..to]) {
            // SAFETY: every target is below `self.lanes`, which is the length of the row; `new` checks this and
            // targets never change.
            let value = unsafe { row.get_unchecked(usize::from(*target)) };
            sum = sum.plus(A::from_f64(weight.times(*value).to_f64()));
        }
        sum
    }

    fn dot_apart<A: Scalar>(&self, mut sum: A, from: usize, to: usize, step: u64, ring: &Ring<T>) -> A {
        for c in from..to {
            let (lane, slot) = self.reach(c, step, ring);
            if ring.due[slot] {
                let value = self.weights[c].times(ring.rows[slot * ring.lanes + lane]);
                sum = sum.plus(A::from_f64(value.to_f64()));
            }
        }
        sum
    }

    /// Adds the cotangent of the time of a spike of `source` in step `step` to `out`: the sum of w (λ(step + delay + 1) -
    /// λ(step + delay)) over its connections, in their order. This is the derivative with respect to θ of a spike that is
    /// delivered as the weights w (1 - θ) and w θ in these two steps. A source outside `sources` adds nothing.
    ///
    /// # Panics
    /// As for [`Fanout::deliver`].
    pub fn pull_time<A: Scalar>(
        &self,
        sources: std::ops::Range<usize>,
        source: u32,
        step: u64,
        ring: &Ring<T>,
        out: &mut A,
    ) {
        self.assert_fits(ring);
        if !sources.contains(&(source as usize)) {
            return;
        }
        let (from, to) = self.row(source);
        for c in from..to {
            let (lane, slot) = self.reach(c, step, ring);
            let (_, later) = self.reach(c, step + 1, ring);
            let value = |slot: usize| {
                if ring.due[slot] { ring.rows[slot * ring.lanes + lane] } else { T::default() }
            };
            let change = self.weights[c].times(value(later) - value(slot));
            *out = out.plus(A::from_f64(change.to_f64()));
        }
    }

    /// Adds the contribution of a spike of `source` with this value in step `step` to the cotangents of its
    /// weights, value λ(step + delay). `gradient` has one entry per connection of `sources`, in their order.
    /// A source outside `sources` adds nothing.
    ///
    /// # Panics
    /// As for [`Fanout::deliver`], or if `gradient` is shorter than the number of connections.
    pub fn correlate(
        &self,
        sources: std::ops::Range<usize>,
        (source, value): (u32, f64),
        step: u64,
        ring: &Ring<T>,
        gradient: &mut [f64],
    ) {
        self.assert_fits(ring);
        if !sources.contains(&(source as usize)) {
            return;
        }
        let base = self.row(sources.start as u32).0;
        let (from, to) = self.row(source);
        for (c, sum) in (from..to).zip(&mut gradient[from - base..to - base]) {
            let (lane, slot) = self.reach(c, step, ring);
            if ring.due[slot] {
                *sum += value * ring.rows[slot * ring.lanes + lane].to_f64();
            }
        }
    }

    /// Returns the number of connections of consecutive sources.
    pub fn count(&self, sources: std::ops::Range<usize>) -> usize {
        match (self.starts.get(sources.start), self.starts.get(sources.end)) {
            (Some(from), Some(to)) => (to - from) as usize,
            _ => 0,
        }
    }

    /// Returns the lane of a connection's target and the slot of the step at which a spike arrives there.
    fn reach(&self, c: usize, step: u64, ring: &Ring<T>) -> (usize, usize) {
        let delay = match &self.delays {
            Delays::Uniform(delay) => *delay,
            Delays::Each(delays) => delays[c],
        };
        (usize::from(self.targets[c]), ring.slot(step + u64::from(delay)))
    }

    fn assert_fits(&self, ring: &Ring<T>) {
        assert!(
            ring.lanes >= self.lanes && ring.due.len() > usize::from(self.longest),
            "the ring has too few lanes or slots"
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::{Delays, Fanout, Ring};

    /// Delivering a spike as w (1 - θ) and w θ in consecutive steps has the derivative that `pull_time` computes.
    #[test]
    fn a_time_is_pulled_as_the_difference_of_two_steps() {
        for delays in [Delays::Uniform(2), Delays::Each(vec![1, 3, 0, 2, 3])] {
            let (starts, targets) = (vec![0, 2, 2, 5], vec![1_u16, 7, 0, 1, 3]);
            let fanout =
                Fanout::<f64>::new(starts, targets, vec![0.5, -1.0, 2.0, 0.25, 3.0], delays, 8).unwrap();
            let mut ring = Ring::<f64>::new(8, 8).unwrap();
            // The row of step 4 is missing, as after the end of a run.
            for step in 0..4 {
                let row = ring.row_mut(step);
                row.iter_mut().enumerate().for_each(|(i, v)| *v = (i as f64 + 1.0) * (step as f64 - 2.5));
            }
            let pulled = |step: u64| {
                let mut out = [0.0_f64; 3];
                fanout.pull(0..3, step, &ring, &mut out);
                out
            };
            let (now, later) = (pulled(0), pulled(1));
            for source in 0..3_u32 {
                let mut out = 0.125_f64;
                fanout.pull_time(0..3, source, 0, &ring, &mut out);
                let expected = 0.125 + later[source as usize] - now[source as usize];
                assert!((out - expected).abs() < 1e-12, "{source}: {out} {expected}");
                let before = out;
                fanout.pull_time(0..source as usize, source, 0, &ring, &mut out);
                assert_eq!(out.to_bits(), before.to_bits(), "another source");
            }
        }
    }

    /// <delivered spikes, λ> = <spikes, pulled λ>, and the cotangents of the weights are its derivative.
    #[test]
    fn pulling_is_the_transpose_of_delivering() {
        for delays in [Delays::Uniform(2), Delays::Each(vec![1, 3, 0, 2, 3])] {
            let (starts, targets) = (vec![0, 2, 2, 5], vec![1_u16, 7, 0, 1, 3]);
            let weights = vec![0.5, -1.0, 2.0, 0.25, 3.0];
            let fanout = Fanout::<f64>::new(starts, targets, weights.clone(), delays, 8).unwrap();
            let mut given = Ring::<f64>::new(8, 8).unwrap();
            let values = [2.0, 1.0, -0.5];
            fanout.deliver_scaled(&values, 1, &mut given);
            let mut worth = Ring::<f64>::new(8, 8).unwrap();
            for step in 0..6 {
                let row = worth.row_mut(step);
                row.iter_mut().enumerate().for_each(|(i, v)| *v = (i as f64 + 1.0) * (step as f64 - 2.5));
            }
            let ahead: f64 = (0..6)
                .filter_map(|s| {
                    Some(given.row(s)?.iter().zip(worth.row(s)?).map(|(a, b)| a * b).sum::<f64>())
                })
                .sum();
            let (mut back, mut gradient) = ([0.0_f64; 3], [0.0; 5]);
            fanout.pull(0..3, 1, &worth, &mut back);
            for value in (0..3).zip(values) {
                fanout.correlate(0..3, value, 1, &worth, &mut gradient);
            }
            let pulled: f64 = values.iter().zip(back).map(|(a, b)| a * b).sum();
            let by_weight: f64 = weights.iter().zip(gradient).map(|(a, b)| a * b).sum();
            assert!((ahead - pulled).abs() < 1e-12 && (ahead - by_weight).abs() < 1e-12);
            assert!(ahead != 0.0);
            let mut part = [0.0_f64; 1];
            fanout.pull(2..3, 1, &worth, &mut part);
            assert_eq!(part[0].to_bits(), back[2].to_bits());
            assert_eq!(fanout.count(2..3), 3);
        }
    }

    /// The cotangent of a spike is bit-identical whether its connections lie in one shard or in two.
    #[test]
    fn a_sum_goes_on_from_shard_to_shard() {
        let weights = [0.1, 1e16, 0.3, -1e16, 0.7, 0.9];
        for delays in [Delays::Uniform(1), Delays::Each(vec![1; 6])] {
            let part = |(first, end): (u16, u16)| {
                let mine: Vec<u16> = (first..end).collect();
                let weights: Vec<f64> = mine.iter().map(|t| weights[usize::from(*t)]).collect();
                let targets: Vec<u16> = mine.iter().map(|t| t - first).collect();
                let delays = match &delays {
                    Delays::Each(_) => Delays::Each(vec![1; mine.len()]),
                    Delays::Uniform(delay) => Delays::Uniform(*delay),
                };
                let starts = vec![0, mine.len() as u32];
                let fanout = Fanout::<f64>::new(starts, targets, weights, delays, 8).unwrap();
                let mut ring = Ring::<f64>::new(8, 4).unwrap();
                ring.row_mut(1).fill(1.0);
                (fanout, ring)
            };
            let pulled = |parts: &[(u16, u16)]| {
                let mut out = [0.0_f64];
                for (fanout, ring) in parts.iter().copied().map(part) {
                    fanout.pull(0..1, 0, &ring, &mut out);
                }
                out[0].to_bits()
            };
            assert_eq!(pulled(&[(0, 6)]), pulled(&[(0, 2), (2, 6)]));
        }
    }
}

//! Noise: rows of standard normal numbers for the lanes of a block.

use dendrion_kernels::{Buffer, Scalar};
use dendrion_model::Error;

use crate::random::Stream;
use crate::refused::refused;

/// The rows of a noise for one block and the steps of one epoch. Each number depends only on the neuron and the step,
/// and therefore not on epochs, blocks or threads.
#[derive(Debug)]
pub(crate) struct NoiseRows<T: Scalar> {
    stream: Stream,
    rows: Buffer<T>,
    lanes: usize,
}

impl<T: Scalar> NoiseRows<T> {
    pub(crate) const fn new(stream: Stream, lanes: usize) -> Self {
        Self { stream, rows: Buffer::new(), lanes }
    }

    /// Returns the same noise without rows.
    pub(crate) const fn fresh(&self) -> Self {
        Self::new(self.stream, self.lanes)
    }

    /// Changes the stream from which later numbers are drawn.
    pub(crate) const fn reseed(&mut self, stream: Stream) {
        self.stream = stream;
    }

    /// From now on, draws the numbers of sample `batch` of a batch.
    pub(crate) const fn become_sample(&mut self, batch: u32) {
        self.stream = self.stream.of_sample(batch);
    }

    /// Draws the rows for the neurons from `first` on and the `steps` steps from `begin` on. Each draw yields
    /// the numbers of two steps.
    pub(crate) fn fill(
        &mut self,
        first: usize,
        neurons: usize,
        begin: u64,
        steps: usize,
    ) -> Result<(), Error> {
        self.rows.grow(steps * self.lanes).map_err(refused)?;
        let end = begin + steps as u64;
        for draw in begin / 2..end.div_ceil(2) {
            for lane in 0..neurons {
                let pair = self.stream.normals((first + lane) as u32, draw);
                for (step, value) in [2 * draw, 2 * draw + 1].into_iter().zip(pair) {
                    if (begin..end).contains(&step) {
                        self.rows[(step - begin) as usize * self.lanes + lane] = T::from_f64(value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the row of step `i` of the epoch.
    pub(crate) fn row(&self, i: usize) -> &[T] {
        &self.rows[i * self.lanes..][..self.lanes]
    }
}

#[cfg(test)]
mod tests {
    use super::NoiseRows;
    use crate::random::{Purpose, Stream};

    #[test]
    fn numbers_do_not_depend_on_the_cut() {
        let new = || NoiseRows::<f64>::new(Stream::new(1, "x", Purpose::Noise), 8);
        let mut whole = new();
        whole.fill(5, 8, 0, 10).unwrap();
        for (first, begin, steps) in [(5, 3, 4), (7, 4, 1), (5, 0, 10)] {
            let mut part = new();
            part.fill(first, 3, begin, steps).unwrap();
            for i in 0..steps {
                let from = first - 5;
                assert_eq!(part.row(i)[..3], whole.row(begin as usize + i)[from..from + 3]);
            }
        }
    }
}

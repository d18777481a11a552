//! Spikes, from the bits of lanes that fired.

use dendrion_kernels::Scalar;

use crate::runtime::shard::Shard;

impl<T: Scalar> Shard<T> {
    /// Turns the words of the epoch into spikes, by step, then neuron.
    pub(crate) fn extract_spikes(&mut self, begin: u64, steps: usize, words: usize) {
        self.spikes.clear();
        for i in 0..steps {
            let row = &self.fired[i * self.blocks.len() * words..][..self.blocks.len() * words];
            for (w, word) in row.iter().enumerate().filter(|(_, w)| **w != 0) {
                let first = self.neurons.start + w / words * self.lanes + w % words * 64;
                for bit in bits(*word).map(|bit| first + bit).take_while(|n| *n < self.neurons.end) {
                    self.spikes.push(bit as u32);
                    self.spike_count += 1;
                    self.plasticity.remember(bit - self.neurons.start, begin + i as u64);
                    if let Some(log) = &mut self.log {
                        log.push((begin + i as u64, bit as u32));
                    }
                }
            }
            self.spikes.end_step();
        }
    }
}

/// Positions of the bits that are set, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            bit
        })
    })
}

//! The spikes of a shard: bits of lanes that fired, and the spikes extracted from them.

use super::place::Place;
use super::spikes::Spikes;

/// The spikes of a shard's neurons.
#[derive(Debug, Default)]
pub(crate) struct SpikeOutput {
    /// Which lanes fired: words of 64 lanes, by step, then block.
    fired: Vec<u64>,
    /// Spikes of the last epoch.
    pub(crate) spikes: Spikes,
    /// Spikes so far.
    pub(crate) count: u64,
    /// Spikes recorded (step, neuron), if a probe asks for them.
    pub(crate) log: Option<Vec<(u64, u32)>>,
}

impl SpikeOutput {
    /// With so many spikes so far, and those recorded.
    pub(crate) fn with(count: u64, log: Option<Vec<(u64, u32)>>) -> Self {
        Self { count, log, ..Self::default() }
    }

    /// Prepares for `steps` steps.
    pub(crate) fn begin(&mut self, place: &Place, steps: usize) {
        self.fired.clear();
        self.fired.resize(steps * place.blocks.len() * words(place), 0);
    }

    /// The words of a block in step `i` of the epoch.
    pub(crate) fn words(&mut self, place: &Place, i: usize, block: usize) -> &mut [u64] {
        let words = words(place);
        &mut self.fired[(i * place.blocks.len() + block) * words..][..words]
    }

    /// Turns the words of the epoch that began at `begin` into spikes, by step, then neuron. `each` is told the step and the lane of
    /// each.
    pub(crate) fn extract(
        &mut self,
        place: &Place,
        (begin, steps): (u64, usize),
        mut each: impl FnMut(u64, usize),
    ) {
        self.spikes.clear();
        let words = words(place);
        for i in 0..steps {
            let row = &self.fired[i * place.blocks.len() * words..][..place.blocks.len() * words];
            for (w, word) in row.iter().enumerate().filter(|(_, w)| **w != 0) {
                let first = place.neurons.start + w / words * place.lanes + w % words * 64;
                for neuron in bits(*word).map(|bit| first + bit).take_while(|n| *n < place.neurons.end) {
                    self.spikes.push(neuron as u32);
                    self.count += 1;
                    each(begin + i as u64, neuron - place.neurons.start);
                    if let Some(log) = &mut self.log {
                        log.push((begin + i as u64, neuron as u32));
                    }
                }
            }
            self.spikes.end_step();
        }
    }
}

/// Words of a block.
const fn words(place: &Place) -> usize {
    place.lanes.div_ceil(64)
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

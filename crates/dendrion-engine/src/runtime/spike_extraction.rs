//! The spikes of a shard: one bit per lane and step, and the spikes extracted from these bits.

use dendrion_model::Error;
use dendrion_model::allocate::reserve;

use super::place::Place;
use super::spikes::Spikes;

/// The spikes of a shard's neurons.
#[derive(Debug, Default)]
pub(crate) struct SpikeOutput {
    /// The lanes that spiked: words of 64 lanes, by step and then by block.
    fired: Vec<u64>,
    /// Spikes of the last epoch.
    pub(crate) spikes: Spikes,
    /// Number of spikes so far.
    pub(crate) count: u64,
    /// Recorded spikes (step, neuron), if a probe records them.
    pub(crate) log: Option<Vec<(u64, u32)>>,
}

impl SpikeOutput {
    /// Creates the output with this number of earlier spikes and these recorded spikes.
    pub(crate) fn with(count: u64, log: Option<Vec<(u64, u32)>>) -> Self {
        Self { count, log, ..Self::default() }
    }

    /// Prepares for `steps` steps.
    pub(crate) fn begin(&mut self, place: &Place, steps: usize) -> Result<(), Error> {
        let count = steps * place.blocks.len() * words(place);
        self.fired.clear();
        reserve(&mut self.fired, count)?;
        self.fired.resize(count, 0);
        Ok(())
    }

    /// Returns the words of a block in step `i` of the epoch.
    pub(crate) fn words(&mut self, place: &Place, i: usize, block: usize) -> &mut [u64] {
        let words = words(place);
        &mut self.fired[(i * place.blocks.len() + block) * words..][..words]
    }

    /// Converts the words of the epoch that began at `begin` to spikes, sorted by step and then by neuron. `each` is
    /// called with the step and the lane of each spike.
    pub(crate) fn extract(
        &mut self,
        place: &Place,
        (begin, steps): (u64, usize),
        mut each: impl FnMut(u64, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.spikes.clear();
        // This is an upper bound, because lanes beyond the last neuron repeat it.
        let most = self.fired.iter().map(|word| word.count_ones() as usize).sum();
        self.spikes.make_room(most)?;
        if let Some(log) = &mut self.log {
            reserve(log, most)?;
        }
        let words = words(place);
        for i in 0..steps {
            let row = &self.fired[i * place.blocks.len() * words..][..place.blocks.len() * words];
            for (w, word) in row.iter().enumerate().filter(|(_, w)| **w != 0) {
                let block = place.neurons_of(w / words);
                let (first, end) = (block.0 + w % words * 64, block.0 + block.1);
                for neuron in bits(*word).map(|bit| first + bit).take_while(|n| *n < end) {
                    self.spikes.push(neuron as u32);
                    self.count = self.count.saturating_add(1);
                    each(begin + i as u64, neuron - place.neurons.start)?;
                    if let Some(log) = &mut self.log {
                        log.push((begin + i as u64, neuron as u32));
                    }
                }
            }
            self.spikes.end_step();
        }
        Ok(())
    }
}

/// Returns the number of words of a block.
const fn words(place: &Place) -> usize {
    place.lanes.div_ceil(64)
}

/// Returns the positions of the set bits, in ascending order.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            bit
        })
    })
}

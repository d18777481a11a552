//! The spikes of an epoch, which shards and generators exchange.

use dendrion_model::Error;
use dendrion_model::allocate::{extend, reserve};

/// Spikes sorted by step and then by source. A source may spike several times in a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spikes {
    /// Start of each step's spikes, and the end of the last one.
    starts: Vec<u32>,
    sources: Vec<u32>,
}

impl Spikes {
    /// Removes all spikes. Steps are then appended with [`Self::push`] and [`Self::end_step`].
    pub(crate) fn clear(&mut self) {
        self.starts.clear();
        self.starts.push(0);
        self.sources.clear();
    }

    /// Allocates memory for `count` further spikes, which [`Self::push`] appends.
    pub(crate) fn make_room(&mut self, count: usize) -> Result<(), Error> {
        reserve(&mut self.sources, count)
    }

    pub(crate) fn push(&mut self, source: u32) {
        self.sources.push(source);
    }

    pub(crate) fn end_step(&mut self) {
        self.starts.push(self.sources.len() as u32);
    }

    /// Appends the steps of other spikes.
    pub(crate) fn append(&mut self, others: &Self) -> Result<(), Error> {
        reserve(&mut self.starts, others.steps())?;
        for i in 0..others.steps() {
            extend(&mut self.sources, others.at(i))?;
            self.end_step();
        }
        Ok(())
    }

    /// Replaces the spikes by `events` (step, source), which are sorted by source. This function sorts them
    /// by step and keeps the order within a step.
    pub(crate) fn fill(&mut self, steps: usize, events: &[(u32, u32)]) -> Result<(), Error> {
        self.starts.clear();
        self.starts.resize(steps + 1, 0);
        events.iter().for_each(|(step, _)| self.starts[*step as usize + 1] += 1);
        (0..steps).for_each(|i| self.starts[i + 1] += self.starts[i]);
        let mut next: Vec<u32> = self.starts.clone();
        self.sources.clear();
        reserve(&mut self.sources, events.len())?;
        self.sources.resize(events.len(), 0);
        for (step, source) in events {
            let at = &mut next[*step as usize];
            self.sources[*at as usize] = *source;
            *at += 1;
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Returns the number of steps.
    pub(crate) fn steps(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Returns the sources that spike at step `i`.
    pub(crate) fn at(&self, i: usize) -> &[u32] {
        match (self.starts.get(i), self.starts.get(i + 1)) {
            (Some(a), Some(b)) => &self.sources[*a as usize..*b as usize],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spikes;

    #[test]
    fn events_are_sorted_by_step_and_keep_their_order() {
        let mut spikes = Spikes::default();
        spikes.fill(3, &[(2, 0), (0, 1), (2, 1), (2, 1), (0, 5)]).unwrap();
        assert_eq!(spikes.at(0), [1, 5]);
        assert!(spikes.at(1).is_empty());
        assert_eq!(spikes.at(2), [0, 1, 1]);
        assert!(spikes.at(3).is_empty());
        assert_eq!(spikes.steps(), 3);
    }
}

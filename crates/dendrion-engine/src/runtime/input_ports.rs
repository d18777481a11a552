//! The inputs of a shard other than spikes: currents and noises.

use dendrion_kernels::Scalar;
use dendrion_model::Error;

use super::place::Place;
use super::population::Engine;
use crate::inputs::input_rows::InputRows;
use crate::inputs::{Current, Given, NoiseRows};

/// The data that the shards of all threads read during a run.
pub(crate) struct View<'a, T: Scalar> {
    pub(crate) engine: &'a Engine<T>,
    /// Current generators by index. Generators of spikes are `None`.
    pub(crate) currents: &'a [Option<Current>],
    /// Values that replace the output of generators, by index.
    pub(crate) given: &'a [Option<Given<T>>],
}

/// The rows of currents and noises for the current block.
#[derive(Debug)]
pub(crate) struct InputPorts<T: Scalar> {
    /// For each current input, the generator and the rows.
    pub(crate) currents: Vec<(usize, InputRows<T>)>,
    pub(crate) noises: Vec<NoiseRows<T>>,
}

impl<T: Scalar> InputPorts<T> {
    /// Returns the same inputs with empty rows.
    pub(crate) fn fresh(&self) -> Self {
        Self {
            currents: self.currents.iter().map(|(generator, rows)| (*generator, rows.fresh())).collect(),
            noises: self.noises.iter().map(NoiseRows::fresh).collect(),
        }
    }

    /// Returns the number of inputs.
    pub(crate) fn len(&self) -> usize {
        self.currents.len() + self.noises.len()
    }

    /// Fills the rows for a block and the `steps` steps from `begin` on.
    pub(crate) fn fill(
        &mut self,
        view: &View<'_, T>,
        (place, block): (&Place, usize),
        begin: u64,
        steps: usize,
    ) -> Result<(), Error> {
        let (first, neurons) = place.neurons_of(block);
        for (generator, rows) in &mut self.currents {
            if let Some(Some(given)) = view.given.get(*generator) {
                given.fill(rows, (first, neurons), begin, steps)?;
            } else if let Some(Some(current)) = view.currents.get(*generator) {
                current.fill(rows, (first, neurons), begin, steps)?;
            }
        }
        self.noises.iter_mut().try_for_each(|n| n.fill(first, neurons, begin, steps))
    }

    /// Sets `ports` to the rows of step `i` of the epoch.
    pub(crate) fn plug<'a>(&'a self, ports: &mut [&'a [T]], i: usize) {
        let rows =
            self.currents.iter().map(|(_, rows)| rows.row(i)).chain(self.noises.iter().map(|n| n.row(i)));
        ports.iter_mut().zip(rows).for_each(|(port, row)| *port = row);
    }
}

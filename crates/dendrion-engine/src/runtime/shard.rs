//! A shard: consecutive blocks that one thread owns, with their pending spikes.

use dendrion_kernels::{Buffer, Frame, OutOfMemory, Ring, Scalar};
use dendrion_model::Error;
use dendrion_model::allocate::copied;

use super::delivery::Delivery;
use super::input_ports::{InputPorts, View};
use super::observer::ShardObserver;
use super::place::Place;
use super::places::range_of;
use super::population::{Cells, Engine};
use super::spike_extraction::SpikeOutput;
use crate::cable::Rows;
use crate::inputs::NoiseRows;
use crate::inputs::input_rows::InputRows;
use crate::plasticity::state::PlasticityState;
use crate::recording::recorder::{Reads, Recorder, Recordings};
use crate::refused::{Shortage, refused};

pub(crate) use dendrion_kernels::all_finite as is_finite;

/// A state that is no longer finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) step: u64,
    pub(crate) population: usize,
    pub(crate) neuron: usize,
    pub(crate) state: usize,
}

/// The states of a shard's neurons.
#[derive(Debug)]
pub(crate) struct States<T: Scalar> {
    /// The values, block by block and row by row.
    pub(crate) values: Buffer<T>,
    /// Number of rows in a block.
    pub(crate) rows: usize,
    /// The state of the current block at the beginning of the visit, for finding the step in which it became infinite
    /// or NaN.
    pub(crate) before: Buffer<T>,
    pub(crate) scratch: Buffer<T>,
}

impl<T: Scalar> States<T> {
    fn copy(&self) -> Result<Self, OutOfMemory> {
        let before = Buffer::zeroed(self.before.len())?;
        Ok(Self { values: Buffer::copied(&self.values)?, rows: self.rows, before, scratch: Buffer::new() })
    }
}

/// Consecutive blocks of one population.
#[derive(Debug)]
pub(crate) struct Shard<T: Scalar> {
    pub(crate) place: Place,
    pub(crate) states: States<T>,
    pub(crate) inputs: InputPorts<T>,
    pub(crate) delivery: Delivery<T>,
    pub(crate) output: SpikeOutput,
    pub(crate) recorders: Vec<Recorder<T>>,
    pub(crate) fault: Option<Fault>,
    pub(crate) shortage: Option<Shortage>,
    /// Memory of the cluster, if this is the shard of a membrane.
    pub(crate) rows: Rows<T>,
}

impl<T: Scalar> Shard<T> {
    /// Creates shard `number` of a population, whose group begins with population `head`, in its initial state. `currents` contains the generators of its current
    /// inputs, and `slots` the length of each port's ring.
    pub(crate) fn new(
        (population, head): (usize, usize),
        number: usize,
        cells: &Cells<T>,
        currents: &[usize],
        slots: &[usize],
    ) -> Result<Self, Error> {
        let place = Place::new(population, head, number, &cells.layout);
        let (lanes, rows) = (place.lanes, cells.engine.state_rows);
        let (all, inputs) = (place.lanes_of_all(), place.input_lanes());
        // The currents of detailed cells are injected into single CVs.
        let of_currents = if place.is_in_order() { lanes } else { place.width };
        let mut shard = Self {
            place,
            states: States {
                values: Buffer::zeroed(all.saturating_mul(rows)).map_err(refused)?,
                rows,
                before: Buffer::zeroed(lanes * rows).map_err(refused)?,
                scratch: Buffer::new(),
            },
            inputs: InputPorts {
                currents: currents.iter().map(|g| (*g, InputRows::new(of_currents))).collect(),
                noises: cells.noises.iter().map(|s| NoiseRows::new(*s, lanes)).collect(),
            },
            delivery: Delivery::new(rings(inputs, slots)?, Vec::new(), PlasticityState::default()),
            output: SpikeOutput::default(),
            recorders: Vec::new(),
            fault: None,
            shortage: None,
            rows: Rows::default(),
        };
        shard.reset(cells);
        Ok(shard)
    }

    /// Resets the shard to its initial state, without pending spikes or recordings.
    pub(crate) fn reset(&mut self, cells: &Cells<T>) {
        for (row, values) in cells.initial.iter().enumerate() {
            self.set_state(row, |neuron| values.of(neuron));
        }
        self.delivery.rings.iter_mut().for_each(Ring::clear_all);
        self.delivery.forget_learning();
        self.forget_recordings();
        (self.fault, self.shortage, self.output.count) = (None, None, 0);
    }

    /// Copies the shard with the same connections but without the state of plastic weights.
    pub(crate) fn clone_shard(&self, recordings: Recordings) -> Result<Self, Error> {
        let is_empty = recordings == Recordings::Empty;
        let recorders = if recordings == Recordings::Absent { &[] } else { self.recorders.as_slice() };
        let recorders = recorders.iter().map(|r| r.trimmed(is_empty)).collect::<Result<_, Error>>()?;
        let log = self.output.log.as_deref().and_then(|log| recordings.of(log)).map(copied).transpose()?;
        let rings = self.delivery.rings.iter().map(Ring::copy).collect::<Result<_, _>>().map_err(refused)?;
        let incoming = self.delivery.clone_connections()?;
        Ok(Self {
            place: self.place.clone(),
            states: self.states.copy().map_err(refused)?,
            inputs: self.inputs.fresh(),
            delivery: Delivery::new(rings, incoming, PlasticityState::default()),
            output: SpikeOutput::with(self.output.count, log),
            recorders,
            fault: None,
            shortage: None,
            rows: Rows::default(),
        })
    }

    /// Copies the shard without recorders, so that steps can be rerun once a state has been restored. The
    /// current state and pending spikes are not copied. The rings of the copy have slots but no lanes.
    pub(crate) fn clone_without_state(&mut self) -> Result<Self, Error> {
        let slots: Vec<usize> = self.delivery.rings.iter().map(Ring::slots).collect();
        let rings = std::mem::replace(&mut self.delivery.rings, rings(0, &slots)?);
        let values = std::mem::take(&mut self.states.values);
        let copy = self.clone_shard(Recordings::Absent);
        (self.states.values, self.delivery.rings) = (values, rings);
        copy
    }

    /// Returns the recorder of a probe of values.
    pub(crate) fn recorder_of(&self, probe: usize) -> Option<&Recorder<T>> {
        let range = range_of(&self.recorders, probe, |r| r.probe);
        let watchers = &self.delivery.plasticity.watchers;
        let watcher = || watchers[range_of(watchers, probe, |(_, r)| r.probe)].first().map(|(_, r)| r);
        self.recorders[range].first().or_else(watcher)
    }

    /// Returns mutable access to the recorder of a probe of values.
    pub(crate) fn recorder_of_mut(&mut self, probe: usize) -> Option<&mut Recorder<T>> {
        let range = range_of(&self.recorders, probe, |r| r.probe);
        let watchers = &mut self.delivery.plasticity.watchers;
        let watched = range_of(watchers, probe, |(_, r)| r.probe);
        let watcher = watchers[watched].first_mut().map(|(_, r)| r);
        self.recorders[range].first_mut().or(watcher)
    }

    /// Removes all recordings.
    pub(crate) fn forget_recordings(&mut self) {
        let watchers = self.delivery.plasticity.watchers.iter_mut().map(|(_, r)| r);
        self.recorders.iter_mut().chain(watchers).for_each(|r| r.truncate(0));
        if let Some(log) = &mut self.output.log {
            log.clear();
        }
    }

    /// Sets a state row. The lanes beyond the last neuron repeat it.
    pub(crate) fn set_state(&mut self, row: usize, value: impl Fn(usize) -> f64) {
        for block in 0..self.place.blocks.len() {
            let at = (block * self.states.rows + row) * self.place.lanes;
            for lane in 0..self.place.lanes {
                let neuron = self.place.neurons.start + self.place.neuron_of(block, lane);
                self.states.values[at + lane] = T::from_f64(value(neuron));
            }
        }
    }

    /// Returns the values of a state row by neuron.
    pub(crate) fn state(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        (0..self.place.neurons.len()).map(move |i| {
            let at = self.place.lane_of(i);
            let (block, lane) = (at / self.place.lanes, at % self.place.lanes);
            self.states.values[(block * self.states.rows + row) * self.place.lanes + lane].to_f64()
        })
    }

    /// Runs all blocks for an epoch: `steps` steps from `begin` on.
    pub(crate) fn run<O: ShardObserver<T>>(
        &mut self,
        view: &View<'_, T>,
        begin: u64,
        steps: usize,
        observer: &mut O,
    ) -> Result<(), Error> {
        self.recorders.iter_mut().for_each(|r| r.begin(begin, steps));
        self.output.begin(&self.place, steps)?;
        let most = view.engine.observers.iter().map(|o| o.scratch_rows).max().unwrap_or(0);
        let scratch = most.max(view.engine.scratch_rows) * self.place.lanes;
        self.states.scratch.grow(scratch).map_err(refused)?;
        for block in 0..self.place.blocks.len() {
            self.visit(view, block, (begin, steps), observer)?;
            // The inputs of the block are still in the cache.
            let lanes = block * self.place.lanes..(block + 1) * self.place.lanes;
            for ring in &mut self.delivery.rings {
                ring.clear_lanes(begin..begin + steps as u64, &lanes);
            }
        }
        self.delivery.rings.iter_mut().for_each(|r| r.free(begin..begin + steps as u64));
        let plasticity = &mut self.delivery.plasticity;
        self.output.extract(&self.place, (begin, steps), |step, lane| plasticity.remember(lane, step))?;
        observer.spikes(&self.output.spikes)
    }

    fn visit<O: ShardObserver<T>>(
        &mut self,
        view: &View<'_, T>,
        block: usize,
        (begin, steps): (u64, usize),
        observer: &mut O,
    ) -> Result<(), Error> {
        let size = self.states.rows * self.place.lanes;
        self.inputs.fill(view, (&self.place, block), begin, steps)?;
        self.states.before.copy_from_slice(&self.states.values[block * size..][..size]);
        observer.begin_block(begin, block, &self.states.before);
        for i in 0..steps {
            self.step(view, block, begin, i, Some(&mut *observer));
        }
        if let Some(end) = observer.end_block(begin + steps as u64, block) {
            self.states.values[block * size..][..size].copy_from_slice(end);
        }
        if !is_finite(&self.states.values[block * size..][..size]) {
            self.find_fault(view, block, begin, steps);
        }
        Ok(())
    }

    /// Runs one step of one block: probes record, then the program runs. Without an observer the step is a
    /// repetition, and probes do not record it again.
    fn step<O: ShardObserver<T>>(
        &mut self,
        view: &View<'_, T>,
        block: usize,
        begin: u64,
        i: usize,
        observer: Option<&mut O>,
    ) {
        let is_first = observer.is_some();
        let (step, lanes, size) = (begin + i as u64, self.place.lanes, self.states.rows * self.place.lanes);
        let mut inputs: [&[T]; INPUTS] = [&[]; INPUTS];
        let count = self.inputs.len() + self.delivery.rings.len();
        let mut many = Vec::new();
        let inputs = if count <= INPUTS {
            &mut inputs[..count]
        } else {
            many.resize(count, &[] as &[T]);
            &mut many[..]
        };
        let (ports, rings) = inputs.split_at_mut(count - self.delivery.rings.len());
        self.inputs.plug(ports, i);
        for (port, ring) in rings.iter_mut().zip(&self.delivery.rings) {
            if let Some(row) = ring.row(step) {
                *port = &row[block * lanes..][..lanes];
            }
        }
        // An observer that records states avoids copies: each step stores its result where the next one begins.
        if let Some(observer) = &observer {
            observer.prefetch(step, block, (0, 1));
        }
        let (state, next) = match observer.and_then(|observer| observer.step(step, block)) {
            Some((state, next)) => (state, Some(next)),
            None => (&mut self.states.values[block * size..][..size], None),
        };
        let block_number = self.place.blocks.start + block;
        if is_first {
            let (state, scratch) = (&mut *state, &mut self.states.scratch);
            record(
                &mut self.recorders,
                view.engine,
                (state, scratch),
                inputs,
                (begin, step),
                (block, &self.place),
            );
        }
        let fired = self.output.words(&self.place, i, block);
        let scratch = &mut self.states.scratch[..view.engine.scratch_rows * lanes];
        let (coefs, kernel, block) = (&view.engine.coefs, &view.engine.kernel, block_number);
        match next {
            Some(next) => {
                kernel.advance(Frame { state: next, scratch, coefs, block, inputs, fired }, state);
            }
            None => {
                kernel.run(Frame { state, scratch, coefs, block, inputs, fired });
            }
        }
    }

    /// Repeats a visit from its beginning, to find the step, the state and the neuron whose result is not
    /// finite.
    fn find_fault(&mut self, view: &View<'_, T>, block: usize, begin: u64, steps: usize) {
        let size = self.states.rows * self.place.lanes;
        self.states.values[block * size..][..size].copy_from_slice(&self.states.before);
        for i in 0..steps {
            self.step::<()>(view, block, begin, i, None);
            let state = &self.states.values[block * size..][..size];
            if let Some(at) = state.iter().position(|v| !v.is_finite()) {
                let neuron = self.place.neurons.start + self.place.neuron_of(block, at % self.place.lanes);
                let (step, population) = (begin + i as u64, self.place.population);
                let fault = Fault { step, population, neuron, state: at / self.place.lanes };
                self.fault = Some(self.fault.map_or(fault, |f| f.min(fault)));
                return;
            }
        }
    }
}

/// Records a sample of each probe that is due in a step, before the step changes the state of the block. `begin` is the
/// first step of the epoch.
pub(crate) fn record<T: Scalar>(
    recorders: &mut [Recorder<T>],
    engine: &Engine<T>,
    (state, scratch): (&mut [T], &mut Buffer<T>),
    inputs: &[&[T]],
    (begin, step): (u64, u64),
    (block, place): (usize, &Place),
) {
    let lanes = place.lanes;
    for recorder in recorders.iter_mut().filter(|r| r.is_due(step)) {
        match recorder.reads {
            Reads::Weights => {}
            Reads::State(row) => {
                recorder.sample(begin, step, block * lanes, &state[row * lanes..][..lanes]);
            }
            Reads::Observer(o) => {
                let observer = &engine.observers[o];
                let (coefs, fired) = (&observer.coefs, &mut [0; 0][..]);
                let frame = Frame {
                    state: &mut *state,
                    scratch: &mut scratch[..observer.scratch_rows * lanes],
                    coefs,
                    block: Engine::block_of(coefs, place.blocks.start + block),
                    inputs,
                    fired,
                };
                observer.kernel.run(frame);
                recorder.sample(begin, step, block * lanes, &scratch[..lanes]);
            }
        }
    }
}

/// Creates rings of these lengths.
fn rings<T: Scalar>(lanes: usize, slots: &[usize]) -> Result<Vec<Ring<T>>, Error> {
    slots.iter().map(|slots| Ring::new(lanes, *slots).map_err(refused)).collect()
}

/// Maximum number of input ports that a step passes without allocating memory.
const INPUTS: usize = 16;

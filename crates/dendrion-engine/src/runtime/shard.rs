//! A shard: a run of blocks that one thread owns, with the spikes on their way to them.

use std::ops::Range;
use std::sync::Arc;

use dendrion_kernels::{Buffer, Fanout, Frame, Ring, Scalar};

use crate::build::layout::Layout;
use crate::inputs::input_rows::InputRows;
use crate::inputs::{Current, Given, NoiseRows};
use crate::plasticity::state::PlasticityState;
use crate::plasticity::{Learning, ShortTerm};
use crate::recording::recorder::{Reads, Recorder};
use crate::runtime::observer::ShardObserver;
use crate::runtime::population::{Cells, Engine};
use crate::runtime::spikes::Spikes;

/// Connections of one projection onto one shard.
#[derive(Debug)]
pub(crate) struct Incoming<T: Scalar> {
    pub(crate) projection: usize,
    pub(crate) fanout: Arc<Fanout<T>>,
    /// Ring the spikes go to.
    pub(crate) port: usize,
    pub(crate) change: Change,
}

/// How connections change with the spikes that pass them.
#[derive(Debug)]
pub(crate) enum Change {
    /// Not at all.
    None,
    /// For a while, by their sources' spikes.
    ShortTerm(ShortTerm),
    /// For good, by both sides' spikes.
    Learning(Box<Learning>),
}

/// A state that stopped being finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) step: u64,
    pub(crate) population: usize,
    pub(crate) neuron: usize,
    pub(crate) state: usize,
}

/// What the shards of all threads read during a run.
pub(crate) struct View<'a, T: Scalar> {
    pub(crate) engine: &'a Engine<T>,
    /// Current generators, by index (`None` for generators of spikes).
    pub(crate) currents: &'a [Option<Current>],
    /// What stands in for generators, by index.
    pub(crate) given: &'a [Option<Given<T>>],
}

/// Where the spikes of a projection come from.
pub(crate) enum Sent<'a, T: Scalar> {
    /// Shards or source blocks of its sources.
    Spikes(&'a [&'a Spikes]),
    /// What stands in for a generator.
    Given(&'a Given<T>),
}

/// A run of blocks of one population.
#[derive(Debug)]
pub(crate) struct Shard<T: Scalar> {
    pub(crate) population: usize,
    pub(crate) neurons: Range<usize>,
    pub(crate) blocks: Range<usize>,
    pub(crate) lanes: usize,
    pub(crate) state_rows: usize,
    /// State, block by block, row by row.
    pub(crate) state: Buffer<T>,
    /// The state of one block when its visit began, to find where it stopped being finite.
    pub(crate) before: Buffer<T>,
    pub(crate) scratch: Buffer<T>,
    pub(crate) rings: Vec<Ring<T>>,
    pub(crate) incoming: Vec<Incoming<T>>,
    /// Sources of one step and projection, while they are delivered.
    pub(crate) senders: Vec<u32>,
    /// For each current input, the generator and the rows of the block visited.
    pub(crate) currents: Vec<(usize, InputRows<T>)>,
    /// For each noise, the rows of the block visited.
    pub(crate) noises: Vec<NoiseRows<T>>,
    pub(crate) recorders: Vec<Recorder<T>>,
    /// What its learning connections need.
    pub(crate) plasticity: PlasticityState<T>,
    /// Which lanes fired: a word per 64 lanes, by step, then block.
    pub(crate) fired: Vec<u64>,
    /// Spikes of the last epoch.
    pub(crate) spikes: Spikes,
    /// Spikes recorded (step, neuron), if a probe asks for them.
    pub(crate) log: Option<Vec<(u64, u32)>>,
    pub(crate) spike_count: u64,
    pub(crate) fault: Option<Fault>,
}

impl<T: Scalar> Shard<T> {
    /// Shard `number` of a population, at its initial state; `currents` are the generators of its current inputs,
    /// `slots` the length of each port's ring.
    pub(crate) fn new(
        population: usize,
        number: usize,
        cells: &Cells<T>,
        currents: &[usize],
        slots: &[usize],
    ) -> Self {
        let layout: Layout = cells.layout;
        let (blocks, neurons) = (layout.blocks_of(number), layout.neurons_of(number));
        let (lanes, rows) = (layout.lanes, cells.engine.state_rows);
        let all = blocks.len() * lanes;
        let mut shard = Self {
            population,
            neurons,
            lanes,
            state_rows: rows,
            state: Buffer::zeroed(all * rows),
            before: Buffer::zeroed(lanes * rows),
            scratch: Buffer::zeroed(0),
            rings: slots.iter().map(|n| Ring::new(all, *n)).collect(),
            incoming: Vec::new(),
            senders: Vec::new(),
            currents: currents.iter().map(|g| (*g, InputRows::new(lanes))).collect(),
            noises: cells.noises.iter().map(|s| NoiseRows::new(*s, lanes)).collect(),
            recorders: Vec::new(),
            plasticity: PlasticityState::default(),
            fired: Vec::new(),
            spikes: Spikes::default(),
            log: None,
            spike_count: 0,
            fault: None,
            blocks,
        };
        shard.reset(cells, slots);
        shard
    }

    /// Lanes of all blocks.
    pub(crate) fn lanes_of_all(&self) -> usize {
        self.blocks.len() * self.lanes
    }

    /// Back to the initial state, with nothing on its way and nothing recorded.
    pub(crate) fn reset(&mut self, cells: &Cells<T>, slots: &[usize]) {
        for (row, values) in cells.initial.iter().enumerate() {
            self.set_state(row, |neuron| values.get(neuron));
        }
        let all = self.blocks.len() * self.lanes;
        self.rings = slots.iter().map(|n| Ring::new(all, *n)).collect();
        self.forget_learning();
        self.forget_recordings();
        (self.fault, self.spike_count) = (None, 0);
    }

    /// Forgets what was recorded.
    pub(crate) fn forget_recordings(&mut self) {
        let watchers = self.plasticity.watchers.iter_mut().map(|(_, r)| r);
        self.recorders.iter_mut().chain(watchers).for_each(|r| r.truncate(0));
        if let Some(log) = &mut self.log {
            log.clear();
        }
    }

    /// Sets a state row; lanes beyond the last neuron repeat it.
    pub(crate) fn set_state(&mut self, row: usize, value: impl Fn(usize) -> f64) {
        let last = self.neurons.end - 1;
        for block in 0..self.blocks.len() {
            let at = (block * self.state_rows + row) * self.lanes;
            for lane in 0..self.lanes {
                let neuron = self.neurons.start + block * self.lanes + lane;
                self.state[at + lane] = T::from_f64(value(neuron.min(last)));
            }
        }
    }

    /// The values of a state row, neuron by neuron.
    pub(crate) fn state(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        (0..self.neurons.len()).map(move |i| {
            let (block, lane) = (i / self.lanes, i % self.lanes);
            self.state[(block * self.state_rows + row) * self.lanes + lane].to_f64()
        })
    }

    /// Adds the spikes of sources to the rings, in the order (step, projection, source, connection). `from` gives
    /// each projection's spikes; `begin` is the step of the first.
    pub(crate) fn deliver<'a>(
        &mut self,
        begin: u64,
        steps: usize,
        from: &impl Fn(usize) -> Option<Sent<'a, T>>,
    ) {
        for i in 0..steps {
            for incoming in &mut self.incoming {
                let (step, ring) = (begin + i as u64, &mut self.rings[incoming.port]);
                self.senders.clear();
                match from(incoming.projection) {
                    Some(Sent::Spikes(all)) => {
                        all.iter().for_each(|s| self.senders.extend_from_slice(s.at(i)));
                    }
                    Some(Sent::Given(given)) => {
                        incoming.fanout.deliver_scaled(given.row(step), step, ring);
                        continue;
                    }
                    None => continue,
                }
                match &mut incoming.change {
                    Change::None => incoming.fanout.deliver(&self.senders, step, ring),
                    Change::ShortTerm(short_term) => {
                        short_term.deliver(&incoming.fanout, &self.senders, step, ring);
                    }
                    Change::Learning(learning) => learning.enqueue(step, &self.senders),
                }
            }
        }
    }

    /// Runs all blocks through an epoch: `steps` steps from `begin` on.
    pub(crate) fn run<O: ShardObserver<T>>(
        &mut self,
        view: &View<'_, T>,
        begin: u64,
        steps: usize,
        observer: &mut O,
    ) {
        self.recorders.iter_mut().for_each(|r| r.begin(begin, steps));
        let words = self.lanes.div_ceil(64);
        self.fired.clear();
        self.fired.resize(steps * self.blocks.len() * words, 0);
        let most = view.engine.observers.iter().map(|o| o.scratch_rows).max().unwrap_or(0);
        let scratch = most.max(view.engine.scratch_rows) * self.lanes;
        if self.scratch.len() < scratch {
            self.scratch = Buffer::zeroed(scratch);
        }
        for block in 0..self.blocks.len() {
            self.visit(view, block, (begin, steps), observer);
        }
        for i in 0..steps as u64 {
            self.rings.iter_mut().for_each(|r| r.clear(begin + i));
        }
        self.extract_spikes(begin, steps, words);
        observer.spikes(&self.spikes);
    }

    fn visit<O: ShardObserver<T>>(
        &mut self,
        view: &View<'_, T>,
        block: usize,
        (begin, steps): (u64, usize),
        observer: &mut O,
    ) {
        let size = self.state_rows * self.lanes;
        self.fill_inputs(view, block, begin, steps);
        self.before.copy_from_slice(&self.state[block * size..][..size]);
        observer.begin_block(begin, block, &self.before);
        for i in 0..steps {
            self.step(view, block, begin, i, Some(&mut *observer));
        }
        if let Some(end) = observer.end_block(begin + steps as u64, block) {
            self.state[block * size..][..size].copy_from_slice(end);
        }
        if !is_finite(&self.state[block * size..][..size]) {
            self.find_fault(view, block, begin, steps);
        }
    }

    /// Fills the rows of currents and noises for a block and an epoch.
    pub(crate) fn fill_inputs(&mut self, view: &View<'_, T>, block: usize, begin: u64, steps: usize) {
        let first = self.neurons.start + block * self.lanes;
        let neurons = self.lanes.min(self.neurons.end - first);
        for (generator, rows) in &mut self.currents {
            if let Some(Some(given)) = view.given.get(*generator) {
                given.fill(rows, (first, neurons), begin, steps);
            } else if let Some(Some(current)) = view.currents.get(*generator) {
                current.fill(rows, (first, neurons), begin, steps);
            }
        }
        self.noises.iter_mut().for_each(|n| n.fill(first, neurons, begin, steps));
    }

    /// One step of one block: probes record, then the program runs. Without an observer the step is a repetition, and probes do
    /// not record it again.
    fn step<O: ShardObserver<T>>(
        &mut self,
        view: &View<'_, T>,
        block: usize,
        begin: u64,
        i: usize,
        observer: Option<&mut O>,
    ) {
        let record = observer.is_some();
        let (step, lanes, size) = (begin + i as u64, self.lanes, self.state_rows * self.lanes);
        let words = lanes.div_ceil(64);
        let mut inputs: [&[T]; INPUTS] = [&[]; INPUTS];
        let count = self.currents.len() + self.noises.len() + self.rings.len();
        let mut many = Vec::new();
        let inputs = if count <= INPUTS {
            &mut inputs[..count]
        } else {
            many.resize(count, &[] as &[T]);
            &mut many[..]
        };
        let (ports, rings) = inputs.split_at_mut(count - self.rings.len());
        plug(ports, &self.currents, &self.noises, i);
        for (port, ring) in rings.iter_mut().zip(&self.rings) {
            if let Some(row) = ring.row(step) {
                *port = &row[block * lanes..][..lanes];
            }
        }
        // An observer that keeps states needs no copies: each step leaves its result where the next one begins.
        let (state, next) = match observer.and_then(|observer| observer.step(step, block)) {
            Some((state, next)) => (state, Some(next)),
            None => (&mut self.state[block * size..][..size], None),
        };
        let block_number = self.blocks.start + block;
        if record {
            for recorder in self.recorders.iter_mut().filter(|r| r.is_due(step)) {
                match recorder.reads {
                    Reads::Weights => {}
                    Reads::State(row) => {
                        recorder.sample(begin, step, block * lanes, &state[row * lanes..][..lanes]);
                    }
                    Reads::Observer(o) => {
                        let observer = &view.engine.observers[o];
                        let scratch = &mut self.scratch[..observer.scratch_rows * lanes];
                        let (coefs, fired) = (&observer.coefs, &mut [0; 0][..]);
                        let frame = Frame { state, scratch, coefs, block: block_number, inputs, fired };
                        observer.kernel.run(frame);
                        recorder.sample(begin, step, block * lanes, &self.scratch[..lanes]);
                    }
                }
            }
        }
        let fired = &mut self.fired[(i * self.blocks.len() + block) * words..][..words];
        let scratch = &mut self.scratch[..view.engine.scratch_rows * lanes];
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

    /// Repeats a visit from its beginning, to learn which step's result is not finite, and where.
    fn find_fault(&mut self, view: &View<'_, T>, block: usize, begin: u64, steps: usize) {
        let size = self.state_rows * self.lanes;
        self.state[block * size..][..size].copy_from_slice(&self.before);
        for i in 0..steps {
            self.step::<()>(view, block, begin, i, None);
            let state = &self.state[block * size..][..size];
            if let Some(at) = state.iter().position(|v| !v.is_finite()) {
                let last = self.neurons.len() - 1;
                let neuron = self.neurons.start + (block * self.lanes + at % self.lanes).min(last);
                let (step, population) = (begin + i as u64, self.population);
                let fault = Fault { step, population, neuron, state: at / self.lanes };
                self.fault = Some(self.fault.map_or(fault, |f| f.min(fault)));
                return;
            }
        }
    }
}

/// Sets the ports of currents and noises to their rows of step `i` of the epoch.
pub(crate) fn plug<'a, T: Scalar>(
    ports: &mut [&'a [T]],
    currents: &'a [(usize, InputRows<T>)],
    noises: &'a [NoiseRows<T>],
    i: usize,
) {
    let rows = currents.iter().map(|(_, rows)| rows.row(i)).chain(noises.iter().map(|n| n.row(i)));
    ports.iter_mut().zip(rows).for_each(|(port, row)| *port = row);
}

/// Input ports that a step hands over without allocating.
const INPUTS: usize = 32;

/// Whether all values are finite. 0 times anything else is not 0, and sums of independent lanes vectorise.
pub(crate) fn is_finite<T: Scalar>(values: &[T]) -> bool {
    values.chunks(64).all(|chunk| chunk.iter().fold(true, |all, v| all & v.is_finite()))
}

//! Checkpoints: everything the future of a network depends on, as a file, in the order of neurons and connections and not
//! of blocks and shards. So a run goes on bit for bit in another process, on other threads and in another cut.
//!
//! A file is read and checked against the network as a whole before anything is changed.

mod container;
mod file;
mod generators;
mod learning;
mod neurons;
mod parameters;
mod postsynaptic;
mod sample;
mod short_term;
mod structure;
#[cfg(test)]
mod tests;

use dendrion_kernels::{NumericClass, Scalar};
use dendrion_model::Error;

pub(crate) use container::Element;
pub(crate) use file::{read, write};
pub(crate) use structure::Description;

use crate::runtime::core::Core;
use crate::runtime::request::is_requested;
use crate::runtime::shard::Shard;
use container::{Head, Reader, Writer, refused};
use learning::Learnt;
use parameters::Parameters;
use postsynaptic::PostsynapticSpikes;
use sample::Moving;
use structure::{difference, structure};

/// The version of the format.
const FORMAT: u32 = 2;
/// The version of Dendrion.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Steps done, at most: beyond, times of events would no longer tell steps apart.
const MOST_STEPS: u64 = 1 << 48;

/// Everything of a file, checked.
struct State<T: Scalar> {
    now: u64,
    noise_seed: u64,
    requested: f64,
    batch: usize,
    parameters: Parameters<T>,
    learnt: Vec<Learnt>,
    postsynaptic: Vec<PostsynapticSpikes>,
    /// The network itself, or the samples of a batch.
    moving: Vec<Moving<T>>,
}

impl<T: Scalar + Element + Into<f64>> Core<T> {
    /// Everything the future depends on, as a file in pieces that follow each other.
    pub(crate) fn save_state(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        if let Some(error) = &self.broken {
            let what = format!("nothing to save, as the network cannot go on: {error}");
            return Err(Error::state("network: save_state", what));
        }
        self.shards.iter_mut().for_each(Shard::flush_weights);
        let mut out = Writer::default();
        parameters::save(self, &mut out);
        for (i, projection) in self.network.projections.iter().enumerate() {
            if projection.learns() {
                learning::save(self, i, &mut out);
            }
        }
        (0..self.cells.len()).for_each(|population| postsynaptic::save(self, population, &mut out));
        for (b, (shards, source_blocks)) in self.samples().into_iter().enumerate() {
            let name = sample::prefix(self.samples.len(), b);
            sample::save(self, (&name, shards, source_blocks), &mut out);
        }
        out.finish(&Head {
            format: FORMAT,
            dendrion: VERSION.to_string(),
            arithmetic: arithmetic(self.level.class()).to_string(),
            step: self.now,
            noise_seed: self.network.run_seed(),
            requested: self.requested,
            batch: self.samples.len(),
            network: structure(self).clone(),
        })
    }

    /// Goes on from a file. Recordings begin anew. Where it is refused, nothing has changed.
    pub(crate) fn load_state(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.shards.is_empty() && !self.cells.is_empty() {
            // Shards were lost with a thread.
            return self.broken.clone().map_or(Ok(()), Err);
        }
        let state = self.read_state(bytes)?;
        let samples = std::mem::take(&mut self.samples);
        if let Err(error) = state.parameters.restore(self) {
            self.samples = samples;
            return Err(error);
        }
        (self.now, self.requested) = (state.now, state.requested);
        self.broken = None;
        self.reseed(state.noise_seed);
        state.learnt.into_iter().for_each(|learnt| learnt.restore(self, state.now));
        state.postsynaptic.into_iter().for_each(|postsynaptic| postsynaptic.restore(self, state.now));
        self.move_to(state.batch, state.moving);
        self.probes.iter_mut().for_each(|p| p.begin = state.now);
        Ok(())
    }

    /// Reads a file and checks all of it.
    fn read_state(&self, bytes: &[u8]) -> Result<State<T>, Error> {
        let mut file = Reader::open(bytes)?;
        let (here, there) = (arithmetic(self.level.class()), file.head.arithmetic.clone());
        if let Some(what) = difference(&file.head.network, structure(self)) {
            return Err(refused(format!("is of another network: {what}")));
        }
        if here != there {
            let level = self.level.name();
            return Err(refused(format!(
                "was saved where a b + c is {there}; the instructions used here ({level}) have it {here}, which gives \
                 other bits{}",
                advice(&there)
            )));
        }
        let now = file.head.step;
        if now >= MOST_STEPS {
            return Err(refused(format!("is damaged: {now} steps, expected fewer than {MOST_STEPS}")));
        }
        let requested = file.head.requested;
        if !is_requested(requested, now, self.network.dt) {
            return Err(refused(format!("is damaged: a requested time of {requested} ms at step {now}")));
        }
        let parameters = Parameters::read(self, &mut file)?;
        let learning = (0..self.network.projections.len()).filter(|i| self.network.projections[*i].learns());
        let learnt = learning.map(|i| Learnt::read(self, i, now, &mut file));
        let learnt = learnt.collect::<Result<Vec<_>, Error>>()?;
        let postsynaptic = (0..self.cells.len())
            .filter_map(|i| PostsynapticSpikes::read(self, i, now, &mut file).transpose());
        let postsynaptic = postsynaptic.collect::<Result<_, Error>>()?;
        let (batch, schedules) = (file.head.batch, parameters.schedules());
        if batch > 0 && !learnt.is_empty() {
            return Err(refused("is damaged: a batch of a network that learns"));
        }
        let one = |b| Moving::read(self, (now, &sample::prefix(batch, b)), &schedules, &mut file);
        let moving = (0..batch.max(1)).map(one).collect::<Result<_, Error>>()?;
        file.finish()?;
        let noise_seed = file.head.noise_seed;
        Ok(State { now, noise_seed, requested, batch, parameters, learnt, postsynaptic, moving })
    }
}

/// How a b + c is rounded, in a word.
const fn arithmetic(class: NumericClass) -> &'static str {
    match class {
        NumericClass::Fused => "rounded once",
        NumericClass::Separate => "rounded twice",
    }
}

/// What may be done about a state of another arithmetic.
fn advice(there: &str) -> &'static str {
    // Every processor has the instructions that round twice.
    if there == arithmetic(NumericClass::Separate) {
        "; set DENDRION_LEVEL=baseline to go on with it"
    } else {
        ""
    }
}

//! Checkpoints: everything on which the future of a network depends, stored in the order of neurons and
//! connections instead of blocks and shards. A simulation therefore resumes bit-for-bit in another process,
//! with a different number of threads and with a different division into shards.
//!
//! A file is read completely and checked against the network before anything is changed.

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

use crate::recording::recorder::Recordings;
use crate::runtime::clock::{MOST_STEPS, is_requested};
use crate::runtime::core::Core;
use crate::runtime::memory::check_batch_memory;
use container::{FORMAT, Head, Reader, VERSION, Writer, refused};
use learning::Learnt;
use parameters::Parameters;
use postsynaptic::PostsynapticSpikes;
use sample::Moving;
use structure::{difference, structure};

/// The checked content of a file.
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

/// Returns everything on which the network's future depends, as consecutive pieces of a file.
pub(crate) fn save_state<T: Scalar + Element + Into<f64>>(core: &mut Core<T>) -> Result<Vec<Vec<u8>>, Error> {
    pieces(core).map_err(|error| error.needed_by("network: save_state", || "the state".into()))
}

fn pieces<T: Scalar + Element + Into<f64>>(core: &mut Core<T>) -> Result<Vec<Vec<u8>>, Error> {
    if let Some(error) = &core.broken {
        let what = format!("the network cannot continue, so its state cannot be saved: {error}");
        return Err(Error::state("network: save_state", what));
    }
    core.ensemble.own.shards.iter_mut().try_for_each(|s| s.delivery.flush_weights())?;
    let mut out = Writer::default();
    parameters::save(core, &mut out)?;
    for (i, projection) in core.model.network.projections.iter().enumerate() {
        if projection.learns() {
            learning::save(core, i, &mut out)?;
        }
    }
    (0..core.model.cells.len()).try_for_each(|population| postsynaptic::save(core, population, &mut out))?;
    for (b, sample) in core.ensemble.present().iter().enumerate() {
        let name = sample::prefix(core.ensemble.batch.len(), b);
        self::sample::save(core, (&name, sample), &mut out);
    }
    out.finish(&Head {
        format: FORMAT,
        dendrion: VERSION.to_string(),
        arithmetic: arithmetic(core.model.level.class()).to_string(),
        step: core.clock.now,
        noise_seed: core.model.network.run_seed(),
        requested: core.clock.requested,
        batch: core.ensemble.batch.len(),
        network: structure(core)?.clone(),
    })
}

/// Continues from a file. Recordings restart. If the file is rejected, nothing changes.
pub(crate) fn load_state<T: Scalar + Element + Into<f64>>(
    core: &mut Core<T>,
    bytes: &[u8],
) -> Result<(), Error> {
    load(core, bytes).map_err(|error| error.needed_by("network: load_state", || "the state".into()))
}

fn load<T: Scalar + Element + Into<f64>>(core: &mut Core<T>, bytes: &[u8]) -> Result<(), Error> {
    if core.ensemble.is_lost(core.model.cells.len()) {
        return core.broken.clone().map_or(Ok(()), Err);
    }
    let state = read_state(core, bytes)?;
    // Steps that may fail come first.
    let new = core.ensemble.clone_samples(state.batch, Recordings::Empty)?;
    let samples = std::mem::replace(&mut core.ensemble.batch, new);
    if let Err(error) = state.parameters.restore(core) {
        core.ensemble.batch = samples;
        return Err(error);
    }
    (core.clock.now, core.clock.requested) = (state.now, state.requested);
    core.broken = None;
    core.reseed(state.noise_seed);
    state.learnt.into_iter().for_each(|learnt| learnt.restore(core, state.now));
    state.postsynaptic.into_iter().for_each(|postsynaptic| postsynaptic.restore(core, state.now));
    sample::move_to(core, state.moving);
    core.probes.0.iter_mut().for_each(|p| p.begin = state.now);
    Ok(())
}

/// Reads a file and checks it completely.
fn read_state<T: Scalar + Element + Into<f64>>(core: &Core<T>, bytes: &[u8]) -> Result<State<T>, Error> {
    let mut file = Reader::open(bytes)?;
    let (here, there) = (arithmetic(core.model.level.class()), file.head.arithmetic.clone());
    if let Some(what) = difference(&file.head.network, structure(core)?) {
        return Err(refused(format!("belongs to another network: {what}")));
    }
    if here != there {
        let level = core.model.level.name();
        return Err(refused(format!(
            "was saved with instructions for which a*b + c is {there}; here ({level}) it is {here}, so results would not \
             be bit-identical{}",
            advice(&there)
        )));
    }
    let now = file.head.step;
    if now >= MOST_STEPS {
        return Err(refused(format!("is damaged: it has {now} steps; expected fewer than {MOST_STEPS}")));
    }
    let requested = file.head.requested;
    if !is_requested(requested, now, core.model.network.dt) {
        return Err(refused(format!("is damaged: it has a requested time of {requested} ms at step {now}")));
    }
    let parameters = Parameters::read(core, &mut file)?;
    let learning =
        (0..core.model.network.projections.len()).filter(|i| core.model.network.projections[*i].learns());
    let learnt = learning.map(|i| Learnt::read(core, i, now, &mut file));
    let learnt = learnt.collect::<Result<Vec<_>, Error>>()?;
    let postsynaptic = (0..core.model.cells.len())
        .filter_map(|i| PostsynapticSpikes::read(core, i, now, &mut file).transpose());
    let postsynaptic = postsynaptic.collect::<Result<_, Error>>()?;
    let (batch, schedules) = (file.head.batch, parameters.schedules());
    if batch > 0 && !learnt.is_empty() {
        return Err(refused("is damaged: it has a batch, but the network has plastic weights"));
    }
    let one = |b| Moving::read(core, (now, &sample::prefix(batch, b)), &schedules, &mut file);
    check_batch_memory(core, batch)?;
    let moving = (0..batch.max(1)).map(one).collect::<Result<_, Error>>()?;
    file.finish()?;
    let noise_seed = file.head.noise_seed;
    Ok(State { now, noise_seed, requested, batch, parameters, learnt, postsynaptic, moving })
}

/// Describes the rounding of a b + c.
const fn arithmetic(class: NumericClass) -> &'static str {
    match class {
        NumericClass::Fused => "rounded once",
        NumericClass::Separate => "rounded twice",
    }
}

/// Returns advice about a state saved with another rounding.
fn advice(there: &str) -> &'static str {
    // All processors have the instructions that round twice.
    if there == arithmetic(NumericClass::Separate) {
        "; set DENDRION_LEVEL=baseline to continue from it"
    } else {
        ""
    }
}

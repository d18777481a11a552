//! Spikes that the caller passes to generators between runs.

use dendrion_kernels::Scalar;
use dendrion_model::{Error, Signal};

use super::ensemble::Ensemble;
use super::index::of_generator;
use super::model::Model;
use crate::inputs::SourceBlock;

/// Returns the generator at `path`, or an error if it does not accept spikes from the caller.
fn pushed<T: Scalar>(model: &Model<T>, path: &str) -> Result<usize, Error> {
    let all = &model.network.generators;
    let pushed = |i: &usize| matches!(all[*i].signal, Signal::Pushed);
    model.index.generator(path).filter(pushed).ok_or_else(|| {
        let known = all.iter().filter(|g| matches!(g.signal, Signal::Pushed)).map(|g| g.path.clone());
        Error::unknown("network", "generator of pushed spikes", path, known.collect())
    })
}

/// Returns the step before which all spikes of the generator at `path` have been passed.
pub(crate) fn pushed_until<T: Scalar>(
    model: &Model<T>,
    ensemble: &Ensemble<T>,
    path: &str,
) -> Result<u64, Error> {
    let generator = pushed(model, path)?;
    let source_blocks = &ensemble.present()[0].source_blocks;
    Ok(of_generator(source_blocks, generator).iter().map(SourceBlock::told).max().unwrap_or(0))
}

/// Passes spikes (step, source) to the generator at `path`. They must include all spikes before step `until`
/// that have not been passed yet, in ascending order, and must not precede the current step.
pub(crate) fn push_spikes<T: Scalar>(
    model: &Model<T>,
    ensemble: &mut Ensemble<T>,
    now: u64,
    (path, spikes, until): (&str, &[(u64, u32)], u64),
) -> Result<(), Error> {
    let generator = pushed(model, path)?;
    let size = model.network.generators[generator].size;
    if let Some((_, i)) = spikes.iter().find(|(_, i)| *i as usize >= size) {
        return Err(Error::parameter(path, "source", i, format!("an integer below {size}")));
    }
    let (first, last) = (spikes.first(), spikes.last());
    if !spikes.is_sorted() || first.is_some_and(|(step, _)| *step < now) {
        let accepted = format!("steps >= {now}, in ascending order");
        return Err(Error::parameter(path, "step", "earlier", accepted));
    }
    if let Some((step, _)) = last.filter(|(step, _)| *step >= until) {
        return Err(Error::parameter(path, "step", step, format!("a step before {until}")));
    }
    model.network.generators[generator]
        .check_given(spikes.iter().map(|(step, _)| *step), model.network.dt)?;
    for source_block in ensemble.source_blocks_of(generator) {
        let room = source_block.make_room(spikes.len());
        room.map_err(|error| error.needed_by(path, || "spikes that are passed".into()))?;
    }
    for source_block in ensemble.source_blocks_of(generator) {
        source_block.push(spikes.iter().copied(), until);
    }
    Ok(())
}

//! Conversion of sums over shards to the gradient: cotangents of parameters, initial states and inputs.
//!
//! The rounding of floating-point sums depends on the order of their terms. Here the order depends only on
//! the network: shards are added in the order of their neurons, connections by source and then by target, and
//! samples in the order of the batch (`run/in_order.rs`).

use std::sync::Arc;

use dendrion_kernels::Scalar;
use dendrion_model::allocate::{copied, copied_values, extend, filled, reserve, room};
use dendrion_model::{Error, Values};

use super::backward::Backward;
use super::diffusion;
use super::generators::{amplitude, input};
use super::growth::{Growth, Peak, Peaks, cause};
use super::infinite::{infinite_at, infinite_in_parameters};
use super::initial;
use super::membrane;
use super::reverse_edge::ReverseEdge;
use super::shard_trace::GradientObserver;
use super::suspect::Suspect;
use super::trace::Trace;
use super::wanted::Wanted;
use crate::connect::Order;
use crate::run::{Observed, Route};
use crate::runtime::pending::Transit;
use crate::runtime::store::{ParameterId, Target, full_name};

/// The gradient of a loss, given the cotangents of recordings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients {
    /// The cotangents of each wanted parameter: one for each of its values.
    pub parameters: Vec<(String, Values)>,
    /// The cotangents of each state at the beginning of the run: one value per neuron, sample by sample. If cotangents of
    /// the end of the run were given, these are followed by the cotangents of input that was in transit at the beginning:
    /// one value per step and neuron.
    pub states: Vec<(String, Vec<f64>)>,
    /// The cotangents of each wanted generator, by path. If values replaced its output, there is one value
    /// per step and member, sample by sample. Otherwise there is one value per sample of its waveform.
    pub inputs: Vec<(String, Vec<f64>)>,
    /// The first cotangent of a potential in the backward sweep that exceeded
    /// [`GROWTH_LIMIT`](super::GROWTH_LIMIT) times the largest given cotangent, if there was one.
    pub growth: Option<Growth>,
}

impl Gradients {
    /// Returns an error for the first value that is not finite. `cause` returns an explanation for it.
    fn check(&self, cause: impl FnOnce(&Self) -> String) -> Result<(), Error> {
        let parameters = self.parameters.iter().map(|(key, values)| (key, values.as_slice()));
        let others = self.inputs.iter().chain(&self.states).map(|(key, values)| (key, values.as_slice()));
        for (key, values) in parameters.chain(others) {
            if let Some(v) = values.iter().find(|v| !v.is_finite()) {
                let what = format!("the gradient with respect to {key} is {v}: {}", cause(self));
                return Err(Error::run("backward", what));
            }
        }
        Ok(())
    }
}

/// The contribution of one sample to the gradient.
pub(crate) struct Part {
    /// Cotangents, in the order of the wanted parameters.
    parameters: Vec<Values>,
    states: Vec<Vec<f64>>,
    inputs: Vec<Vec<f64>>,
    /// The neurons whose cotangents first stopped being finite.
    suspects: Vec<Suspect>,
    peaks: Peaks,
}

/// Collects a sample's contribution from its shards and source blocks.
pub(crate) fn sample<T: Scalar>(
    trace: &Trace<T>,
    sample: &mut Observed<T, GradientObserver>,
    b: usize,
    backwards: &[Arc<Backward<T>>],
    edges: &[ReverseEdge<T>],
    wanted: &Wanted,
) -> Result<Part, Error> {
    let (mut of_cells, mut states) = (Vec::new(), Vec::new());
    let (mut suspects, mut peaks) = (Vec::new(), Peaks::default());
    for (p, population) in trace.populations.iter().enumerate() {
        let reverse = &backwards[p].reverse;
        // Shards of a population are in the order of its neurons, so their rows are simply appended.
        let rows = 0..reverse.accumulators + reverse.states;
        let mut cotangents = rows.map(|_| room(population.layout.size)).collect::<Result<Vec<_>, Error>>()?;
        let parts = &backwards[p].parts;
        let mut of_parts: Vec<Vec<Vec<f64>>> = vec![Vec::new(); parts.len()];
        let shards = sample.sample.shards.iter().zip(&mut sample.of_shards);
        for (shard, of_shard) in shards.filter(|(s, _)| s.place.population == p) {
            let (Some(reversal), Some(history)) = (&mut of_shard.reversal, &of_shard.history) else {
                continue;
            };
            let rows = reversal.finish(shard, history, &backwards[p])?;
            cotangents.iter_mut().zip(rows).for_each(|(all, mine)| all.extend(mine));
            for ((frames, (_, part)), all) in reversal.others.iter_mut().zip(parts).zip(&mut of_parts) {
                let rows = frames.finish(shard, part);
                all.resize(rows.len(), Vec::new());
                all.iter_mut().zip(rows).for_each(|(all, mine)| all.extend(mine));
            }
            suspects.extend(reversal.watched.suspect.take());
            peaks.add(&reversal.watched.peaks);
        }
        // The cotangents of the states at the beginning of the run follow the accumulators.
        for (cotangent, state) in cotangents[reverse.accumulators..].iter().zip(&population.system.states) {
            if !state.is_internal {
                states.push(copied(cotangent)?);
            }
        }
        for (cotangent, fresh) in cotangents[reverse.accumulators..].iter_mut().zip(&population.fresh) {
            // A state depends on the parameters of its initial value only if it still had that value when the
            // run began.
            if !fresh {
                cotangent.fill(0.0);
            }
        }
        let of_states = &mut cotangents[reverse.accumulators..];
        let of_diffusion = diffusion::gather(p, population, trace, sample, of_states);
        let mut found = population.gather(reverse, &cotangents)?;
        membrane::add(&mut found, of_diffusion);
        for ((_, part), cotangents) in parts.iter().zip(&of_parts) {
            membrane::add(&mut found, population.gather(&part.reverse, cotangents)?);
        }
        membrane::add(&mut found, membrane::gather(p, population, sample)?);
        of_cells.push(found);
    }
    if wanted.transits {
        for transit in &trace.transits {
            states.push(transit_of(trace, sample, transit)?);
        }
    }
    initial::add(trace, backwards, &mut of_cells)?;
    let mut parameters = Vec::with_capacity(wanted.parameters.len());
    for id in &wanted.parameters {
        let values = trace.parameters.get(*id);
        parameters.push(match trace.parameters[*id].target {
            Target::Cells(p) => {
                let number = trace.parameters.number(*id);
                let found = of_cells[p].iter().find(|(k, _)| *k == number);
                let mut found = found.map_or_else(|| zeros(values), |(_, v)| copied_values(v))?;
                membrane::inherit(&mut found, trace, *id, &of_cells);
                found
            }
            Target::Weights(i) => weights(trace, sample, edges, i)?,
            Target::Generator(g) => amplitude(trace, sample, g, zeros(values)?)?,
            // Gradients do not support plasticity, so the loss does not depend on rules or traces.
            Target::Network | Target::Rule(_) | Target::Traces(_) => zeros(values)?,
        });
    }
    let inputs = wanted.inputs.iter().map(|g| input(trace, sample, b, *g)).collect::<Result<_, Error>>()?;
    Ok(Part { parameters, states, inputs, suspects, peaks })
}

/// Returns the cotangents of input that was in transit at the beginning of the run, step by step.
fn transit_of<T: Scalar>(
    trace: &Trace<T>,
    sample: &Observed<T, GradientObserver>,
    transit: &Transit,
) -> Result<Vec<f64>, Error> {
    let mut all = filled(transit.steps * transit.size, 0.0)?;
    let ports = trace.transits.iter().filter(|other| other.population == transit.population);
    let number = ports.take_while(|other| other.port != transit.port).count();
    for (shard, of_shard) in sample.sample.shards.iter().zip(&sample.of_shards) {
        if shard.place.population != transit.population {
            continue;
        }
        let Some(mine) = of_shard.reversal.as_ref().and_then(|r| r.transits.get(number)) else { continue };
        let neurons = shard.place.neurons.clone();
        for (row, mine) in all.chunks_mut(transit.size.max(1)).zip(mine.chunks(neurons.len().max(1))) {
            row[neurons.clone()].copy_from_slice(mine);
        }
    }
    Ok(all)
}

/// Returns zeros in the shape of a parameter.
fn zeros(values: Option<&Arc<Values>>) -> Result<Values, Error> {
    Ok(match values.map(Arc::as_ref) {
        Some(Values::Each(v)) => Values::Each(filled(v.len(), 0.0)?),
        _ => Values::Scalar(0.0),
    })
}

/// Returns the cotangents of a projection's weights, sorted by source and then by target. Each accumulator's
/// sums are freed once they have been copied, which limits the peak memory.
fn weights<T: Scalar>(
    trace: &Trace<T>,
    sample: &mut Observed<T, GradientObserver>,
    edges: &[ReverseEdge<T>],
    projection: usize,
) -> Result<Values, Error> {
    let mine = || edges.iter().filter(move |l| l.projection == projection);
    let sources = mine().next().map_or(0, |l| l.fanout.starts().len() - 1);
    let mut order = Order::new(sources, mine().map(|l| l.fanout.starts()))?;
    let mut all = filled(order.total(), 0.0)?;
    for edge in mine() {
        // Sums are indexed by a connection's position in its target shard, whereas the result is sorted by
        // source across all shards.
        let mut places = filled(edge.fanout.targets().len(), 0.0)?;
        let accumulators: Vec<_> = match &trace.routes[projection] {
            Route::Shards(range) => {
                let shards = sample.of_shards[range.clone()].iter_mut();
                shards.filter_map(|s| s.reversal.as_mut().map(|r| &mut r.accumulator)).collect()
            }
            Route::Sources(_, range) => sample.of_sources[range.clone()]
                .iter_mut()
                .filter_map(|c| c.accumulator.as_deref_mut())
                .collect(),
        };
        for accumulator in accumulators {
            // An accumulator covers consecutive sources, so its sums are a contiguous range of the shard's
            // connections.
            if let Some(sums) = accumulator.take(projection, edge.target) {
                let from = edge.fanout.starts()[accumulator.sources.start] as usize;
                places[from..from + sums.len()].copy_from_slice(&sums);
            }
        }
        order.shard(edge.fanout.starts(), |place, whole, _| all[whole] = places[place]);
    }
    Ok(Values::Each(all))
}

/// The sum of the contributions of all samples, in the order of the samples. Cotangents of parameters and waveforms
/// are summed over the batch. Those of states and of replaced inputs are kept per sample.
pub(crate) struct Total<'t, T: Scalar> {
    trace: &'t Trace<T>,
    wanted: &'t Wanted,
    /// For each wanted input, whether all samples share it.
    shared: Vec<bool>,
    batch: usize,
    /// The sum so far, or `None` if a sample was stopped.
    sum: Result<Option<Part>, Error>,
    added: usize,
    /// The largest given cotangent, in magnitude.
    given: f64,
    /// The first cotangent beyond the limit and the first that is not finite, each with its sample.
    grown: Option<(usize, Found)>,
    lost: Option<(usize, Found)>,
}

/// A population and a cotangent found in it.
type Found = (usize, Peak);

/// Returns the cotangent that was found first in the backward sweep. If both were found at the same step,
/// returns that of the earlier sample.
fn earlier(so_far: Option<(usize, Found)>, sample: usize, found: Option<Found>) -> Option<(usize, Found)> {
    match (so_far, found) {
        (Some((_, (_, old))), Some((_, new))) if new.step <= old.step => so_far,
        (_, Some(found)) => Some((sample, found)),
        (_, None) => so_far,
    }
}

impl<'t, T: Scalar> Total<'t, T> {
    pub(crate) fn new(trace: &'t Trace<T>, wanted: &'t Wanted, batch: usize, given: f64) -> Self {
        let stood_in = |g: &usize| trace.given.iter().any(|all| all.get(*g).is_some_and(Option::is_some));
        let shared = wanted.inputs.iter().map(|g| !stood_in(g)).collect();
        Self { trace, wanted, shared, batch, sum: Ok(None), added: 0, given, grown: None, lost: None }
    }

    /// Adds the contribution of the next sample, or `None` if it was stopped.
    pub(crate) fn add(&mut self, part: Option<Result<Part, Error>>) {
        if let Some(Ok(part)) = &part {
            self.grown = earlier(self.grown, self.added, part.peaks.grown);
            self.lost = earlier(self.lost, self.added, part.peaks.lost);
        }
        self.added += 1;
        match (&mut self.sum, part) {
            (Err(_), _) => {}
            (_, Some(Err(error))) => self.sum = Err(error),
            (sum, None) => *sum = Ok(None),
            // The first contribution becomes the sum, with room for the values that later samples append.
            (Ok(sum), Some(Ok(part))) if self.added == 1 => {
                let mut part = part;
                let each = part.inputs.iter_mut().zip(&self.shared).filter(|(_, shared)| !**shared);
                let lists = part.states.iter_mut().chain(each.map(|(input, _)| input));
                let room = |list: &mut Vec<f64>| reserve(list, list.len().saturating_mul(self.batch - 1));
                match lists.into_iter().try_for_each(room) {
                    Ok(()) => *sum = Some(part),
                    Err(error) => self.sum = Err(error),
                }
            }
            (Ok(None), _) => {}
            (Ok(Some(total)), Some(Ok(part))) => {
                if let Err(error) = total.add(part, &self.shared) {
                    self.sum = Err(error);
                }
            }
        }
    }

    /// Returns the gradient, or `None` if a sample was stopped.
    pub(crate) fn finish(self) -> Result<Option<Gradients>, Error> {
        let Some(total) = self.sum? else {
            return Ok((self.batch == 0).then(Gradients::default));
        };
        let (trace, wanted) = (self.trace, self.wanted);
        let named = |(sample, found)| trace.growth(found, (self.batch > 1).then_some(sample), self.given);
        let (growth, lost) = (self.grown.map(named), self.lost.map(named));
        let largest = if T::NAME == "float32" { f64::from(f32::MAX) } else { f64::MAX };
        let key = |id: &ParameterId| trace.parameters[*id].key.to_string();
        // States are collected population by population (see `sample`), so their names have the same order.
        let names = (trace.populations.iter()).flat_map(|p| {
            p.system.states.iter().filter(|s| !s.is_internal).map(|s| full_name(&p.path, &s.name))
        });
        // Input in transit follows the states.
        let names = names.chain(trace.transits.iter().map(|transit| transit.key.clone()));
        let path = |g: &usize| trace.generators[*g].0.clone();
        let found = Gradients {
            parameters: wanted.parameters.iter().map(key).zip(total.parameters).collect(),
            states: names.zip(total.states).collect(),
            inputs: wanted.inputs.iter().map(path).zip(total.inputs).collect(),
            growth,
        };
        // The cause is an expression with an infinite derivative if there is one, and otherwise the growth of
        // cotangents.
        let expression = || {
            let of_step = total.suspects.iter().find_map(|suspect| infinite_at(trace, suspect, wanted));
            of_step.or_else(|| infinite_in_parameters(trace, wanted))
        };
        let cause = |found: &Gradients| {
            expression().unwrap_or_else(|| cause(found.growth.as_ref(), lost.as_ref(), largest))
        };
        found.check(cause).map(|()| Some(found))
    }
}

impl Part {
    fn add(&mut self, part: Self, shared: &[bool]) -> Result<(), Error> {
        for (sum, v) in self.parameters.iter_mut().zip(part.parameters) {
            match (sum, v) {
                (Values::Scalar(a), Values::Scalar(b)) => *a += b,
                (Values::Each(a), v) => a.iter_mut().zip(v.as_slice()).for_each(|(a, b)| *a += b),
                (Values::Scalar(_), Values::Each(_)) => {}
            }
        }
        for (all, mine) in self.states.iter_mut().zip(&part.states) {
            extend(all, mine)?;
        }
        self.suspects.extend(part.suspects);
        for ((all, mine), shared) in self.inputs.iter_mut().zip(part.inputs).zip(shared) {
            if *shared {
                all.iter_mut().zip(mine).for_each(|(a, b)| *a += b);
            } else {
                extend(all, &mine)?;
            }
        }
        Ok(())
    }
}

//! From outside, between runs: rules, time constants, learning switched on and off, spikes handed over.

use dendrion_kernels::Scalar;
use dendrion_model::{Error, Signal, Values};

use crate::inputs::SourceBlock;
use crate::plasticity::Rule;
use crate::plasticity::state::of_neurons;
use crate::runtime::core::Core;
use crate::runtime::index::{of_generator, of_generator_mut, of_population_mut};
use crate::runtime::shard::{Change, Incoming, Shard};

impl<T: Scalar> Core<T> {
    /// Sets a parameter of a projection's plasticity (checked before) from now on.
    pub(crate) fn set_rule(&mut self, projection: usize, name: &str, values: Values) {
        self.flush_weights(projection);
        if let Some(plasticity) = &mut self.network.projections[projection].plasticity {
            plasticity.params.set(name, values);
        }
        self.take_rule(projection);
    }

    /// Hands its connections the present rule of a projection.
    pub(crate) fn take_rule(&mut self, projection: usize) {
        let Some(plasticity) = self.network.projections[projection].plasticity.clone() else { return };
        let dt = self.network.dt;
        let population = self.network.projections[projection].population;
        let shards = of_population_mut(&mut self.shards, population).iter_mut();
        for incoming in shards.filter_map(|s| s.incoming_of_mut(projection)) {
            match (&mut incoming.change, Rule::of(&plasticity)) {
                (Change::Learning(learning), Some(rule)) => learning.set_rule(rule),
                (Change::ShortTerm(short_term), _) => short_term.set(&plasticity, dt),
                _ => {}
            }
        }
    }

    /// Sets a time constant of the traces of a population's neurons (checked before) from now on.
    pub(crate) fn set_trace(&mut self, population: usize, name: &str, values: Values) {
        of_population_mut(&mut self.shards, population).iter_mut().for_each(Shard::flush_weights);
        self.network.populations[population].params.set(name, values);
        self.take_traces(population);
    }

    /// Hands the neurons of a population the present time constants of their traces.
    pub(crate) fn take_traces(&mut self, population: usize) {
        let (cells, dt) = (&self.network.populations[population], self.network.dt);
        for shard in of_population_mut(&mut self.shards, population) {
            let (_, taus) = of_neurons(cells, shard.neurons.clone(), dt);
            shard.set_trace_taus(taus);
        }
    }

    /// The generator at `path`, to which spikes are handed over.
    fn pushed(&self, path: &str) -> Result<usize, Error> {
        let all = &self.network.generators;
        let pushed = |i: &usize| matches!(all[*i].signal, Signal::Pushed);
        self.index.generator(path).filter(pushed).ok_or_else(|| {
            let known = all.iter().filter(|g| matches!(g.signal, Signal::Pushed)).map(|g| g.path.clone());
            Error::unknown("network", "generator of spikes handed over", path, known.collect())
        })
    }

    /// The step before which all spikes of the generator at `path` were handed over.
    pub(crate) fn pushed_until(&self, path: &str) -> Result<u64, Error> {
        let generator = self.pushed(path)?;
        let (_, source_blocks) = self.samples()[0];
        Ok(of_generator(source_blocks, generator).iter().map(SourceBlock::told).max().unwrap_or(0))
    }

    /// Hands spikes (step, source), ascending and not before now, to the generator at `path` that waits for them: all it has
    /// before step `until`.
    pub(crate) fn push_spikes(&mut self, path: &str, spikes: &[(u64, u32)], until: u64) -> Result<(), Error> {
        let generator = self.pushed(path)?;
        let size = self.network.generators[generator].size;
        if let Some((_, i)) = spikes.iter().find(|(_, i)| *i as usize >= size) {
            return Err(Error::parameter(path, "source", i, format!("whole numbers below {size}")));
        }
        let (first, last) = (spikes.first(), spikes.last());
        if !spikes.is_sorted() || first.is_some_and(|(step, _)| *step < self.now) {
            let accepted = format!("steps from {} on, ascending", self.now);
            return Err(Error::parameter(path, "step", "earlier", accepted));
        }
        if let Some((step, _)) = last.filter(|(step, _)| *step >= until) {
            return Err(Error::parameter(path, "step", step, format!("steps before {until}")));
        }
        let samples = self.samples.iter_mut().flat_map(|s| of_generator_mut(&mut s.source_blocks, generator));
        for source_block in of_generator_mut(&mut self.source_blocks, generator).iter_mut().chain(samples) {
            source_block.push(spikes.iter().copied(), until);
        }
        Ok(())
    }

    /// The projection at `path`, which learns.
    fn learner(&self, path: &str) -> Result<usize, Error> {
        let all = &self.network.projections;
        self.index.projection(path).filter(|i| all[*i].learns()).ok_or_else(|| {
            let known = all.iter().filter(|p| p.learns()).map(|p| p.path.clone()).collect();
            Error::unknown("network", "projection that learns", path, known)
        })
    }

    /// Whether the weights of the projection at `path` are learnt.
    pub(crate) fn is_learning(&self, path: &str) -> Result<bool, Error> {
        let projection = self.learner(path)?;
        let on = |i: &Incoming<T>| matches!(&i.change, Change::Learning(learning) if learning.is_on());
        Ok(self.incoming(projection).any(|(_, incoming)| on(incoming)))
    }

    /// Lets the weights of the projection at `path` be learnt, or not.
    pub(crate) fn set_learning(&mut self, path: &str, on: bool) -> Result<(), Error> {
        let projection = self.learner(path)?;
        let population = self.network.projections[projection].population;
        let shards = of_population_mut(&mut self.shards, population);
        shards.iter_mut().for_each(Shard::flush_weights);
        for incoming in shards.iter_mut().filter_map(|s| s.incoming_of_mut(projection)) {
            if let Change::Learning(learning) = &mut incoming.change {
                learning.set_on(on);
            }
        }
        Ok(())
    }

    /// Checks a largest weight against the weights there are.
    pub(crate) fn check_bound(&self, projection: usize, w_max: f64) -> Result<(), Error> {
        let weights = self.incoming(projection).flat_map(|(_, incoming)| incoming.fanout.weights());
        let most = weights.fold(0.0_f64, |most, w| most.max(w.to_f64()));
        if T::from_f64(most) <= T::from_f64(w_max) {
            return Ok(());
        }
        let path = &self.network.projections[projection].path;
        Err(Error::parameter(path, "w_max", w_max, format!("at least the largest weight, {most}")))
    }

    /// Checks weights against the largest that a projection's rule allows.
    pub(crate) fn check_largest(&self, projection: usize, values: &Values) -> Result<(), Error> {
        let projection = &self.network.projections[projection];
        let Some(rule) = projection.plasticity.as_ref().and_then(Rule::of) else { return Ok(()) };
        match values.as_slice().iter().find(|w| **w > rule.w_max()) {
            Some(w) => {
                let accepted = format!("at most w_max = {}", rule.w_max());
                Err(Error::parameter(&projection.path, "w", w, accepted))
            }
            None => Ok(()),
        }
    }
}

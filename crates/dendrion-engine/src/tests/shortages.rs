//! A failed allocation hides no earlier error, and a run that does not begin changes nothing.

use std::ops::ControlFlow;

use dendrion_kernels::{Level, Scalar};
use dendrion_model::allocate::out_of_memory;
use dendrion_model::{Error, Generator, Network, Signal};

use super::network::network;
use crate::inputs::SourceBlock;
use crate::refused::Shortage;
use crate::runtime::core::Core;
use crate::runtime::run::RunOptions;
use crate::runtime::sample::Sample;
use crate::runtime::shard::Fault;
use crate::saved_state::{load_state, save_state};

/// The number of steps of a run whose recordings exceed every address space.
const ENDLESS: u64 = 1 << 60;

/// A network without plastic weights, which batches do not support.
fn constant() -> Network {
    let mut network = network(2);
    network.projections.retain(|p| !p.learns());
    network
}

fn core() -> Core<f64> {
    Core::new(constant(), Level::best()).unwrap()
}

fn batch_of(samples: usize) -> RunOptions {
    RunOptions { batch: Some(samples), ..RunOptions::default() }
}

fn run<T: Scalar>(core: &mut Core<T>, steps: u64, options: &RunOptions) -> Result<(), Error> {
    core.run_with(steps, options, &mut |_| ControlFlow::Continue(())).map(drop)
}

/// Returns the error of a run in which a state diverged at step 5 in one shard, or in one sample, and an
/// allocation failed at step `at` in another.
fn end(at: u64, options: &RunOptions) -> Error {
    let mut core = core();
    let (run, mut samples) = core.begin_run(20, options).unwrap();
    let fault = Fault { step: 5, population: 0, neuron: 1, state: 0 };
    samples.first_mut().unwrap().shards.first_mut().unwrap().fault = Some(fault);
    let last = samples.last_mut().unwrap().shards.last_mut().unwrap();
    Shortage::note(&mut last.shortage, at, Err(out_of_memory::<u8>(64)));
    let error = core.end_run(&run, samples, (20, false)).unwrap_err();
    assert_eq!((core.clock.now, &core.broken), (at.min(5), &Some(error.clone())));
    core.reset().unwrap();
    core.run(20, &mut |_| ControlFlow::Continue(())).unwrap();
    error
}

#[test]
fn a_divergence_before_a_failed_allocation_is_reported() {
    for options in [RunOptions::default(), batch_of(3)] {
        assert_eq!(end(6, &options).kind(), "DivergenceError");
        // States may have diverged because of the failed allocation.
        for at in [4, 5] {
            assert_eq!(end(at, &options).kind(), "MemoryError");
        }
    }
}

#[test]
fn a_batch_whose_recordings_do_not_fit_is_not_kept() {
    let mut core = core();
    core.add_probe("pyramids/soma", "V", 1, None).unwrap();
    run(&mut core, 10, &RunOptions::default()).unwrap();
    let before = save_state(&mut core).unwrap().concat();
    for options in [batch_of(3), RunOptions::default()] {
        let error = core.begin_run(ENDLESS, &options).unwrap_err().to_string();
        assert!(error.starts_with("pyramids: not enough memory for a recording of"), "{error}");
        assert_eq!(core.ensemble.batch.len(), 0);
        assert!(save_state(&mut core).unwrap().concat() == before);
    }
    run(&mut core, 10, &RunOptions::default()).unwrap();
    // A batch that existed before the run is kept.
    core.begin_batch(2).unwrap();
    assert_eq!(core.begin_run(ENDLESS, &batch_of(2)).unwrap_err().kind(), "MemoryError");
    assert_eq!(core.ensemble.batch.len(), 2);
    run(&mut core, 10, &batch_of(2)).unwrap();
}

#[test]
fn only_a_new_batch_is_compared_with_the_memory_limit() {
    let mut core = core();
    let sample = std::mem::replace(&mut core.model.sample_memory, 1e30);
    assert_eq!(core.begin_batch(2).unwrap_err().kind(), "MemoryLimitError");
    assert_eq!(run(&mut core, 10, &batch_of(2)).unwrap_err().kind(), "MemoryLimitError");
    assert_eq!(core.ensemble.batch.len(), 0);
    core.model.sample_memory = sample;
    core.begin_batch(2).unwrap();
    core.model.sample_memory = 1e30;
    core.begin_batch(2).unwrap();
    run(&mut core, 10, &batch_of(2)).unwrap();
}

#[test]
fn a_batch_in_a_file_is_compared_with_the_memory_limit() {
    let (mut core, mut other) = (core(), core());
    core.begin_batch(2).unwrap();
    run(&mut core, 10, &batch_of(2)).unwrap();
    let state = save_state(&mut core).unwrap().concat();
    let before = save_state(&mut other).unwrap().concat();
    let sample = std::mem::replace(&mut other.model.sample_memory, 1e30);
    assert_eq!(load_state(&mut other, &state).unwrap_err().kind(), "MemoryLimitError");
    assert!(save_state(&mut other).unwrap().concat() == before);
    other.model.sample_memory = sample;
    load_state(&mut other, &state).unwrap();
    assert!(save_state(&mut other).unwrap().concat() == state);
}

#[test]
fn an_error_of_a_sample_without_shards_is_kept() {
    let noise = Generator::new("noise", 2, Signal::Poisson, [("rate", 1.0)]);
    let source_blocks = SourceBlock::of(0, &noise, 1, 0.1).unwrap();
    let mut sample = Sample::<f64> { shards: Vec::new(), source_blocks };
    sample.note(7, Error::Interrupted);
    let (shortage, needs) = sample.shortage().unwrap();
    assert_eq!((shortage.step, &shortage.error, needs), (7, &Error::Interrupted, Err(0)));
}

/// A reader of connections, such as a batch or a trace, neither changes nor prevents the plasticity of the network.
#[test]
fn plastic_connections_that_are_shared_are_copied() {
    let learn = |is_shared: bool| {
        let mut core = Core::<f64>::new(network(2), Level::best()).unwrap();
        let initial = core.parameter("learnt.w").unwrap();
        let incoming = core.ensemble.own.shards.iter().flat_map(|s| &s.delivery.incoming);
        let shared: Vec<_> = incoming.filter(|_| is_shared).map(|i| i.fanout.clone()).collect();
        let before: Vec<_> = shared.iter().map(|fanout| fanout.weights().to_vec()).collect();
        run(&mut core, 400, &RunOptions::default()).unwrap();
        assert!(shared.iter().map(|fanout| fanout.weights().to_vec()).eq(before));
        (initial, core.parameter("learnt.w").unwrap())
    };
    let (initial, learnt) = learn(false);
    assert_ne!(initial, learnt);
    assert_eq!(learn(true), (initial, learnt));
}

#[test]
fn a_batch_that_is_loaded_has_empty_recordings() {
    let mut saved = core();
    saved.begin_batch(2).unwrap();
    run(&mut saved, 30, &batch_of(2)).unwrap();
    let state = save_state(&mut saved).unwrap().concat();
    let mut core = core();
    let probes = [("pyramids/soma", "V"), ("pyramids", "spikes"), ("noise", "spikes")]
        .map(|(path, variable)| core.add_probe(path, variable, 1, None).unwrap());
    run(&mut core, 50, &RunOptions::default()).unwrap();
    load_state(&mut core, &state).unwrap();
    assert_eq!((core.ensemble.batch.len(), core.clock.now), (2, 30));
    run(&mut core, 10, &batch_of(2)).unwrap();
    for id in probes {
        assert!(core.sample_steps(id).unwrap().iter().all(|step| (30..40).contains(step)));
        assert!((0..2).all(|b| core.spikes(id, b).unwrap().iter().all(|(step, _)| *step >= 30)));
    }
}

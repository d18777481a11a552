//! Results are bit-identical for any width of blocks, any size of shards and any number of threads, and from one
//! version to the next.

use std::ops::ControlFlow;

use dendrion_kernels::{Level, NumericClass, Scalar, granule};
use dendrion_model::{Generator, Injection, Signal, Surrogate, SurrogateKind};

use super::network::{SIZES, network, probes, recorded};
use crate::build::layout::Layout;
use crate::gradient::{Gradients, reverse_run};
use crate::runtime::core::Core;

const STEPS: u64 = 600;

/// Hashes of all results in f64 and f32, on levels with fused multiply-add. They must not change accidentally: if a
/// change intends to modify results, replace them with those that the failing tests report, and say so in the commit.
const GOLDEN: [u64; 2] = [0x5C18_3AB0_D159_C1E8, 0xBE56_285A_7EF7_839D];

/// The FNV-1a hash (Fowler, Noll & Vo), computed one word at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hash(u64);

impl Hash {
    const NEW: Self = Self(0xCBF2_9CE4_8422_2325);

    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01B3);
        // Words differ in their high bits, and a product does not move these to lower positions.
        self.0 ^= self.0 >> 32;
    }

    fn values<T: Scalar>(&mut self, values: &[T]) {
        self.add(values.len() as u64);
        values.iter().for_each(|v| self.add(v.to_f64().to_bits()));
    }
}

/// Runs the network with this layout. Returns a hash of states, samples, spikes and weights, and the numbers of
/// spikes, shards and threads.
fn run<T: Scalar>(
    threads: usize,
    level: Level,
    layout: impl Fn(usize, usize) -> Layout,
) -> (u64, [usize; 3]) {
    let mut core = Core::<T>::cut(network(threads), level, layout).unwrap();
    let probes = probes(&mut core);
    let _ = core.run(STEPS, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut hash = Hash::NEW;
    for name in core.state_names() {
        hash.values(&core.state(&name).unwrap());
    }
    for probe in probes {
        hash.values(&core.values(probe).unwrap().0);
        let spikes = core.spikes(probe, 0).unwrap();
        hash.add(spikes.len() as u64);
        spikes.iter().for_each(|(step, neuron)| hash.add(step << 32 | u64::from(*neuron)));
    }
    for key in ["learnt.w", "taught.w", "recurrent.w"] {
        hash.values(core.parameter(key).unwrap().as_slice());
    }
    let summary = core.summary();
    (hash.0, [summary.spikes as usize, core.ensemble.own.shards.len(), summary.threads])
}

/// Returns a layout with `lines` lines per block and `per_shard` blocks per shard.
fn cut<T: Scalar>(lines: usize, per_shard: usize) -> impl Fn(usize, usize) -> Layout {
    let lanes = lines * granule::<T>();
    move |size, _| Layout { size, lanes, blocks: size.div_ceil(lanes), per_shard, sites: 1, width: lanes }
}

fn check<T: Scalar>(golden: u64) {
    let level = Level::best();
    let (expected, [spikes, ..]) = run::<T>(1, level, Layout::new::<T>);
    assert!(spikes > 1000, "{spikes} spikes");
    if level.class() == NumericClass::Fused {
        assert_eq!(expected, golden, "{}: {expected:#018X} is not the golden hash", T::NAME);
    }
    for threads in 2..=8 {
        assert_eq!(run::<T>(threads, level, Layout::new::<T>).0, expected, "{} {threads} threads", T::NAME);
    }
    // Blocks range from one line to the whole population, and shards from one block to all.
    let mut most = 0;
    for (k, lines) in (1..=16).chain([24, 31, 64, 100]).enumerate() {
        let (per_shard, threads) = ([1, 3, 2, 1000][k % 4], [8, 3, 2, 1, 2, 8, 3][k % 7]);
        let (found, [_, shards, used]) = run::<T>(threads, level, cut::<T>(lines, per_shard));
        assert_eq!(found, expected, "{} {lines} lines, {shards} shards, {threads} threads", T::NAME);
        most = most.max(used);
    }
    assert_eq!(most, 8, "threads that had something to do");
}

#[test]
fn doubles_have_the_same_bits_however_they_are_cut() {
    check::<f64>(GOLDEN[0]);
}

#[test]
fn singles_have_the_same_bits_however_they_are_cut() {
    check::<f32>(GOLDEN[1]);
}

#[test]
fn levels_of_a_class_have_the_same_bits() {
    for level in Level::available().into_iter().filter(|level| level.class() == NumericClass::Fused) {
        assert_eq!(run::<f64>(2, level, cut::<f64>(3, 2)).0, GOLDEN[0], "{level}");
        assert_eq!(run::<f32>(2, level, cut::<f32>(5, 2)).0, GOLDEN[1], "{level}");
    }
}

/// Returns the gradient of a squared voltage error with respect to all parameters and initial states of the
/// network, from which plasticity is removed.
fn gradient<T: Scalar>(threads: usize, layout: impl Fn(usize, usize) -> Layout) -> Gradients {
    let mut network = network(threads);
    network.projections.iter_mut().for_each(|p| p.plasticity = None);
    for population in &mut network.populations {
        // The surrogate is wide and low, because gradients through hundreds of spikes would overflow otherwise.
        (population.surrogate, population.detach_reset) =
            (Surrogate::new(SurrogateKind::Triangle, [0.1]), true);
    }
    network.generators.push(Generator::new("all", 1, Signal::Dc, [("amplitude", 5.0)]));
    let shared = Injection { path: "to_all".into(), generator: 3, population: 0, compartment: 1 };
    network.injections.push(shared);
    let mut core = Core::<T>::cut(network, Level::best(), layout).unwrap();
    let probe = core.add_probe("pyramids/soma", "V", 3, None).unwrap();
    let watch = &mut |_| ControlFlow::Continue(());
    let mut trace = recorded(&mut core, 399, 1 << 30);
    let cotangents: Vec<f64> = (0..133 * SIZES[0]).map(|k| (k * 31 % 13) as f64 / 6.0 - 1.0).collect();
    let wanted = core.parameter_names();
    reverse_run(&mut trace, &[(probe.0, &cotangents)], &wanted, watch).unwrap().unwrap()
}

fn check_gradient<T: Scalar>() {
    let expected = gradient::<T>(1, Layout::new::<T>);
    let of = |key: &str| expected.parameters.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_slice());
    for key in
        ["pyramids/dist.gL", "pyramids.V_th", "steady.amplitude", "all.amplitude", "learnt.w", "across.w"]
    {
        assert!(of(key).unwrap().iter().any(|v| *v != 0.0), "{key}");
    }
    for threads in [2, 3, 8] {
        assert_eq!(gradient::<T>(threads, Layout::new::<T>), expected, "{} {threads} threads", T::NAME);
    }
    // The widest blocks have strips of lanes beyond the last neuron.
    for (lines, per_shard, threads) in
        [(1, 1, 8), (1, 1000, 1), (3, 2, 2), (7, 1, 3), (16, 3, 2), (100, 1, 2)]
    {
        let found = gradient::<T>(threads, cut::<T>(lines, per_shard));
        for ((key, a), (_, b)) in found.parameters.iter().zip(&expected.parameters) {
            // For a parameter with one value for all neurons, the sum is over blocks, which depend only on the
            // network.
            assert!(a == b || key == "all.amplitude", "{} {key}, {lines} lines", T::NAME);
        }
        for ((key, a), (_, b)) in found.states.iter().zip(&expected.states) {
            assert_eq!(a, b, "{} {key}, {lines} lines", T::NAME);
        }
    }
}

#[test]
fn gradients_have_the_same_bits_however_they_are_cut() {
    check_gradient::<f64>();
    check_gradient::<f32>();
}

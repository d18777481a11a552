//! A network with an example of every mechanism whose results could depend on the division into shards.

use std::ops::ControlFlow;

use dendrion_kernels::Scalar;
use dendrion_model::{
    Connectivity, Generator, Initializer, Injection, ModuleKind, Network, OdeMethod, Params, PerConnection,
    Plasticity, Population, Projection, Signal, Source, Values,
};

use crate::gradient::{Store, Trace, record};
use crate::recording::probe::ProbeId;
use crate::runtime::core::Core;
use crate::runtime::run::RunOptions;

/// Sizes of the populations, which are not multiples of a block's width.
pub(crate) const SIZES: [usize; 2] = [701, 333];

/// The neuron of the benchmark network W1, with noise and a refractory time.
fn pyramids() -> Population {
    let threshold = [("V_th", -52.0), ("V_reset", -60.0), ("refractory", 1.2)];
    let mut cells = Population::new("pyramids", SIZES[0], threshold);
    let cylinder = |length, diameter, area_factor| {
        [("gL", 40.0), ("C", 1.0), ("length", length), ("diameter", diameter), ("area_factor", area_factor)]
    };
    let soma = cells.soma("soma", cylinder(25.0, 25.0, 2.8));
    let trunk = cells.compartment("trunk", cylinder(100.0, 2.5, 4.2));
    let prox = cells.compartment("prox", cylinder(100.0, 1.0, 4.2));
    let dist = cells.compartment("dist", cylinder(100.0, 0.5, 4.2));
    cells.couple("soma_trunk", soma, trunk, Some(15.0));
    cells.couple("trunk_prox", trunk, prox, Some(6.0));
    cells.couple("prox_dist", prox, dist, Some(2.0));
    for (name, on) in [("prox", prox), ("dist", dist)] {
        cells.receptor(format!("ampa_{name}"), ModuleKind::Ampa, on, [("g", 0.9), ("t_decay", 2.0)]);
        let nmda = [("g", 0.5), ("t_rise", 2.0), ("t_decay", 60.0)];
        let nmda = cells.receptor(format!("nmda_{name}"), ModuleKind::Nmda, on, nmda);
        cells.receptors[nmda].scale_g = true;
    }
    cells.receptor("gaba", ModuleKind::Gaba, soma, [("g", 1.0), ("t_decay", 5.0)]);
    cells.noise("noise", ModuleKind::WhiteNoise, soma, [("sigma", 40.0)]);
    cells.dendritic_delay = (0..SIZES[0]).map(|i| 4 + i as u16 % 3).collect();
    cells
}

/// Neurons with two compartments, an implicit solver, a soft reset and individual parameters.
fn others() -> Population {
    let mut cells = Population::new("others", SIZES[1], [("V_th", 20.0)]);
    (cells.soft_reset, cells.method) = (true, OdeMethod::CrankNicolson);
    cells.dendritic_delay = vec![5];
    let mut membrane = Params::from([("C", 100.0), ("V_rest", 0.0)]);
    membrane.set("gL", Values::Each((0..SIZES[1]).map(|i| 4.0 + 0.01 * i as f64).collect()));
    let soma = cells.soma("soma", membrane);
    let dend = cells.compartment("dend", [("C", 40.0), ("gL", 2.0), ("V_rest", 0.0)]);
    cells.couple("axial", soma, dend, Some(8.0));
    cells.receptor("ampa", ModuleKind::Ampa, dend, [("g", 0.5), ("t_decay", 3.0), ("E", 70.0)]);
    cells.noise("noise", ModuleKind::ConductanceNoise, dend, [("sigma", 0.5), ("E", 70.0)]);
    cells
}

fn generators() -> Vec<Generator> {
    let mut steady = Generator::new("steady", SIZES[1], Signal::Dc, Params::new());
    steady.params.set("amplitude", Values::Each((0..SIZES[1]).map(|i| 80.0 + 0.2 * i as f64).collect()));
    steady.start = 3.0;
    vec![
        Generator::new("noise", 150, Signal::Poisson, [("rate", 60.0)]),
        Generator::new("clock", 40, Signal::Bernoulli, [("prob", 0.02)]),
        steady,
    ]
}

/// A projection whose weights and delays are drawn from ranges.
fn drawn(
    path: &str,
    (pre, population): (Source, usize),
    receptors: &[usize],
    weights: (f64, f64),
    delays: (f64, f64),
    plasticity: Option<ModuleKind>,
) -> Projection {
    let within = |(low, high): (f64, f64)| PerConnection::Drawn(Initializer::Uniform { low, high });
    Projection {
        path: path.into(),
        pre,
        population,
        receptors: receptors.to_vec(),
        connectivity: Connectivity::FixedIndegree { degree: 30, multapses: false, autapses: true },
        weight: within(weights),
        delay: Some(within(delays)),
        plasticity: plasticity.map(|kind| Plasticity { kind, params: Params::new() }),
    }
}

/// Both populations with connections among and between them, noise, input, and every kind of plasticity.
pub(crate) fn network(threads: usize) -> Network {
    let (noise, clock) = (Source::Generator(0), Source::Generator(1));
    let (to_pyramids, to_others) = (|from| (from, 0), |from| (from, 1));
    let [pyramids_send, others_send] = [0, 1].map(Source::Population);
    let mut network = Network::new(0.1);
    (network.seed, network.threads) = (11, Some(threads));
    network.populations = vec![pyramids(), others()];
    network.generators = generators();
    let stdp = Some(ModuleKind::Stdp);
    let triplet = Some(ModuleKind::TripletStdp);
    let short_term = Some(ModuleKind::TsodyksMarkram);
    network.projections = vec![
        drawn("to_prox", to_pyramids(noise), &[0, 1], (0.5, 1.5), (0.0, 2.0), None),
        drawn("to_dist", to_pyramids(noise), &[2, 3], (0.5, 1.5), (1.0, 1.0), None),
        drawn("beat", to_others(clock), &[0], (0.2, 1.0), (0.0, 1.0), short_term),
        drawn("taught", to_others(noise), &[0], (0.2, 0.6), (0.7, 2.0), triplet),
        drawn("learnt", to_pyramids(pyramids_send), &[0], (0.1, 0.5), (0.8, 2.5), stdp),
        drawn("recurrent", to_pyramids(pyramids_send), &[2, 3], (0.02, 0.08), (1.0, 3.0), None),
        drawn("across", to_others(pyramids_send), &[0], (0.1, 0.4), (1.3, 1.3), None),
        drawn("inhibition", to_pyramids(others_send), &[4], (0.1, 0.5), (0.9, 2.0), None),
    ];
    let injection = Injection { path: "steadily".into(), generator: 2, population: 1, compartment: 0 };
    network.injections.push(injection);
    network
}

/// The probes of the test network.
pub(crate) fn probes<T: Scalar>(core: &mut Core<T>) -> Vec<ProbeId> {
    let every_ninth: Vec<usize> = (0..SIZES[0]).step_by(9).collect();
    [
        ("pyramids/soma", "V", 7, None),
        ("pyramids/nmda_prox", "I", 10, Some(&every_ninth[..])),
        ("others/dend", "V", 13, None),
        ("learnt", "w", 100, None),
        ("pyramids", "spikes", 1, None),
        ("others", "spikes", 1, None),
        ("noise", "spikes", 1, None),
    ]
    .into_iter()
    .map(|(path, variable, every, indices)| core.add_probe(path, variable, every, indices).unwrap())
    .collect()
}

/// Runs `steps` steps and records them in about `budget` bytes.
pub(crate) fn recorded<T: Scalar>(core: &mut Core<T>, steps: u64, budget: usize) -> Trace<T> {
    let how = (steps, &RunOptions::default(), budget);
    let watch = &mut |_| ControlFlow::Continue(());
    record(core, &mut Store::default(), how, watch).unwrap().1.unwrap()
}

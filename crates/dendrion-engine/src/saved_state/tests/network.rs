//! A network with an example of every mechanism that has a state.

use dendrion_model::{
    Connectivity, Generator, Initializer, Injection, ModuleKind, Network, OdeMethod, PerConnection,
    Plasticity, Population, Projection, Signal, Source, Values,
};

/// A channel with its own delayed, rising and lasting events, and a reset in two stages.
const PULSES: &str = "I = (x + g * on_now) * (20 mV - V) : pA
on V > -58 mV and not refractory:
    x += g after 0.7 ms
    on_now after 0.3 ms for 2 ms
    refractory for 5 ms
dx/dt = -x/(2 ms) : nS
g = 2 nS (>= 0)
";

/// Neurons with a threshold in two stages, colored noise and a channel with events.
fn events(size: usize) -> Population {
    let threshold =
        [("V_th", -52.0), ("V_reset", -60.0), ("V_spike", 20.0), ("spike_width", 0.5), ("refractory", 1.5)];
    let mut cells = Population::new("events", size, threshold);
    cells.method = OdeMethod::ExpEuler;
    let soma = cells.soma("soma", [("C", 100.0), ("gL", 5.0), ("V_rest", -65.0), ("I_ext", 40.0)]);
    let dend = cells.compartment("dend", [("C", 40.0), ("gL", 2.0), ("V_rest", -65.0)]);
    cells.couple("axial", soma, dend, Some(8.0));
    cells.receptor("ampa", ModuleKind::Ampa, dend, [("g", 1.0), ("t_decay", 3.0)]);
    cells.noise("coloured", ModuleKind::OuNoise, soma, [("sigma", 60.0), ("tau", 5.0), ("mean", 20.0)]);
    cells.mechanism("pulses", dend, PULSES, [("g", 3.0)]);
    cells.dendritic_delay = vec![3];
    cells
}

/// A network for tests of the division into shards, with all kinds of generators and neurons with events.
pub(super) fn network(threads: usize) -> Network {
    let mut network = crate::tests::network::network(threads);
    network.populations.push(events(75));
    network.generators[0].breaks = vec![0.0, 20.0, 40.0];
    network.generators[0].params.set("rate", Values::Each(vec![60.0, 90.0, 30.0]));
    let indices: Vec<u32> = (0..200).map(|i| i * 7 % 5).collect();
    let times = (0..200).map(|i| f64::from(i) * 0.31).collect();
    let mut ramp = Generator::new("ramp", 1, Signal::Dc, [("amplitude", 30.0)]);
    ramp.breaks = vec![5.0];
    ramp.params.set("amplitude", Values::Each(vec![25.0]));
    network.generators.extend([
        Generator::new("given", 5, Signal::Spikes { indices, times }, []),
        Generator::new("pushed", 3, Signal::Pushed, []),
        ramp,
        Generator::new("fast", 4, Signal::Poisson, [("rate", 7000.0)]),
    ]);
    let on = |path: &str, generator: usize, weight: f64, delay: f64| Projection {
        path: path.into(),
        pre: Source::Generator(generator),
        population: 2,
        receptors: vec![0],
        connectivity: Connectivity::AllToAll { autapses: true },
        weight: PerConnection::Given(weight.into()),
        delay: Some(PerConnection::Given(delay.into())),
        plasticity: None,
    };
    network.projections.extend([
        on("on_given", 3, 0.4, 1.0),
        on("on_pushed", 4, 0.8, 2.1),
        on("on_noise", 0, 0.2, 0.3),
        twice(on("twice", 6, 0.01, 1.0)),
        far(on("far", 6, 0.003, 1.0)),
    ]);
    network.injections.push(Injection { path: "ramps".into(), generator: 5, population: 2, compartment: 1 });
    network
}

/// Connections with repeated pairs, from sources that spike several times in a step and wait for their neurons.
fn twice(projection: Projection) -> Projection {
    let within = |low, high| PerConnection::Drawn(Initializer::Uniform { low, high });
    Projection {
        connectivity: Connectivity::FixedIndegree { degree: 12, multapses: true, autapses: true },
        weight: within(0.002, 0.02),
        delay: Some(within(0.7, 1.0)),
        plasticity: Some(Plasticity { kind: ModuleKind::Stdp, params: [("w_max", 0.1)].into() }),
        ..projection
    }
}

/// Connections with long delays, some of which wait.
fn far(projection: Projection) -> Projection {
    let delays = (0..4 * 75).map(|c| if c % 75 < 60 { 0.6 } else { 1.7 }).collect();
    Projection {
        delay: Some(PerConnection::Given(Values::Each(delays))),
        plasticity: Some(Plasticity { kind: ModuleKind::TripletStdp, params: [("w_max", 0.1)].into() }),
        ..projection
    }
}

/// A few neurons with one example of every mechanism that has a state. The files of this network are small.
pub(super) fn small() -> Network {
    let mut network = Network::new(0.1);
    (network.seed, network.threads) = (3, Some(1));
    network.populations.push(events(9));
    let mut noise = Generator::new("noise", 3, Signal::Poisson, []);
    noise.breaks = vec![0.0, 2.0];
    noise.params.set("rate", Values::Each(vec![900.0, 700.0]));
    network.generators = vec![
        noise,
        Generator::new("clock", 2, Signal::Bernoulli, [("prob", 0.1)]),
        Generator::new("pushed", 2, Signal::Pushed, []),
        Generator::new("step", 1, Signal::Dc, [("amplitude", 50.0)]),
    ];
    let on = |path: &str, pre: Source, delay: f64, plasticity: Option<ModuleKind>| Projection {
        path: path.into(),
        pre,
        population: 0,
        receptors: vec![0],
        connectivity: Connectivity::AllToAll { autapses: false },
        weight: PerConnection::Given(0.5.into()),
        delay: Some(PerConnection::Given(delay.into())),
        plasticity: plasticity.map(|kind| Plasticity { kind, params: [].into() }),
    };
    network.projections = vec![
        on("plain", Source::Generator(1), 0.4, None),
        on("fades", Source::Generator(0), 0.4, Some(ModuleKind::TsodyksMarkram)),
        on("learns", Source::Generator(0), 1.0, Some(ModuleKind::TripletStdp)),
        on("among", Source::Population(0), 0.6, Some(ModuleKind::Stdp)),
        on("handed", Source::Generator(2), 0.5, None),
    ];
    network.injections.push(Injection { path: "steps".into(), generator: 3, population: 0, compartment: 0 });
    network
}

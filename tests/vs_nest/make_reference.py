"""Write ``reference.json``: the weights of NEST's plastic synapses for fixed spike trains.

This is not part of the tests. To run it again, use ``pip install nest-simulator`` in a separate environment, then
``python make_reference.py``.

The source is a parrot neuron driven by a spike generator. The target is a parrot neuron too: the plastic synapse ends
at its port 1, which repeats no spikes, and the fixed spikes arrive at port 0. Trains are those that the parrots sent.
``weights`` contains the weight with which each spike of the source was delivered, from the weight recorder. In NEST the
whole delay is dendritic.
"""

import json
from pathlib import Path

import nest
import numpy as np

DT = 0.1
STEPS = 12_000


def poisson(rng, rate):
    """Return a train (steps) with at most one spike per step."""
    return np.flatnonzero(rng.random(STEPS) < rate * DT * 1e-3) + 10


def with_ties(rng, pre, post, delay):
    """Return the target's train with spikes that reach the synapse together with a third of the source's spikes."""
    ties = rng.choice(pre, len(pre) // 3, replace=False) - round(delay / DT)
    return np.unique(np.concatenate([post, ties[ties > 5]]))


def simulate(model, synapse, neuron, pre, post, delay, weight):
    """Return the trains (ms) that the neurons sent, and the weight at each spike of the source."""
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = DT
    recorder = nest.Create("weight_recorder")
    nest.CopyModel(model, "plastic", {"weight_recorder": recorder})
    source, target = nest.Create("parrot_neuron"), nest.Create("parrot_neuron", params=neuron)
    for train, parrot in ((pre, source), (post, target)):
        times = np.round(np.asarray(train) * DT, 1)
        nest.Connect(nest.Create("spike_generator", params={"spike_times": times}), parrot, syn_spec={"delay": DT})
    spikes = [nest.Create("spike_recorder") for _ in range(2)]
    nest.Connect(source, spikes[0])
    nest.Connect(target, spikes[1])
    spec = {"synapse_model": "plastic", "delay": delay, "weight": weight, "receptor_type": 1, **synapse}
    nest.Connect(source, target, syn_spec=spec)
    nest.Simulate((STEPS + 100) * DT)
    order = np.argsort(recorder.events["times"], kind="stable")
    trains = [[round(float(t), 1) for t in np.sort(s.events["times"])] for s in spikes]
    weights = [float(w) for w in np.asarray(recorder.events["weights"])[order]]
    assert len(weights) == len(trains[0])
    return trains[0], trains[1], weights


PAIRS = {
    "additive": {"mu_plus": 0.0, "mu_minus": 0.0, "lambda": 0.02, "alpha": 1.1, "Wmax": 2.0},
    "multiplicative": {"mu_plus": 1.0, "mu_minus": 1.0, "lambda": 0.05, "alpha": 0.9, "Wmax": 3.0},
    "power law": {"mu_plus": 0.4, "mu_minus": 0.4, "lambda": 0.05, "alpha": 1.05, "tau_plus": 15.0, "Wmax": 2.5},
    "reaches w_max": {"mu_plus": 0.0, "mu_minus": 0.0, "lambda": 0.2, "alpha": 0.2, "Wmax": 1.2},
    "reaches 0": {"mu_plus": 0.0, "mu_minus": 0.0, "lambda": 0.2, "alpha": 3.0, "Wmax": 1.5},
}
TRIPLETS = {
    "Pfister & Gerstner": {"Wmax": 2.0},
    "strong": {"Aplus": 5e-3, "Aminus": 8e-3, "Aplus_triplet": 9e-3, "Aminus_triplet": 6e-3, "Wmax": 1.5},
    "fast": {"Aplus": 1e-2, "tau_plus": 9.0, "tau_plus_triplet": 40.0, "Wmax": 1.1},
}
SHORT = {
    "depressing": {"U": 0.5, "tau_rec": 800.0, "tau_fac": 0.0},
    "facilitating": {"U": 0.05, "tau_rec": 100.0, "tau_fac": 1000.0},
    "mixed": {"U": 0.25, "tau_rec": 300.0, "tau_fac": 250.0},
}


def cases():
    """Yield all cases."""
    rng = np.random.default_rng(2016)
    for delay in (0.1, 1.5, 6.0):
        for ties in (False, True):
            for model, rules, neuron in (
                ("stdp_synapse", PAIRS, {"tau_minus": 17.0}),
                ("stdp_triplet_synapse", TRIPLETS, {"tau_minus": 33.7, "tau_minus_triplet": 125.0}),
            ):
                for name, synapse in rules.items():
                    pre, post = poisson(rng, 40.0), poisson(rng, 40.0)
                    if ties:
                        post = with_ties(rng, pre, post, delay)
                    a, b, weights = simulate(model, synapse, neuron, pre, post, delay, 1.0)
                    tie = len(set(a) & {round(t + delay, 1) for t in b})
                    yield {
                        "model": model, "name": name, "synapse": synapse, "neuron": neuron, "delay": delay,
                        "ties": tie, "weight": 1.0, "pre": a, "post": b, "weights": weights,
                    }  # fmt: skip
    for name, synapse in SHORT.items():
        # The synapse is at rest before the first spike, because NEST starts at time 0 with x = 1 and u = U.
        start = {"x": 1.0, "u": synapse["U"]}
        a, _, weights = simulate("tsodyks2_synapse", {**synapse, **start}, {}, poisson(rng, 30.0), [], 1.0, 2.0)
        yield {
            "model": "tsodyks2_synapse", "name": name, "synapse": synapse, "delay": 1.0,
            "weight": 2.0, "pre": a, "weights": weights,
        }  # fmt: skip


def main():
    """Write the file."""
    reference = {"nest": nest.__version__, "dt": DT, "cases": list(cases())}
    Path(__file__).with_name("reference.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()

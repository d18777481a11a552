"""Plastic weights agree with NEST for the same spike trains (computed by ``make_reference.py``)."""

import json
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())
DT = REFERENCE["dt"]
NAMES = {
    "lambda": "lambda_",
    "Wmax": "w_max",
    "Aplus": "A_plus",
    "Aminus": "A_minus",
    "Aplus_triplet": "A_plus_triplet",
    "Aminus_triplet": "A_minus_triplet",
}
RULES = {
    "stdp_synapse": dn.STDP,
    "stdp_triplet_synapse": dn.TripletSTDP,
    "tsodyks2_synapse": dn.TsodyksMarkram,
}


def label(case):
    return f"{case['model']}, {case['name']}, {case['delay']} ms, {case.get('ties', 0)} ties"


class Target(dn.MCNeuron):
    """A neuron that spikes exactly when its current has a pulse. Its receptor only counts arriving spikes."""

    def __init__(self, dendritic_delay=1, tau_minus=20.0, tau_minus_triplet=110.0, size=1):
        taus = {"stdp_tau": tau_minus, "tau_triplet": tau_minus_triplet}
        super().__init__(size, V_th=-60.0, V_reset=-70.0, dendritic_delay=dendritic_delay, **taus)
        self.soma = dn.LeakyIF(size, V_rest=-70.0, C=1.0, gL=1.0)
        self.ampa = dn.AMPA(size, g=0.0, t_decay=1e18)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


def steps(times):
    return np.round(np.asarray(times, dtype=float) / DT).astype(int)


def build(case, delay, dendritic_delay, shift=0, dtype="float64", threads=None, **kwargs):
    """Return the network, the synapse and the gate's recording. ``shift`` (steps) is added to the neuron's spikes."""
    rule = RULES[case["model"]](**{NAMES.get(k, k): v for k, v in case["synapse"].items()})
    post = steps(case.get("post", [])) + shift
    wave = np.zeros(13_000)
    wave[post[post >= 0]] = 1000.0
    cell = Target(dendritic_delay, **case.get("neuron", {}))
    pre = dn.SpikeGenerator(1, np.zeros(len(case["pre"]), dtype=int), case["pre"])
    inject = dn.ConnGen(dn.CurrentGenerator(1, wave, name="wave"), cell.soma)
    weight = np.array([[case["weight"]]])
    syn = dn.MCSynapse(pre, cell.ampa, weight, delay=delay, plasticity=rule, name="syn")
    net = dn.Network([cell, pre, inject.pre, inject, syn], dt=DT, dtype=dtype, threads=threads, **kwargs)
    spikes = net.probe(cell, "spikes")
    return net, syn, net.probe(cell.ampa, "s"), spikes, post[post >= 0]


def delivered(gate, pre, delay):
    """Return the weights that arrived. A weight that arrives in step n is in the gate in step n + 1."""
    jumps = np.diff(gate.values[:, 0].astype(np.float64))
    return jumps[steps(pre) + round(delay / DT)]


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=label)
def test_weights_are_nests(case, report):
    dendritic = max(1, round(case["delay"] / DT))
    net, _, gate, spikes, post = build(case, case["delay"], dendritic)
    net.run(1250.0)
    np.testing.assert_array_equal(steps(spikes.t), post)
    weights = delivered(gate, case["pre"], case["delay"])
    error = np.max(np.abs(weights - case["weights"]) / np.maximum(np.abs(case["weights"]), 1e-3))
    report(f"plasticity against NEST {REFERENCE['nest']}", case=label(case), spikes=len(weights), error=float(error))
    assert error < 1e-6
    assert error < 1e-9  # The tolerance allows for rounding.


@pytest.mark.parametrize(("delay", "dendritic"), [(6.0, 10), (6.0, 30), (6.0, 45), (0.1, 1), (2.5, 1), (12.0, 3)])
@pytest.mark.parametrize("case", [c for c in REFERENCE["cases"] if c["delay"] == 6.0], ids=label)
def test_only_the_order_at_the_synapse_counts(case, delay, dendritic):
    """Delays can be split differently into axon and dendrite if the neuron's spikes arrive as in the reference."""
    shift = round(case["delay"] / DT) + round(delay / DT) - 2 * dendritic
    net, _, gate, _, _ = build(case, delay, dendritic, shift)
    net.run(1270.0)
    np.testing.assert_allclose(delivered(gate, case["pre"], delay), case["weights"], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dendritic", [3, 30, 60])
def test_bits_do_not_depend_on_cuts_or_looks(dendritic, dtype):
    case = next(c for c in REFERENCE["cases"] if c["delay"] == 6.0 and c["ties"] > 5 and c["name"] == "power law")

    def run(cuts, look=False):
        net, syn, gate, _, _ = build(case, 6.0, dendritic, dtype=dtype)
        weights = net.probe(syn, "w", every=7.3)
        for cut in cuts:
            net.run(cut)
            if look:
                syn.w  # noqa: B018
        return gate.values, weights.values, syn.w

    expected = run([1200.0])
    for cuts, look in (([0.7, 33.3, 566.0, 600.0], False), ([100.0] * 12, True), ([0.1] * 50 + [1195.0], True)):
        for found, wanted in zip(run(cuts, look), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    assert len(np.unique(expected[1])) > 50


def test_probe_shows_what_has_reached_the_synapse():
    """With a purely dendritic delay, the synapse sees the sources' spikes at once and the neuron's after the delay."""
    case = next(c for c in REFERENCE["cases"] if c["delay"] == 6.0)
    net, syn, _, _, _ = build(case, 6.0, 60)
    probe = net.probe(syn, "w")
    net.run(1200.0)
    w, pre = probe.values[:, 0], steps(case["pre"])
    pre = pre[pre < len(w) - 1]
    np.testing.assert_allclose(w[pre + 1], case["weights"][: len(pre)], rtol=1e-9)
    post = steps(case["post"]) + 60
    changes = np.flatnonzero(np.diff(w))
    assert set(changes) <= {*pre, *post}
    np.testing.assert_array_equal(syn.w, [[w[-1]]])


def recurrent(threads, plasticity, seed=4, dtype="float64"):
    """Return a network of 600 neurons that excite each other, with delays from 0.3 to 4 ms."""
    cells = Target(np.arange(600) % 3 + 1, size=600)
    cells.ampa.g, cells.ampa.t_decay = 0.4, 2.0
    noise = dn.PoissonGenerator(300, rate=60.0, name="noise")
    given = dn.MCSynapse(
        noise, cells.ampa, dn.FixedIndegree(20), weight=4.0, delay=0.4, name="input", plasticity=plasticity
    )
    rng = np.random.default_rng(0)
    conn = (rng.random((600, 600)) < 0.05) * 1.0
    pre, _ = np.nonzero(conn)
    delay = 0.1 * (3 + pre % 38)
    import scipy.sparse

    sparse = scipy.sparse.csr_matrix(conn)
    syn = dn.MCSynapse(cells, cells.ampa, sparse, delay=delay, name="syn", plasticity=plasticity)
    return dn.Network([cells, noise, given, syn], seed=seed, threads=threads, dtype=dtype), cells, given, syn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "rule",
    [
        dn.STDP(lambda_=1e-5, w_max=8.0),
        dn.TripletSTDP(1e-5, 1e-5, 1e-6, 1e-6, w_max=8.0),
        dn.TsodyksMarkram(tau_fac=50.0),
    ],
)
def test_bits_do_not_depend_on_threads(rule, dtype):
    def run(threads, cuts):
        net, cells, given, syn = recurrent(threads, rule, dtype=dtype)
        spikes = net.probe(cells, "spikes")
        for cut in cuts:
            net.run(cut)
        return spikes.t, spikes.i, given.w, syn.w

    expected = run(1, [80.0])
    assert len(expected[0]) > 300
    for threads, cuts in ((2, [80.0]), (4, [0.4, 39.7, 39.9])):
        for found, wanted in zip(run(threads, cuts), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    if rule._learns:
        assert len(np.unique(expected[3])) > 500


def test_old_spikes_are_dropped_without_a_trace():
    """The neurons spike so often while the sources are silent that histories are cut; then the sources spike."""
    cell = Target(1, size=8)
    drive = dn.CurrentGenerator(1, np.tile([1000.0, 0.0], 5000), name="drive")
    late = dn.SpikeGenerator(8, np.arange(8).repeat(2), np.tile([5.0, 1000.0], 8))
    rule = dn.STDP(alpha=0.0, mu_plus=0.0, tau_plus=100.0, w_max=50)
    syn = dn.MCSynapse(late, cell.ampa, dn.One2One(), weight=1.0, plasticity=rule)
    net = dn.Network([cell, drive, late, dn.ConnGen(drive, cell.soma), syn])
    probe = net.probe(cell.ampa, "s")
    net.run(1000.5)
    # Every 0.2 ms a spike of the neuron increases the weight by 0.01 w_max exp(-t / tau_plus), up to w_max.
    np.testing.assert_allclose(np.diff(probe.values[[0, 100, -1]], axis=0), np.full((2, 8), [[1.0], [50.0]]), rtol=1e-9)


def test_learning_stops_and_goes_on():
    case = REFERENCE["cases"][1]
    net, syn, _, _, _ = build(case, 0.1, 1)
    net.run(300.0)
    assert net.eval() is net
    assert not syn.training
    still = syn.w
    net.run(300.0)
    np.testing.assert_array_equal(syn.w, still)
    syn.train()
    net.run(300.0)
    assert (syn.w != still).all()


def test_reset_keeps_weights_and_forgets_spikes():
    case = REFERENCE["cases"][1]
    net, syn, _, _, _ = build(case, 0.1, 1)
    net.run(1200.0)
    learnt = syn.w
    net.reset()
    np.testing.assert_array_equal(syn.w, learnt)
    syn.w = np.array([[case["weight"]]])
    net.run(1200.0)
    np.testing.assert_array_equal(syn.w, learnt)


def test_rules_are_parameters_of_the_synapse():
    net, syn, _, _, _ = build(REFERENCE["cases"][0], 0.1, 1)
    assert syn.lambda_ == 0.02
    parameters = net.parameters()
    assert parameters["syn.lambda_"] == 0.02
    assert parameters["target.stdp_tau"] == 17.0
    syn.lambda_ = 0.0
    net.run(1200.0)
    np.testing.assert_array_equal(syn.w, [[1.0]])


@pytest.mark.parametrize("name", ["stdp_tau", "tau_triplet"])
def test_time_constants_per_neuron_set_while_running(name):
    case = next(c for c in REFERENCE["cases"] if c["model"] == "stdp_triplet_synapse")

    def weight(**taus):
        net, syn, _, _, _ = build(case, 0.1, 1)
        net.run(400.0)
        net.set_parameters({f"target.{k}": [v] for k, v in taus.items()})
        net.run(800.0)
        return syn.w

    assert weight() != weight(**{name: 5.0})


def test_dendritic_delay_in_all_its_forms():
    values = []
    for given in (2, np.array([2]), lambda n: np.full(n, 2), lambda n: 2, 1):
        net, syn, _, _, _ = build(REFERENCE["cases"][1], 0.5, given)
        net.run(1200.0)
        values.append(syn.w.item())
    assert len(set(values[:4])) == 1
    assert values[4] != values[0]


def test_bad_plasticity():
    cell, noise = Target(size=2), dn.PoissonGenerator(2)

    def synapse(conn=None, **kwargs):
        syn = dn.MCSynapse(noise, cell.ampa, conn or dn.All2All(), name="syn", plasticity=dn.STDP(w_max=2.0), **kwargs)
        return dn.Network([cell, noise, syn])

    with pytest.raises(dn.ParameterError, match=r"STDP: tau_plus = 0: expected a finite number > 0 \(ms\)"):
        dn.STDP(tau_plus=0)
    with pytest.raises(dn.ParameterError, match=r"TsodyksMarkram: U = 1.5: expected a number in \[0, 1\]"):
        dn.TsodyksMarkram(U=1.5)
    with pytest.raises(dn.ParameterTypeError, match=r"TripletSTDP: A_plus = 'x': expected a number"):
        dn.TripletSTDP(A_plus="x")
    with pytest.raises(dn.ParameterTypeError, match=r"plasticity = 'stdp': expected an STDP"):
        dn.MCSynapse(noise, cell.ampa, dn.All2All(), plasticity="stdp")
    with pytest.raises(dn.ConnectivityError, match=r"syn: w = 3: expected at most w_max = 2"):
        synapse(weight=3.0)
    cell.dendritic_delay = 5
    with pytest.raises(
        dn.ConnectivityError, match=r"syn: delay = 0.3.* ms: .*dendritic_delay = 5 steps \(0.5 ms\) of tar"
    ):
        synapse(delay=0.3)
    cell.dendritic_delay = 0
    with pytest.raises(
        dn.ParameterError,
        match=r"target: dendritic_delay = 0: expected at least 1 step, because the weights of syn are plastic",
    ):
        synapse(delay=0.3)
    cell.dendritic_delay = lambda n: np.ones(n + 1, dtype=int)
    with pytest.raises(
        dn.ParameterError, match=r"dendritic_delay = <lambda>\(2\) = array.*or an array of 2 such integers"
    ):
        synapse()
    cell.dendritic_delay = lambda n: 1 / 0
    with pytest.raises(dn.ParameterError, match=r"dendritic_delay: <lambda>\(2\) raised ZeroDivisionError"):
        synapse()


def test_bad_weights_of_a_running_network():
    net, syn, _, _, _ = build(REFERENCE["cases"][0], 0.1, 1)
    with pytest.raises(dn.ParameterError, match=r"syn: w = 9: expected at most w_max = 2"):
        syn.w = 9.0
    with pytest.raises(dn.ParameterError, match=r"syn: tau_plus = -1: expected a finite number > 0"):
        syn.tau_plus = -1.0
    with pytest.raises(dn.ParameterError, match=r"syn: w_max = 0.5: expected at least the largest weight, 1"):
        syn.w_max = 0.5
    cell, noise = Target(), dn.PoissonGenerator(1)
    static = dn.MCSynapse(noise, cell.ampa, dn.All2All(), name="static")
    net = dn.Network([cell, noise, static])
    with pytest.raises(
        dn.UnknownNameError, match=r"static: its weights do not change; expected an MCSynapse with plastic weights"
    ):
        net.probe(static, "w")

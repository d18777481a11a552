"""Results are bit-identical for any number of threads and no matter how a simulation is split into runs."""

import os
import subprocess
import sys

import dendrion as dn
import numpy as np
import pytest


def network(pair, threads, dtype, recurrent):
    """Return two populations with noise, currents, random delays, and connections within and between them."""
    first, second = pair(500, V_th=-50.0, name="first"), pair(333, V_th=-52.0, rise=0.6, name="second")
    second.dend.gL = np.linspace(2.0, 3.0, 333)
    noise = dn.PoissonGenerator(100, rate=60.0)
    steady = dn.DCGenerator(500, amplitude=np.linspace(0.0, 120.0, 500), start=3.0, stop=70.0)
    rng = np.random.default_rng(2)
    modules = [
        first,
        second,
        noise,
        steady,
        dn.ConnGen(steady, first.soma),
        dn.MCSynapse(noise, (first.ampa, first.nmda), dn.FixedProb(0.2), name="a", weight=0.3, delay=1.0),
        dn.MCSynapse(
            noise,
            second.ampa,
            rng.random((100, 333)) * 0.8,
            name="b",
            delay=0.1 * rng.integers(0, 40, (100, 333)),
        ),
    ]
    if recurrent:
        modules += [
            dn.MCSynapse(first, second.ampa, dn.FixedIndegree(30), name="c", weight=0.05, delay=1.5),
            dn.MCSynapse(second, (first.ampa, first.nmda), dn.FixedProb(0.05), name="d", weight=0.02),
            dn.MCSynapse(
                first,
                first.ampa,
                rng.random((500, 500)) * 0.01,
                name="e",
                delay=0.1 * rng.integers(7, 30, (500, 500)),
            ),
        ]
    net = dn.Network(modules, seed=7, dtype=dtype, threads=threads)
    probes = [net.probe(first.soma, "V"), net.probe(second.dend, "V"), net.probe(first.nmda, "I", every=0.7)]
    return net, probes, [net.probe(first, "spikes"), net.probe(second, "spikes")]


def record(pair, threads, dtype, recurrent, pieces):
    net, probes, spikes = network(pair, threads, dtype, recurrent)
    for piece in pieces:
        net.run(piece)
    arrays = [p.values for p in probes] + [a for s in spikes for a in (s.t, s.i)]
    state = net.get_state()
    return arrays + [state[key] for key in sorted(state)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_threads_and_pieces(pair, dtype, recurrent):
    whole = record(pair, 1, dtype, recurrent, [100.0])
    assert len(whole[3]) > 200
    assert len(whole[5]) > 200
    others = [
        *((threads, [100.0]) for threads in (2, 3, 4)),
        (1, [50.0, 50.0]),
        (3, [50.0, 50.0]),
        (2, [0.1, 0.3, 7.9, 33.3, 0.1, 58.3]),
    ]
    for threads, pieces in others:
        for a, b in zip(whole, record(pair, threads, dtype, recurrent, pieces), strict=True):
            np.testing.assert_array_equal(a, b)


def test_looking_changes_nothing(pair):
    def end(look):
        cells, noise = pair(50, name="cells"), dn.PoissonGenerator(50, rate=200.0)
        net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.nmda, dn.One2One())])
        for module, variable in ((cells.soma, "V"), (cells.nmda, "B"), (cells.dend, "I"), (cells, "spikes")):
            if look:
                net.probe(module, variable)
        net.run(60.0)
        return net.get_state()

    blind = end(False)
    for key, value in end(True).items():
        np.testing.assert_array_equal(value, blind[key])


def test_the_seed_decides(pair):
    def spikes(seed):
        cells, noise = pair(50, name="cells"), dn.PoissonGenerator(50, rate=200.0)
        net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.nmda, dn.One2One())], seed=seed)
        probe = net.probe(cells, "spikes")
        net.run(200.0)
        return probe.t

    np.testing.assert_array_equal(spikes(1), spikes(1))
    assert not np.array_equal(spikes(1), spikes(2))


def test_random_numbers_follow_names_not_order(pair):
    def spikes(order):
        cells = pair(50, name="cells")
        a = dn.PoissonGenerator(50, rate=200.0, name="a")
        b = dn.PoissonGenerator(50, rate=200.0, name="b")
        on = [
            dn.MCSynapse(a, cells.nmda, dn.One2One(), name="on_a"),
            dn.MCSynapse(b, cells.ampa, dn.One2One(), name="on_b"),
        ]
        modules = [cells, a, b] if order else [b, a, cells]
        net = dn.Network([*modules, *on])
        probe = net.probe(cells, "spikes")
        net.run(200.0)
        return probe.t

    np.testing.assert_array_equal(spikes(True), spikes(False))


CODE = """
import numpy as np, dendrion as dn
cells = dn.MCNeuron(5, V_th=1e6, name="cells")
cells.soma = dn.LeakyIF(5, I_ext=[0.0, 10.0, 20.0, 30.0, 40.0])
cells.nmda = dn.NMDA(5, t_rise=1.0, t_decay=20.0, scale_g=True)
cells.on = dn.MCConnSynapse(cells.nmda, cells.soma)
noise = dn.PoissonGenerator(5, rate=100.0)
net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.nmda, dn.One2One())])
net.run(200.0)
print(net.info["level"], *(v.hex() for v in net.get_state()["cells/soma.V"]))
"""


def test_levels_agree_within_rounding():
    def run(level):
        env = {"DENDRION_LEVEL": level} if level else {}
        done = subprocess.run(
            [sys.executable, "-c", CODE], env=os.environ | env, capture_output=True, text=True, check=True
        )
        name, *values = done.stdout.split()
        return name, np.array([float.fromhex(v) for v in values])

    name, baseline = run("baseline")
    _, best = run("")
    assert name == "baseline"
    np.testing.assert_allclose(baseline, best, atol=1e-9)

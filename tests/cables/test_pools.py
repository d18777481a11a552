"""Calcium pools: their order within a step, gradients, and convergence."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree
from .data import mods

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON


class Cell(dn.CableNeuron):
    """A cell with HH channels, calcium channels, a calcium pool and a potassium channel that it activates."""

    def __init__(self, size=1, **settings):
        super().__init__(size, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0, name="cells", **settings)
        self.na = dn.channels.HHNa(self, on="all", name="na")
        self.k = dn.channels.HHK(self, on="all", name="k")
        self.cal = dn.channels.CaL(self, on="all", g=1.0, name="cal")
        self.pool = dn.channels.CaPool(self, on="all", tau=20.0, name="pool")
        self.kca = dn.channels.KCa(self, on="all", g=1.0, name="kca")


def network(dt, amplitude=1500.0, **settings):
    cells = Cell(**settings)
    step = dn.DCGenerator(1, amplitude, name="dc")
    return dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=dt), cells


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
@pytest.mark.parametrize("staggered", [False, True])
@pytest.mark.parametrize("gates", ["rational", "cnexp"])
def test_gradients(method, staggered, gates):
    net, cells = network(0.05, odemethod=method, gates=gates, staggered=staggered)
    probes = [net.probe(cells, "V"), net.probe(cells.pool, "Ca"), net.probe(cells.kca, "z"), net.probe(cells.cal, "I")]
    rng, steps = np.random.default_rng(1), 160
    weights = [
        scale * rng.normal(size=(steps, p._columns)) for p, scale in zip(probes, (1e-2, 1e3, 1.0, 1e-2), strict=True)
    ]

    def loss(**parameters):
        net.set_parameters(parameters)
        net.reset()
        net.run(steps * 0.05)
        return sum(np.vdot(p.values, w) for p, w in zip(probes, weights, strict=True))

    loss()
    assert np.ptp(probes[1].values) > 1e-4
    net.reset()
    found = net.run(steps * 0.05, grad=True).backward(dict(zip(probes, weights, strict=True)))
    for key in (
        "cells/cal.g",
        "cells/cal.E",
        "cells/pool.gamma",
        "cells/pool.tau",
        "cells/kca.g",
        "cells/na.g",
        "cells.C",
    ):
        value = net.parameters()[key]
        h = 1e-4 * abs(value)
        sides = [loss(**{key: value + i * h}) for i in (1, -1, 2, -2)]
        expected = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * h)
        loss(**{key: value})
        assert found[key] == pytest.approx(expected, rel=1e-6), key


@pytest.mark.parametrize("gates", ["rational", "cnexp"])
def test_crank_nicolson_has_order_2(gates):
    ends = []
    for dt in (0.02, 0.01, 0.005):
        net, cells = network(dt, 200.0, odemethod=MIDPOINT, gates=gates)
        net.run(10.0)
        ends.append(cells.V[0])
    ratio = np.abs(ends[0] - ends[1]).max() / np.abs(ends[1] - ends[2]).max()
    assert ratio == pytest.approx(4.0, rel=0.15)


def test_concentrations_are_known_at_the_times_of_v():
    """Currents into a pool have the gates of the beginning of the step, as in NEURON, and V of it or its middle."""
    for method in (EULER, MIDPOINT):
        net, cells = network(0.025, odemethod=method, gates="cnexp", staggered=True)
        net.run(2.0)
        v, q, r, calcium = (np.array(x) for x in (cells.V, cells.cal.q, cells.cal.r, cells.pool.Ca))
        net.run(0.025)
        if method is MIDPOINT:
            v = (v + cells.V) / 2
        current = 1e-2 * q**2 * r * (120.0 - v)
        steady = 1e-4 + 20.0 * 0.05 * 1e3 * current / (2 * 96485.33212 * 0.1)
        np.testing.assert_allclose(cells.pool.Ca, steady + (calcium - steady) * np.exp(-0.025 / 20.0), rtol=1e-9)


def test_mechanisms_in_nmodl_have_the_same_order(tmp_path):
    texts = {"CAL": mods.CAL, "POOL": mods.POOL, "KCA": mods.KCA}
    for name, text in texts.items():
        (tmp_path / f"{name}.mod").write_text(text)
    cal, pool, kca = (dn.nmodl.load(tmp_path / f"{name}.mod") for name in texts)
    found = []
    for is_own in (False, True):
        cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), gates="cnexp", staggered=True, V_rest=-65.0)
        cells.na = dn.channels.HHNa(cells, on="all")
        cells.k = dn.channels.HHK(cells, on="all")
        cells.cal = cal(cells, on="all", g=1e-3) if is_own else dn.channels.CaL(cells, on="all", g=1.0)
        cells.pool = pool(cells, on="all") if is_own else dn.channels.CaPool(cells, on="all")
        cells.kca = kca(cells, on="all", g=1e-3) if is_own else dn.channels.KCa(cells, on="all", g=1.0)
        step = dn.DCGenerator(1, 1500.0)
        net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
        probe = net.probe(cells, "V")
        net.run(8.0)
        found.append(probe.values)
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-8)


class Resetting(Cell):
    """The same cell with a reset. Without conductances, calcium has no effect on V."""

    def __init__(self, size=1, has_pool=True, **settings):
        given = {"reset": True, "V_th": -40.0, "V_reset": -70.0, "gates": "cnexp", "staggered": True, **settings}
        dn.CableNeuron.__init__(self, size, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0, name="cells", **given)
        self.na = dn.channels.HHNa(self, on="all", g=60.0, name="na")
        self.k = dn.channels.HHK(self, on="all", name="k")
        if has_pool:
            self.cal = dn.channels.CaL(self, on="all", g=0.0, name="cal")
            self.pool = dn.channels.CaPool(self, on="all", tau=20.0, name="pool")


# The reset cuts action potentials short, which is the point of these tests.
@pytest.mark.filterwarnings("ignore::dendrion.ResetWarning")
@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_gates_read_v_after_the_reset_with_and_without_a_pool(method):
    found = []
    for has_pool in (False, True):
        cells = Resetting(has_pool=has_pool, odemethod=method)
        step = dn.DCGenerator(1, 4000.0, name="dc")
        net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.05)
        spikes = net.probe(cells, "spikes")
        probes = [net.probe(cells, "V"), net.probe(cells.na, "m"), net.probe(cells.na, "h"), net.probe(cells.k, "n")]
        net.run(10.0)
        assert len(spikes) > 1
        found.append([p.values for p in probes])
    for without, with_pool in zip(*found, strict=True):
        np.testing.assert_allclose(with_pool, without, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore::dendrion.ResetWarning")
@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_gradients_with_a_reset(method):
    cells = Resetting(odemethod=method)
    step = dn.DCGenerator(1, 4000.0, name="dc")
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.05)
    cells.cal.g = 1.0
    spikes = net.probe(cells, "spikes")
    probes = [net.probe(cells, "V"), net.probe(cells.pool, "Ca"), net.probe(cells.na, "m")]
    rng, steps = np.random.default_rng(1), 160
    weights = [s * rng.normal(size=(steps, p._columns)) for p, s in zip(probes, (1e-2, 1e3, 1.0), strict=True)]

    def loss(**parameters):
        net.set_parameters(parameters)
        net.reset()
        net.run(steps * 0.05)
        return sum(np.vdot(p.values, w) for p, w in zip(probes, weights, strict=True))

    loss()
    assert len(spikes) > 0
    net.reset()
    found = net.run(steps * 0.05, grad=True).backward(dict(zip(probes, weights, strict=True)))
    for key in ("cells/cal.g", "cells/na.g", "cells/k.g", "cells.C"):
        value = net.parameters()[key]
        h = 1e-6 * abs(value)
        expected = (loss(**{key: value + h}) - loss(**{key: value - h})) / (2 * h)
        loss(**{key: value})
        assert found[key] == pytest.approx(expected, rel=1e-5), key

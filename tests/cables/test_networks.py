"""Detailed cells in networks: spikes to and from other neurons, plasticity, custom and NMODL mechanisms."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, random_tree

TREE = random_tree()


class Flat(dn.MCNeuron):
    """An integrate-and-fire neuron with an AMPA receptor."""

    def __init__(self, size):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, odemethod="implicit_euler", name="flat")
        self.soma = dn.LeakyIF(size, gL=5.0, C=50.0)
        self.ampa = dn.AMPA(size, t_decay=2.0, g=5.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


def mixed(threads):
    cells, flat, step = Cell(3, TREE), Flat(4), dn.DCGenerator(1, 500.0)
    out = dn.MCSynapse(cells, flat.ampa, dn.All2All(), delay=1.0)
    back = dn.MCSynapse(flat, cells.ampa, dn.FixedIndegree(2), delay=2.0, weight=3.0, plasticity=dn.STDP())
    modules = [cells, flat, step, dn.ConnGen(step, cells.at("soma")), out, back]
    return cells, flat, dn.Network(modules, dt=0.025, threads=threads)


def test_spikes_travel_in_both_directions():
    found = []
    for threads in (1, 2):
        cells, flat, net = mixed(threads)
        spikes, other = net.probe(cells, "spikes"), net.probe(flat, "spikes")
        s = net.probe(cells.ampa, "s")
        net.run(40.0)
        assert len(spikes) == 3
        assert len(other) == 4
        # Spikes of the flat neurons open receptors of the detailed cells two milliseconds later.
        arrival = np.argmax(s.values.any(axis=1)) * 0.025
        assert arrival == pytest.approx(other.t.min() + 2.0, abs=0.051)
        found.append((spikes.t, other.t, s.values, cells.V))
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_spikes_of_cells_change_plastic_weights():
    cells, source, step = Cell(2, TREE), dn.PoissonGenerator(5, 100.0), dn.DCGenerator(1, 500.0)
    syn = dn.MCSynapse(source, cells.ampa, dn.All2All(), plasticity=dn.STDP(), weight=1.0)
    net = dn.Network([cells, source, syn, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    weights = net.probe(syn, "w")
    net.run(50.0)
    assert weights.values.shape[1] == 5 * 8
    assert (weights.values[-1] != 1.0).any()


def test_custom_receptors_read_their_own_cv():
    class Gated(dn.Receptor):
        equations = """
        I = g * s * (E - V) / (1 + exp(-(V + 40 mV)/(5 mV))) : pA
        ds/dt = -s/tau : 1
        on event: s += weight
        seen = V : mV
        g = 1 nS; E = 0 mV; tau = 3 ms
        """

    cells = dn.CableNeuron(2, TREE, cv=dn.PerSection(3), V_rest=-65.0, V_init=lambda d: -65.0 + d / 10)
    gated = Gated(cells, at=TREE.random(n=5, seed=3), g=lambda distance: 1.0 + distance / 100)
    source = dn.SpikeGenerator(1, [0], [0.1])
    net = dn.Network([cells, source, dn.MCSynapse(source, gated, dn.All2All())], dt=0.025)
    seen, v = net.probe(gated, "seen"), net.probe(cells.at(TREE.random(n=5, seed=3)), "V")
    net.run(1.0)
    assert np.array_equal(seen.values, v.values)
    assert gated.s.shape == (2, 5)
    assert gated.g.shape == (5,)


def test_nmodl_mechanisms_are_placed_like_others(tmp_path):
    (tmp_path / "leak.mod").write_text(
        "NEURON { SUFFIX leak NONSPECIFIC_CURRENT i RANGE g, e }\n"
        "UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }\n"
        "PARAMETER { g = 0.0001 (S/cm2) e = -60 (mV) }\n"
        "ASSIGNED { v (mV) i (mA/cm2) }\n"
        "BREAKPOINT { i = g*(v - e) }\n"
    )
    leak = dn.nmodl.load(tmp_path / "leak.mod")
    cells = dn.CableNeuron(1, TREE, cv=dn.PerSection(2), gL=0.0, V_rest=-70.0)
    leak(cells, on="all")
    net = dn.Network([cells], dt=1.0)
    net.run(300.0)
    np.testing.assert_allclose(cells.V, -60.0, rtol=1e-9)


def test_places_fit_the_unit_of_the_current():
    cells = dn.CableNeuron(1, TREE, cv=dn.PerSection(2))
    dn.channels.HHK(cells, at=TREE.at(0), name="k")
    with pytest.raises(dn.StructureError, match="k: is placed at points, but its current is per area"):
        dn.Network([cells], dt=0.025)
    cells = dn.CableNeuron(1, TREE, cv=dn.PerSection(2))
    dn.channels.HHK.absolute(cells, on="soma", g=1.0, name="k")
    with pytest.raises(dn.StructureError, match="k: is placed on a region, but its current is not per area"):
        dn.Network([cells], dt=0.025)

"""Modules with equations can be used like all other modules."""

import inspect

import dendrion as dn
import numpy as np
import pytest


class OwnNMDA(dn.Receptor):
    equations = """
    I = g * w * x * (E - V) * B                        : pA
    B = 1/(1 + Mg/beta * exp(-alpha * (V + gamma)))    : 1
    ds/dt = -s/t_rise                                  : 1
    dx/dt = -x/t_decay + s/(1 ms)                      : 1
    on event: s += weight
    g = 1 nS; w = 1; t_decay : ms; t_rise : ms; E = 0 mV; Mg = 1 mM; alpha = 0.062 /mV; beta = 3.57 mM; gamma = 0 mV
    """


class KA(dn.Channel):
    """A-type potassium current."""

    equations = """
    I = g * n * (E - V)                                  : pA
    dn/dt = (1/(1 + exp(-(V - Vn)/8 mV)) - n) / tau_n    : 1
    g = 5 nS (>= 0)     # maximal conductance
    E = -90 mV; Vn = -30 mV; tau_n = 0.5 ms (> 0)
    """


class Cell(dn.MCNeuron):
    def __init__(self, receptor, coupled=False, **settings):
        super().__init__(3, V_th=-50, V_reset=-60, name="cell", **settings)
        self.soma = dn.LeakyIF(3, V_rest=-65, gL=5, C=60)
        self.receptor = receptor(3, g=[1.0, 2.0, 3.0], t_rise=2.0, t_decay=30.0)
        join = dn.MCConn if coupled else dn.MCConnSynapse
        self.join = join(self.receptor, self.soma, 4.0) if coupled else join(self.receptor, self.soma)


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("method", list(dn.SolverMethodODE))
def test_a_receptor_of_ones_own_has_the_bits_of_the_built_in_one(method, coupled):
    def ran(receptor):
        cell = Cell(receptor, coupled, odemethod=method)
        source = dn.PoissonGenerator(5, rate=100.0, name="source")
        onto = dn.MCSynapse(source, cell.receptor, np.ones((5, 3)), name="onto")
        net = dn.Network([cell, source, onto], dt=0.1, seed=1)
        probes = [net.probe(cell.soma, "V"), *(net.probe(cell.receptor, n) for n in ("I", "B", "x", "s"))]
        net.run(100)
        return [p.values for p in probes]

    for own, built_in in zip(ran(OwnNMDA), ran(dn.NMDA), strict=True):
        assert np.array_equal(own, built_in)
        assert np.ptp(own) > 0


class Channels(dn.MCNeuron):
    def __init__(self, **given):
        super().__init__(3, V_th=0, V_reset=-60, name="cell")
        self.soma = dn.LeakyIF(3, V_rest=-65, I_ext=100)
        self.ka = KA(3, self.soma, **given)


def test_parameters():
    cell = Channels(g=[1.0, 2.0, 3.0], frozen_params={"tau_n": 0.7})
    assert cell.ka.tau_n == 0.7
    net = dn.Network([cell])
    assert net.variables(cell.ka) == ["n", "I"]
    assert "cell/ka.tau_n" not in net.parameters()
    assert net.parameters()["cell/ka.g"].tolist() == [1, 2, 3]
    cell.ka.Vn = -35.0
    assert net.parameters()["cell/ka.Vn"] == -35
    net.set_parameters({"cell/ka.g": 4.0})
    assert cell.ka.g == 4
    with pytest.raises(dn.ParameterError, match=r"cell/ka: g = -1: expected a finite number >= 0 \(nS\)"):
        cell.ka.g = -1.0
    saved = net.state_dict()
    other = dn.Network([Channels(frozen_params={"tau_n": 0.7})])
    other.load_state_dict(saved)
    assert other.parameters()["cell/ka.g"] == 4


def test_states():
    cell = Channels()
    net = dn.Network([cell])
    net.set_state({"cell/ka.n": [0.1, 0.2, 0.3]})
    assert net.get_state()["cell/ka.n"].tolist() == [0.1, 0.2, 0.3]
    n = net.probe(cell.ka, "n", indices=[2, 0])
    net.run(1)
    assert n.values[0].tolist() == [0.3, 0.1]
    assert n.gid.tolist() == [3, 1]


def test_both_ways_of_attaching_are_one():
    class Attached(dn.MCNeuron):
        def __init__(self):
            super().__init__(3, V_th=0, V_reset=-60, name="cell")
            self.soma = dn.LeakyIF(3, V_rest=-65, I_ext=100)
            self.ka = KA(3)
            self.on = dn.MCConnSynapse(self.ka, self.soma)

    def v(cell):
        net = dn.Network([cell])
        probe = net.probe(cell.soma, "V")
        net.run(20)
        return probe.values

    assert np.array_equal(v(Channels()), v(Attached()))
    outside = Channels()
    outside.more = KA(3, outside.soma, name="more")
    assert outside.more.path == "cell/more"
    assert not np.array_equal(v(Channels()), v(outside))


def test_signatures_and_help_name_the_parameters():
    assert list(inspect.signature(KA).parameters) == [
        "size",
        "on",
        "parent",
        "name",
        "frozen_params",
        "g",
        "E",
        "Vn",
        "tau_n",
        "at",
    ]
    assert inspect.signature(OwnNMDA).parameters["t_rise"].default is inspect.Parameter.empty
    assert {"g", "Vn"} <= set(dir(KA(1)))
    assert "ka" in Channels()._repr_html_()


def test_subclasses_keep_their_equations():
    class Slow(KA):
        """The same channel, slower by default."""

        def __init__(self, size, on):
            super().__init__(size, on, tau_n=5.0)

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=0, V_reset=-60)
            self.soma = dn.LeakyIF(1)
            self.slow = Slow(1, self.soma)

    cell = Cell()
    dn.Network([cell]).run(1)
    assert cell.slow.tau_n == 5


def test_per_area_is_the_absolute_times_the_area():
    class Cylinder(dn.MCNeuron):
        def __init__(self, channel, **given):
            super().__init__(1, V_th=0, V_reset=-60)
            self.soma = dn.LeakyIF(1, V_rest=-65, gL=50, C=1, length=30, diameter=20, area_factor=2, I_ext=100)
            self.channel = channel(1, self.soma, **given)

    def v(cell):
        net = dn.Network([cell])
        probe = net.probe(cell.soma, "V")
        net.run(30)
        return probe.values

    # mS/cm2 um2 = 1e-2 nS
    area = np.pi * 30 * 20 * 2
    per_area = v(Cylinder(dn.channels.KA, g=3.0))
    absolute = v(Cylinder(dn.channels.KA.absolute, g=3.0e-2 * area))
    assert per_area == pytest.approx(absolute, abs=1e-9)


def test_spikes_change_what_a_channel_far_away_says():
    class Tired(dn.Channel):
        equations = """
        I = -k * (1 pA) : pA
        dk/dt = -k/(50 ms) : 1
        on spike: k += jump
        jump = 2
        """

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-50, V_reset=-60)
            self.soma = dn.LeakyIF(1, V_rest=-65, I_ext=150, gL=5, C=60)
            self.dend = dn.Compartment(1, V_rest=-65, gL=1, C=10)
            self.axial = dn.MCConn(self.soma, self.dend, 5.0)
            self.tired = Tired(1, self.dend)

    cell = Cell()
    net = dn.Network([cell])
    k, spikes = net.probe(cell.tired, "k"), net.probe(cell, "spikes")
    net.run(100)
    jumps = np.flatnonzero(np.diff(k.values[:, 0]) > 0)
    assert jumps.tolist() == np.rint(spikes.t * 10).astype(int).tolist()
    assert len(jumps) > 2

"""Dendritic spikes, two-stage resets and adaptive somas agree with Dendrify 2.2 on Brian2 2.9.

With forward Euler and dt 0.1 ms, spike steps agree exactly, and potentials to 1e-6 mV.
"""

import dendrion as dn
import numpy as np
import pytest


class FourCompartments(dn.MCNeuron):
    """A soma and three dendrites that can generate dendritic spikes."""

    def __init__(self, active, width):
        super().__init__(1, V_th=-40, V_reset=-55, V_spike=40, spike_width=width, refractory=4)
        membrane = {"V_rest": -65, "gL": 40, "C": 1}
        self.soma = dn.LeakyIF(1, length=25, diameter=25, area_factor=2.8, **membrane)
        self.dends = [dn.Compartment(1, length=100, diameter=d, area_factor=4.2, **membrane) for d in (2.5, 1.0, 0.5)]
        parts = [self.soma, *self.dends]
        self.axial = [dn.MCConn(a, b, g=g) for a, b, g in zip(parts, parts[1:], (15.0, 6.0, 2.0), strict=False)]
        strengths = zip(self.dends, (22.0, 9.0, 3.7), (14.0, 5.7, 2.4), strict=True)
        self.spikes = [dn.DendriticSpike(1, d, g_rise=r, g_fall=f) for d, r, f in strengths] if active else []


def onsets(flag):
    """Return the steps of events, derived from a recorded pulse that begins one step after each event."""
    return np.flatnonzero(np.diff(flag.values[:, 0]) > 0)


def into_soma(cell, amplitude):
    current = dn.DCGenerator(1, amplitude=amplitude, start=10, stop=110)
    return dn.Network([cell, current, dn.ConnGen(current, cell.soma)], dt=0.1)


def test_spikes_spread_back_into_active_dendrites():
    cell = FourCompartments(True, 0.8)
    net = into_soma(cell, 115)
    spikes = net.probe(cell, "spikes")
    pulses = [net.probe(s, "rise") for s in cell.spikes]
    v = [net.probe(c, "V") for c in (cell.soma, *cell.dends)]
    net.run(170)
    assert np.rint(spikes.t * 10).tolist() == [570, 687, 802, 917, 1032]
    expected = [[573, 690, 805, 920, 1035], [584, 701, 816, 931, 1046], []]
    assert [onsets(p).tolist() for p in pulses] == expected
    assert [p.values.max() for p in v] == pytest.approx([40, -7.4644, -10.9977, -36.2197], abs=1e-4)


def test_a_reset_in_two_stages_with_passive_dendrites():
    cell = FourCompartments(False, 0.5)
    net = into_soma(cell, 200)
    spikes = net.probe(cell, "spikes")
    v = [net.probe(c, "V") for c in (cell.soma, *cell.dends)]
    net.run(170)
    assert np.rint(spikes.t * 10).tolist() == [249, *range(293, 1094, 40)]
    assert [p.values.max() for p in v] == pytest.approx([40, -27.1774, -39.9544, -43.9085], abs=1e-4)


class TwoCompartments(dn.MCNeuron):
    """A soma that does not spike, and a dendrite that can."""

    def __init__(self, rest, offset, active=True):
        super().__init__(1, V_th=1e3, V_reset=rest)
        self.soma = dn.LeakyIF(1, V_rest=rest, gL=10, C=200)
        self.dend = dn.Compartment(1, V_rest=rest, gL=2.5, C=50)
        self.axial = dn.MCConn(self.soma, self.dend, g=15.0)
        self.ampa = dn.AMPA(1, g=3, t_decay=2.0)
        self.on_ampa = dn.MCConnSynapse(self.ampa, self.dend)
        self.nmda = dn.NMDA(1, g=3, t_decay=50.0)
        self.on_nmda = dn.MCConnSynapse(self.nmda, self.dend)
        if active:
            self.spike = dn.DendriticSpike(1, self.dend, g_rise=30, g_fall=15, offset_fall=offset)


def test_currents_of_a_dendritic_spike():
    cell = TwoCompartments(-60, 0.5)
    current = dn.DCGenerator(1, amplitude=213, start=10, stop=160)
    net = dn.Network([cell, current, dn.ConnGen(current, cell.dend)], dt=0.1)
    dend, soma = net.probe(cell.dend, "V"), net.probe(cell.soma, "V")
    rise, i_rise, i_fall = (net.probe(cell.spike, name) for name in ("rise", "I_rise", "I_fall"))
    net.run(240)
    assert onsets(rise).tolist() == [1230, 1311, 1380, 1444, 1504, 1562]
    assert (dend.values.argmax(), soma.values.argmax()) == (1575, 1584)
    assert dend.values.max() == pytest.approx(-2.268112, abs=1e-6)
    assert soma.values.max() == pytest.approx(-40.004270, abs=1e-6)
    assert i_rise.values.max() == pytest.approx(3150.0, abs=1e-3)
    assert i_fall.values.min() == pytest.approx(-1300.98, abs=5e-3)


PEAKS = [3.864995, 7.571424, 11.140536, 14.588898, 17.926350, 21.157035, 24.277586, 27.277732]
ACTIVE = [58.073725, 58.715765, 59.216684, 59.690408, 60.084053, 60.406792, 60.840034]
PASSIVE = [30.136592, 32.830433, 35.338689, 37.642815, 39.735146, 41.618705, 43.306035]


@pytest.mark.parametrize(("active", "beyond"), [(True, ACTIVE), (False, PASSIVE)])
def test_dendritic_integration_jumps_at_the_ninth_input(active, beyond):
    peaks = []
    for inputs in range(1, 16):
        cell = TwoCompartments(-65, 0.2, active)
        source = dn.SpikeGenerator(1, indices=[0] * inputs, times=[10 + 0.1 * i for i in range(inputs)])
        synapse = dn.MCSynapse(source, (cell.ampa, cell.nmda), conn=np.ones((1, 1)), delay=0.0)
        net = dn.Network([cell, source, synapse], dt=0.1)
        v = net.probe(cell.dend, "V")
        net.run(150)
        peaks.append(v.values.max() + 65)
    assert peaks == pytest.approx(PEAKS + beyond, abs=1e-6)


def spike_times(soma, v_th, v_reset, current):
    class Point(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=v_th, V_reset=v_reset)
            self.soma = soma()

    cell, (amplitude, start, stop) = Point(), current
    source = dn.DCGenerator(1, amplitude=amplitude, start=start, stop=stop)
    net = dn.Network([cell, source, dn.ConnGen(source, cell.soma)], dt=0.1)
    spikes = net.probe(cell, "spikes")
    net.run(150)
    return np.rint(spikes.t * 10).tolist()


def test_adex():
    def soma():
        return dn.AdEx(1, V_rest=-70.6, gL=30, C=281)

    expected = [318, 455, 614, 801, 1021]
    assert spike_times(soma, -40.4, -70.6, (1000, 20, 120)) == expected


def test_adaptation_current():
    def soma():
        return dn.AdaptiveIF(1, V_rest=-65, gL=15, C=150)

    assert spike_times(soma, -50, -60, (500, 0, 150)) == [59, 112, 179, 268, 398, 615, 971, 1396]


def test_adaptation_conductance():
    def soma():
        return dn.CadIF(1, V_rest=-65, gL=15, C=150)

    expected = [59, 107, 161, 222, 293, 379, 489, 650, 919, 1241]
    assert spike_times(soma, -50, -60, (500, 0, 150)) == expected


def test_a_dendritic_spike_that_decays():
    """An event at the end of step n adds to the rise in step n + 1, and to the fall after its offset."""

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=1e3, V_reset=-65)
            self.soma = dn.LeakyIF(1, V_rest=-30, gL=1, C=100)
            self.spike = dn.DecayingDendriticSpike(1, self.soma, g_rise=4, g_fall=3, offset_fall=0.5, t_ref=2)

    cell = Cell()
    net = dn.Network([cell], dt=0.1)
    na, k = net.probe(cell.spike, "g_Na"), net.probe(cell.spike, "g_K")
    net.run(3)
    na, k = na.values[:, 0], k.values[:, 0]
    assert na[:3].tolist() == [0, 4, pytest.approx(4 * (1 - 0.1 / 0.6))]
    assert np.flatnonzero(np.diff(k) > 0).tolist() == [5, 25]
    assert np.flatnonzero(np.diff(na) > 0).tolist() == [0, 20]


def test_izhikevich():
    """A regular spiking cell agrees with the equations of the book, evaluated step by step."""

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=35, V_reset=-50)
            self.soma = dn.Izhikevich(1, V_rest=-60, C=100, I_ext=150)

    cell = Cell()
    net = dn.Network([cell], dt=0.1)
    v, u, spikes = net.probe(cell.soma, "V"), net.probe(cell.soma, "u"), net.probe(cell, "spikes")
    net.run(300)
    x, y, expected, steps = -60.0, 0.0, [], []
    for n in range(3000):
        expected.append((x, y))
        dx = (0.7 * (x + 60) * (x + 40) - y + 150) / 100
        x, y = x + 0.1 * dx, y + 0.1 * 0.03 * (-2 * (x + 60) - y)
        if x > 35:
            x, y = -50.0, y + 100
            steps.append(n)
    assert np.rint(spikes.t * 10).tolist() == steps
    assert len(steps) > 3
    got = np.stack([v.values[:, 0], u.values[:, 0]], axis=1)
    assert np.abs(got - np.array(expected)).max() < 1e-8


def test_the_current_of_a_soma_is_the_sum_of_all():
    class Point(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=0, V_reset=-60)
            self.soma = dn.AdaptiveIF(1, V_rest=-65, I_ext=30, a=2)

    cell = Point()
    net = dn.Network([cell])
    total, w = net.probe(cell.soma, "I"), net.probe(cell.soma, "w")
    net.run(50)
    assert total.values == pytest.approx(30 - w.values)
    assert net.variables(cell.soma) == ["V", "w", "I"]
    assert w.values[-1] > 0.1

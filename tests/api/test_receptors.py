"""Receptors work both attached to a compartment and as compartments themselves."""

import dendrion as dn
import numpy as np


class Own(dn.MCNeuron):
    """An AMPA receptor that is a compartment itself."""

    def __init__(self):
        super().__init__(1, V_th=1e6)
        self.soma = dn.LeakyIF(1, V_rest=-65.0, gL=10.0, C=200.0)
        self.ampa = dn.AMPA(1, V_rest=-65.0, gL=2.5, C=50.0, g=3.0, t_decay=2.0)
        self.axial = dn.MCConn(self.soma, self.ampa, 15.0)


class Attached(dn.MCNeuron):
    """The same neuron with a compartment and a receptor attached to it."""

    def __init__(self):
        super().__init__(1, V_th=1e6)
        self.soma = dn.LeakyIF(1, V_rest=-65.0, gL=10.0, C=200.0)
        self.dend = dn.Compartment(1, V_rest=-65.0, gL=2.5, C=50.0)
        self.axial = dn.MCConn(self.soma, self.dend, 15.0)
        self.ampa = dn.AMPA(1, g=3.0, t_decay=2.0)
        self.on = dn.MCConnSynapse(self.ampa, self.dend)


def voltages(cells, dend):
    source = dn.SpikeGenerator(1, indices=[0, 0], times=[1.0, 4.0])
    net = dn.Network([cells, source, dn.MCSynapse(source, cells.ampa, dn.One2One())])
    probes = net.probe(cells.soma, "V"), net.probe(dend, "V")
    net.run(30.0)
    return [p.values for p in probes], net


def test_both_ways_are_one_cell():
    own, attached = Own(), Attached()
    (a, b), first = voltages(own, own.ampa)
    (c, d), second = voltages(attached, attached.dend)
    np.testing.assert_array_equal(a, c)
    np.testing.assert_array_equal(b, d)
    assert b.max() > -60
    assert first.info["compartments"] == second.info["compartments"] == 2
    assert "own/ampa.gL" in first.parameters()
    assert "attached/ampa.gL" not in second.parameters()
    assert first.variables(own.ampa) == ["V", "s", "x", "I"]


def test_reversal_decides_the_sign():
    for kind, e, sign in ((dn.GABA, None, -1), (dn.AMPA, None, 1), (dn.AMPA, -90.0, -1)):
        cells = dn.MCNeuron(1, V_th=1e6, name="cells")
        cells.soma = dn.LeakyIF(1, V_rest=-65.0)
        cells.syn = kind(1, g=1.0, t_decay=5.0, **({} if e is None else {"E": e}))
        cells.on = dn.MCConnSynapse(cells.syn, cells.soma)
        source = dn.SpikeGenerator(1, indices=[0], times=[1.0])
        net = dn.Network([cells, source, dn.ConnGen(source, cells.syn)])
        v = net.probe(cells.soma, "V")
        net.run(10.0)
        assert np.sign(v.values[-1, 0] + 65.0) == sign

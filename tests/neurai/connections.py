"""Checks of the effects of the parameters of couplings and connections. See ``effects.py``."""

import dendrion as dn
import numpy as np

from .effects import DT


class Wired(dn.MCNeuron):
    """A soma and two dendrites, with receptors that checks attach."""

    def __init__(self, ends=("soma", "a"), g=2.0, receptor="first", on="a", **given):
        super().__init__(2, V_th=1e3, name="wired", **given)
        self.soma = dn.LeakyIF(2, V_rest=-60.0, gL=1.0, C=10.0)
        self.a = dn.Compartment(2, V_rest=-70.0, gL=1.0, C=10.0)
        self.b = dn.Compartment(2, V_rest=-80.0, gL=1.0, C=10.0)
        self.tested = dn.MCConn(getattr(self, ends[0]), getattr(self, ends[1]), g)
        rest = next(n for n in ("soma", "a", "b") if n not in ends)
        self.other = dn.MCConn(self.soma if rest != "soma" else self.a, getattr(self, rest), 1e-12)
        self.first, self.second = dn.AMPA(2, g=1.0, t_decay=5.0), dn.AMPA(2, g=1.0, t_decay=5.0)
        chosen = getattr(self, receptor)
        self.on = dn.MCConnSynapse(chosen, getattr(self, on))
        self.rest = dn.MCConnSynapse(self.second if receptor == "first" else self.first, self.soma)


def currents(cell, *extra, state=None):
    """Return the currents into the soma, a and b of neuron 0 at t = 0."""
    net = dn.Network([cell, *extra], dt=DT)
    net.set_state(state or {})
    probes = [net.probe(c, "I") for c in (cell.soma, cell.a, cell.b)]
    net.run(DT)
    return np.round([p.values[0, 0] for p in probes], 9).tolist()


def coupled_ends(_):
    assert currents(Wired(("soma", "a"))) == [-20.0, 20.0, 0.0]
    assert currents(Wired(("soma", "b"))) == [-40.0, 0.0, 40.0]
    assert currents(Wired(("a", "b"))) == [0.0, -20.0, 20.0]
    assert currents(Wired(("b", "a"))) == [0.0, -20.0, 20.0]


def coupling(_):
    assert currents(Wired(g=3.0)) == [-30.0, 30.0, 0.0]
    assert currents(Wired(g=0.5)) == [-5.0, 5.0, 0.0]


def attached(_):
    gates = {"wired/first.s": 1.0}
    assert currents(Wired(g=1e-12, receptor="first", on="a"), state=gates) == [0.0, 70.0, 0.0]
    assert currents(Wired(g=1e-12, receptor="first", on="b"), state=gates) == [0.0, 0.0, 80.0]
    assert currents(Wired(g=1e-12, receptor="second", on="a"), state=gates) == [60.0, 0.0, 0.0]


def arrivals(pre, post, conn):
    """Return the gates of both receptors after spikes of both generators at t = 0."""
    cell = Wired()
    noise = {n: dn.SpikeGenerator(2, k, t, name=n) for n, k, t in (("one", [0], [0.0]), ("both", [0, 1], [0.0, 0.0]))}
    syn = dn.MCSynapse(noise[pre], getattr(cell, post), conn)
    net = dn.Network([cell, noise[pre], syn], dt=DT)
    net.run(DT)
    return [net.get_state()[f"wired/{r}.s"].tolist() for r in ("first", "second")]


def synapse_pre(_):
    w = np.array([[1.0, 2.0], [4.0, 8.0]])
    assert arrivals("one", "first", w) == [[1.0, 2.0], [0.0, 0.0]]
    assert arrivals("both", "first", w) == [[5.0, 10.0], [0.0, 0.0]]


def synapse_post(_):
    assert arrivals("one", "second", np.ones((2, 2))) == [[0.0, 0.0], [1.0, 1.0]]
    assert arrivals("one", "first", np.ones((2, 2))) == [[1.0, 1.0], [0.0, 0.0]]


def synapse_conn(_):
    assert arrivals("both", "first", np.array([[0.0, 3.0], [0.5, 0.0]])) == [[0.5, 3.0], [0.0, 0.0]]
    assert arrivals("both", "first", dn.One2One()) == [[1.0, 1.0], [0.0, 0.0]]
    assert arrivals("one", "first", dn.One2One()) == [[1.0, 0.0], [0.0, 0.0]]


def injected(_):
    for amplitude, where, expected in ((5.0, "a", [0, 5, 0]), (5.0, "b", [0, 0, 5]), (9.0, "a", [0, 9, 0])):
        cell, dc = Wired(g=1e-12), dn.DCGenerator(1, amplitude=amplitude)
        assert currents(cell, dc, dn.ConnGen(dc, getattr(cell, where))) == expected
    cell, spikes = Wired(), dn.SpikeGenerator(2, [1], [0.0])
    net = dn.Network([cell, spikes, dn.ConnGen(spikes, cell.first)], dt=DT)
    net.run(DT)
    assert net.get_state()["wired/first.s"].tolist() == [0.0, 1.0]

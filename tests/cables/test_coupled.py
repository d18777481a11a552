"""With coupled gates, detailed cells equal few-compartment neurons whose compartments are their CVs."""

import dendrion as dn
import numpy as np
import pytest

SIZE, CVS, DT = 2, 7, 0.05
MEMBRANE = {"C": 1.1, "gL": 40.0, "V_rest": -66.0}


def source():
    return dn.SpikeGenerator(1, indices=[0] * 4, times=[1.0, 1.5, 3.0, 6.0], name="source")


def channels(c, *args, **kwargs):
    """Return channels whose gates depend on V, on calcium, and on each other."""
    yield c.HHNa(*args, **kwargs, g=120.0)
    yield c.HHK(*args, **kwargs, g=36.0)
    yield c.CaT(*args, **kwargs, g=0.5)
    yield c.CaPool(*args, **kwargs)
    yield c.KCa(*args, **kwargs, g=5.0)


class Detailed(dn.CableNeuron):
    def __init__(self, method):
        tree = dn.Morphology.cable(length=CVS * 60.0, diameter=2.0)
        at = [tree.at(0, (k + 0.5) / CVS) for k in (2, 5, 5)]
        settings = {"cv": dn.PerSection(CVS), "r_axial": 120.0, "V_th": -20.0, **MEMBRANE}
        super().__init__(SIZE, tree, gates="coupled", odemethod=method, name="cells", **settings)
        self.channels = list(channels(dn.channels, self, on="all"))
        self.nmda = dn.NMDA(self, at=at, g=2.0, t_decay=10.0, t_rise=1.0)


class Flat(dn.MCNeuron):
    def __init__(self, method):
        super().__init__(SIZE, V_th=-20.0, reset=False, odemethod=method, name="cells")
        geometry = {"length": 60.0, "diameter": 2.0, "r_axial": 120.0}
        make = [dn.LeakyIF] + [dn.Compartment] * (CVS - 1)
        self.cvs = [of(SIZE, **MEMBRANE, **geometry) for of in make]
        self.links = [dn.MCConn(a, b) for a, b in zip(self.cvs, self.cvs[1:], strict=False)]
        self.channels = [c for cv in self.cvs for c in channels(dn.channels, SIZE, on=cv)]
        self.nmda = [dn.NMDA(SIZE, g=2.0, t_decay=10.0, t_rise=1.0) for _ in range(3)]
        self.on = [dn.MCConnSynapse(r, self.cvs[k]) for r, k in zip(self.nmda, (2, 5, 5), strict=True)]


def current():
    return dn.CurrentGenerator(1, np.random.default_rng(0).uniform(0, 300, 300), name="wave")


def detailed(method):
    cells, spikes, wave = Detailed(method), source(), current()
    syn = dn.MCSynapse(spikes, cells.nmda, dn.All2All(), weight=2.0, name="syn")
    net = dn.Network([cells, spikes, wave, syn, dn.ConnGen(wave, cells.at(cells.tree.at(0, 0.0)))], dt=DT)
    v = net.probe(cells.at("all"), "V")
    run = net.run(15.0, grad=True)
    weights = np.random.default_rng(1).normal(size=v.values.shape)
    found = run.backward({v: weights})
    return v.values.reshape(-1, SIZE, CVS), found["wave"], weights.reshape(-1, SIZE, CVS)


def flat(method, weights):
    cells, spikes, wave = Flat(method), source(), current()
    synapses = [dn.MCSynapse(spikes, r, dn.All2All(), weight=2.0) for r in cells.nmda]
    net = dn.Network([cells, spikes, wave, *synapses, dn.ConnGen(wave, cells.cvs[0])], dt=DT)
    probes = [net.probe(cv, "V") for cv in cells.cvs]
    run = net.run(15.0, grad=True)
    found = run.backward({p: np.ascontiguousarray(weights[:, :, k]) for k, p in enumerate(probes)})
    return np.stack([p.values for p in probes], axis=2), found["wave"]


@pytest.mark.parametrize("method", ["implicit_euler", "crank_nicolson"])
def test_a_cable_and_its_compartments(method):
    v, gradient, weights = detailed(method)
    w, expected = flat(method, weights)
    assert v.max() > 0
    np.testing.assert_allclose(v, w, rtol=0, atol=1e-9)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-9 * np.abs(expected).max())

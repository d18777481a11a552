"""The network of ``reference``, built with Dendrion."""

import dendrion as dn
import numpy as np

SOMA = {"V_rest": -65.0, "gL": 40.0, "C": 1.0, "length": 30.0, "diameter": 20.0, "r_axial": 120.0}
DEND = {"V_rest": -66.0, "gL": 35.0, "C": 0.9, "length": 150.0, "diameter": 2.0, "r_axial": 110.0}
NMDA = {
    "g": 1.6,
    "w": 0.9,
    "t_rise": 2.0,
    "t_decay": 30.0,
    "E": 2.0,
    "Mg": 1.0,
    "alpha": 0.06,
    "beta": 3.5,
    "gamma": 1.0,
}
AMPA = {"g": 2.0, "w": 1.1, "t_decay": 2.5, "E": -1.0}
DT = 0.1


class Cell(dn.MCNeuron):
    def __init__(self, size, **settings):
        super().__init__(size, **settings)
        self.soma = dn.LeakyIF(size, **SOMA)
        self.dend = dn.Compartment(size, **DEND)
        self.axial = dn.MCConn(self.soma, self.dend)
        self.nmda = dn.NMDA(size, scale_g=True, **NMDA)
        self.on_dend = dn.MCConnSynapse(self.nmda, self.dend)
        self.ampa = dn.AMPA(size, **AMPA)
        self.on_soma = dn.MCConnSynapse(self.ampa, self.soma)


class Made:
    """A network of ``n`` neurons driven by ``m`` sources, with a delay for each connection, and its probes."""

    def __init__(self, n=5, m=4, seed=3, dtype="float64", threads=None, strength=0.4, i_ext=20.0, **settings):
        rng = np.random.default_rng(seed)
        self.n, self.m = n, m
        settings = {"V_th": -52.0, "V_reset": -60.0} | settings
        self.weights = {
            "w": strength * rng.uniform(0.1, 0.6, (m, n)),
            "w_ampa": strength * rng.uniform(0.1, 0.6, (m, n)),
            "rec": strength * rng.uniform(0.1, 0.6, (n, n)),
        }
        self.delays = {
            "w": rng.integers(0, 6, (m, n)),
            "w_ampa": rng.integers(0, 6, (m, n)),
            "rec": rng.integers(1, 20, (n, n)),
        }
        self.cell = Cell(n, name="cell", **settings)
        self.cell.soma.I_ext = i_ext
        self.source = dn.PoissonGenerator(m, rate=200.0, name="source")
        connect = {"w": (self.source, self.cell.nmda), "w_ampa": (self.source, self.cell.ampa)}
        connect["rec"] = (self.cell, self.cell.nmda)
        self.synapses = {
            name: dn.MCSynapse(pre, post, conn=self.weights[name], delay=self.delays[name] * DT, name=name)
            for name, (pre, post) in connect.items()
        }
        parts = [self.cell, self.source, *self.synapses.values()]
        self.net = dn.Network(parts, dt=DT, seed=1, dtype=dtype, threads=threads)
        self.v = self.net.probe(self.cell.soma, "V")
        self.vd = self.net.probe(self.cell.dend, "V")
        self.spikes = self.net.probe(self.cell, "spikes")

    @property
    def probes(self):
        return [self.v, self.vd, self.spikes]

    def input(self, steps, seed=5, rate=0.04, batch=()):
        """Return input spikes, some of which are real numbers."""
        rng = np.random.default_rng(seed)
        shape = (*batch, steps, self.m)
        return rng.poisson(rate, shape) * rng.choice([1.0, 1.0, 0.7, 1.6], shape)

    def cotangents(self, steps, seed=7, batch=()):
        rng = np.random.default_rng(seed)
        return [rng.normal(size=(*batch, steps, self.n)) * scale for scale in (0.1, 0.1, 1.0)]

    def reference_key(self, key):
        """Return a parameter's name in the reference: ``cell/soma.gL`` is ``soma.gL``, ``cell.V_th`` is ``V_th``."""
        module, name = key.rsplit(".", 1)
        if module in self.synapses:
            return module
        return name if module == "cell" else f"{module.removeprefix('cell/')}.{name}"

"""Neurons for tests of plots."""

from __future__ import annotations

import dendrion as dn
import numpy as np


class Branching(dn.MCNeuron):
    """A soma and random dendrites, in named lists. Each dendrite is attached to the soma or to an earlier one."""

    def __init__(self, seed, count, names=("dends",), on_soma=0.1, thick=6.0):
        super().__init__(1, V_th=-50.0, V_reset=-60.0, name="branching")
        rng = np.random.default_rng(seed)
        membrane = {"gL": 40.0, "C": 1.0, "r_axial": 100.0}
        self.soma = dn.LeakyIF(1, length=rng.uniform(10, 40), diameter=rng.uniform(10, 30), **membrane)
        made, named, links = [], {name: [] for name in names}, []
        for _ in range(count):
            size = {"length": rng.lognormal(4, 1), "diameter": rng.uniform(0.3, thick)}
            dendrite = dn.Compartment(1, **size, **membrane)
            onto = self.soma if not made or rng.random() < on_soma else made[rng.integers(len(made))]
            links.append(dn.MCConn(onto, dendrite))
            named[names[rng.integers(len(names))]].append(dendrite)
            made.append(dendrite)
        for name, dendrites in named.items():
            setattr(self, name, dendrites)
        self.links = links


class Plain(dn.MCNeuron):
    """Compartments that have a geometry only if one is passed."""

    def __init__(self, size=1, **geometry):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, name="plain")
        self.soma = dn.LeakyIF(size, gL=10.0, C=200.0)
        self.near = dn.Compartment(size, gL=[2.5] * size, C=50.0)
        self.far = dn.Compartment(size, gL=5.0, C=50.0, **geometry)
        self.inner, self.outer = dn.MCConn(self.soma, self.near, g=10.0), dn.MCConn(self.near, self.far, g=10.0)

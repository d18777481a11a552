"""A network that the tests of the PyTorch layer share."""

import dendrion as dn
import numpy as np
import pytest

STEPS = 40
KEYS = ["synapse.w", "cell/dend.gL", "cell/axial.g", "cell/nmda.t_decay", "cell/dend.V_rest"]


class Cell(dn.MCNeuron):
    def __init__(self, size, noisy, **settings):
        super().__init__(size, **({"V_th": -50.0, "V_reset": -60.0} | settings))
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=20.0, gL=1.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=10.0, gL=0.5)
        self.axial = dn.MCConn(self.soma, self.dend, 3.0)
        self.nmda = dn.NMDA(size, g=0.5, t_rise=1.0, t_decay=20.0)
        self.on = dn.MCConnSynapse(self.nmda, self.dend)
        if noisy:
            self.noise = dn.WhiteNoise(self.soma, sigma=5.0)


class Net:
    """A network of two cells and three sources, with probes of V and of spikes."""

    def __init__(self, dtype="float64", noisy=False, weight=1.0, seed=0, **settings):
        self.cell = Cell(2, noisy, name="cell", **settings)
        self.source = dn.PoissonGenerator(3, rate=300.0, name="source")
        weights = weight * np.linspace(0.5, 1.5, 6).reshape(3, 2)
        self.synapse = dn.MCSynapse(self.source, self.cell.nmda, conn=weights, delay=0.3, name="synapse")
        self.net = dn.Network([self.cell, self.source, self.synapse], dt=0.1, dtype=dtype, seed=seed)
        self.v, self.spikes = self.net.probe(self.cell.soma, "V"), self.net.probe(self.cell, "spikes")

    def layer(self, inputs=True, spikes=False, steps=STEPS, **settings):
        from dendrion.torch import Layer

        outputs = [self.v, self.spikes] if spikes else [self.v]
        settings = {"train": KEYS} | settings
        return Layer(self.net, steps * 0.1, [self.source] if inputs else [], outputs, **settings)


@pytest.fixture
def made():
    return Net


@pytest.fixture
def x():
    """Return an input with two samples."""
    torch = pytest.importorskip("torch")
    return torch.rand(2, STEPS, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

"""Fixtures for plots, which are not shown, and a small network whose recordings are drawn."""

from __future__ import annotations

from typing import NamedTuple

import dendrion as dn
import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close():
    """Close all figures."""
    yield
    plt.close("all")


class Ran(NamedTuple):
    """Recordings of four cells with different inputs, and of a generator, for 100.3 ms."""

    cells: dn.MCNeuron
    soma: dn.Recording
    dend: dn.Recording
    current: dn.Recording
    spikes: dn.SpikeRecording
    source: dn.SpikeRecording


@pytest.fixture(scope="session")
def ran():
    """Return recordings of a network that ran."""
    cells, generator, net = _network()
    soma, dend = net.probe(cells.soma, "V"), net.probe(cells.dend, "V")
    made = Ran(
        cells,
        soma,
        dend,
        net.probe(cells.soma, "I"),
        net.probe(cells, "spikes"),
        net.probe(generator, "spikes"),
    )
    net.run(100.3)
    assert len(made.spikes) > 10
    _kept.append(net)
    return made


@pytest.fixture(scope="session")
def batch():
    """Return V of the somas and spikes after a run with a batch of three."""
    cells, generator, net = _network()
    v, spikes = net.probe(cells.soma, "V"), net.probe(cells, "spikes")
    inputs = np.random.default_rng(0).poisson([[[0.01]], [[0.03]], [[0.1]]], (3, 500, 2))
    net.run(50.0, batch=3, inputs={generator: inputs})
    assert v.values.shape == (3, 500, 4)
    _kept.append(net)
    return v, spikes


#: Keeps the networks of recordings alive.
_kept: list[dn.Network] = []


class Cells(dn.MCNeuron):
    """A neuron with a soma, and a dendrite with an AMPA receptor."""

    def __init__(self, size):
        super().__init__(size, V_th=-48.0, V_reset=-60.0, name="cells")
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, g=15.0)
        self.ampa = dn.AMPA(size, g=3.0, t_decay=2.0)
        self.on = dn.MCConnSynapse(self.ampa, self.dend)


def _network():
    cells = Cells(4)
    cells.soma.I_ext = [0.0, 250.0, 300.0, 400.0]
    generator = dn.PoissonGenerator(2, rate=200.0, name="source")
    syn = dn.MCSynapse(generator, cells.ampa, np.ones((2, 4)), delay=1.0)
    return cells, generator, dn.Network([cells, generator, syn], seed=1)
